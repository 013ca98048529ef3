# Under a real systemd, in the user's own service manager (tests/lib/systemd-guest): the first boot.
# The store is the user's own, and stays for boot2.bats.
bats_require_minimum_version 1.5.0
setup() {
	moss=$MOSS_PREFIX/bin/moss
	export XDG_DATA_HOME=$HOME/data
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.1
	done
}

@test "the manager runs, and doctor finds nothing that fails" {
	[ "$(systemctl --user is-system-running)" = running ]
	"$moss" load -q -i "$MOSS_TEST_CACHE/busybox.tar"
	run "$moss" doctor
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"ok       linger: containers go on"* ]]
}

@test "the journal driver: fields, both streams, long and binary lines, read back" {
	"$moss" run --name jj --label tier=front --log-driver journald --log-opt tag=my-tag --log-opt labels=tier busybox \
		sh -c 'echo out; echo err >&2; head -c 40000 /dev/zero | tr "\0" x; echo; printf "a\001b\n"' >/dev/null 2>&1
	id=$("$moss" inspect -f '{{.Id}}' jj)
	wait_for 10 sh -c "journalctl -q CONTAINER_ID_FULL=$id -o cat | grep -q '^out'"
	journalctl -q CONTAINER_NAME=jj -o json >"$BATS_TEST_TMPDIR/json"
	[ "$(jq -rs '.[0] | .MESSAGE + .PRIORITY + .SYSLOG_IDENTIFIER + .CONTAINER_TAG + .IMAGE_NAME + .TIER' "$BATS_TEST_TMPDIR/json")" = out6my-tagmy-tagbusyboxfront ]
	[ "$(jq -rs '[.[] | select(.PRIORITY == "3") | .MESSAGE] | .[0]' "$BATS_TEST_TMPDIR/json")" = err ]
	[ "$(jq -rs '.[0].CONTAINER_ID' "$BATS_TEST_TMPDIR/json")" = "${id:0:12}" ]
	run --separate-stderr "$moss" logs jj
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = out ]
	[ "$stderr" = err ]
	[ "$("$moss" logs jj 2>/dev/null | sed -n 2p | wc -c)" -eq 40001 ]
	[ "$("$moss" logs --tail 1 jj 2>/dev/null | od -An -c | tr -d ' \n')" = 'a001b\n' ]
	"$moss" rm jj
}

@test "logs -f of the journal driver sees what comes, and ends with the container" {
	"$moss" run -d --name jf --log-driver journald busybox sh -c 'echo one; sleep 1; echo two' >/dev/null
	[ "$(timeout 20 "$moss" logs -f jf)" = "$(printf 'one\ntwo')" ]
	"$moss" rm jf
}

@test "a container has a cgroup of its own; pause freezes it; it goes with the container" {
	"$moss" run -d --name cc busybox sleep 1000 >/dev/null
	pid=$("$moss" inspect -f '{{.State.Pid}}' cc)
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
	[[ "$group" == *moss-* ]]
	[ "$(cat "$group/cgroup.procs")" = "$pid" ]
	"$moss" pause cc
	grep -q 'frozen 1' "$group/cgroup.events"
	"$moss" unpause cc
	grep -q 'frozen 0' "$group/cgroup.events"
	[[ "$("$moss" stats --no-stream --format '{{.Name}} {{.PIDs}}' cc)" == "cc 1" ]]
	"$moss" rm -f cc
	wait_for 5 test ! -e "$group"
}

@test "moss run as a service: stopping the unit stops the container, its end is the unit's" {
	systemd-run --user -q -u web --setenv=XDG_DATA_HOME="$XDG_DATA_HOME" \
		"$moss" run --rm --name web busybox sh -c 'trap "exit 0" TERM; echo serving; while :; do sleep 0.1; done'
	wait_for 10 sh -c 'journalctl --user -q -u web -o cat | grep -qx serving'
	run "$moss" ps --format "{{.Names}} {{.Status}}"
	echo "$output"
	[[ "$output" == "web Up"* ]]
	systemctl --user stop web
	wait_for 10 sh -c "[ -z \"\$($moss ps -aq)\" ]"
	run systemd-run --user -q --wait -u fails --setenv=XDG_DATA_HOME="$XDG_DATA_HOME" "$moss" run --rm busybox sh -c 'exit 7'
	[ "$status" -eq 7 ]
}

@test "a container outlives the unit that started it in the background, where that asks for it" {
	systemd-run --user -q --wait -u starter -p KillMode=process --setenv=XDG_DATA_HOME="$XDG_DATA_HOME" \
		"$moss" run -d --name bg busybox sleep 1000
	[ "$("$moss" inspect -f '{{.State.Running}}' bg)" = true ]
	"$moss" rm -f bg
}

@test "left for the next boot: what asks to be started again, and what does not" {
	unit=$MOSS_PREFIX/share/systemd/user/moss-restart.service
	[ -e "$unit" ]
	mkdir -p "$HOME/.config/systemd/user/moss-restart.service.d"
	printf '[Service]\nEnvironment=XDG_DATA_HOME=%s\n' "$XDG_DATA_HOME" \
		>"$HOME/.config/systemd/user/moss-restart.service.d/data.conf"
	systemctl --user enable "$unit"
	"$moss" run -d --name always --restart always busybox sh -c 'echo up; sleep 1000' >/dev/null
	"$moss" run -d --name unless --restart unless-stopped busybox sleep 1000 >/dev/null
	"$moss" run -d --name never busybox sleep 1000 >/dev/null
	"$moss" run -d --name stopped --restart unless-stopped busybox sleep 1000 >/dev/null
	"$moss" stop -t 0 stopped
	"$moss" ps -a
	[ "$("$moss" ps -q | wc -l)" -eq 3 ]
}
