# moss init: namespaces, root, network and init are there, the program waits for start.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

made() { moss create --name vic --network none "$@" >/dev/null && moss init vic >/dev/null; }
state() { moss inspect -f '{{.State.Status}}' "${1:-vic}"; }
pid_of() { moss inspect -f '{{.State.Pid}}' "${1:-vic}"; }
monitor_of() { sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name = '${1:-vic}'"; }

# As at a kill by the system: nobody tidies up.
kill_hard() {
	kill -9 "$1"
	while [ -d "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; do sleep 0.01; done
}

nothing_of_it() { # no process, no socket, no cgroup
	[ -z "$(ls "$RUNROOT/c" 2>/dev/null)" ]
	left_over "$ROOT/containers"
}

@test "it stands before exec, and start lets it go" {
	moss create --name vic --network none busybox sh -c 'echo hi; cat /proc/self/comm; exit 3' >/dev/null
	run --separate-stderr moss init vic
	[ "$status" -eq 0 ]
	[ "$output" = vic ]
	run moss inspect -f '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.FinishedAt}}' vic
	[ "$output" = 'initialized false 0 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC' ] ||
		[ "$output" = 'initialized false 0 0001-01-01T00:00:00Z 0001-01-01T00:00:00Z' ]
	pid=$(pid_of)
	[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
	[ -z "$(moss logs vic)" ]
	[ "$(moss start vic)" = vic ]
	[ "$(moss wait vic)" = 3 ]
	[ "$(moss logs vic)" = $'hi\ncat' ]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' vic)" = 'exited 3' ]
	moss init vic
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' vic)" = 'initialized 0' ]
	[ "$(pid_of)" != "$pid" ]
	run moss start -a vic
	[ "$status" -eq 3 ]
	[ "$output" = $'hi\ncat' ]
}

@test "ps, filters, inspect, port show it as Podman does" {
	moss create --name vic -p 127.0.0.1:0:80 busybox sleep 100 >/dev/null
	moss init vic
	[ -z "$(moss ps -q)" ]
	[ "$(moss ps -a --format '{{.Names}} {{.State}} {{.Status}}')" = 'vic initialized Initialized' ]
	[ "$(moss ps --filter status=initialized --format '{{.Names}}')" = vic ]
	[ -z "$(moss ps -a --filter status=created -q)" ]
	[[ "$(moss ps -a --format '{{.Ports}}')" == '127.0.0.1:'*'->80/tcp' ]]
	port=$(moss inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' vic)
	[ "$port" -gt 0 ]
	[ -z "$(moss port vic)" ]
	moss start vic
	[ "$(moss port vic)" = "80/tcp -> 127.0.0.1:$port" ]
	[ "$(moss ps --format '{{.State}}')" = running ]
}

@test "what needs a running container is refused, the rest works" {
	made busybox sh -c 'cat /foo'
	run -1 moss exec vic true
	[[ "$output" == *"is not running"* ]]
	run -1 moss kill vic
	[[ "$output" == *"is not running"* ]]
	run -1 moss pause vic
	[[ "$output" == *"is not running"* ]]
	run -1 moss unpause vic
	run -1 moss top vic
	[[ "$output" == *"is not running"* ]]
	run -125 moss init vic
	[[ "$output" == *"container $(moss inspect -f '{{.Id}}' vic) has already been created in runtime: container state improper"* ]]
	[ "$(state)" = initialized ]
	echo text >"$WORK/foo"
	moss cp "$WORK/foo" vic:/foo
	[ "$(moss cp vic:/foo - | tar xO)" = text ]
	[ "$(moss diff vic)" = 'A /foo' ]
	moss export vic | tar t | grep -qx foo
	moss commit vic made:1 >/dev/null
	[ "$(moss run --rm --network none made:1 cat /foo)" = text ]
	moss rename vic other
	moss rename other vic
	moss update --restart no vic
	moss stats --no-stream vic | grep -q vic
	[ "$(moss start -a vic)" = text ]
	moss start vic && moss wait vic
}

@test "stop, rm, rm -f, prune, restart" {
	made busybox sleep 100
	SECONDS=0
	[ "$(moss stop vic)" = vic ]
	[ $SECONDS -lt 5 ]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' vic)" = 'exited 137 0' ]
	[[ "$(moss ps -a --format '{{.Status}}')" == 'Exited (137) '* ]]
	nothing_of_it
	moss init vic
	[ "$(moss restart -t 0 vic)" = vic ]
	[ "$(state)" = running ]
	run -1 moss rm vic
	moss stop -t 0 vic
	moss init vic
	[ "$(moss rm vic)" = vic ]
	[ -z "$(moss ps -aq)" ]
	nothing_of_it
	made busybox sleep 100
	[ "$(moss rm -f vic)" = vic ]
	nothing_of_it
	made busybox sleep 100
	moss container prune -f | grep -q 'Deleted Containers'
	[ -z "$(moss ps -aq)" ]
	nothing_of_it
}

@test "--all, --latest, several, wrong names" {
	for name in aa bb cc; do moss create --name $name --network none busybox true >/dev/null; done
	moss run -d --name run --network none busybox sleep 100 >/dev/null
	run -125 moss init aa nosuch bb
	[ "$output" = 'moss: No such container: nosuch' ]
	[ "$(state aa)" = created ]
	[ "$(moss init aa)" = aa ]
	run moss init --all
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(state bb) $(state cc) $(state run)" = 'initialized initialized running' ]
	run -125 moss init run
	run -125 moss init --latest
	moss stop -t 0 run
	[ "$(moss init --latest)" = "$(moss inspect -f '{{.Id}}' run)" ]
	run -125 moss init --all aa
	run -125 moss init
	[ "$(moss container init aa 2>&1 | grep -c 'already been created')" = 1 ]
}

@test "a program that is not there is found at init, and nothing changes" {
	moss create --name vic --network none busybox nosuch >/dev/null
	run -125 moss init vic
	[[ "$output" == *'exec: "nosuch": executable file not found in $PATH'* ]]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' vic)" = 'created 0' ]
	nothing_of_it
	moss events --since 10m --until 0s --format '{{.Action}}' | grep -qx create
	[ -z "$(moss events --since 10m --until 0s --format '{{.Action}}' | grep -x -e start -e die)" ]
}

@test "a program that cannot be run is found at start" {
	printf xx >"$WORK/x"
	chmod 755 "$WORK/x"
	made -v "$WORK/x:/x" busybox /x
	run -1 moss start vic
	[[ "$output" == *"exec /x: exec format error"* ]]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' vic)" = 'created 126 0' ]
	[[ "$(moss inspect -f '{{.State.Error}}' vic)" == *"exec format error"* ]]
	nothing_of_it
	moss init vic
	run -1 moss start -a vic
	[[ "$output" == *"exec format error"* ]]
	moss rm vic
	made --rm -v "$WORK/x:/x" busybox /x
	run -1 moss start -a vic
	[ -z "$(moss ps -aq)" ]
	nothing_of_it
}

@test "who attached first gets the first byte, stdin waits for it" {
	made -i busybox sh -c 'echo first; cat'
	echo typed | moss start -a -i vic >"$WORK/out"
	[ "$(cat "$WORK/out")" = $'first\ntyped' ]
	moss init vic
	echo typed | moss attach vic >"$WORK/out" &
	while ! moss events --since 10m --until 0s --filter event=attach --format x | grep -c x | grep -qx 2; do sleep 0.02; done
	moss start vic
	wait $!
	[ "$(cat "$WORK/out")" = $'first\ntyped' ]
}

@test "attached to it, then detached starts, logs -f and wait from before" {
	made busybox sh -c 'echo out; echo err >&2; exit 4'
	moss attach --no-stdin vic >"$WORK/out" 2>"$WORK/err" 3>&- &
	a=$!
	moss logs -f vic >"$WORK/log" 2>&1 3>&- &
	l=$!
	moss wait vic >"$WORK/wait" 3>&- &
	w=$!
	while [ "$(moss events --since 10m --until 0s --filter event=attach --format x | wc -l)" != 1 ]; do sleep 0.02; done
	sleep 0.2
	moss start vic
	code=0
	wait $a || code=$?
	[ $code -eq 4 ]
	wait $l $w
	[ "$(cat "$WORK/out")" = out ]
	[ "$(cat "$WORK/err")" = err ]
	[ "$(sort "$WORK/log")" = $'err\nout' ]
	[ "$(cat "$WORK/wait")" = 4 ]
}

@test "with a terminal: its size is right before the program looks" {
	made -it busybox sh -c 'stty size; read x; echo "got $x"'
	run "$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" start -ai vic <<'STEPS'
expect 24 80
send word\n
expect got word
exit 0
STEPS
	[ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "--init, --rm, --pid host, ids of its own, every driver the machine has" {
	made --init busybox sh -c 'cat /proc/1/comm; echo $$'
	[ "$(moss start -a vic)" = $'moss-init\n2' ]
	moss rm vic
	made --rm busybox echo done
	[ "$(moss start -a vic)" = 'done' ]
	[ -z "$(moss ps -aq)" ]
	made --rm busybox echo done
	moss stop vic
	[ -z "$(moss ps -aq)" ]
	made --pid host busybox echo host
	[ "$(moss start -a vic)" = host ]
	moss rm vic
	made --userns keep-id busybox id -u
	[ "$(moss start -a vic)" = "$(id -u)" ]
	moss rm vic
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver create --name vic --network none busybox sh -c 'echo $0; touch /x' $driver >/dev/null || continue
		moss init vic
		[ "$(moss start -a vic)" = $driver ]
		moss rm vic
	done
}

@test "others share its namespaces before it runs" {
	made busybox sh -c 'hostname; sleep 100'
	pid=$(pid_of)
	run moss run --rm --network container:vic busybox readlink /proc/self/ns/net
	[ "$status" -eq 0 ]
	[ "$output" = "$(readlink "/proc/$pid/ns/net")" ]
	moss run -d --name side --network container:vic --pid container:vic busybox sleep 100 >/dev/null
	moss exec side ps | grep -q 'sleep 100'
	moss start vic
	[ "$(pid_of)" = "$pid" ]
	[ "$(moss exec side cat /proc/1/comm)" != moss-init ]
	[ "$(moss exec side cat /proc/1/comm)" = sh ] || [ "$(moss exec side cat /proc/1/comm)" = sleep ]
}

@test "two starts at once: both succeed, one run" {
	for i in 1 2 3 4 5; do
		made busybox sh -c 'echo run; sleep 100'
		moss start vic >"$WORK/1" 2>&1 3>&- &
		first=$!
		moss start vic >"$WORK/2" 2>&1 || { cat "$WORK/2"; false; }
		wait $first || { cat "$WORK/1"; false; }
		[ "$(state)" = running ]
		[ "$(moss logs vic | wc -l)" -le 1 ]
		[ "$(moss events --since 10m --until 0s --filter event=start --format '{{.Actor.ID}}' | grep -c "$(moss inspect -f '{{.Id}}' vic)")" = 1 ]
		moss rm -f vic
	done
}

@test "start against rm -f: the one or the other, and nothing is left" {
	for i in 1 2 3 4 5 6; do
		made busybox sleep 100
		moss start vic >"$WORK/1" 2>&1 3>&- &
		first=$!
		moss rm -f vic
		wait $first || true
		[ -z "$(moss ps -aq)" ]
		[ -z "$(ls "$ROOT/containers")" ]
	done
	nothing_of_it
}

@test "rm without force never takes what a start has begun" {
	for i in 1 2 3 4 5 6; do
		made busybox sleep 100
		moss start vic >"$WORK/1" 2>&1 3>&- &
		first=$!
		if moss rm vic >/dev/null 2>&1; then removed=1; else removed=0; fi
		if wait $first; then started=1; else started=0; fi
		[ $((removed + started)) = 1 ]
		[ $started = 0 ] || [ "$(state)" = running ]
		[ $started = 0 ] || moss rm -f vic
	done
}

@test "a monitor that is killed leaves what was there before" {
	made busybox true
	pid=$(pid_of)
	kill_hard "$(monitor_of)"
	[ "$(moss inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}}' vic)" = 'created 0 0' ]
	[ ! -d "/proc/$pid" ] || grep -q '^State:.*Z' "/proc/$pid/status"
	nothing_of_it
	moss start vic
	moss wait vic
	[ "$(state)" = exited ]
	moss init vic
	kill_hard "$(monitor_of)"
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' vic)" = 'exited 0' ]
	moss init vic
	kill_hard "$(monitor_of)"
	[ "$(moss start -a vic; echo $?)" = 0 ]
	moss rm vic
	made --rm busybox true
	kill_hard "$(monitor_of)"
	[ "$(state)" = created ]
	moss start -a vic
	[ -z "$(moss ps -aq)" ]
}

@test "the session's end (SIGTERM to the monitor) takes it back" {
	made --restart always busybox true
	monitor=$(monitor_of)
	kill "$monitor"
	while [ -d "/proc/$monitor" ]; do sleep 0.01; done
	[ "$(sqlite3 "$ROOT/moss.db" "select state from container")" = created ]
	nothing_of_it
}

@test "another boot: what it was before" {
	made busybox true
	kill_hard "$(monitor_of)"
	sqlite3 "$ROOT/moss.db" "update container set boot_id = 'other'"
	[ "$(moss inspect -f '{{.State.Status}} {{.State.Pid}}' vic)" = 'created 0' ]
	[ "$(moss start -a vic; echo $?)" = 0 ]
}

@test "init that is killed from outside has ended" {
	made --restart always busybox sleep 100
	kill -9 "$(pid_of)"
	moss wait vic
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' vic)" = 'exited 137 0' ]
}

has_run() { [ "$(moss logs vic)" = ran ]; }
# Its socket to the monitor is connected.
is_attached() { # PID
	local inode
	for inode in $(readlink "/proc/$1"/fd/* | sed -n 's/^socket:\[\(.*\)\]$/\1/p'); do
		! awk -v inode="$inode" '$7 == inode && $6 == "03" { found = 1 } END { exit !found }' /proc/net/unix || return 0
	done
	return 1
}

@test "a start that dies between its row and its word is finished by the monitor" {
	made busybox sh -c 'echo ran; sleep 100'
	# The row as that start leaves it; then a client that goes without a word.
	sqlite3 "$ROOT/moss.db" "update container set state = 'running', started = strftime('%s', 'now') * 1000000000"
	# One that goes before the monitor has looked at it may count for nothing: then another.
	for i in $(seq 30); do
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" attach --no-stdin vic >"$WORK/out" 3>&- &
		wait_for 30 is_attached $!
		kill_hard $!
		! wait_for 2 has_run || break
	done
	has_run
	moss exec vic true
}

@test "health, restart policy and --timeout count from start on" {
	made --restart on-failure:2 --health-cmd true --health-interval 100ms --timeout 1 busybox sh -c 'sleep 100'
	sleep 1.5
	[ "$(state)" = initialized ]
	moss start vic
	[ "$(state)" = running ]
	for i in $(seq 600); do
		[ "$(moss inspect -f '{{.State.Health.Status}}' vic)" != healthy ] || break
		sleep 0.05
	done
	[ "$(moss inspect -f '{{.State.Health.Status}}' vic)" = healthy ]
	moss update --restart no vic
	[ "$(moss wait vic)" = 255 ]
	moss rm vic
	made --restart on-failure:2 busybox sh -c 'exit 5'
	moss start vic
	for i in $(seq 600); do
		[ "$(moss inspect -f '{{.RestartCount}} {{.State.Status}}' vic)" != '2 exited' ] || break
		sleep 0.1
	done
	[ "$(moss inspect -f '{{.RestartCount}} {{.State.Status}}' vic)" = '2 exited' ]
}

@test "events and wait --condition" {
	moss create --name vic --network none busybox true >/dev/null
	moss wait --condition initialized vic >/dev/null 3>&- &
	w=$!
	moss init vic
	wait $w
	moss start -a vic
	run moss events --since 10m --until 0s --filter type=container --format '{{.Action}}'
	[ "$output" = $'create\ninit\nattach\nstart\ndie' ]
	moss events --since 10m --until 0s --filter event=init --format '{{.Actor.Attributes.name}}' | grep -qx vic
}

@test "--pidfile and --conmon-pidfile are written" {
	made --pidfile "$WORK/pid" --conmon-pidfile "$WORK/mon" busybox sleep 100
	[ "$(cat "$WORK/pid")" = "$(pid_of)" ]
	[ "$(cat "$WORK/mon")" = "$(monitor_of)" ]
}

@test "without the run root it can still be started" {
	made busybox sh -c 'echo hi; sleep 100'
	rm -rf "$RUNROOT"
	moss start vic
	[ "$(state)" = running ]
	moss stop -t 0 vic
}
