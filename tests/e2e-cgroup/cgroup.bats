# In a pure cgroup v2 tree, a folder of which belongs to the test user (tests/run makes it): each
# container has a cgroup of its own.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { default_setup; }
none_left() {
	local ids
	ids=$(moss ps -aq)
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$ids" ] || moss rm -f $ids >/dev/null
	[ -z "$(find "$(tree)" -mindepth 1 -maxdepth 1 -name 'moss-*')" ]
}
teardown() {
	local failed=0
	wait_for 10 none_left || failed=1
	default_teardown && return $failed
}

own() { sed -n 's/^0:://p' /proc/self/cgroup; }
# The folder of the tests' cgroup and of those of the containers.
tree() { echo "/sys/fs/cgroup$(dirname "$(own)")"; }
group_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(moss inspect -f '{{.State.Pid}}' "$1")/cgroup")"; }
started() { moss run -d --name "$1" --network none "${@:2}" >/dev/null; }

@test "a container runs in a cgroup of its own, and sees it as the root" {
	started box busybox sleep 1000
	local group
	group=$(group_of box)
	[ "$group" = "$(tree)/moss-$(moss inspect -f '{{.Id}}' box | cut -c1-12)" ]
	[ "$(cat "$group/cgroup.procs")" = "$(moss inspect -f '{{.State.Pid}}' box)" ]
	[ "$(moss exec box sed -n 's/^0:://p' /proc/self/cgroup)" = / ]
	moss exec box test -e /sys/fs/cgroup/cgroup.events
	run moss exec box sh -c 'echo 1 >/sys/fs/cgroup/cgroup.freeze'
	[ "$status" != 0 ]
	moss rm -f box
	wait_for 10 test ! -e "$group"
}

@test "--cgroupns host shows where it is, with every network" {
	run -0 moss run --rm --network none --cgroupns host busybox sed -n 's/^0:://p' /proc/self/cgroup
	[[ $output == */moss-* ]]
	run -0 moss run --rm --network host busybox sed -n 's/^0:://p' /proc/self/cgroup
	[ "$output" = / ]
	run -0 moss run --rm --network host busybox ls /sys/fs/cgroup
	[[ $output == *cgroup.events* ]]
}

@test "processes of exec are in it" {
	started box busybox sleep 1000
	moss exec -d box sleep 1001
	wait_for 10 sh -c "[ \$(wc -l <'$(group_of box)/cgroup.procs') = 2 ]"
}

@test "pause freezes it, and unpause thaws it" {
	started box busybox sh -c 'while :; do :; done'
	local group
	group=$(group_of box)
	moss pause box
	grep -q 'frozen 1' "$group/cgroup.events"
	[ "$(awk '{ print $3 }' "/proc/$(moss inspect -f '{{.State.Pid}}' box)/stat")" != T ]
	moss unpause box
	grep -q 'frozen 0' "$group/cgroup.events"
	moss pause box
	run -0 moss stop -t 0 box
	moss start box
	grep -q 'frozen 0' "$(group_of box)/cgroup.events"
	moss pause box
	run -0 moss rm -f box
}

@test "what another lets go on is not said to be paused, and a killed pause is undone" {
	started box busybox sh -c 'while :; do :; done'
	local group
	group=$(group_of box)
	moss pause box
	echo 0 >"$group/cgroup.freeze"
	[ "$(moss inspect -f '{{.State.Status}}' box)" = running ]
	moss pause box
	: >"$ROOT/containers/$(moss inspect -f '{{.Id}}' box)/pause"
	[ "$(moss ps --format '{{.State}}')" = running ]
	grep -q 'frozen 0' "$group/cgroup.events"
}

@test "the end of a container with the host's pid namespace takes everything along" {
	started box --pid host busybox sleep 1000
	moss exec -d box sleep 1001
	moss exec -d box sh -c 'sleep 1002 & sleep 1003'
	local group
	group=$(group_of box)
	wait_for 10 sh -c "[ \$(wc -l <'$group/cgroup.procs') = 4 ]"
	moss kill box
	wait_for 10 test ! -e "$group"
}

@test "a monitor that was killed leaves no cgroup once somebody looks" {
	started box busybox sleep 1000
	local group
	group=$(group_of box)
	pkill -KILL -f "moss-monitor.*$ROOT "
	wait_for 10 sh -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' ps -a --format '{{.Status}}' | grep -q Exited"
	[ ! -e "$group" ]
}

@test "cgroups that the container has made go with it" {
	started box --privileged busybox sh -c 'mkdir -p /sys/fs/cgroup/sub/subsub && sleep 1000'
	local group
	group=$(group_of box)
	wait_for 10 test -e "$group/sub/subsub"
	moss rm -f box
	wait_for 10 test ! -e "$group"
}

@test "--cgroup-parent: below the place, or any folder that is ours" {
	run -0 moss run --rm --network none --cgroupns host --cgroup-parent a/b busybox sed -n 's/^0:://p' /proc/self/cgroup
	[[ /sys/fs/cgroup$output == "$(tree)/a/b/moss-"* ]]
	local parent
	parent=$(dirname "$(own)")/c
	run -0 moss run --rm --network none --cgroupns host --cgroup-parent "$parent" busybox sed -n 's/^0:://p' /proc/self/cgroup
	[[ $output == "$parent/moss-"* ]]
	run -125 moss run --rm --network none --cgroup-parent /not-ours busybox true
	[[ $output == *"cannot make the cgroup /not-ours"* ]]
	wait_for 10 rmdir "$(tree)/a/b" "$(tree)/a" "$(tree)/c"
}

@test "limits without their controllers are discarded with Docker's words" {
	[[ " $(cat "$(tree)/cgroup.controllers") " != *" memory "* ]] || skip "there is a memory controller"
	run -0 --separate-stderr moss run --rm --network none --memory 64m busybox true
	[[ $stderr == *"Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded."* ]]
}

@test "stats from the cgroup: processor time with that of the dead" {
	started box busybox sh -c 'while :; do sh -c "i=0; while [ \$i -lt 300 ]; do i=\$((i+1)); done"; done'
	local cpu
	cpu=$(moss stats --no-stream --format '{{.CPUPerc}}' box)
	[ "${cpu%%.*}" -gt 2 ]
}

@test "twenty containers at once, none leaves anything" {
	for _ in $(seq 20); do moss run --rm --network none busybox true & done
	wait
}
