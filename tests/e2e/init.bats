# --init: a small pid 1 that passes signals on and reaps.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

run_init() { run moss run --rm --init --network none busybox "$@"; }

@test "it is pid 1, the program its child in a group of its own" {
	run_init sh -c 'echo $$; cat /proc/1/comm; cut -d" " -f5 /proc/self/stat >/dev/null; ps -o pid,pgid,args'
	[ "${lines[0]}" = 2 ]
	[ "${lines[1]}" = moss-init ]
	[[ "$output" == *"1     1 moss-init -- sh -c"* ]]
	[[ "$output" == *"2     2 "*"sh -c"* ]]
}

@test "the program's exit code, also by a signal" {
	run_init sh -c 'exit 9'
	[ "$status" -eq 9 ]
	run_init sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run_init true
	[ "$status" -eq 0 ]
}

@test "a program that is not there or not executable" {
	run -127 moss run --rm --init --network none busybox nosuch
	[[ "$output" == *'exec: "nosuch": executable file not found in $PATH'* ]]
	run -126 moss run --rm --init --network none busybox /etc/passwd
	[[ "$output" == *'exec: "/etc/passwd": permission denied'* ]]
	printf xx >"$WORK/x"
	chmod 755 "$WORK/x"
	run -126 moss run --rm --init --network none -v "$WORK/x:/x" busybox /x
	[[ "$output" == *"exec /x: exec format error"* ]]
}

@test "orphans are reaped" {
	run_init sh -c 'for i in 1 2 3 4 5; do (sleep 0.1 & ); done; sleep 0.6; ps -o stat | grep -c Z'
	[ "$output" = 0 ]
}

@test "orphans do not keep the container" {
	SECONDS=0
	run_init sh -c 'sleep 60 & exit 3'
	[ "$status" -eq 3 ]
	[ $SECONDS -lt 20 ]
}

@test "signals reach the program" {
	moss run -d --name ct --init --network none busybox sh -c 'trap "echo usr" USR1; trap "echo term; exit 8" TERM; echo up; while :; do sleep 0.05; done' >/dev/null
	wait_for 10 bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' logs ct | grep -q up"
	moss kill -s USR1 ct >/dev/null
	wait_for 10 bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' logs ct | grep -q usr"
	moss stop -t 20 ct >/dev/null
	[ "$(moss wait ct)" = 8 ]
	run moss logs ct
	[[ "$output" == *term* ]]
}

@test "a shell on a terminal has job control" {
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm -it --init --network none busybox sh <<-'STEPS'
		expect #
		send echo go; sleep 1000\r
		expect go\r\n
		pause 0.3
		send \x03
		expect #
		send exit 6\r
		exit 6
		cooked
	STEPS
}

@test "its file is sealed: nothing can be written into it" {
	run_init sh -c '( echo x >/proc/1/exe ) 2>&1; ( : >>/proc/1/exe ) 2>&1'
	[ "$(grep -c "can't create /proc/1/exe" <<<"$output")" -eq 2 ]
}
