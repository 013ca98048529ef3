# Many at once: nothing is lost, nothing is locked, nothing is left.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# at_once N COMMAND...: N copies side by side, each told its number as the last argument; every
# output and status lands in $WORK/at.<i>. Fails where one failed.
at_once() {
	local n=$1 i pids=() failed=0
	shift
	for i in $(seq "$n"); do
		("$@" "$i" >"$WORK/at.$i" 2>&1) 3>&- &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[$i]}" || { failed=$((failed + 1)); sed "s/^/[$((i + 1))] /" "$WORK/at.$((i + 1))"; }
	done
	return $failed
}

database_is_sound() {
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
}

one_run() { moss run --rm --network none busybox echo "number $1"; }
one_detached() { moss run -d --name "d$1" --network none busybox sleep 100; }
one_stop() { moss stop -t 0 "d$1"; }
one_rm() { moss rm "d$1"; }

@test "50 runs at once" {
	at_once 50 one_run
	for i in $(seq 50); do
		[ "$(cat "$WORK/at.$i")" = "number $i" ]
	done
	[ -z "$(moss ps -aq)" ]
	[ -z "$(ls "$ROOT/containers")" ]
	database_is_sound
}

@test "20 detached, stopped and removed at once, in one user namespace" {
	at_once 20 one_detached
	[ "$(moss ps -q | wc -l)" -eq 20 ]
	[ "$(for c in $(moss ps -q); do
		readlink "/proc/$(moss inspect -f '{{.State.Pid}}' "$c")/ns/user"
	done | sort -u | wc -l)" -eq 1 ]
	at_once 20 one_stop
	[ -z "$(moss ps -q)" ]
	at_once 20 one_rm
	[ -z "$(moss ps -aq)" ]
	database_is_sound
}

same_name() { moss run -d --name only --network none busybox sleep 100; }

@test "one name for ten at once: exactly one gets it, the others say who has it" {
	run at_once 10 same_name
	[ "$status" -eq 9 ]
	[ "$(grep -l 'is already in use' "$WORK"/at.* | wc -l)" -eq 9 ]
	[ "$(moss ps -aq | wc -l)" -eq 1 ]
	[ "$(ls "$ROOT/containers" | wc -l)" -eq 1 ]
}

start_or_rm() {
	if [ $(($1 % 2)) = 0 ]; then moss start ct; else moss rm -f ct; fi || true
}

@test "rm -f against start: in the end it is gone and nothing runs" {
	for round in 1 2 3 4 5; do
		moss create --name ct --network none busybox sleep 100
		at_once 6 start_or_rm
		moss rm -f ct || true
		[ -z "$(moss ps -aq)" ]
	done
	[ -z "$(ls "$ROOT/containers")" ]
	database_is_sound
}

load_it() { moss load -q -i "$(busybox_archive)"; }

@test "the same image loaded by eight at once is there once" {
	moss rmi -f busybox
	at_once 8 load_it
	[ "$(moss images -q | wc -l)" -eq 1 ]
	[ "$(ls "$ROOT/layers" | wc -l)" -eq 1 ]
	[ "$(moss run --rm --network none busybox echo yes)" = yes ]
	database_is_sound
}

exec_one() { [ "$(moss exec ct echo "e$1")" = "e$1" ]; }

@test "30 execs in one container at once" {
	moss run -d --name ct --network none busybox sleep 100
	at_once 30 exec_one
}

logged() { moss run --name "l$1" --network none busybox sh -c 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done' >"$WORK/out.$1"; }

@test "output of ten at once is whole, on the terminal's side and in the log" {
	at_once 10 logged
	for i in $(seq 10); do
		[ "$(wc -l <"$WORK/out.$i")" -eq 2000 ]
		[ "$(tail -1 "$WORK/out.$i")" = "line 1999" ]
		[ "$(moss logs "l$i" | sha256sum)" = "$(sha256sum <"$WORK/out.$i")" ]
	done
}
