# Restart policies: what starts again, how often, and what stops it.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

field() { moss inspect -f "{{$2}}" "$1"; }
state_is() { [ "$(field "$1" .State.Status)" = "$2" ]; }
count_is() { [ "$(field "$1" .RestartCount)" -ge "$2" ]; }
looping() { # looping NAME: ends after a moment, and starts again, with ever longer pauses
	moss run -d --name "$1" --network none --restart always busybox sh -c 'echo life; exit 3' \
		>/dev/null
}

# In a pause of its own that is long enough for a slow machine to look at.
resting() {
	wait_for 20 count_is "$1" 5
	wait_for 20 state_is "$1" restarting
}

@test "on-failure: as often as it says, one log, the attached run ends with the first life" {
	run --separate-stderr moss run --name one --network none --restart=on-failure:2 busybox \
		sh -c 'echo x; exit 4'
	[ "$status" -eq 4 ]
	[ "$output" = x ]
	wait_for 15 state_is one exited
	[ "$(field one .RestartCount)" -eq 2 ]
	[ "$(field one .State.ExitCode)" -eq 4 ]
	[ "$(moss logs one | tr '\n' ' ')" = "x x x " ]
	moss start one # counts anew
	wait_for 15 count_is one 2
	wait_for 15 state_is one exited
	[ "$(field one .RestartCount)" -eq 2 ]
	moss run -d --name two --network none --restart=on-failure busybox sh -c 'exit 0' >/dev/null
	moss wait two
	state_is two exited
	[ "$(field two .RestartCount)" -eq 0 ]
}

@test "always: restarting in between, as ps and inspect show it, and what it refuses then" {
	looping one
	resting one
	shown() { [ "$(moss inspect -f \
		'{{with .State}}{{.Running}} {{.Restarting}} {{.Pid}} {{.ExitCode}}{{end}}' one)" = "true true 0 3" ]; }
	wait_for 20 shown
	listed() { [[ $(moss ps --format '{{.Status}}') == "Restarting (3) "*" ago" ]]; }
	wait_for 20 listed
	id=$(field one .Id)
	filtered() { [ "$(moss ps -q --filter status=restarting --no-trunc)" = "$id" ]; }
	wait_for 20 filtered
	# Between two lives it may always live for a moment: then the next try.
	refuses() { run moss "${@:2}"; [ "$status" -eq 1 ] && [[ $output == *"$1"* ]]; }
	wait_for 20 refuses "Container $id is restarting, wait until the container is running" exec one true
	wait_for 20 refuses "You cannot attach to a restarting container, wait until it is running" \
		attach one
	wait_for 20 refuses 'cannot remove container "/one": container is restarting: stop the container before removing or force remove' \
		rm one
	[ "$(moss start one)" = one ] # it is on its way already
	[ "$(moss wait one)" -eq 3 ]
}

@test "events of each life" {
	moss run -d --name one --network none --restart=on-failure:1 busybox sh -c 'exit 4' >/dev/null
	wait_for 15 state_is one exited
	run sqlite3 "$ROOT/moss.db" \
		"SELECT group_concat(action, ' ') FROM event WHERE type = 'container'"
	[ "$output" = "create start die start die" ]
}

@test "stop, kill, rm -f and restart during the pause" {
	looping one
	resting one
	monitor=$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container")
	[ "$(moss stop one)" = one ]
	state_is one exited
	[ "$(field one .State.ExitCode)" -eq 3 ]
	gone() { ! grep -q moss-monitor "/proc/$monitor/cmdline"; }
	wait_for 2 gone
	[ "$(moss start one)" = one ]
	[ "$(field one .RestartCount)" -le 1 ]
	wait_for 15 count_is one 4
	wait_for 15 state_is one restarting
	[ "$(moss kill one)" = one ]
	state_is one exited
	moss start one
	wait_for 15 count_is one 4
	wait_for 15 state_is one restarting
	moss restart one
	[ "$(field one .RestartCount)" -le 1 ]
	wait_for 15 count_is one 4
	wait_for 15 state_is one restarting
	moss rm -f one
	[ -z "$(moss ps -aq)" ]
}

@test "what the user stops stays stopped; what ends by itself does not" {
	moss run -d --name one --network none --restart unless-stopped busybox sleep 100 >/dev/null
	moss stop -t 0 one
	state_is one exited
	moss start one
	moss kill one
	state_is one exited
	moss start one
	kill -9 "$(field one .State.Pid)"
	wait_for 15 count_is one 1
	wait_for 15 state_is one running
	# A signal ends it for good, but for one that is not its own stop signal.
	loop='trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'
	ready() { moss logs "$1" | grep -q ready; }
	moss run -d --name two --network none --restart always busybox sh -c "$loop" >/dev/null
	wait_for 15 ready two
	moss kill -s USR1 two
	wait_for 15 state_is two exited
	moss run -d --name three --network none --restart always --stop-signal TERM busybox \
		sh -c "$loop" >/dev/null
	wait_for 15 ready three
	moss kill -s USR1 three
	wait_for 15 count_is three 1
}

@test "a signal that an attached run passes on ends it for good" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --name one --network none --restart always \
		busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done' \
		>"$WORK/out" 3>&- &
	pid=$!
	wait_for 15 grep -q ready "$WORK/out"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 3 ]
	state_is one exited
	[ "$(field one .RestartCount)" -eq 0 ]
	run sqlite3 "$ROOT/moss.db" "SELECT count(*) FROM event WHERE action = 'kill'"
	[ "$output" -eq 1 ]
}

@test "a published port, a terminal and input come back with each life" {
	port=$(free_port)
	moss run -dit --name one --restart always -p "127.0.0.1:$port:80" busybox sh -c \
		'while :; do echo hello | nc -l -p 80 >/dev/null; done' >/dev/null
	fetch() { [ "$(python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)
s.settimeout(2)
print(s.recv(100).decode().strip())' "$port")" = hello ]; }
	wait_for 15 fetch
	kill -9 "$(field one .State.Pid)"
	wait_for 15 count_is one 1
	wait_for 15 fetch
	[ "$(moss port one)" = "80/tcp -> 127.0.0.1:$port" ]
	[ "$(moss exec one sh -c 'readlink /proc/1/fd/1')" = /dev/pts/0 ]
}

@test "a later start that fails ends it, with its error" {
	mkdir "$WORK/bin"
	printf '#!/bin/sh\nrm /v/prog\nexit 1\n' >"$WORK/bin/prog"
	chmod 755 "$WORK/bin/prog"
	moss run -d --name one --network none --restart always -v "$WORK/bin:/v" busybox /v/prog \
		>/dev/null
	wait_for 15 state_is one exited
	[ "$(field one .State.ExitCode)" -eq 127 ]
	[[ $(field one .State.Error) == *'/v/prog'*'no such file or directory'* ]]
	run -127 moss run -d --name two --network none --restart always busybox nosuch
	state_is two created
}

@test "what a policy may be" {
	while IFS='|' read -r policy shown; do
		id=$(moss create --network none --restart "$policy" busybox true)
		[ "$(moss inspect -f '{{json .HostConfig.RestartPolicy}}' "$id")" = "$shown" ]
	done <<-'EOF'
		no|{"Name":"no","MaximumRetryCount":0}
		never|{"Name":"no","MaximumRetryCount":0}
		on-failure:|{"Name":"on-failure","MaximumRetryCount":0}
		on-failure:3|{"Name":"on-failure","MaximumRetryCount":3}
		always:0|{"Name":"always","MaximumRetryCount":0}
		unless-stopped|{"Name":"unless-stopped","MaximumRetryCount":0}
	EOF
	while IFS='|' read -r policy code text; do
		run moss create --network none --restart "$policy" busybox true
		[ "$status" -eq "$code" ]
		[[ $output == *"$text"* ]]
	done <<-'EOF'
		foo|1|invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'
		on-failure:x|125|invalid restart policy format: maximum retry count must be an integer
		:3|125|invalid restart policy format: no policy provided before colon
		on-failure:-1|1|invalid restart policy: maximum retry count cannot be negative
		always:3|1|invalid restart policy: maximum retry count can only be used with 'on-failure'
	EOF
	run moss run --rm --restart always busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"Conflicting options: --restart and --rm"* ]]
	run moss run --rm --network none --restart no busybox true
	[ "$status" -eq 0 ]
}

@test "between two lives the monitor holds no network, no database, and little memory" {
	moss run -d --name one --restart always busybox sh -c 'exit 3' >/dev/null
	resting one
	monitor=$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container")
	run ! pgrep -P "$monitor" -a slirp4netns
	# Nothing wakes it but its clock.
	before=$(awk '/ctxt/ {n += $2} END {print n}' "/proc/$monitor/status")
	sleep 0.5
	! state_is one restarting ||
		[ "$(awk '/ctxt/ {n += $2} END {print n}' "/proc/$monitor/status")" -le $((before + 1)) ]
	if inside grep -q __asan_init "/proc/$monitor/exe"; then
		skip "built with sanitizers, whose memory says nothing"
	fi
	dirty=$(inside awk '/^Private_Dirty/ { print $2 }' "/proc/$monitor/smaps_rollup")
	[ "$dirty" -le 1024 ]
}
inside() { nsenter -U --preserve-credentials -t "$monitor" "$@"; }

@test "--pidfile and --conmon-pidfile follow a container that is started again" {
	moss run -d --name vic --network none --restart on-failure:1 --pidfile "$WORK/pid" --conmon-pidfile "$WORK/mon" \
		busybox sh -c '[ -e /again ] && exec sleep 100; touch /again; sleep 0.3; exit 1' >/dev/null
	first=$(cat "$WORK/pid")
	for i in $(seq 600); do
		[ "$(moss inspect -f '{{.RestartCount}} {{.State.Status}}' vic)" != '1 running' ] || break
		sleep 0.1
	done
	for i in $(seq 600); do
		[ "$(cat "$WORK/pid")" = "$first" ] || break
		sleep 0.05
	done
	[ "$(cat "$WORK/pid")" = "$(moss inspect -f '{{.State.Pid}}' vic)" ]
	[ "$(cat "$WORK/pid")" != "$first" ]
	[ -d "/proc/$(cat "$WORK/mon")" ]
}
