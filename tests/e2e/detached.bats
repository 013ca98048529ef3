# Detached containers need nobody: not the command, not the shell, not the terminal.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

inspect() { moss inspect -f "{{.$1}}" "$2"; }

@test "run -d prints the id and returns at once" {
	start=$SECONDS
	run moss run -d --name one --network none busybox sleep 100
	[ "$status" -eq 0 ]
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ $((SECONDS - start)) -le 3 ]
	[ "$(inspect State.Running one)" = true ]
}

@test "run -d holds no descriptor of the caller: a pipe that waits for its end gets it" {
	out=$(timeout 10 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run -d --network none busybox sleep 100 2>&1)
	[[ $out =~ ^[0-9a-f]{64}$ ]]
}

@test "the monitor has nothing of the caller's: descriptors, environment, working folder" {
	exec 40<"$HOME"
	cd "$HOME"
	SECRET=hush moss run -d --name one --network none busybox sleep 100 >/dev/null
	exec 40<&-
	monitor=$(sqlite3 "$ROOT/moss.db" 'select monitor_pid from container')
	run inside ls -l "/proc/$monitor/fd"
	[[ $output == *alive* ]]
	[[ $output != *"-> $HOME"* ]]
	[[ $(inside cat "/proc/$monitor/environ" | tr '\0' '\n') != *SECRET* ]]
	[ "$(inside readlink "/proc/$monitor/cwd")" = / ]
}
# In the namespace that the container shares with its monitor: the monitor is not dumpable.
inside() { nsenter -U --preserve-credentials -t "$(inspect State.Pid one)" "$@"; }

@test "its end is recorded though nobody watches: code, time, output" {
	id=$(moss run -d --name one --network none busybox sh -c 'sleep 0.6; echo last words; exit 41')
	wait_for 10 ended one
	[ "$(inspect State.ExitCode one)" -eq 41 ]
	[ "$(inspect State.Status one)" = exited ]
	[ "$(inspect State.FinishedAt one)" \> "$(inspect State.StartedAt one)" ]
	[ "$(moss logs one)" = "last words" ]
	[ "$(cat "$ROOT/containers/$id/$id-json.log" | wc -l)" -eq 1 ]
}
ended() { [ "$(sqlite3 "$ROOT/moss.db" "select state from container where name='$1'")" = exited ]; }

@test "it outlives the session and the terminal that made it" {
	"$MOSS_TEST_LIB/pty" bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' run -d --name one --network none busybox sh -c 'sleep 1; echo alive; sleep 100'" <<-'STEPS'
		exit 0
	STEPS
	wait_for 10 logs_have one alive
	[ "$(inspect State.Running one)" = true ]
}
logs_have() { moss logs "$1" | grep -q "$2"; }

@test "killing the command leaves the container running, and its end is recorded all the same" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name one --network none busybox sh -c 'echo ready; until [ -e /go ]; do sleep 0.1; done; exit 8' >"$WORK/out" 3>&- &
	pid=$!
	wait_for 5 grep -q ready "$WORK/out"
	kill -9 $pid
	moss exec one touch /go
	wait_for 10 ended one
	[ "$(inspect State.ExitCode one)" -eq 8 ]
}

@test "the monitor is small" {
	moss run -d --name one --network none busybox sleep 100 >/dev/null
	monitor=$(sqlite3 "$ROOT/moss.db" 'select monitor_pid from container')
	sleep 0.3
	if inside grep -q __asan_init "/proc/$monitor/exe"; then
		skip "built with sanitizers, whose memory says nothing"
	fi
	dirty=$(inside awk '/^Private_Dirty/ { print $2 }' "/proc/$monitor/smaps_rollup")
	[ "$dirty" -le 1024 ]
}

@test "one that removes itself, with nobody watching" {
	moss run -d --rm --name one --network none busybox sh -c 'sleep 0.3' >/dev/null
	wait_for 10 no_containers
	wait_for 5 is_empty "$ROOT/containers"
	wait_for 5 is_empty "$ROOT/trash"
}
no_containers() { [ -z "$(moss ps -aq)" ]; }
is_empty() { [ -z "$(ls "$1")" ]; }

@test "--pid=host: what the container started ends with it, and nothing else" {
	mark=2$BATS_TEST_NUMBER$$
	sleep "$mark" 3>&- &
	mine=$!
	moss run --rm --network none --pid=host busybox sh -c "sleep $mark & (sleep $mark &) ; sleep 0.2"
	wait_for 5 only_mine
	kill $mine
}
only_mine() { [ "$(pgrep -f "sleep $mark")" = "$mine" ]; }
