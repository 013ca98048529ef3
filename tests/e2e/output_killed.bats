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
# time that it takes.
cut() {
	local name=$1 signal part start whole killed=0 code
	shift
	start=$EPOCHREALTIME
	"$@" >/dev/null
	whole=$((${EPOCHREALTIME/./} - ${start/./}))
	rm -rf "$OUT/${name:?}"
	for signal in INT KILL; do
		for part in 1 3 5 7; do
			[ -z "$BEFORE" ] || echo before >"$OUT/$name"
			code=0
			timeout -s $signal "$(printf '%d.%06d' $((whole * part / 8 / 1000000)) $((whole * part / 8 % 1000000)))" \
				"$@" >/dev/null 2>&1 || code=$?
			[ $code = 0 ] || killed=$((killed + 1))
			# One that was faster than its kill has written all of it.
			if [ $code != 0 ] && [ -n "$BEFORE" ]; then
				[ "$(cat "$OUT/$name")" = before ] || check_whole "$OUT/$name"
				wait_for 10 is_alone "$name"
			elif [ $code != 0 ]; then
				wait_for 10 is_alone "" || { is_alone "$name" && check_whole "$OUT/$name"; }
			fi
			rm -rf "$OUT/${name:?}"
		done
	done
	[ $killed -ge 4 ] || { echo "only $killed of 8 were killed"; false; }
	wait_for 10 store_is_clean
}
check_whole() { if [ -d "$1" ]; then [ -e "$1/oci-layout" ]; else tar tf "$1" >/dev/null; fi; }

@test "save and system export to a file" {
	make_large
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save -o "$OUT/a.tar" large:1
	BEFORE= cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save -o "$OUT/a.tar" large:1
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" system export "$OUT/a.tar"
}

@test "save and system export to a folder" {
	make_large
	BEFORE= cut dir "$MOSS" --root "$ROOT" --runroot "$RUNROOT" save --format oci-dir -o "$OUT/dir" large:1
	BEFORE= cut dir "$MOSS" --root "$ROOT" --runroot "$RUNROOT" system export "$OUT/dir/"
}

@test "export to a file, and cp over one" {
	make_large
	BEFORE=1 cut a.tar "$MOSS" --root "$ROOT" --runroot "$RUNROOT" export -o "$OUT/a.tar" large
	check_whole() { [ "$(stat -c %s "$1")" = $((24 << 20)) ]; }
	BEFORE=1 cut large "$MOSS" --root "$ROOT" --runroot "$RUNROOT" cp large:/large "$OUT/large"
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
