# Podman's flags of start, stop, restart, kill, rm, wait, and several containers at once.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

state() { moss inspect -f '{{.State.Status}}' "$1"; }
state_is() { [ "$(state "$1")" = "$2" ]; }
sleeper() { # sleeper NAME FLAGS...
	local name=$1
	shift
	moss run -d --name "$name" --network none "$@" busybox sleep 100 >/dev/null
}

@test "stop: several side by side, each with its own time" {
	for i in 1 2 3 4; do sleeper "c$i" --stop-timeout 1; done
	sleeper slow --stop-timeout 2
	start=$(date +%s%N)
	[ "$(moss stop slow c1 c2 c3 c4 | tr '\n' ' ')" = "slow c1 c2 c3 c4 " ]
	took=$((($(date +%s%N) - start) / 1000000))
	[ "$took" -ge 1900 ]
	[ "$took" -lt 4500 ] # one after the other: 6 s
	for i in 1 2 3 4; do
		t=$(moss inspect -f '{{.State.FinishedAt}}' "c$i")
		[ "$(date -d "$t" +%s%N)" -lt $((start + 1900000000)) ]
	done
	moss start c1 c2
	run --separate-stderr moss stop -t 0 c1 nope c2 c1
	[ "$status" -eq 1 ]
	[ "$output" = "c1
c2
c1" ]
	[[ $stderr == *"No such container: nope"* ]]
}

@test "stop -t -1 waits for as long as it takes" {
	moss run -d --name one --network none --stop-timeout 0 busybox sh -c \
		'trap "sleep 1; exit 3" TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
	ready() { moss logs one | grep -q ready; }
	wait_for 15 ready
	moss stop -t -1 one
	[ "$(moss inspect -f '{{.State.ExitCode}}' one)" -eq 3 ]
}

@test "--all, --latest, --filter, --cidfile, --ignore" {
	sleeper one --label a=1 --cidfile "$WORK/cid"
	sleeper two --label a=2
	moss create --name never --network none busybox true >/dev/null
	one=$(cat "$WORK/cid") two=$(moss inspect -f '{{.Id}}' two)
	[ "$(moss stop -t 0 --filter label=a=2)" = "$two" ]
	state_is one running
	[ "$(moss stop -t 0 --all)" = "$one" ] # what does not run is not asked
	[ "$(moss start --cidfile x --all 2>&1 | head -1)" != "" ]
	[ "$(moss start --filter label=a)" = "$one
$two" ] # the oldest first
	[ "$(moss restart -t 0 --running | wc -l)" -eq 2 ]
	[ "$(moss kill --cidfile "$WORK/cid")" = "$one" ]
	state_is one exited
	state_is two running
	[ "$(moss kill -a)" = "$two" ]
	[ "$(moss start --latest)" = "$(moss inspect -f '{{.Id}}' never)" ]
	moss wait -l
	run -0 moss stop --ignore nope
	[ -z "$output" ]
	run -0 moss rm --ignore nope
	[ -z "$output" ]
	run -1 moss rm nope
	run -0 moss rm -f nope # as Docker: said, but no failure
	[[ $output == *"No such container: nope"* ]]
	[ "$(moss rm --cidfile "$WORK/cid")" = "$one" ]
	[ "$(moss rm --filter name=two)" = "$two" ]
	run -125 moss stop --all never
	run -1 moss stop
	[[ $output == *'requires at least 1 argument'* ]]
	[ "$(moss rm -a | wc -l)" -eq 1 ]
	[ -z "$(moss ps -aq)" ]
}

@test "start --all starts what does not run" {
	sleeper one
	moss create --name two --network none busybox sleep 100 >/dev/null
	moss start --all
	state_is two running
	state_is one running
}

@test "rm -f -t stops first" {
	moss run -d --name one --network none -v "$WORK:/w" busybox sh -c \
		'trap "echo bye >/w/bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
	ready() { moss logs one | grep -q ready; }
	wait_for 15 ready
	run -125 moss rm -t 5 one
	moss rm -f -t 5 one
	[ "$(cat "$WORK/bye")" = bye ]
}

@test "wait --condition, --ignore, --exit-first-match" {
	sleeper one --health-cmd true --health-interval 100ms
	[ "$(moss wait --condition running one)" = -1 ]
	[ "$(moss wait --interval 50ms --condition healthy one)" = -1 ]
	moss pause one
	[ "$(moss wait --condition exited,paused one)" = -1 ]
	moss unpause one
	moss run -d --name two --network none busybox sh -c 'sleep 0.3; exit 7' >/dev/null
	[ "$(moss wait --exit-first-match --interval 50ms one two)" = 7 ]
	[ "$(moss wait --condition exited,running two)" = 7 ]
	[ "$(moss wait --ignore nope two)" = "-1
7" ]
	run -125 moss wait --condition sleepy two
	[[ $output == *"unknown container state: sleepy"* ]]
	run -125 moss wait --interval soon two
	(sleep 0.3; moss rm -f one >/dev/null) 3>&- &
	[ "$(moss wait --condition removing --interval 50ms one)" = -1 ]
	wait
}

@test "container cleanup" {
	sleeper one
	[ "$(moss container cleanup one)" = one ]
	run -1 moss container cleanup --stopped-only one
	kill -9 "$(sqlite3 "$ROOT/moss.db" 'SELECT monitor_pid FROM container')"
	[ "$(moss container cleanup -a)" = "$(moss inspect -f '{{.Id}}' one)" ]
	state_is one exited
	moss container cleanup --rm one
	[ -z "$(moss ps -aq)" ]
}

@test "a start that fails leaves its error, and what it was" {
	port=$(free_port)
	moss create --name one -p "127.0.0.1:$port:80" busybox true >/dev/null
	moss run -d --name taker -p "127.0.0.1:$port:80" busybox sleep 100 >/dev/null
	run -1 moss start one
	[[ $output == *"port is already allocated"* ]]
	state_is one created
	[[ $(moss inspect -f '{{.State.Error}}' one) == *"port is already allocated"* ]]
	[ "$(moss inspect -f '{{.State.ExitCode}}' one)" -ne 0 ]
	moss stop -t 0 taker
	moss start one
	[ "$(moss wait one)" -eq 0 ]
	[ -z "$(moss inspect -f '{{.State.Error}}' one)" ]
}

@test "restart: events, a new life, and what it says where it cannot" {
	sleeper one
	moss restart -t 0 one
	run sqlite3 "$ROOT/moss.db" \
		"SELECT group_concat(action, ' ') FROM event WHERE type = 'container'"
	[ "$output" = "create start kill kill die stop start restart" ]
	run -1 moss restart nope
	[[ $output == *"No such container: nope"* ]]
	[ "$(moss restart -s KILL one)" = one ]
	run -1 moss restart -s FOO one
	[[ $output == *"Cannot restart container one: invalid signal: FOO"* ]]
}

@test "what is refused says so" {
	run -125 moss create --health-startup-cmd x busybox true
	[[ $output == *"--health-startup-cmd is not supported"* ]]
	run -125 moss rm --depend one
}
