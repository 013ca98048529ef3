# Turning logs over: nothing is lost, nothing doubled, whoever reads, dies or has no room meanwhile.
load ../lib/moss

setup() { store_with_busybox; }
teardown() {
	[ -z "${SMALL:-}" ] || rm -f "$MOSS_TEST_SMALL/filler"
	store_drop
	[ -z "${SMALL:-}" ] || in_userns rm -rf "$SMALL"
}

log_file() { echo "$ROOT/containers/$1/$1-json.log"; }
follow() { timeout 40 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f "$@"; }
# The lines of FILE are FIRST, FIRST + 1 ... LAST.
is_sequence() {
	[ "$(tail -n 1 "$1")" = "$2" ] && seq "$(head -n 1 "$1")" "$2" | cmp - "$1"
}

@test "compress: all but the newest become .gz, and are read as before" {
	id=$(moss run -d --log-opt max-size=10k --log-opt max-file=4 --log-opt compress=true --network none busybox seq 1000)
	moss wait "$id"
	f=$(log_file "$id")
	wait_for 10 eval "[ -e $f.1.gz ] && [ -e $f.2.gz ] && [ -e $f.3.gz ] && [ ! -e $f.1 ] && [ ! -e $f.part ]"
	[ ! -e "$f.4" ] && [ ! -e "$f.4.gz" ] && [ ! -e "$f.new" ]
	gzip -t "$f.1.gz"
	[ "$(zcat "$f.1.gz" | wc -c)" -ge 10000 ]
	# Docker's header: the time of the last record.
	last=$(zcat "$f.1.gz" | tail -n 1 | jq -r .time)
	head -c 200 "$f.1.gz" | grep -qaF "{\"lastTime\":\"$last\""
	moss logs "$id" >"$WORK/all"
	is_sequence "$WORK/all" 1000
	for n in 1 100 200 300 400; do
		[ "$(moss logs -n $n "$id" | head -n 1)" = $((1001 - n)) ]
	done
	[ "$(moss logs --since "$last" "$id" | tail -n 1)" = 1000 ]
}

@test "files that end before --since are not even opened" {
	id=$(moss run -d --log-opt max-size=10k --log-opt max-file=4 --log-opt compress=true --network none busybox seq 1000)
	moss wait "$id"
	f=$(log_file "$id")
	wait_for 10 eval "[ -e $f.3.gz ] && [ ! -e $f.part ]"
	# If it were read this would show.
	printf 'x' | dd of="$f.3.gz" bs=1 seek=120 conv=notrunc 2>/dev/null
	touch -d '1 hour ago' "$f.3.gz"
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=execve -o "$WORK/trace" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs --since 30m "$id" >"$WORK/out"
	is_sequence "$WORK/out" 1000
	[ "$(grep -c 'execve.*moss-log' "$WORK/trace")" -eq 2 ]
}

@test "a follower sees each line once while files are turned over and compressed under it" {
	for driver in json-file local; do
		id=$(moss run -d --log-driver $driver --log-opt max-size=40k --log-opt max-file=50 --log-opt compress=true \
			--network none busybox sh -c 'for i in $(seq 40); do seq $((i * 200 - 199)) $((i * 200)); sleep 0.02; done')
		follow "$id" >"$WORK/out"
		seq 8000 | cmp - "$WORK/out"
		moss logs "$id" >"$WORK/all"
		seq 8000 | cmp - "$WORK/all"
		[ "$(moss logs -n 5000 "$id" | head -n 1)" = 3001 ]
	done
}

@test "the monitor is killed while it turns files over: what it wrote is there once, the next run goes on" {
	id=$(moss create --log-opt max-size=20k --log-opt max-file=3000 --log-opt compress=true --network none busybox \
		sh -c 'echo begin; exec seq 1000000')
	for i in 1 2 3 4 5; do
		moss start "$id" >/dev/null
		sleep 0.0$i
		kill -9 "$(sqlite3 "$ROOT/moss.db" 'select monitor_pid from container')" 2>/dev/null || true
		wait_for 10 eval '[ "$(moss inspect -f "{{.State.Status}}" '"$id"')" = exited ]'
	done
	moss logs "$id" >"$WORK/all"
	# Each run counts on from its "begin" without a gap, and none is missing.
	[ "$(head -n 1 "$WORK/all")" = begin ]
	awk '/begin/ { n = 0; next } $1 != n + 1 { print "after " n " comes " $1; bad = 1 } { n = $1 } END { exit bad }' \
		"$WORK/all"
	# Nothing but whole records in any file.
	for f in "$ROOT/containers/$id/$id"-json.log*; do
		case $f in *.gz) zcat "$f" ;; *.part | *.new) ;; *) cat "$f" ;; esac
	done | jq -e .log >/dev/null
}

@test "a full disk costs lines, not the container; a line says so, and the log goes on" {
	[ -n "${MOSS_TEST_SMALL:-}" ] || skip "MOSS_TEST_SMALL names no small file system (tests/run makes one)"
	SMALL=$MOSS_TEST_SMALL/logs
	ROOT=$SMALL/root
	mkdir -p "$SMALL"
	moss load -q -i "$(busybox_archive)" >/dev/null
	mkfifo "$WORK/go" "$WORK/full" "$WORK/end"
	for driver in json-file local; do
		moss run -d --name ct --log-driver $driver --network none -v "$WORK:/w" busybox sh -c \
			'echo before; cat /w/go; seq 20000; echo x >/w/full; cat /w/end; echo after' >/dev/null
		wait_for 10 eval 'moss logs ct | grep -q before'
		head -c 100M /dev/zero >"$MOSS_TEST_SMALL/filler" 2>/dev/null || true
		timeout 10 sh -c "echo >$WORK/go; cat $WORK/full" >/dev/null
		rm "$MOSS_TEST_SMALL/filler"
		timeout 10 sh -c "echo >$WORK/end"
		[ "$(timeout 10 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" wait ct)" = 0 ]
		moss logs ct >"$WORK/out" 2>"$WORK/err"
		[ "$(head -n 1 "$WORK/out")" = before ]
		[ "$(tail -n 1 "$WORK/out")" = after ]
		grep -qE '^\[moss: about [0-9]+ bytes of output are missing here: No space left on device\]$' "$WORK/err"
		moss rm -f ct >/dev/null
	done
}
