# What a machine can do to an engine: process ids come round again, the disk has no inodes, the home
# is read-only. (A full disk: disk_full.bats; a restart: reboot.bats.)
load ../lib/moss

setup() {
	store_with_busybox
	ARCHIVE=$(busybox_archive)
	export ARCHIVE
}
teardown() { store_drop; }

# In a user namespace of our own, as its root, with other namespaces as the flags say; `moss` is there.
in_namespaces() { # FLAGS... -- SCRIPT
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	cat >"$WORK/inside" <<-TEXT
		moss() { "$MOSS" --root "\${ROOT:-$ROOT}" --runroot "\${RUNROOT:-$RUNROOT}" "\$@"; }
		$2
	TEXT
	unshare --map-root-user --map-auto "${flags[@]}" -- bash -e "$WORK/inside" 3>&-
}

@test "process ids that come round: only the container's own processes are ever signalled" {
	run in_namespaces --pid --fork --mount-proc --kill-child -- '
		echo 500 >/proc/sys/kernel/pid_max || exit 77
		export ROOT=$WORK/root2 RUNROOT=$WORK/run2
		moss load -q -i "$ARCHIVE" >/dev/null
		sleep 1000 & bystander=$!
		moss run -d --name keep --network none busybox sleep 1000 >/dev/null
		for round in 1 2 3 4 5 6; do
			moss run -d --name victim --network none busybox sleep 1000 >/dev/null
			monitor=$(sqlite3 "$ROOT/moss.db" "select monitor_pid from container where name = '"'victim'"'")
			kill -9 "$monitor" # the row goes on to name its numbers
			for i in $(seq 600); do /bin/true; done # which are given to others meanwhile
			for i in $(seq 60); do sleep 30 & done
			[ "$(moss inspect -f "{{.State.Status}}" victim)" = exited ]
			moss stop -t 0 victim >/dev/null
			moss rm -f victim >/dev/null
			[ "$(jobs -r | wc -l)" -ge 61 ] || { echo "a bystander was killed"; exit 1; }
			# Listed once: after the kill the list may be empty, and a bare "wait" waits for the bystander too.
			others=$(jobs -p | grep -vx "$bystander")
			kill $others 2>/dev/null
			wait $others 2>/dev/null || true
		done
		kill -0 $bystander
		[ "$(moss ps --format "{{.Names}}")" = keep ]
		moss rm -f keep >/dev/null
		kill $bystander
		echo whole
	'
	[ "$status" -ne 77 ] || skip "this kernel's pid_max is not of the pid namespace (Linux 6.14)"
	echo "$output"
	[[ "$output" == *whole* ]]
}

@test "no inodes: an error that says so, nothing half-made, removing works" {
	run in_namespaces --mount -- '
		mkdir "$WORK/small"
		mount -t tmpfs -o size=64m,nr_inodes=400 tmpfs "$WORK/small"
		export ROOT=$WORK/small/root RUNROOT=$WORK/run3
		moss load -q -i "$ARCHIVE" >/dev/null
		moss create --name one busybox true >/dev/null
		i=0
		while : >"$WORK/small/f$i"; do i=$((i + 1)); done 2>/dev/null
		if moss create --name two busybox true 2>"$WORK/said"; then echo "created"; exit 1; fi
		cat "$WORK/said"
		[ "$(moss ps -a --format "{{.Names}}")" = one ]
		[ "$(ls "$ROOT/containers" | wc -l)" = 1 ]
		moss rm --no-trash one >/dev/null
		rm -f "$WORK"/small/f*
		[ "$(moss run --rm --network none busybox echo again)" = again ]
		echo whole
	'
	echo "$output"
	[[ "$output" == *"No space left on device"* ]]
	[[ "$output" == *whole* ]]
}

@test "a read-only home: what only looks works, the rest says why" {
	moss create --name one busybox true
	run in_namespaces --mount -- '
		mount --bind "$WORK/root" "$WORK/root"
		mount -o remount,bind,ro "$WORK/root"
		for cmd in "ps -a" "images" "inspect one" "logs one" "info" "run --rm busybox true" "rm one"; do
			moss $cmd >"$WORK/said" 2>&1 && echo "$cmd: works" || { echo "$cmd: $(tail -n 2 "$WORK/said")"; }
		done
	'
	echo "$output"
	for cmd in "ps -a" "images" "inspect one" "logs one" "info"; do [[ "$output" == *"$cmd: works"* ]]; done
	[[ "$output" == *"run --rm busybox true: "*"Read-only file system"* ]]
	[[ "$output" == *"rm one: "*"Read-only file system"* ]]
	[ "$(moss ps -aq | wc -l)" -eq 1 ]
}
