# top: Docker's columns, ps options, Podman's descriptors.
load ../lib/moss

setup() {
	default_setup
	moss run -d --name box --network none busybox sh -c 'sleep 1000 & sleep 1001 & wait' >/dev/null
	wait_for 10 sh -c "[ \$('$MOSS' --root '$ROOT' --runroot '$RUNROOT' top box pid | wc -l) = 4 ]"
}
teardown() { default_teardown; }

pid_of() { moss inspect -f '{{.State.Pid}}' "$1"; }

@test "the columns of ps -ef, with this machine's numbers" {
	run -0 moss top box
	[ "${lines[0]}" = "UID                 PID                 PPID                C                   STIME               TTY                 TIME                CMD" ]
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[1]} == "root                $(pid_of box) "*"sh -c sleep 1000 & sleep 1001 & wait" ]]
	[[ $output == *" $(pid_of box) "*"sleep 1000"* ]]
	[ "$(awk 'NR > 2 { print $3 }' <<<"$output" | sort -u)" = "$(pid_of box)" ]
	run -0 moss container top box -ef
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[0]} == "UID  "*"CMD" ]]
}

@test "our own columns agree with those of ps" {
	# The share of the processor, the time and the start may move on between the two.
	diff <(moss top box | awk '{ print $1, $2, $3, $6, $8, $9, $10 }' | sort) \
		<(moss top box -ef | awk '{ print $1, $2, $3, $6, $8, $9, $10 }' | sort)
}

@test "ps options choose the columns" {
	run -0 moss top box -o pid,comm
	[ "${lines[0]}" = "PID                 COMMAND" ]
	[ "${#lines[@]}" = 4 ]
	[ "${lines[1]}" = "$(printf '%-20s%s' "$(pid_of box)" sh)" ]
	run -0 moss top box aux
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[0]} == "USER "*"COMMAND" ]]
	[[ ${lines[1]} == "root "* ]]
	run -1 moss top box -o comm
	[[ $output == *"Couldn't find PID field in ps output"* ]]
	run -1 moss top box --badopt
	[[ $output == *"ps: error: unknown gnu long option"* ]]
	run -1 moss top box -o 'pid;id'
	[[ $output == *'ps: error: unknown user-defined format specifier "pid;id"'* ]]
	run -1 moss top box -eo pid,comm=PID
	[[ $output == *'is not allowed'* ]]
}

@test "what ps is not given: processes of others" {
	run -0 moss top box -e -o pid,args
	[ "${#lines[@]}" = 4 ]
	[[ $output != *bats* ]]
}

@test "Podman's descriptors" {
	run -0 moss top box pid hpid ppid user args
	[ "${lines[0]}" = "PID         HPID        PPID        USER        COMMAND" ]
	[[ ${lines[1]} == "1           $(pid_of box)"*" 0           root        sh -c"* ]]
	moss exec -d -u nobody box sleep 77
	wait_for 10 sh -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' top box user args | grep -q 'nobody.*sleep 77'"
	run -0 moss top box capeff capbnd seccomp state rss vsz group groups
	[[ ${lines[1]} == CHOWN,*filter* ]]
	run -0 moss top --list-descriptors
	[[ $output == *hpid* ]]
	run -0 moss top --latest pid
	[ "${lines[1]}" = 1 ]
}

@test "a container that does not run, and none" {
	moss create --name fresh busybox true >/dev/null
	run -1 moss top fresh
	[[ $output == *"container $(moss inspect -f '{{.Id}}' fresh) is not running"* ]]
	run -1 moss top nope
	[[ $output == *"No such container: nope"* ]]
	run -1 moss top
	[[ $output == *'requires at least 1 argument.'* ]]
}

@test "without ps the options say what is missing, and the default columns are there" {
	mkdir "$WORK/bin"
	run -0 env PATH="$WORK/bin" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" top box
	[ "${#lines[@]}" = 4 ]
	run -1 env PATH="$WORK/bin" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" top box aux
	[[ $output == *"ps"*"is not installed"*"procps"* ]]
}

@test "no file of the image is run outside, whatever it is called" {
	moss exec box sh -c 'printf "#!/bin/sh\ntouch /ran\n" >/bin/ps; chmod 755 /bin/ps'
	run -0 moss top box aux
	run moss exec box ls /ran
	[ "$status" != 0 ]
}

@test "with the host's pid namespace only the container's own processes are shown" {
	moss run -d --name host --pid host --network none busybox sh -c 'sleep 2000 & wait' >/dev/null
	moss exec -d host sleep 2001
	wait_for 10 sh -c "[ \$('$MOSS' --root '$ROOT' --runroot '$RUNROOT' top host | wc -l) = 4 ]"
	run -0 moss top host -o pid,args
	[ "${#lines[@]}" = 4 ]
	[[ $output == *"sleep 2001"* ]]
	[[ $output != *"sleep 1000"* ]]
}

@test "top is an event" {
	moss top box >/dev/null
	[ "$(sqlite3 "$ROOT/moss.db" "SELECT count(*) > 0 FROM event WHERE action = 'top'")" = 1 ]
}
