# After a boot: what is started again. A boot is told by its id; here the rows get another one, and
# the processes of "before" are killed as the end of the machine does it.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

state_is() { [ "$(moss inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
sleeper() { # sleeper NAME FLAGS...
	local name=$1
	shift
	moss run -d --name "$name" --network none "$@" busybox sleep 100 >/dev/null
}
# Every monitor and init at once, then the run root; the rows are of another boot then.
machine_ends() {
	local pids
	pids=$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container WHERE monitor_pid > 0
		UNION SELECT init_pid FROM container WHERE init_pid > 0")
	# shellcheck disable=SC2086 # a list of ids
	kill -9 $pids 2>/dev/null || true
	sqlite3 "$ROOT/moss.db" \
		"UPDATE container SET boot_id = '00000000-0000-0000-0000-000000000000' WHERE boot_id <> ''"
	rm -rf "$RUNROOT"
}

@test "always, unless-stopped and on-failure, as Docker's daemon does it" {
	sleeper plain
	sleeper always --restart always
	sleeper unless --restart unless-stopped
	sleeper failing --restart on-failure
	sleeper always-stopped --restart always
	sleeper unless-stopped --restart unless-stopped
	sleeper failing-stopped --restart on-failure
	moss create --name never --network none --restart always busybox sleep 100 >/dev/null
	moss run -d --name fine --network none --restart on-failure busybox true >/dev/null
	moss run -d --name often --network none --restart on-failure:1 busybox false >/dev/null
	wait_for 15 state_is often exited
	moss wait fine
	moss stop -t 0 always-stopped unless-stopped failing-stopped
	machine_ends
	[ "$(moss system boot)" = "always
unless
failing
always-stopped
failing-stopped" ]
	[ "$(moss ps --format '{{.Names}}' | sort | tr '\n' ' ')" = \
		"always always-stopped failing failing-stopped unless " ]
	[ "$(moss inspect -f '{{.State.ExitCode}}' plain)" -eq 255 ]
	state_is unless-stopped exited
	state_is never created
	[ -z "$(moss system boot)" ] # what runs is left alone
	[ "$(moss inspect -f '{{.RestartCount}}' always)" -eq 0 ]
}

@test "one that was waiting for its next start, with its logs" {
	moss run -d --name one --network none --restart always busybox sh -c 'echo life; exit 3' \
		>/dev/null
	many() { [ "$(moss inspect -f '{{.RestartCount}}' one)" -ge 5 ]; }
	wait_for 20 many
	wait_for 20 state_is one restarting
	machine_ends
	state_is one exited
	[ "$(moss inspect -f '{{.State.ExitCode}}' one)" -eq 3 ]
	lines=$(moss logs one | wc -l)
	[ "$(moss system boot)" = one ]
	more() { [ "$(moss logs one | wc -l)" -gt "$lines" ]; }
	wait_for 15 more
}

@test "one that cannot be started does not keep the others" {
	port=$(free_port)
	moss run -d --name one --restart always -p "127.0.0.1:$port:80" busybox sleep 100 >/dev/null
	sleeper two --restart always
	machine_ends
	python3 -c '
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
print("ready", flush=True)
time.sleep(60)' "$port" >"$WORK/taken" 3>&- &
	taker=$!
	wait_for 10 grep -q ready "$WORK/taken"
	run --separate-stderr moss system boot
	kill $taker
	[ "$status" -eq 1 ]
	[ "$output" = two ]
	[[ $stderr == *"container one: "*"port is already allocated"* ]]
	[ "$(moss system boot)" = one ]
}

@test "podman's way: start --all --filter restart-policy=always" {
	sleeper one --restart always
	sleeper two --restart on-failure
	machine_ends
	moss start --all --filter restart-policy=always
	state_is one running
	state_is two exited
}

@test "shutdown: their own signal and time, nobody is taken for stopped" {
	moss run -d --name one --network none --restart unless-stopped --stop-signal USR1 busybox \
		sh -c 'trap "echo bye; exit 4" USR1; echo ready; while :; do sleep 0.05; done' >/dev/null
	sleeper two --restart always --stop-timeout 1
	moss run -d --name three --network none --restart always busybox false >/dev/null
	sleeper four
	ready() { moss logs one | grep -q ready; }
	wait_for 15 ready
	moss system shutdown >/dev/null
	[ -z "$(moss ps -q)" ]
	moss logs one | grep -q bye
	[ "$(moss inspect -f '{{.State.ExitCode}}' one)" -eq 4 ]
	[ "$(moss inspect -f '{{.State.ExitCode}}' two)" -eq 137 ]
	[ "$(moss system boot | sort | tr '\n' ' ')" = "one three two " ]
}

@test "SIGTERM to a monitor, as at the end of a session: no policy, and again after the boot" {
	moss run -d --name one --network none --restart always busybox \
		sh -c 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
	ready() { moss logs one | grep -q ready; }
	wait_for 15 ready
	kill "$(sqlite3 "$ROOT/moss.db" 'SELECT monitor_pid FROM container')"
	wait_for 15 state_is one exited
	[ "$(moss system boot)" = one ]
	moss run -d --name two --network none --restart always busybox false >/dev/null
	wait_for 15 state_is two restarting
	kill "$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container WHERE name = 'two'")"
	wait_for 15 state_is two exited
}

# Whoever runs meanwhile may just be making it again.
run_root_goes() { until rm -rf "$RUNROOT" 2>/dev/null; do :; done; }

@test "the run root goes while containers live: everything goes on" {
	sleeper one --restart always --health-cmd true --health-interval 200ms
	moss run -d --name two --network none --restart always busybox sh -c \
		'while :; do echo tick; sleep 0.1; done' >/dev/null
	run_root_goes
	[ "$(moss ps -q | wc -l)" -eq 2 ]
	ticks() { [ "$(moss logs two | wc -l)" -ge 5 ]; }
	wait_for 15 ticks
	[ "$(moss exec one echo in)" = in ]
	healthy() { [ "$(moss inspect -f '{{.State.Health.Status}}' one)" = healthy ]; }
	wait_for 15 healthy
	run_root_goes
	(timeout 5 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" attach two || true) >"$WORK/attached" \
		2>&1 </dev/null 3>&- &
	wait_for 15 grep -q tick "$WORK/attached"
	run_root_goes
	kill -9 "$(moss inspect -f '{{.State.Pid}}' two)"
	again() { [ "$(moss inspect -f '{{.RestartCount}}' two)" -ge 1 ]; }
	wait_for 15 again
	run_root_goes
	moss wait two >"$WORK/code" 3>&- &
	waiter=$!
	run_root_goes
	[ "$(moss stop -t 0 one two | wc -l)" -eq 2 ]
	wait $waiter
	[ "$(cat "$WORK/code")" -eq 137 ]
	wait
}

@test "how to have it started after a boot is said once, to a person only" {
	run moss create --name one --network none --restart always busybox true
	[ "${#lines[@]}" -eq 1 ]
	[ ! -e "$ROOT/cache/restart-hint" ]
	cat >"$WORK/steps" <<-'STEPS'
		expect after a reboot
		exit 0
	STEPS
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" create --name two \
		--network none --restart always busybox true <"$WORK/steps"
	[ -e "$ROOT/cache/restart-hint" ]
	printf 'absent after a reboot\nexit 0\n' >"$WORK/steps"
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" create --name three \
		--network none --restart always busybox true <"$WORK/steps"
}
