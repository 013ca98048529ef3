# moss rm: what goes, what is refused, who may be at it at the same time.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

is_empty() { [ -z "$(ls "$1" 2>/dev/null)" ]; }

@test "rm echoes what was typed and leaves no file" {
	moss run --name one --network none busybox sh -c 'mkdir -p /a/b; echo x >/a/b/c; chmod 0 /a/b; chown 5:5 /a'
	[ "$(moss rm one)" = one ]
	is_empty "$ROOT/containers"
	is_empty "$ROOT/trash"
	run moss rm one
	[ "$status" -eq 1 ]
	[[ $output == *"No such container: one"* ]]
	run moss rm -f one
	[ "$status" -eq 0 ]
}

@test "a running one is refused in Docker's words, -f takes it" {
	moss run -d --name one --network none busybox sleep 100 >/dev/null
	run moss rm one
	[ "$status" -eq 1 ]
	[[ $output == *'cannot remove container "/one": container is running: stop the container before removing or force remove'* ]]
	pid=$(moss inspect -f '{{.State.Pid}}' one)
	[ "$(moss rm -f one)" = one ]
	run kill -0 "$pid"
	[ "$status" -ne 0 ]
	is_empty "$ROOT/containers"
	wait_for 5 is_empty "$RUNROOT/c"
}

@test "by id, by prefix, several, one missing" {
	id=$(moss create --network none busybox true)
	[ "$(moss rm "${id:0:12}")" = "${id:0:12}" ]
	one=$(moss create --name one --network none busybox true)
	moss create --name two --network none busybox true >/dev/null
	run --separate-stderr moss rm "$one" nope two
	[ "$status" -eq 1 ]
	[ "$output" = "$one"$'\ntwo' ]
	is_empty "$ROOT/containers"
}

@test "-v takes volumes without a name, and no others" {
	moss run --name one --network none -v /anon -v named:/named busybox true
	[ "$(moss volume ls -q | wc -l)" -eq 2 ]
	moss rm -v one
	[ "$(moss volume ls -q)" = named ]
	moss run --name two --network none -v /anon busybox true
	moss rm two
	[ "$(moss volume ls -q | wc -l)" -eq 2 ]
	moss run --rm --network none -v /anon busybox true
	[ "$(moss volume ls -q | wc -l)" -eq 2 ]
}

@test "--rm: gone when the command returns, its files soon after" {
	moss run --rm --network none busybox sh -c 'mkdir /x; chown 7:7 /x; echo y >/x/y'
	[ -z "$(moss ps -aq)" ]
	is_empty "$ROOT/containers"
	wait_for 5 is_empty "$ROOT/trash"
	wait_for 5 is_empty "$RUNROOT/c"
}

@test "rm against start, stop and itself: one answer, nothing left" {
	for i in 1 2 3 4 5; do
		moss create --name "c$i" --network none busybox sleep 100 >/dev/null
		moss start "c$i" >/dev/null 2>&1 3>&- &
		moss rm -f "c$i" >/dev/null 2>&1 3>&- &
		moss rm -f "c$i" >/dev/null 2>&1 3>&- &
		wait
		moss rm -f "c$i" 2>/dev/null
	done
	[ -z "$(moss ps -aq)" ]
	is_empty "$ROOT/containers"
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
}

@test "rm -f of one that a terminal watches ends the watching" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name one --network none busybox sh -c 'echo ready; sleep 100' >"$WORK/out" 3>&- &
	pid=$!
	wait_for 5 grep -q ready "$WORK/out"
	moss rm -f one
	status=0
	wait $pid || status=$?
	[ "$status" -eq 137 ]
	[ -z "$(moss ps -aq)" ]
}
