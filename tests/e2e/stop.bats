# moss stop, kill, wait: signals and ends.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

exit_code() { moss inspect -f '{{.State.ExitCode}}' "$1"; }
run_trap() { # run_trap NAME FLAGS...: says ready, and which signal it got
	local name=$1
	shift
	moss run -d --name "$name" --network none "$@" busybox sh -c '
		for s in TERM INT QUIT USR1 HUP; do trap "echo got $s; exit 9" $s; done
		echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_for 5 grep -q ready <(moss logs "$name") || wait_for 5 logs_have "$name" ready
}
logs_have() { moss logs "$1" 2>&1 | grep -q "$2"; }

@test "stop sends the stop signal and waits" {
	run_trap one
	[ "$(moss stop one)" = one ]
	[ "$(exit_code one)" -eq 9 ]
	logs_have one 'got TERM'
	[ "$(moss stop one)" = one ] # again: nothing to do, no failure
}

@test "the container's own stop signal, and another one" {
	run_trap one --stop-signal QUIT
	moss stop one
	logs_have one 'got QUIT'
	run_trap two
	moss stop -s USR1 two
	logs_have two 'got USR1'
}

@test "one that does not listen is killed after the time" {
	moss run -d --name deaf --network none busybox sleep 100 >/dev/null
	start=$SECONDS
	moss stop -t 1 deaf
	[ $((SECONDS - start)) -le 4 ]
	[ "$(exit_code deaf)" -eq 137 ]
	moss run -d --name deaf2 --stop-timeout 1 --network none busybox sleep 100 >/dev/null
	start=$SECONDS
	moss stop deaf2
	[ $((SECONDS - start)) -le 4 ]
}

@test "stop: missing, several, bad time" {
	moss run -d --name one --network none busybox sleep 100 >/dev/null
	run --separate-stderr moss stop -t 0 nope one
	[ "$status" -eq 1 ]
	[ "$output" = one ]
	[[ $stderr == *"No such container: nope"* ]]
	run moss stop -t abc one
	[ "$status" -eq 125 ]
	[[ $output == *'invalid argument "abc"'* ]]
}

@test "kill: names and numbers, what is no signal, what does not run" {
	run_trap one
	[ "$(moss kill -s SIGUSR1 one)" = one ]
	[ "$(moss wait one)" -eq 9 ]
	moss start one
	moss kill -s 9 one
	[ "$(exit_code one)" -eq 137 ] # recorded when the command returns
	run moss kill one
	[ "$status" -eq 1 ]
	[[ $output == *"cannot kill container: one: container $(moss inspect -f '{{.Id}}' one) is not running"* ]]
	run moss kill -s FOO one
	[[ $output == *"cannot kill container: one: invalid signal: FOO"* ]]
	run moss kill nope
	[ "$status" -eq 1 ]
	[[ $output == *"No such container: nope"* ]]
}

@test "wait: status codes in order of the arguments, also of one that removes itself" {
	moss run -d --name slow --network none busybox sh -c 'sleep 0.5; exit 3' >/dev/null
	moss run -d --name fast --network none busybox sh -c 'exit 4' >/dev/null
	moss run -d --rm --name gone --network none busybox sh -c 'sleep 0.7; exit 5' >/dev/null
	[ "$(moss wait slow fast gone | tr '\n' ' ')" = "3 4 5 " ]
	[ "$(moss wait slow fast | tr '\n' ' ')" = "3 4 " ]
	run moss wait gone
	[ "$status" -eq 1 ]
	[[ $output == *"No such container: gone"* ]]
	moss create --name never --network none busybox true >/dev/null
	[ "$(moss wait never)" -eq 0 ]
}

@test "many wait for one" {
	moss run -d --name one --network none busybox sh -c 'sleep 1; exit 6' >/dev/null
	for i in 1 2 3 4 5 6; do moss wait one >"$WORK/w$i" 3>&- & done
	wait
	[ "$(cat "$WORK"/w? | sort -u)" -eq 6 ]
}

@test "a signal to moss run is passed on; without sig-proxy it ends moss run only" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name one --network none busybox sh -c \
		'trap "echo got; exit 7" INT; echo ready; while :; do sleep 0.1; done' \
		>"$WORK/out" 3>&- &
	pid=$!
	wait_for 5 grep -q ready "$WORK/out"
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 7 ]
	grep -q got "$WORK/out"
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name two --sig-proxy=false --network none busybox sh -c 'echo ready; sleep 100' \
		>"$WORK/out2" 3>&- &
	pid=$!
	wait_for 5 grep -q ready "$WORK/out2"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	[ "$(moss inspect -f '{{.State.Running}}' two)" = true ]
}

@test "a signal that ends it: 128 + its number" {
	run moss run --rm --network none busybox sh -c 'kill -SEGV $$; kill -9 $$'
	[ "$status" -eq 0 ] || [ "$status" -eq 139 ] || [ "$status" -eq 137 ]
	moss run -d --name one --network none busybox sleep 100 >/dev/null
	moss kill one
	[ "$(moss wait one)" -eq 137 ]
}
