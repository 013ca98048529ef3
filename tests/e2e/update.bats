# update: restart policies; limits where no cgroup can set them (tests/e2e-limits has the others).
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() {
	default_setup
	moss create --name box --network none busybox sleep 1000 >/dev/null
}
teardown() { default_teardown; }

no_controllers() {
	[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || skip "there is a cgroup v2"
}

@test "--restart is kept and shown, in every state" {
	run -0 moss update --restart always box
	[ "$output" = box ]
	[ "$(moss inspect -f '{{json .HostConfig.RestartPolicy}}' box)" = '{"Name":"always","MaximumRetryCount":0}' ]
	moss start box
	run -0 moss container update --restart on-failure:3 box
	[ "$(moss inspect -f '{{json .HostConfig.RestartPolicy}}' box)" = '{"Name":"on-failure","MaximumRetryCount":3}' ]
	run -0 moss update --restart no --latest
	[ "$(moss inspect -f '{{.HostConfig.RestartPolicy.Name}}' box)" = no ]
	[ "$(sqlite3 "$ROOT/moss.db" "SELECT count(*) FROM event WHERE action = 'update'")" = 3 ]
}

@test "what is refused, in Docker's words" {
	run -1 moss update box
	[[ $output == *"you must provide one or more flags when using this command"* ]]
	run -1 moss update --restart foo box
	[[ $output == *"invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"* ]]
	run -1 moss update --restart on-failure:x box
	[[ $output == *"invalid restart policy format: maximum retry count must be an integer"* ]]
	run -1 moss update --restart always nope
	[[ $output == *"No such container: nope"* ]]
	run -1 moss update
	[[ $output == *"requires at least 1 argument."* ]]
	run -1 moss update --memory 1m box
	[[ $output == *"Minimum memory limit allowed is 6MB"* ]]
	run -125 moss update --health-cmd true box
	[[ $output == *"--health-cmd is not supported yet"* ]]
	moss run -d --name once --rm --network none busybox sleep 1000
	run -1 moss update --restart always once
	[[ $output == *"Restart policy cannot be updated because AutoRemove is enabled for the container"* ]]
	moss rm -f once
}

@test "one that fails does not keep the others" {
	run -1 --separate-stderr moss update --restart always nope box
	[ "$output" = box ]
	[[ $stderr == *"No such container: nope"* ]]
	[ "$(moss inspect -f '{{.HostConfig.RestartPolicy.Name}}' box)" = always ]
}

@test "limits that no cgroup can set are discarded with a line that says so" {
	no_controllers
	run -0 moss update --memory 64m box
	[ "$output" = "box
Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded." ]
	run -0 moss update --pids-limit 100 --cpu-shares 100 box
	[[ $output == *"PIDs limit discarded."*"Shares discarded."* ]]
	run -1 moss update --cpus 1 box
	[[ $output == *"NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted"* ]]
	[[ $output == *"Delegate=yes"* ]]
	[ "$(moss inspect -f '{{.HostConfig.Memory}} {{json .HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}' box)" = "0 null 0" ]
	moss start box
	run -0 moss update --memory 64m box
}

@test "limits of run that no cgroup can set: Docker's words, and the container runs" {
	no_controllers
	run -0 --separate-stderr moss run --rm --network none --memory 64m --pids-limit 10 --cpuset-cpus 0 --blkio-weight 500 \
		--blkio-weight-device /dev/null:500 --device-read-bps /dev/null:1mb --memory-reservation 32m --oom-kill-disable \
		--memory-swappiness 30 --cpu-period 2000 busybox echo ran
	[ "$output" = ran ]
	local what
	for what in "memory limit capabilities" "memory soft limit" "PIDs limit" "cpuset" "Block I/O weight " "Block I/O weight_device" \
		"BPS Block I/O read limit" "OomKillDisable" "memory swappiness" "CPU CFS scheduler"; do
		[[ $stderr == *"WARNING: Your kernel does not support $what"* ]]
	done
	run -125 moss run --rm --network none --cpus 1 busybox true
	[[ $output == *"NanoCPUs can not be set"* ]]
	run -0 moss run --rm --network none --cgroup-parent foo busybox true
}

@test "values of devices" {
	local flag value words
	while IFS='|' read -r flag value words; do
		run -125 moss create "--$flag" "$value" busybox
		[[ $output == *"invalid argument \"$value\" for \"--$flag\" flag: $words"* ]]
	done <<-END
		blkio-weight-device|/dev/null|bad format: /dev/null
		blkio-weight-device|foo:500|bad format for device path: foo:500
		blkio-weight-device|/dev/null:5|invalid weight for device: /dev/null:5
		device-read-bps|/dev/null:xx|invalid rate for device: /dev/null:xx. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb
		device-write-iops|/dev/null:1mb|invalid rate for device: /dev/null:1mb. The correct format is <device-path>:<number>. Number must be a positive integer
	END
}
