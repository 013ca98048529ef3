#!/usr/bin/env bats
# Commands that write a file or folder of the user's, killed at any moment: what had the name is as it
# was, or the whole new one is there, and nothing stands beside it.
load ../lib/moss

setup() {
	store_with_busybox
	OUT=$WORK/out
	mkdir "$OUT"
}
teardown() { store_drop; }

# An image and a container with enough in them for a kill in the middle.
make_large() {
	moss run --name large --network none busybox sh -c 'dd if=/dev/urandom of=/large bs=1M count=24 2>/dev/null'
	moss commit -q large large:1 >/dev/null
}

is_alone() { [ "$(ls -A "$OUT")" = "$1" ]; }
store_is_clean() {
	moss images -q >/dev/null
	[ -z "$(ls -A "$ROOT/tmp")" ]
}

# cut NAME COMMAND...: the command, which writes $OUT/NAME, ended by two signals at eight moments of the
# time that it takes (more, where some come too late).
cut() {
	local name=$1 signal part start whole killed=0 code
	shift
	start=$EPOCHREALTIME
	"$@" >/dev/null
	whole=$((${EPOCHREALTIME/./} - ${start/./}))
	rm -rf "$OUT/${name:?}"
	for signal in INT KILL; do
		for part in 1 3 5 7 1 3 5 7; do
			[ $killed -lt $([ $signal = INT ] && echo 4 || echo 8) ] || break
			[ -z "$BEFORE" ] || echo before >"$OUT/$name"
			code=0
			start=$EPOCHREALTIME
			timeout -s $signal "$(printf '%d.%06d' $((whole * part / 8 / 1000000)) $((whole * part / 8 % 1000000)))" \
				"$@" >/dev/null 2>&1 || code=$?
			# One that was faster than its kill has written all of it, and tells how long it takes.
			if [ $code = 0 ]; then whole=$((${EPOCHREALTIME/./} - ${start/./})); else killed=$((killed + 1)); fi
			if [ $code != 0 ] && [ -n "$BEFORE" ]; then
				[ "$(cat "$OUT/$name")" = before ] || check_whole "$OUT/$name"
				wait_for 10 is_alone "$name"
			elif [ $code != 0 ]; then
				wait_for 10 is_alone "" || { is_alone "$name" && check_whole "$OUT/$name"; }
			fi
			rm -rf "$OUT/${name:?}"
		done
	done
	[ $killed -ge 4 ] || { echo "only $killed were killed"; false; }
	wait_for 10 store_is_clean
}
check_whole() { if [ -d "$1" ]; then [ -e "$1/oci-layout" ]; else tar tf "$1" >/dev/null; fi; }

@test "save and system export to a file" {
	make_large
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save -o "$OUT/a.tar" large:1
	BEFORE='' cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save -o "$OUT/a.tar" large:1
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" system export "$OUT/a.tar"
}

@test "save and system export to a folder" {
	make_large
	BEFORE='' cut dir "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save --format oci-dir -o "$OUT/dir" large:1
	BEFORE='' cut dir "$MOSS" --root "$ROOT" --runroot "$RUNROOT" system export "$OUT/dir/"
}

@test "export to a file, and cp over one" {
	make_large
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" export -o "$OUT/a.tar" large
	check_whole() { [ "$(stat -c %s "$1")" = $((24 << 20)) ]; }
	BEFORE=1 cut large "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp large:/large "$OUT/large"
}

# Killed at each of the calls that give a file its name.
at_each_call() { # COMMAND...
	local call
	for call in linkat:1 linkat:2 renameat:1 renameat:2 renameat:3 renameat:4 openat:60 openat:90; do
		strace -f -qq -o /dev/null -e "inject=${call%:*}:signal=KILL:when=${call#*:}" "$@" >/dev/null 2>&1 || true
		check_after "$call"
	done
}

@test "cp over files of the host, killed while they get their names" {
	make_large
	moss run -d --name keeps busybox sleep 1000 >/dev/null
	moss exec keeps sh -c 'mkdir -p /d/sub; for i in 1 2 3; do echo new >/d/$i; echo new >/d/sub/$i; done'
	mkdir -p "$OUT/d/sub"
	for i in 1 2 3; do echo before >"$OUT/d/$i"; echo before >"$OUT/d/sub/$i"; done
	check_after() {
		wait_for 10 eval '[ "$(cd "$OUT" && find d | sort | paste -sd" ")" = "d d/1 d/2 d/3 d/sub d/sub/1 d/sub/2 d/sub/3" ]'
		[ -z "$(cat "$OUT"/d/? "$OUT"/d/sub/? | grep -vx 'before\|new')" ]
	}
	at_each_call "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp keeps:/d "$OUT"
	# What was not there appears whole.
	rm -r "$OUT/d"
	check_after() { [ ! -e "$OUT/large" ] || [ "$(stat -c %s "$OUT/large")" = $((24 << 20)) ]; rm -f "$OUT/large"; [ -z "$(ls -A "$OUT")" ]; }
	at_each_call "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp large:/large "$OUT/large"
	check_whole() { [ "$(stat -c %s "$1")" = $((24 << 20)) ]; }
	BEFORE='' cut large "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp large:/large "$OUT/large"
}

@test "cp over files of a container, killed while they get their names" {
	moss run -d --name keeps busybox sh -c 'mkdir /d; echo before >/d/f; sleep 1000' >/dev/null
	wait_for 10 moss exec keeps test -e /d/f
	# The driver fuse-overlayfs has its server in the process that is killed.
	[ "$(moss inspect -f '{{.GraphDriver.Name}}' keeps)" = fuse-overlayfs ] || moss run --name stopped busybox sh -c 'mkdir /d; echo before >/d/f'
	head -c 20000000 /dev/urandom >"$OUT/f"
	for container in keeps stopped; do
		[ $container = keeps ] || moss inspect stopped >/dev/null 2>&1 || continue
		check_after() {
			wait_for 10 eval '[ "$(moss cp "$container:/d" - | tar t | sort | paste -sd" ")" = "d/ d/f" ]'
			[ "$(moss cp "$container:/d/f" - | tar xO | head -c 7)" = before ] ||
				moss cp "$container:/d/f" - | tar xO | cmp - "$OUT/f"
		}
		at_each_call "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp "$OUT/f" "$container:/d/f"
		for part in 005 010 020 030 050 080; do
			timeout -s KILL 0.$part "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp "$OUT/f" "$container:/d/f" >/dev/null 2>&1 || true
			check_after $part
		done
	done
}

@test "the group killed, with the guard's folder half written" {
	make_large
	setsid "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save --format oci-dir -o "$OUT/dir" large:1 &
	local pid=$!
	wait_for 10 eval 'compgen -G "$OUT/.moss.*/blobs" >/dev/null || [ -d "$OUT/dir" ]'
	kill -9 -$pid 2>/dev/null || true
	wait $pid || true
	wait_for 10 eval '[ -z "$(compgen -G "$OUT/.moss.*")" ]'
}
