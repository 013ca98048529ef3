# kill -9 of any process at any point of run, stop and rm: the next commands put it right.
#
# strace kills whoever makes the Nth call of a kind. (Under strace newuidmap is not set-uid, so
# another container keeps the user namespace alive to be joined.)
load ../lib/moss

setup() {
	store_with_busybox
	MARK=1$BATS_TEST_NUMBER$$ # nobody else sleeps so long
	moss run -d --name holder --network none busybox sleep 1000 >/dev/null
}
teardown() { store_drop; }

# killed_at CALL:N ARGS...: moss with these arguments; the process that makes the Nth CALL is
# killed instead. A point that is never reached is a failed test: it would test nothing.
killed_at() {
	local point=$1
	shift
	rm -f "$WORK"/trace.*
	timeout 60 strace -f -ff -qq -o "$WORK/trace" -e "trace=${point%:*}" \
		-e "inject=${point%:*}:signal=KILL:when=${point#*:}" \
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@" >"$WORK/out" 2>&1 3>&- || true
	grep -ql 'killed by SIGKILL' "$WORK"/trace.* || {
		echo "$point: not reached by: $*"
		return 1
	}
}

# What must hold after each: every command works, the state is true, nothing is left but the holder.
sound_after() {
	local point=$1 id pid
	moss ps -a >"$WORK/ps" || { echo "$point: ps failed"; return 1; }
	for id in $(moss ps -q --no-trunc); do
		pid=$(moss inspect -f '{{.State.Pid}}' "$id")
		[ -d "/proc/$pid" ] || { echo "$point: $id runs without a process"; cat "$WORK/ps"; return 1; }
	done
	[ "$(moss run --rm --network none busybox echo works)" = works ] || { echo "$point: run failed"; return 1; }
	for id in $(moss ps -aq --filter name=victim); do
		moss rm -f "$id" >/dev/null || { echo "$point: rm failed"; return 1; }
	done
	[ "$(moss ps -aq | wc -l)" -eq 1 ] || { echo "$point: left:"; moss ps -a; return 1; }
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ] || { echo "$point: database"; return 1; }
	wait_for 10 only_holder || { echo "$point: files left:"; only_holder; return 1; }
	wait_for 10 one_monitor || { echo "$point: processes left"; pgrep -af -- "$ROOT"; return 1; }
}

# The trash of a dead command is emptied by a later one, once it is a few seconds old.
only_holder() {
	moss ps >/dev/null
	[ "$(ls "$ROOT/containers" | wc -l)" -eq 1 ] && [ "$(ls "$RUNROOT/c" | wc -l)" -eq 1 ] &&
		[ -z "$(ls "$ROOT/trash" "$ROOT/tmp" | grep -v :)" ] || {
		ls "$ROOT/containers" "$RUNROOT/c" "$ROOT/trash" "$ROOT/tmp"
		return 1
	}
}
no_victim() { ! pgrep -f "sleep $MARK" >/dev/null; }
one_monitor() {
	[ "$(pgrep -fc -- "--root $ROOT --runroot $RUNROOT --id")" -eq 1 ] &&
		no_victim
}

each_point() { # each_point WORDS... -- points on stdin
	local point
	while read -r point; do
		"$@" "$point" || return 1
		sound_after "$point" || return 1
	done
}

run_rm() { killed_at "$1" run --rm --name victim --network none busybox sh -c 'echo hi; sleep 0.1'; }
run_kept() { killed_at "$1" run --name victim --network none busybox sh -c 'echo hi; sleep 0.1'; }
run_detached() { killed_at "$1" run -d --name victim --network none busybox sleep 0.5; }
run_slirp() { killed_at "$1" run --rm --name victim busybox sleep 0.2; }

front_points() {
	printf '%s\n' linkat:1 mkdirat:1 mkdirat:2 clone:1 recvmsg:1 recvmsg:2 pwrite64:1 pwrite64:3 \
		pwrite64:6 pwrite64:9 pwrite64:12 flock:2 flock:3 sendmsg:1
}
monitor_points() {
	printf '%s\n' setns:1 umask:1 bind:1 listen:1 clone3:1 epoll_create1:1 epoll_wait:1 epoll_wait:2 \
		waitid:1 epoll_ctl:3
}
init_points() {
	printf '%s\n' fsopen:1 move_mount:3 pivot_root:1 sethostname:1 capset:1 execveat:1 seccomp:1
}

@test "run --rm: the front is killed at 14 points" { front_points | each_point run_rm; }
@test "run: the front is killed at 14 points" { front_points | each_point run_kept; }
@test "run --rm: the monitor is killed at 10 points" { monitor_points | each_point run_rm; }
@test "run -d: the monitor is killed at 10 points" { monitor_points | each_point run_detached; }
@test "run: init is killed at 7 points before it execs" { init_points | each_point run_kept; }
@test "run with slirp4netns: killed at 8 points" {
	printf '%s\n' clone:1 vfork:1 bind:2 epoll_wait:1 waitid:1 socketpair:2 pipe2:2 sendmsg:2 |
		each_reached run_slirp
}
# As each_point, where not all systems make each of the calls.
each_reached() {
	local point
	while read -r point; do
		"$@" "$point" >/dev/null || true
		sound_after "$point" || return 1
	done
}

@test "stop is killed at 6 points" {
	stop_at() {
		moss run -d --name victim --network none busybox sleep $MARK >/dev/null
		killed_at "$1" stop -t 0 victim
	}
	printf '%s\n' connect:1 sendto:1 pidfd_open:1 pidfd_send_signal:1 pidfd_send_signal:2 pwrite64:3 |
		each_point stop_at
}

@test "rm is killed at 10 points: gone, or as it was" {
	rm_at() {
		moss run --name victim --network none busybox sh -c 'mkdir /a; chown 5:5 /a; echo x >/a/b; sleep 0'
		killed_at "$1" rm --no-trash victim
	}
	printf '%s\n' flock:1 flock:2 flock:3 pwrite64:1 pwrite64:3 pwrite64:6 fdatasync:1 renameat:1 \
		unlinkat:1 unlinkat:4 | each_point rm_at
}

@test "rm -f of a running one is killed at 7 points" {
	rm_f_at() {
		moss run -d --name victim --network none busybox sleep $MARK >/dev/null
		killed_at "$1" rm -f --no-trash victim
	}
	printf '%s\n' pwrite64:1 pwrite64:4 fdatasync:1 pidfd_open:1 pidfd_send_signal:1 renameat:1 unlinkat:2 |
		each_point rm_f_at
}

@test "a monitor killed later: the container ends with it, and its end is recorded" {
	moss run -d --name victim --network none busybox sleep $MARK >/dev/null
	kill -9 "$(sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name='victim'")"
	wait_for 10 no_victim
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' victim)" = "exited 137" ]
	[ "$(moss wait victim)" = 137 ]
	moss start victim
	[ "$(moss inspect -f '{{.State.Status}}' victim)" = running ]
	moss rm -f victim
	sound_after monitor
}

@test "a monitor killed under a foreground run: it returns, and says 137" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --name victim --network none busybox \
		sh -c "echo ready; sleep $MARK" >"$WORK/o" 2>&1 3>&- &
	front=$!
	wait_for 10 grep -q ready "$WORK/o"
	kill -9 "$(sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name='victim'")"
	status=0
	wait $front || status=$?
	[ "$status" -eq 137 ]
	sound_after monitor
}

@test "slirp4netns killed: the container goes on without network, and can be removed" {
	moss run -d --name victim busybox sleep $MARK >/dev/null
	monitor=$(sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name='victim'")
	pkill -9 -P "$monitor" slirp4netns
	[ "$(moss inspect -f '{{.State.Status}}' victim)" = running ]
	moss stop -t 0 victim
	moss start victim
	moss rm -f victim
	sound_after slirp
}

@test "everything of the user killed at once, as at a log-out: the next command finds the truth" {
	for i in 1 2 3; do moss run -d --name "victim$i" --network none busybox sleep $MARK >/dev/null; done
	# shellcheck disable=SC2046 # a list of ids
	kill -9 $(sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name like 'victim%'")
	[ "$(moss ps -q | wc -l)" -eq 1 ]
	[ "$(moss ps -aq --filter status=exited | wc -l)" -eq 3 ]
	sound_after all
}

@test "what a monitor that was killed last of all left in the run root goes, what lives stays" {
	local other="$MOSS --root $WORK/other --runroot $RUNROOT"
	moss run -d --name mine --network none busybox sleep 1000 >/dev/null
	$other load -q -i "$(busybox_archive)" >/dev/null
	$other run -d --name others --network none busybox sleep 1000 >/dev/null
	mkdir "$RUNROOT/c/0123456789ab" "$RUNROOT/c/123456789abc"
	touch "$RUNROOT/c/0123456789ab/ctl"
	touch -d '1 minute ago' "$RUNROOT/c/"*
	touch "$RUNROOT/c/123456789abc" # may be a start that has just begun
	moss ps >/dev/null
	[ ! -e "$RUNROOT/c/0123456789ab" ]
	[ -e "$RUNROOT/c/123456789abc" ] && rmdir "$RUNROOT/c/123456789abc"
	[ "$(ls "$RUNROOT/c" | wc -l)" -eq "$(($(moss ps -q | wc -l) + 1))" ]
	[ "$(moss exec mine echo works)" = works ]
	[ "$($other ps -q | wc -l)" -eq 1 ]
	[ -S "$RUNROOT/c/$($other ps -q)/ctl" ]
	$other rm -f others
}
