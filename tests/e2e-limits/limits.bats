# Under a kernel that has the controllers (tests/lib/limits-guest): limits limit. Few and small, since
# the guest is slow.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { default_setup; }
teardown() { default_teardown; }

group_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(moss inspect -f '{{.State.Pid}}' "$1")/cgroup")"; }
files() { (cd "$(group_of "$1")" && shift && cat "$@" | tr '\n' ' '); }

# The first container with a limit: later ones find us in the leaf.
@test "where only our own cgroup is ours, its processes are moved to a leaf" {
	local own
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	run -0 moss run --rm --network none --cgroupns host busybox sed -n 's/^0:://p' /proc/self/cgroup
	[[ $output == "$own/moss-"* ]]
	[ "$(sed -n 's/^0:://p' /proc/self/cgroup)" = "$own" ]
	run -0 moss run --rm --network none --cgroupns host -m 32m busybox sed -n 's/^0:://p' /proc/self/cgroup
	[[ $output == "$own/moss-"* ]]
	[ "$(sed -n 's/^0:://p' /proc/self/cgroup)" = "$own/moss-session" ]
	[[ $(cat "/sys/fs/cgroup$own/cgroup.subtree_control") == *memory* ]]
}

@test "every limit of run is in the cgroup and in inspect" {
	run -0 --separate-stderr moss run -d --name box --network none -m 32m --memory-swap 64m --memory-reservation 16m \
		--cpus 0.5 --pids-limit 20 --cpu-shares 512 --device-read-bps /dev/ubda:1mb --device-write-iops /dev/ubda:50 \
		busybox sleep 1000
	[ -z "$stderr" ]
	[ "$(files box memory.max memory.swap.max memory.low cpu.max cpu.weight pids.max)" = "33554432 33554432 16777216 50000 100000 20 20 " ]
	[ "$(files box io.max)" = "98:0 rbps=1048576 wbps=max riops=max wiops=50 " ]
	[ "$(moss inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.PidsLimit}} {{.CpuShares}}{{end}}' box)" = \
		"33554432 67108864 16777216 500000000 20 512" ]
	[ "$(moss inspect -f '{{json .HostConfig.BlkioDeviceReadBps}}' box)" = '[{"Path":"/dev/ubda","Rate":1048576}]' ]
	[[ $(moss stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' box) == *" / 32MiB 1" ]]
}

@test "too much memory: killed, 137, OOMKilled, an event" {
	run -137 moss run --name hog --network none -m 16m --memory-swap 16m busybox tail -c 60000000 /dev/zero
	[ "$(moss inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hog)" = "true 137" ]
	[ "$(sqlite3 "$ROOT/moss.db" "SELECT count(*) FROM event WHERE action = 'oom'")" = 1 ]
	run -0 moss run --rm --network none -m 16m busybox true
}

@test "too many processes are refused" {
	run moss run --rm --network none --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all'
	[[ $output == *"an't fork"* ]]
}

@test "half a processor is half a processor" {
	moss run -d --name half --network none --cpus 0.25 busybox sh -c 'while :; do :; done' >/dev/null
	sleep 1
	local throttled
	throttled=$(awk '/^nr_throttled/ { print $2 }' "$(group_of half)/cpu.stat")
	[ "$throttled" -gt 2 ]
}

@test "update changes a running container, one without limits too, and what comes after a restart" {
	moss run -d --name box --network none busybox sleep 1000 >/dev/null
	run -0 moss update -m 32m --pids-limit 10 --cpus 0.25 box
	[ "$output" = box ]
	[ "$(files box memory.max pids.max cpu.max)" = "33554432 10 25000 100000 " ]
	[ "$(moss inspect -f '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}' box)" = "33554432 10 250000000" ]
	run -1 moss update --cpu-quota 10000 box
	[[ $output == *"Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set"* ]]
	run -0 moss update --pids-limit -1 box
	[ "$(files box pids.max)" = "max " ]
	moss restart -t 0 box
	[ "$(files box memory.max cpu.max)" = "33554432 25000 100000 " ]
	run -0 moss update --restart on-failure:3 box
	[ "$(moss inspect -f '{{.HostConfig.RestartPolicy.Name}}' box)" = on-failure ]
	[ "$(sqlite3 "$ROOT/moss.db" "SELECT count(*) FROM event WHERE action = 'update'")" = 3 ]
}

@test "what this kernel lacks: discarded with Docker's words, or refused" {
	run -0 --separate-stderr moss run --rm --network none --cpuset-cpus 0 busybox true
	[[ $stderr == *"Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded."* ]]
	run -125 moss run --rm --network none --blkio-weight 500 busybox true
	[[ $output == *"this kernel cannot weigh block I/O in a cgroup"* ]]
	run -125 moss run --rm --network none --cpus 100 busybox true
	[[ $output == *"Range of CPUs is from 0.01 to 1.00, as there are only 1 CPUs available"* ]]
}
