# What a machine may lack: each error names the thing and the cure, and nothing is left behind.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# A PATH in which one program is missing.
path_without() {
	local dir program
	mkdir -p "$WORK/bin"
	for dir in /usr/local/bin /usr/bin /bin /usr/sbin /sbin; do
		for program in "$dir"/*; do
			[ -e "$WORK/bin/${program##*/}" ] || ln -s "$program" "$WORK/bin/" 2>/dev/null || true
		done
	done
	rm -f "$WORK/bin/$1"
	echo "$WORK/bin"
}

@test "newuidmap missing" {
	PATH=$(path_without newuidmap) run --separate-stderr moss run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *newuidmap* ]]
	[[ "$stderr" == *uidmap* ]]
	[[ "$stderr" == *install* ]]
}

@test "newgidmap missing" {
	PATH=$(path_without newgidmap) run --separate-stderr moss run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *newgidmap* ]]
}

@test "slirp4netns missing" {
	PATH=$(path_without slirp4netns) run --separate-stderr moss run --rm busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *slirp4netns* ]]
	[[ "$stderr" == *install* ]]
	PATH=$(path_without slirp4netns) run moss run --rm --network none busybox echo fine
	[ "$output" = fine ]
}

@test "fuse-overlayfs missing" {
	PATH=$(path_without fuse-overlayfs) run --separate-stderr \
		moss --storage-driver fuse-overlayfs run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *fuse-overlayfs* ]]
	[[ "$stderr" == *install* ]]
}

@test "user namespaces switched off" {
	# In a namespace of our own the limit is ours to set.
	run --separate-stderr unshare --map-root-user sh -c \
		'echo 0 >/proc/sys/user/max_user_namespaces
		exec "$0" --root "$1" --runroot "$2" run --rm --network none busybox true' \
		"$MOSS" "$ROOT" "$RUNROOT"
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"user namespace"* ]]
	[[ "$stderr" == *max_user_namespaces* ]]
}

@test "a helper program missing" {
	mkdir "$WORK/libexec"
	MOSS_LIBEXEC=$WORK/libexec run --separate-stderr moss run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"$WORK/libexec/moss-monitor"* ]]
}

@test "a data root that cannot be written" {
	mkdir -m 500 "$WORK/locked"
	run --separate-stderr "$MOSS" --root "$WORK/locked/root" --runroot "$RUNROOT" images
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"$WORK/locked/root"* ]]
	[[ "$stderr" == *"Permission denied"* ]]
}

@test "a data root that is no folder" {
	echo text >"$WORK/file"
	run --separate-stderr "$MOSS" --root "$WORK/file" --runroot "$RUNROOT" images
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"$WORK/file"* ]]
}

@test "a database that is none" {
	mkdir -m 700 "$WORK/other"
	head -c 100000 /dev/urandom >"$WORK/other/moss.db"
	run --separate-stderr "$MOSS" --root "$WORK/other" --runroot "$RUNROOT" ps
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"$WORK/other"* ]]
	[[ "$stderr" == *database* ]]
}

@test "a run root that belongs to others is refused" {
	mkdir -m 777 "$WORK/open"
	run --separate-stderr "$MOSS" --root "$ROOT" --runroot "$WORK/open" run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"$WORK/open"* ]]
}
