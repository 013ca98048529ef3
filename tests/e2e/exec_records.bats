# What is known of exec's processes: events, ExecIDs; and Podman's flags of exec, attach, port,
# inspect.
load ../lib/moss
setup() {
	default_setup
	moss run -d --name ct --network none busybox sleep 1000 >/dev/null
}
teardown() { default_teardown; }

execs() { moss events --since 0 --until 0s --filter container=ct --filter event=exec_create --filter event=exec_start --filter event=exec_die --filter event=exec_detach --format '{{.Action}}|{{.Actor.Attributes.exitCode}}'; }
ids() { moss inspect -f '{{len .ExecIDs}}' ct; }

is() { [ "$("${@:2}")" = "$1" ]; }

@test "an exec is told of from its making to its end" {
	run -7 moss exec ct sh -c 'exit 7'
	[ "$(execs)" = $'exec_create: sh -c exit 7|<no value>\nexec_start: sh -c exit 7|<no value>\nexec_die|7' ]
	id=$(moss events --since 0 --until 0s --filter event=exec_die --format '{{.Actor.Attributes.execID}}')
	[[ $id =~ ^[0-9a-f]{64}$ ]]
	[ "$(moss events --since 0 --until 0s --filter event=exec_create --format '{{.Actor.Attributes.execID}}')" = "$id" ]
	run -127 moss exec ct nosuch
	[ "$(execs | tail -2)" = $'exec_create: nosuch |<no value>\nexec_start: nosuch |<no value>' ]
	[ "$(moss inspect -f '{{json .ExecIDs}}' ct)" = null ]
}

@test "ExecIDs are those that live" {
	moss exec -d ct sleep 100
	moss exec -d ct sh -c 'echo $$ >/pid; exec sleep 101'
	[ "$(ids)" = 2 ]
	id=$(moss inspect -f '{{index .ExecIDs 0}}' ct)
	[ "$(moss events --since 0 --until 0s --filter event=exec_start --format '{{.Actor.Attributes.execID}}' | grep -c "$id")" = 1 ]
	wait_for 5 moss exec ct test -s /pid
	moss exec ct sh -c 'kill $(cat /pid)'
	wait_for 5 is 1 ids
}

@test "-d: the end is recorded with nobody there" {
	moss exec -d ct sh -c 'exit 9'
	ended() { execs | grep -q '^exec_die|9$'; }
	wait_for 5 ended
	moss exec -dt ct sh -c 'exit 8'
	ended() { execs | grep -q '^exec_die|8$'; }
	wait_for 5 ended
	run -1 moss exec -d ct nosuch
	[[ $output = *'exec: "nosuch": executable file not found in $PATH'* ]]
	[ "$(execs | grep -c exec_die)" = 2 ]
}

@test "the command is killed: the next that looks records the end" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" exec ct sh -c 'sleep 1; exit 4' 3>&- &
	pid=$!
	wait_for 5 is 1 ids
	kill -9 $pid
	wait_for 5 is 0 ids
	[ "$(execs | tail -1)" = 'exec_die|4' ]
	[ "$(execs | grep -c exec_die)" = 1 ]
}

@test "a container that ends under its execs leaves no trace of them" {
	moss exec -d ct sleep 100
	moss exec ct sleep 100 3>&- &
	wait_for 10 is 2 ids
	moss stop -t 0 ct >/dev/null
	code=0
	wait $! || code=$?
	[ "$code" = 137 ]
	[ "$(moss inspect -f '{{json .ExecIDs}}' ct)" = null ]
	[ ! -e "$RUNROOT"/c/*/exec-* ]
}

@test "paused and restarting containers" {
	moss run -d --name rs --restart always --network none busybox false >/dev/null
	restarting() { [ "$(moss inspect -f '{{.State.Status}}' rs)" = restarting ]; }
	wait_for 10 restarting
	run -1 moss exec rs true
	[[ $output = *"is restarting, wait until the container is running"* ]]
	moss pause ct >/dev/null 2>&1 || skip "no freezer here"
	run -1 moss exec ct true
	[[ $output = *"Container ct is paused, unpause the container before exec"* ]]
	moss unpause ct
}

@test "Podman's --latest and --cidfile; what is refused" {
	moss ps -q --no-trunc >"$WORK/cid"
	moss create --name newer busybox true >/dev/null
	run -0 moss exec --cidfile "$WORK/cid" echo hi
	[ "$output" = hi ]
	run -1 moss exec -l true
	[[ $output = *"is not running"* ]]
	moss rm newer >/dev/null
	run -0 moss exec -l echo hi
	[ "$output" = hi ]
	[ "$(moss inspect -l -f '{{.Name}}')" = /ct ]
	[ "$(moss container inspect -l -f '{{.Name}}')" = /ct ]
	[ "$(moss inspect -t all -f '{{.Name}}' ct)" = /ct ]
	run -125 moss inspect -l ct
	run -125 moss exec --preserve-fds 1 ct true
	[[ $output = *"not supported"* ]]
	run -1 moss exec ct
	[[ $output = *"requires at least 2 arguments"* ]]
	run -1 moss attach
	[[ $output = *"requires exactly 1 argument"* ]]
	run -126 moss exec -w relative ct true
	[[ $output = *"Cwd must be an absolute path"* ]]
	run -1 moss exec -t --detach-keys foo ct true
	[[ $output = *"Invalid escape keys (foo) provided"* ]]
	run -1 moss exec --env-file /nosuch ct true
	[[ $output = *"no such file or directory"* ]]
}

@test "a detached exec whose container ends first has its exec_die all the same" {
	moss run -d --name vic --network none busybox sleep 100 >/dev/null
	moss exec -d vic sleep 50
	moss exec -d vic sleep 60
	moss stop -t 0 vic
	for i in $(seq 600); do
		run moss events --since 10m --until 0s --filter event=exec_die --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'
		[ "${#lines[@]}" -lt 2 ] || break
		sleep 0.1
	done
	[ "$output" = $'vic 137\nvic 137' ]
	sleep 0.3
	[ "$(moss events --since 10m --until 0s --filter event=exec_die --format x | wc -l)" = 2 ]
}
