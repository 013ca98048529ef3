# moss start: recorded containers, again and again.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

has_lines() { [ "$(moss logs "$1" | wc -l)" -eq "$2" ]; }
state() { moss inspect -f "{{.State.$1}}" "$2"; }

@test "create, start, start again: the name is echoed, a running one is left alone" {
	moss create --name one --network none busybox sh -c 'date +%s%N; sleep 100' >/dev/null
	[ "$(state Status one)" = created ]
	[ "$(moss start one)" = one ]
	[ "$(state Running one)" = true ]
	wait_for 5 has_lines one 1
	pid=$(state Pid one)
	[ "$(moss start one)" = one ]
	[ "$(state Pid one)" = "$pid" ]
	moss stop -t 0 one
	[ "$(state Status one)" = exited ]
	[ "$(state Pid one)" = 0 ]
	moss start one
	wait_for 5 has_lines one 2
}

@test "start -a: output, streams apart, exit status" {
	moss create --name one --network none busybox sh -c 'echo out; echo err >&2; exit 6' >/dev/null
	run --separate-stderr moss start -a one
	[ "$status" -eq 6 ]
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "start -ai passes input and its end" {
	moss create -i --name one --network none busybox cat >/dev/null
	[ "$(echo hello | moss start -ai one)" = hello ]
	[ "$(echo again | moss start -i one)" = again ]
}

@test "several with -a, missing ones, one bad among good ones" {
	moss create --name one --network none busybox true >/dev/null
	moss create --name two --network none busybox true >/dev/null
	run moss start -a one two
	[ "$status" -eq 1 ]
	[[ $output == *"you cannot start and attach multiple containers at once"* ]]
	run --separate-stderr moss start one nope two
	[ "$status" -eq 1 ]
	[ "$output" = $'one\ntwo' ]
	[[ $stderr == *"No such container: nope"*"failed to start containers: nope"* ]]
}

@test "a command that is not there: created, with the error and 127; start says it again" {
	run -127 moss run --name bad --network none busybox nosuch
	[[ $output == *'exec: "nosuch": executable file not found in $PATH'* ]]
	[ "$(state Status bad)" = created ]
	[ "$(state ExitCode bad)" = 127 ]
	[[ $(state Error bad) == *'executable file not found in $PATH'* ]]
	run moss start bad
	[ "$status" -eq 1 ]
	[[ $output == *'executable file not found in $PATH'* ]]
	run moss run --name dir --network none busybox /etc
	[ "$status" -eq 126 ]
	[ "$(state ExitCode dir)" = 126 ]
}

@test "the same with --rm leaves nothing" {
	run -127 moss run --rm --network none busybox nosuch
	[ -z "$(moss ps -aq)" ]
	[ -z "$(ls "$ROOT/containers")" ]
	wait_for 5 is_empty "$RUNROOT/c"
	wait_for 5 is_empty "$ROOT/trash"
}

@test "files written before are there after a restart; restart echoes the name" {
	moss run --name one --network none busybox sh -c 'echo x >>/count; wc -l </count; sleep 0.1'
	moss start -a one
	[ "$(moss start -a one)" = 3 ]
	moss run -d --name two --network none busybox sh -c 'echo start; sleep 100' >/dev/null
	wait_for 5 has_lines two 1
	[ "$(moss restart -t 0 two)" = two ]
	[ "$(state Running two)" = true ]
	wait_for 5 has_lines two 2
}

is_empty() { [ -z "$(ls "$1")" ]; }

@test "twenty starts at once start it once" {
	moss create --name one --network none busybox sh -c 'echo started; sleep 100' >/dev/null
	for _ in $(seq 20); do moss start one >/dev/null 3>&- & done
	wait
	wait_for 5 has_lines one 1
	[ "$(moss logs one)" = started ]
}
