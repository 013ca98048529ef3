# Input and output without a terminal: whole, apart, binary, however slow the other side is.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

@test "100 MB of any bytes through stdin and stdout, and through stderr" {
	head -c 100M /dev/urandom >"$WORK/in"
	moss run --rm -i --network none --log-driver none busybox cat <"$WORK/in" | cmp - "$WORK/in"
	moss run --rm -i --network none --log-driver none busybox sh -c 'cat >&2' <"$WORK/in" 2>&1 >/dev/null |
		cmp - "$WORK/in"
	moss run --rm -i --network none --log-driver none busybox tee /dev/stderr <"$WORK/in" \
		2>"$WORK/err" >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
	cmp "$WORK/in" "$WORK/err"
}

@test "2 GB out to a slow reader, and in to one that does not read to the end" {
	[ "$(moss run --rm --network none --log-driver none busybox dd if=/dev/zero bs=1M count=2000 2>/dev/null |
		{ sleep 0.5; wc -c; })" -eq 2097152000 ]
	[ "$(head -c 300M /dev/zero | moss run --rm -i --network none busybox head -c 5 | wc -c)" -eq 5 ]
}

@test "the reader of one stream waits: the other streams and signals go on" {
	mkfifo "$WORK/out"
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name one --network none --log-driver none busybox sh -c \
		'trap "echo bye >&2; exit 3" USR1; yes & echo ready >&2; while :; do sleep 0.1; done' >"$WORK/out" 2>"$WORK/err" 3>&- &
	pid=$!
	exec 5<"$WORK/out"
	wait_for 5 grep -q ready "$WORK/err"
	sleep 0.7 # for the pipe to be full, most of the time
	kill -USR1 $pid
	wait_for 5 sh -c "[ \"\$($MOSS --root '$ROOT' --runroot '$RUNROOT' inspect -f '{{.State.ExitCode}}' one)\" = 3 ]"
	cat <&5 >/dev/null
	exec 5<&-
	status=0
	wait $pid || status=$?
	[ "$status" -eq 3 ]
}

@test "end of input: at once, later, and none without -i" {
	[ -z "$(moss run --rm -i --network none busybox cat </dev/null)" ]
	[ "$( (echo a; sleep 0.5; echo b) | moss run --rm -i --network none busybox cat | tr '\n' ' ')" = "a b " ]
	[ -z "$(echo x | moss run --rm --network none busybox cat)" ]
}

@test "a reader that goes away ends the command, not the container" {
	run bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' run --name one --network none busybox sh -c 'while :; do echo y; sleep 0.05; done' | head -n 1"
	[ "${lines[0]}" = y ]
	[ "$(moss inspect -f '{{.State.Running}}' one)" = true ]
}

all_attached() { [ "$(moss events --since 60s --until 0s --filter event=attach --format x | wc -l)" = 3 ]; }
@test "attach: joins late, sees what comes, gets the status; several at once" {
	moss run -d --name one --network none busybox sh -c \
		'echo early; until [ -e /attached ]; do sleep 0.1; done
		until [ -e /seen ]; do echo late; echo err >&2; sleep 0.1; done; exit 4' >/dev/null
	for i in 1 2 3; do
		( set +e; moss attach --no-stdin one >"$WORK/o$i" 2>"$WORK/e$i"; echo $? >"$WORK/s$i" ) 3>&- &
	done
	wait_for 10 all_attached
	moss exec one touch /attached
	for i in 1 2 3; do
		wait_for 10 grep -q late "$WORK/o$i"
		wait_for 10 grep -q err "$WORK/e$i"
	done
	moss exec one touch /seen
	wait
	for i in 1 2 3; do
		[ "$(tail -n 1 "$WORK/o$i")" = late ]
		[ "$(sort -u "$WORK/e$i")" = err ]
		[ "$(cat "$WORK/s$i")" -eq 4 ]
	done
}

@test "attach: input to a container that was started without us" {
	moss run -di --name one --network none busybox cat >/dev/null
	echo hello | timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" attach one >"$WORK/out" 3>&- &
	wait_for 5 grep -q hello "$WORK/out"
	moss rm -f one
	wait
}

@test "attach: not running, missing" {
	moss create --name one --network none busybox true >/dev/null
	run moss attach one
	[ "$status" -eq 1 ]
	[[ $output == *"You cannot attach to a stopped container, start it first"* ]]
	run moss attach nope
	[ "$status" -eq 1 ]
	[[ $output == *"No such container: nope"* ]]
}

@test "the run root may vanish: attach, exec and stop still work" {
	moss run -d --name one --network none busybox sh -c 'while :; do echo tick; sleep 0.2; done' >/dev/null
	rm -rf "$RUNROOT"
	run timeout 5 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" attach --no-stdin --sig-proxy=false one
	[ "$status" -eq 124 ]
	[[ $output == *tick* ]]
	moss stop -t 0 one
	[ "$(moss inspect -f '{{.State.Status}}' one)" = exited ]
}

@test "a run root with a long name" {
	RUNROOT=$WORK/$(printf 'long%.0s' $(seq 45))
	moss run -d --name one --network none busybox sh -c 'sleep 0.5; echo hi; exit 2' >/dev/null
	run moss attach --no-stdin one
	[ "$status" -eq 2 ]
	[ "$output" = hi ]
}
