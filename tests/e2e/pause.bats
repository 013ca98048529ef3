# pause and unpause: without a cgroup by signals; what other commands say of a paused container.
load ../lib/moss

setup() { default_setup; }
teardown() { default_teardown; }

# Counts in the file /n of the container.
counting() {
	moss run -d --name "$1" --network none "${@:2}" busybox \
		sh -c 'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i >/n.new; mv /n.new /n; done' >/dev/null
	wait_for 10 moss exec "$1" cat /n
}

pid_of() { moss inspect -f '{{.State.Pid}}' "$1"; }

# The processor time of the container's first process, in clock ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$(pid_of "$1")/stat"; }

stands_still() {
	local before
	before=$(ticks "$1")
	sleep 0.4
	[ "$(ticks "$1")" = "$before" ]
}

goes_on() {
	local before
	before=$(ticks "$1")
	wait_for 10 eval "[ \$(ticks $1) -gt $before ]"
}

@test "pause stops every process, unpause lets them go on" {
	counting box
	run -0 moss pause box
	[ "$output" = box ]
	stands_still box
	[[ $(moss ps --format '{{.Status}} {{.State}}') == "Up "*" (Paused) paused" ]]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' box)" = "paused true true" ]
	[ "$(moss ps -q --filter status=paused | wc -l)" = 1 ]
	run -0 moss unpause box
	[ "$output" = box ]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.Paused}}' box)" = "running false" ]
	goes_on box
}

@test "processes of exec and their children stand still, too" {
	counting box
	moss exec -d box sh -c 'while :; do echo x >/x.new; mv /x.new /x; done'
	wait_for 10 moss exec box cat /x
	moss exec -d box sh -c '(while :; do :; done) & wait'
	moss pause box
	local pid
	for pid in $(moss top box -o pid= -o stat= 2>/dev/null | awk 'NR > 1 { print $1 }'); do
		[[ $(awk '{ print $3 }' "/proc/$pid/stat") == T ]] || grep -q 1 "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")/cgroup.freeze"
	done
	stands_still box
	moss unpause box
	goes_on box
}

@test "what a paused container refuses, in Docker's words" {
	counting box
	moss create --name fresh busybox true >/dev/null
	local id
	id=$(moss inspect -f '{{.Id}}' box)
	moss pause box
	run -1 moss pause box
	[[ $output == *"Container $id is already paused"* ]]
	run -1 moss exec box true
	[[ $output == *"is paused, unpause the container before exec"* ]]
	run -1 moss attach box
	[[ $output == *"You cannot attach to a paused container, unpause it first"* ]]
	run -1 moss start box
	[[ $output == *"cannot start a paused container, try unpause instead"* ]]
	run -1 moss rm box
	[[ $output == *"cannot remove container \"/box\": container is paused and must be unpaused first"* ]]
	run -0 moss logs box
	run -1 moss pause fresh
	[[ $output == *"container $(moss inspect -f '{{.Id}}' fresh) is not running"* ]]
	run -1 moss unpause fresh
	[[ $output == *"Container $(moss inspect -f '{{.Id}}' fresh) is not paused"* ]]
	run -1 moss pause box nope fresh
	[[ $output == *"No such container: nope"* ]]
	moss unpause box
	run -1 moss unpause box
	[[ $output == *"Container $id is not paused"* ]]
	run -1 moss pause
	[[ $output == *'requires at least 1 argument.'* ]]
}

@test "stop, kill, restart and rm -f of a paused container" {
	counting box
	moss pause box
	run -0 moss stop -t 10 box
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Paused}}' box)" = "exited 7 false" ]
	moss start box
	moss pause box
	run -0 moss restart -t 10 box
	[ "$(moss inspect -f '{{.State.Status}}' box)" = running ]
	moss pause box
	run -0 moss kill box
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' box)" = "exited 137" ]
	moss start box
	moss pause box
	run -0 moss rm -f box
	run -1 moss inspect box
}

@test "a signal other than KILL lets it go on, as with Docker" {
	counting box
	moss pause box
	run -0 moss kill -s WINCH box
	[ "$(moss inspect -f '{{.State.Status}}' box)" = running ]
	goes_on box
}

@test "--all, --latest, --cidfile and --filter" {
	counting one --cidfile "$WORK/cid"
	counting two --label x=1
	run -0 moss pause --all
	[ "${#lines[@]}" = 2 ]
	[ "$(moss ps -q --filter status=paused | wc -l)" = 2 ]
	run -0 moss unpause --latest
	[ "$output" = "$(moss inspect -f '{{.Id}}' two)" ]
	run -0 moss unpause --cidfile "$WORK/cid"
	[ "$(moss ps -q --filter status=paused | wc -l)" = 0 ]
	run -0 moss pause --filter label=x
	[ "$(moss ps --filter status=paused --format '{{.Names}}')" = two ]
	run -125 moss pause --all one
	[[ $output == *"cannot be used together"* ]]
	run -0 moss unpause -a
	goes_on two
}

# Whoever is killed over it leaves nothing that stands still and is said to run.
@test "a pause that was killed at any point is undone or complete" {
	counting box
	local id n dir
	id=$(moss inspect -f '{{.Id}}' box)
	dir=$ROOT/containers/$id
	for n in 1 2 3 4 6 8 12; do
		timeout --foreground -s KILL "0.00$n" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pause box >/dev/null 2>&1 || true
		case $(moss inspect -f '{{.State.Status}}' box) in
		paused)
			[ ! -e "$dir/pause" ]
			stands_still box
			moss unpause box
			;;
		running) goes_on box ;;
		*) false ;;
		esac
		timeout --foreground -s KILL "0.00$n" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" unpause box >/dev/null 2>&1 || true
		[ "$(moss inspect -f '{{.State.Status}}' box)" = running ]
	done
	goes_on box
}

@test "a row that says paused of a container that runs is corrected" {
	counting box
	moss pause box
	moss unpause box
	local id
	id=$(moss inspect -f '{{.Id}}' box)
	sqlite3 "$ROOT/moss.db" "UPDATE container SET state = 'paused' WHERE id = '$id'"
	[ "$(moss inspect -f '{{.State.Status}}' box)" = running ]
	sqlite3 "$ROOT/moss.db" "UPDATE container SET state = 'paused' WHERE id = '$id'"
	: >"$ROOT/containers/$id/pause"
	[ "$(moss ps --format '{{.State}}')" = running ]
	[ ! -e "$ROOT/containers/$id/pause" ]
	goes_on box
}

@test "pause and unpause are events" {
	counting box
	moss pause box
	moss unpause box
	[ "$(sqlite3 "$ROOT/moss.db" "SELECT group_concat(action) FROM event WHERE action LIKE '%pause'")" = "pause,unpause" ]
}
