# The store: its folders, its database, what is left after kills.
load ../lib/moss

setup() { store_new; }
teardown() {
	if [ -n "${TMP_RUN:-}" ]; then rm -rf "$TMP_RUN"; fi
	store_drop
}

plain() { env -u XDG_RUNTIME_DIR -u XDG_DATA_HOME "$@"; }
sound() { [ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]; }
empty() { [ -z "$(ls -A "$1")" ]; }

@test "the data root is private and in the place XDG names" {
	run -0 env XDG_DATA_HOME="$WORK/data" "$MOSS" --runroot "$RUNROOT" images -q
	[ "$(stat -c %a "$WORK/data/moss")" = 700 ]
	run -0 env -u XDG_DATA_HOME "$MOSS" --runroot "$RUNROOT" images -q
	[ "$(stat -c %a "$HOME/.local/share/moss")" = 700 ]
}

@test "without XDG_RUNTIME_DIR the run root is a private folder in /tmp, and checked" {
	local dir
	dir=/tmp/moss-$(id -u)
	if [ -e "$dir" ]; then skip "$dir is in use"; fi
	TMP_RUN=$dir
	run -0 plain "$MOSS" --root "$ROOT" images -q
	[ "$(stat -c '%a %u' "$dir")" = "700 $(id -u)" ]
	chmod 755 "$dir"
	run -1 plain "$MOSS" --root "$ROOT" images -q
	[[ $output == *"cannot use $dir: others may read or change it (mode 0755)"* ]]
	rm -rf "$dir"
	mkdir "$WORK/elsewhere"
	ln -s "$WORK/elsewhere" "$dir"
	run -1 plain "$MOSS" --root "$ROOT" images -q
	[[ $output == *"cannot open $dir"* ]]
	rm "$dir"
}

@test "a store of someone else, or that others may change, is refused" {
	if [ "$(id -u)" != 0 ]; then
		run -1 "$MOSS" --root /usr --runroot "$RUNROOT" images
		[[ $output == *"cannot"*/usr* ]]
	fi
	mkdir -m 777 "$WORK/open"
	run -1 "$MOSS" --root "$WORK/open" --runroot "$RUNROOT" images
	[[ $output == *"cannot use $WORK/open: others may change it (mode 0777)"* ]]
	[[ $output == *"chmod 700 $WORK/open"* ]]
}

@test "a newer database, a damaged one: named, untouched" {
	moss images -q
	sqlite3 "$ROOT/moss.db" 'PRAGMA user_version = 999'
	run -1 moss images
	[[ $output == *"written by a newer moss (database version 999"* ]]
	[[ $output == *"--root"* ]]
	rm -f "$ROOT"/moss.db-wal "$ROOT"/moss.db-shm
	printf 'this is not a database, but long enough to be read as one: %0100d' 1 >"$ROOT/moss.db"
	run -1 moss images
	[[ $output == *"$ROOT/moss.db"* ]]
	rm -f "$ROOT/moss.db"
}

@test "first use by 20 at once" {
	for i in $(seq 20); do
		moss volume create "v$i" >"$WORK/out.$i" 2>&1 &
	done
	wait
	cat "$WORK"/out.*
	[ "$(moss volume ls -q | wc -l)" = 20 ]
	sound
}

@test "the log of the database stays short" {
	store_load
	for i in $(seq 30); do moss volume create "v$i" >/dev/null; done
	for i in $(seq 15); do moss run --rm --network none busybox true; done
	[ "$(stat -c %s "$ROOT/moss.db-wal")" -lt 1500000 ]
}

store_load() { moss load -q -i "$(busybox_archive)" >/dev/null; }

# Kills one process of this store, chosen by name, after a moment.
kill_some() {
	local pids
	sleep "0.0$((RANDOM % 10))"
	pids=$(pgrep -u "$(id -u)" -f -- "$1.*$ROOT" | shuf -n 2)
	# shellcheck disable=SC2086 # a list of process ids
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
}

@test "50 runs at once while moss and its monitors are killed: all is recorded, nothing is left" {
	store_load
	for i in $(seq 50); do
		(moss run --rm --network none busybox true >/dev/null 2>&1 || true) 3>&- &
		if [ $((i % 4)) = 0 ]; then kill_some "moss --root"; fi
		if [ $((i % 4)) = 2 ]; then kill_some "moss-monitor"; fi
	done
	wait
	run -0 moss ps -a
	sound
	ids=$(moss ps -aq)
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$ids" ] || moss rm -f $ids
	[ "$(moss ps -aq)" = "" ]
	sleep 6
	moss ps -a >/dev/null
	empty "$ROOT/containers"
	empty "$ROOT/tmp"
	empty "$ROOT/trash"
	sound
	[ "$(moss run --rm --network none busybox echo works)" = works ]
}

@test "kill -9 of moss while it creates and removes: the next command finishes it" {
	store_load
	for i in $(seq 12); do
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" create --name "c$i" --network none \
			busybox true >/dev/null 2>&1 3>&- &
		sleep "0.00$((RANDOM % 9))"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	for c in $(moss ps -aq); do
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" rm "$c" >/dev/null 2>&1 3>&- &
		sleep "0.00$((RANDOM % 9))"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	ids=$(moss ps -aq)
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$ids" ] || moss rm $ids
	empty "$ROOT/containers"
	empty "$ROOT/tmp"
	sound
}

@test "on a file system that may be a network's there is no write-ahead log" {
	cat >"$WORK/there" <<-'SH'
		cd "$1" && mkdir lower upper work mnt
		fuse-overlayfs -o lowerdir=lower,upperdir=upper,workdir=work mnt || exit 2
		"$2" --root mnt/root --runroot run volume create one || exit 3
		ls mnt/root
		"$2" --root mnt/root --runroot run volume ls -q
		sqlite3 mnt/root/moss.db 'PRAGMA journal_mode'
		umount mnt
	SH
	run -0 unshare --map-root-user --map-auto --mount -- bash "$WORK/there" "$WORK" "$MOSS"
	[[ $output != *moss.db-wal* ]]
	[[ $output == *$'one\ndelete'* ]]
}
