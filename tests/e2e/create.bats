# create: the ID on stdout, names, cidfiles, what is refused; nothing is left of what failed.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# No container and no folder of one.
nothing_left() {
	[ -z "$(moss ps -aq)" ]
	[ -z "$(ls "$ROOT/containers" 2>/dev/null)" ]
}

@test "prints the ID, and start runs it" {
	run -0 moss create --name one busybox echo hello
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	run -0 moss start -a one
	[ "$output" = hello ]
}

@test "a generated name is adjective_surname" {
	run -0 moss create busybox true
	run -0 moss inspect --format '{{.Name}}' "$output"
	[[ $output =~ ^/[a-z]+_[a-z]+[0-9]?$ ]]
}

@test "a name is taken once" {
	run -0 moss create --name one busybox true
	local id=$output
	run -1 moss create --name one busybox true
	[[ $output == *"Conflict. The container name \"/one\" is already in use by container \"$id\". You have to remove (or rename) that container to be able to reuse that name."* ]]
	[ "$(moss ps -aq | wc -l)" = 1 ]
	[ "$(find "$ROOT/containers" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
}

@test "invalid names are refused" {
	local name
	for name in x -ab a/b 'a b' ''$'\xc3\xa4'x .a; do
		run -1 moss create --name "$name" busybox true
		[[ $output == *"Invalid container name ($name), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"* ]]
	done
	nothing_left
}

@test "--cidfile" {
	run -0 moss create --cidfile "$WORK/cid" busybox true
	[ "$(cat "$WORK/cid")" = "$output" ]
	run -1 moss create --cidfile "$WORK/cid" busybox true
	[[ $output == *"container ID file found, make sure the other container isn't running or delete $WORK/cid"* ]]
	run -1 moss create --cidfile "$WORK/none/cid" busybox true
	[[ $output == *"failed to create the container ID file: open $WORK/none/cid: no such file or directory"* ]]
	run -125 moss run --rm --cidfile "$WORK/cid" busybox true
	[ "$(moss ps -aq | wc -l)" = 1 ]
}

@test "an image that is not there, with --pull never" {
	run -1 moss create --pull never nothere busybox
	[[ $output == *"No such image: nothere:latest"* ]]
	run -125 moss create --pull sometimes busybox
	[[ $output == *"invalid pull option: 'sometimes': must be one of \"always\", \"missing\" or \"never\""* ]]
	run -1 moss create BusyBox
	[[ $output == *"invalid reference format: repository name (library/BusyBox) must be lowercase"* ]]
	run -1 moss create a..b
	[[ $output == *"invalid reference format"* ]]
}

@test "an image of another machine is warned of, where no platform was asked for" {
	local other=arm64
	[ "$(uname -m)" != aarch64 ] || other=amd64
	tar -cf "$WORK/empty.tar" --files-from /dev/null
	moss import --platform "linux/$other" "$WORK/empty.tar" "other:1"
	run -0 --separate-stderr moss create other:1 x
	[[ $stderr == "WARNING: The requested image's platform (linux/$other"*") does not match the detected host platform (linux/"*") and no specific platform was requested" ]]
	run -0 --separate-stderr moss create --platform "linux/$other" other:1 x
	[ -z "$stderr" ]
	DOCKER_DEFAULT_PLATFORM=linux/$other run -0 --separate-stderr moss create other:1 x
	[ -z "$stderr" ]
	run -0 --separate-stderr moss create busybox true
	[ -z "$stderr" ]
}

@test "nothing to run" {
	run -1 moss create --entrypoint '' busybox
	[[ $output == *"no command specified"* ]]
	nothing_left
}

@test "values that Docker refuses are refused in its words" {
	local n=0 want text flags
	while IFS='|' read -r want text flags; do
		[ -n "$want" ] || continue
		n=$((n + 1))
		# shellcheck disable=SC2086 # words
		run moss create $flags busybox true
		# shellcheck disable=SC2154 # set by run
		if [ "$status" != "$want" ] || [[ $output != *"$text"* ]]; then
			echo "create $flags: status $status, $output"
			return 1
		fi
	done <<-'END'
		125|invalid argument "foo" for "--ulimit" flag: invalid ulimit argument: foo|--ulimit foo
		125|invalid ulimit type: foo|--ulimit foo=1
		125|ulimit soft limit must be less than or equal to hard limit: 2 > 1|--ulimit nofile=2:1
		125|x is not an absolute path|--device /dev/null:x
		125|bad mode specified: q|--device /dev/null:/x:q
		125|bad format for add-host: "a"|--add-host a
		125|invalid IP address in add-host: "b"|--add-host a:b
		125|IP address is not correctly formatted: foo|--dns foo
		125|Invalid --security-opt: "foo"|--security-opt foo
		1|invalid --security-opt 2: "foo=bar"|--security-opt foo=bar
		125|opening seccomp profile (/nonexist) failed|--security-opt seccomp=/nonexist
		1|invalid CapAdd: unknown capability: "CAP_FOO"|--cap-add foo
		1|invalid CapDrop: unknown capability: "CAP_FOO"|--cap-drop foo
		125|sysctl 'kernel.hostname=1' is not allowed|--sysctl kernel.hostname=1
		125|invalid size: 'x'|--shm-size x
		1|Minimum memory limit allowed is 6MB|--memory 1m
		1|You should always set the Memory limit when using Memoryswap limit|--memory-swap 10m
		1|Conflicting options: Nano CPUs and CPU Quota cannot both be set|--cpus 1 --cpu-quota 3
		125|invalid value: 101. Valid memory swappiness range is 0-100|--memory-swappiness 101
		1|Invalid value 2000, range for oom score adj is [-1000, 1000]|--oom-score-adj 2000
		1|invalid restart policy: unknown policy 'foo'|--restart foo
		125|maximum retry count must be an integer|--restart on-failure:a
		125|Conflicting options: --restart and --rm|--restart always --rm
		1|invalid signal: FOO|--stop-signal FOO
		1|invalid IPC mode: foo|--ipc foo
		125|--pid: invalid PID mode|--pid foo
		125|--uts: invalid UTS mode|--uts foo
		125|--userns: invalid USER mode|--userns foo
		125|--cgroupns: invalid CGROUP mode|--cgroupns foo
		1|conflicting options: hostname and the UTS mode|--uts host -h foo
		125|foo is not a valid mac address|--mac-address foo
		125|network-scoped aliases are only supported for user-defined networks|--network-alias foo
		1|user specified IP address is supported on user defined networks only|--ip 1.2.3.4
		1|network foo not found|--network foo
		1|the working directory 'rel' is invalid, it needs to be an absolute path|-w rel
		125|invalid label '=x': empty name|--label =x
		125|open /nonexist: no such file or directory|--label-file /nonexist
		1|unknown log opt 'foo' for json-file log driver|--log-opt foo=1
		125|valid streams are STDIN, STDOUT and STDERR|-a foo
		125|unknown flag: --nope|--nope
		1|unknown or invalid runtime name: foo|--runtime foo
		1|adding custom device "/dev/none-such": no such file or directory|--device /dev/none-such
		1|adding custom device "/tmp": not a device node|--device /tmp
		1|error looking up volume plugin foo: plugin "foo" not found|--volume-driver foo -v vol1:/a
		1|Duplicate mount point: /a|-v vol1:/a -v vol2:/a
		1|No such container: x|--pid container:x
		1|No such container: x|--ipc container:x
		125|--pid: invalid PID mode|--pid container:
		1|Invalid network mode: invalid container format container:|--network container:
		125|--gpus is not supported yet|--gpus all
	END
	[ "$n" -gt 40 ]
	nothing_left
	[ -z "$(moss volume ls -q)" ]
}

@test "limits without a usable cgroup are discarded with Docker's warning" {
	[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || skip "there is a cgroup v2"
	run -0 --separate-stderr moss create --memory 100m --pids-limit 5 busybox true
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"WARNING: Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded."* ]]
	[[ $stderr == *"WARNING: Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded."* ]]
}

@test "a full row of flags is accepted and shown" {
	moss create --name all --cap-add NET_ADMIN --cap-drop chown --dns 1.1.1.1 --dns-search x.y \
		--dns-option ndots:2 --add-host a:1.2.3.4 --ulimit nofile=10:20 --init --group-add 5 \
		--security-opt no-new-privileges --sysctl net.ipv4.ip_forward=1 --shm-size 1m \
		--read-only --stop-signal INT --stop-timeout 3 --annotation q=r -l a=b -l c \
		--log-opt max-size=1m --oom-score-adj 5 --domainname dd -h hh busybox true
	run -0 moss inspect all --format '{{json .HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.Dns}} {{.HostConfig.ExtraHosts}} {{.HostConfig.ShmSize}} {{.HostConfig.Init}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{json .Config.Labels}} {{json .HostConfig.Annotations}}'
	[ "$output" = '["NET_ADMIN"] [chown] [1.1.1.1] [a:1.2.3.4] 1048576 true INT 3 {"a":"b","c":""} {"q":"r"}' ]
}
