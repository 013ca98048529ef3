# --network, --pid, --ipc, --uts container:X: one container in the namespaces of another.
load ../lib/moss

setup() {
	store_with_busybox
	moss run -d --name xx --network none --ipc shareable busybox sleep 1000 >/dev/null
	x=$(moss inspect -f '{{.Id}}' xx)
}
teardown() { store_drop; }

ns() { moss inspect -f '{{.State.Pid}}' "$1" | { read -r pid && readlink "/proc/$pid/ns/$2"; }; }
state() { moss inspect -f "{{.State.$2}}" "$1"; }

# Docker's words about one that is not there or does not run; as the command says them.
refused() {
	local what=$1 code=$2
	shift 2
	run "-$code" --separate-stderr moss "$@"
	echo "$status $stderr"
	[ "$status" -eq "$code" ]
	[[ $stderr == *"$what"* ]]
}

@test "--network container:X: one network, one name, the same files" {
	moss run -d --name yy --network container:xx busybox sleep 1000
	[ "$(ns xx net)" = "$(ns yy net)" ]
	[ "$(ns xx pid)" != "$(ns yy pid)" ]
	[ "$(ns xx uts)" != "$(ns yy uts)" ]
	[ "$(moss exec yy hostname)" = "${x:0:12}" ]
	moss exec xx sh -c 'echo 10.1.2.3 added >>/etc/hosts'
	[ "$(moss exec yy tail -1 /etc/hosts)" = "10.1.2.3 added" ]
	[ "$(moss inspect -f '{{.HostConfig.NetworkMode}} {{.Config.Hostname}} {{.NetworkSettings.Networks}}' yy)" = \
		"container:$x ${x:0:12} map[]" ]
	[ "$(moss inspect -f '{{.HostsPath}}' yy)" = "$(moss inspect -f '{{.HostsPath}}' xx)" ]
	[ "$(moss ps --filter name=yy --format '{{.Networks}}')" = "" ]
}

@test "what belongs to the network's owner is refused beside --network container:X" {
	local n="--network container:xx"
	refused "conflicting options: hostname and the network mode" 125 run $n --hostname h busybox true
	refused "conflicting options: dns and the network mode" 125 run $n --dns 1.1.1.1 busybox true
	refused "conflicting options: custom host-to-IP mapping and the network mode" 125 run $n --add-host a:1.1.1.1 busybox true
	refused "conflicting options: port publishing and the container type network mode" 125 run $n -p 80 busybox true
	refused "conflicting options: port publishing and the container type network mode" 125 run $n -P busybox true
	refused "conflicting options: port exposing and the container type network mode" 125 run $n --expose 80 busybox true
}

@test "one that does not run cannot be joined: at the start, which may be tried again" {
	local d
	d=$(moss create --name dd --ipc shareable --network none busybox sleep 1000)
	refused "cannot join network of a non running container: $d" 125 run --rm --network container:dd busybox true
	refused "failed to join PID namespace: container $d is not running" 125 run --rm --pid container:dd busybox true
	refused "failed to join IPC namespace: container $d is not running" 125 run --rm --ipc container:dd busybox true
	moss create --name yy --network container:dd busybox true
	refused "cannot join network of a non running container: $d" 1 start -a yy
	[ "$(state yy Status)" = created ]
	moss start dd
	moss start -a yy
	[ "$(state yy Status) $(state yy ExitCode)" = "exited 0" ]
}

@test "one that is not there: --pid and --ipc at create, --network at the start" {
	refused "No such container: nobody" 1 create --pid container:nobody busybox
	refused "No such container: nobody" 1 create --ipc container:nobody busybox
	moss create --name yy --network container:nobody busybox true
	refused "No such container: nobody" 1 start -a yy
	moss run -d --name nobody --network none busybox sleep 1000
	moss start -a yy
}

@test "a restart of X leaves the other in the old network; it comes along at its own" {
	moss run -d --name yy --network container:xx busybox sleep 1000
	moss restart -t 0 xx
	[ "$(state yy Status)" = running ]
	[ "$(ns xx net)" != "$(ns yy net)" ]
	moss restart -t 0 yy
	[ "$(ns xx net)" = "$(ns yy net)" ]
	moss rm -f xx
	refused "No such container: $x" 1 restart -t 0 yy
}

@test "--ipc container:X shares queues and /dev/shm, where X offers it" {
	local p
	p=$(moss run -d --name pp --network none busybox sleep 1000)
	moss run --rm --network none --ipc container:xx busybox sh -c 'echo one >/dev/shm/f; readlink /proc/self/ns/ipc' >"$WORK/ipc"
	[ "$(cat "$WORK/ipc")" = "$(ns xx ipc)" ]
	[ "$(moss exec xx cat /dev/shm/f)" = one ]
	moss run -d --name yy --network none --ipc container:xx busybox sleep 1000
	[ "$(moss inspect -f '{{.HostConfig.IpcMode}}' yy)" = "container:$x" ]
	[ "$(moss run --rm --network none --ipc container:yy busybox cat /dev/shm/f)" = one ]
	refused "failed to join IPC namespace: container $p: non-shareable IPC (hint: use IpcMode:shareable for the donor container)" \
		125 run --rm --ipc container:pp busybox true
}

@test "--pid container:X: its processes are seen, its end is the end" {
	moss run -d --name yy --network none --pid container:xx busybox sleep 1001
	[ "$(ns xx pid)" = "$(ns yy pid)" ]
	[ "$(ns xx mnt)" != "$(ns yy mnt)" ]
	moss exec xx ps | grep -q 'sleep 1001'
	moss exec yy ps | grep -q 'sleep 1000'
	[ "$(moss inspect -f '{{.HostConfig.PidMode}}' yy)" = "container:$x" ]
	run --separate-stderr moss run --rm --network none --pid container:xx busybox sh -c 'echo out; echo err >&2; exit 7'
	[ "$status $output $stderr" = "7 out err" ]
	moss stop -t 0 xx
	wait_for 5 sh -c "[ \"\$('$MOSS' --root '$ROOT' --runroot '$RUNROOT' inspect -f '{{.State.Status}} {{.State.ExitCode}}' yy)\" = 'exited 137' ]"
	moss start xx
	moss start yy
	[ "$(ns xx pid)" = "$(ns yy pid)" ]
}

@test "of the other's processes nothing ends with --pid container:X, of its own nothing stays" {
	moss run --rm --network none --pid container:xx busybox sh -c 'setsid sleep 1002 & sleep 0.1'
	run moss exec xx ps
	[[ $output == *"sleep 1000"* ]]
	[[ $output != *"sleep 1002"* ]]
}

@test "--pid container:X with a terminal, an init, a user, exec and signals" {
	local p
	p="run --rm --network none --pid container:xx"
	# shellcheck disable=SC2086 # words
	printf '%s\n' 'expect tty=/dev/pts/0' 'expect # ' 'send stty size\n' 'expect 24 80' 'send sleep 100\n' 'pause 0.3' \
		'send \x03' 'expect # ' 'send exit 3\n' 'exit 3' |
		"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" $p -it busybox sh -c 'echo tty=$(tty); exec sh'
	# shellcheck disable=SC2086
	[ "$(moss $p --init busybox sh -c 'id -u')" = 0 ]
	# shellcheck disable=SC2086
	[ "$(moss $p -u 1000:1000 busybox id -u)" = 1000 ]
	# shellcheck disable=SC2086
	[ "$(moss $p --read-only --tmpfs /t -w /t busybox pwd)" = /t ]
	moss run -d --name yy --network none --pid container:xx busybox sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
	moss exec yy true
	moss kill -s TERM yy
	[ "$(moss wait yy)" = 9 ]
}

@test "the parts of --pid container:X fail as elsewhere" {
	refused 'exec: "nothing": executable file not found in $PATH' 127 run --rm --network none --pid container:xx busybox nothing
	refused "is a directory" 126 run --rm --network none --pid container:xx busybox /etc
	[ -z "$(moss ps -aq --filter status=created)" ]
}

@test "of a host's namespace the host's is meant" {
	moss run -d --name hh --network host --pid host --uts host busybox sleep 1000
	[ "$(moss run --rm --network container:hh --pid container:hh busybox sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/pid')" = \
		"$(readlink /proc/self/ns/net; readlink /proc/self/ns/pid)" ]
	moss run -d --name yy --network container:hh --pid container:hh --uts container:hh busybox sleep 1000
	[ "$(moss exec yy readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
}

@test "all of them at once; --uts container:X; a path; what is no mode" {
	moss run --rm --network container:xx --pid container:xx --ipc container:xx --uts container:xx busybox \
		sh -c 'for n in net pid ipc uts; do readlink /proc/self/ns/$n; done' >"$WORK/all"
	[ "$(cat "$WORK/all")" = "$(for n in net pid ipc uts; do ns xx $n; done)" ]
	[ "$(moss run --rm --network none --uts container:xx busybox hostname)" = "${x:0:12}" ]
	refused "cannot find specified network namespace path: /nowhere" 125 run --rm --network ns:/nowhere busybox true
	refused "--pid ns:/proc/1/ns/pid is not supported" 125 run --rm --pid ns:/proc/1/ns/pid busybox true
	refused "invalid PID mode" 125 run --rm --pid foo busybox true
	refused "invalid IPC mode: foo" 125 run --rm --ipc foo busybox true
}

@test "ten at once join and leave" {
	for i in $(seq 10); do
		moss run --rm --network container:xx --pid container:xx --ipc container:xx busybox sh -c "echo $i >/dev/shm/$i" &
	done
	wait
	[ "$(moss exec xx ls /dev/shm | wc -l)" -eq 10 ]
	[ "$(moss exec xx ps | grep -c sleep)" -eq 1 ]
}
