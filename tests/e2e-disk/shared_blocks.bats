# Where the file system can, equal files share their blocks instead of being one (storage/share.h).
# tests/run runs this on each such file system that the kernel has.
load ../lib/moss

setup() {
	store_new
	images
}
teardown() { store_drop; }

# one and two: busybox, and a layer of each with the same files and one that differs.
images() {
	tar -C "$WORK" -xf "$(busybox_archive)"
	base=$WORK/$(cd "$WORK" && echo */layer.tar)
	for name in one two; do
		mkdir -p "$WORK/$name/usr/lib" "$WORK/$name/usr/share"
		yes "a library" | head -c 1000000 >"$WORK/$name/usr/lib/library"
		yes "a program" | head -c 300000 >"$WORK/$name/usr/lib/program"
		yes "$name" | head -c 100000 >"$WORK/$name/usr/share/mark"
		tar -C "$WORK/$name" --owner=0 --group=0 --sort=name --mtime=@1000000000 -cf "$WORK/$name.tar" .
		"$MOSS_TEST_LIB/make-layers-image" "$WORK/$name.image" "$name" "$base" "$WORK/$name.tar"
	done
}
get() { moss load -q -i "$WORK/$1.image" >/dev/null; }

layer_of() { # NAME
	local d
	for d in "$ROOT"/layers/*/diff; do
		[ "$(in_userns head -n1 "$d/usr/share/mark" 2>/dev/null)" != "$1" ] || echo "$d"
	done
}
# Where a file's blocks are, from its first to its last; "shared" where all of them are.
blocks() {
	in_userns sync -f "$1"
	in_userns filefrag -v "$1" | awk -F: '$1 ~ /^ *[0-9]+$/ { print $3; n++; shared += /shared/ }
		END { if (n && n == shared) print "shared" }'
}
share() { # FILE FILE
	local a b
	a=$(blocks "$1") b=$(blocks "$2")
	[[ "$a" == *shared ]] && [ "$a" = "$b" ]
}
sizes() { moss system df -v --format '{{range .Images}}{{.Repository}} {{.SharedSize}} {{.UniqueSize}}
{{end}}' | grep "^$1 "; }

@test "equal files of two images share their blocks and are files of their own" {
	get one
	get two
	for file in usr/lib/library usr/lib/program; do
		share "$(layer_of one)/$file" "$(layer_of two)/$file"
		[ "$(in_userns stat -c %h:%Y:%a "$(layer_of two)/$file")" = 1:1000000000:644 ]
		[ "$(in_userns stat -c %i "$(layer_of one)/$file")" != "$(in_userns stat -c %i "$(layer_of two)/$file")" ]
	done
	! share "$(layer_of one)/usr/share/mark" "$(layer_of two)/usr/share/mark" || false
	moss system check
	moss rmi one
	moss system check
	[ "$(moss run --rm --network none two head -n1 /usr/lib/library)" = "a library" ]
}

@test "a running container's file is shared with, too, and keeps its times" {
	get one
	moss run -d --name here --network none one sleep 1000
	before=$(moss exec here stat -c %z /usr/lib/library)
	get two
	share "$(layer_of one)/usr/lib/library" "$(layer_of two)/usr/lib/library"
	[ "$(moss exec here stat -c %z /usr/lib/library)" = "$before" ]
	moss rmi two
	[ "$(moss exec here stat -c %z /usr/lib/library)" = "$before" ]
}

@test "system df counts shared blocks once, and gives to one image what it has alone" {
	get one
	read -r _ shared unique <<<"$(sizes one)"
	[[ "$unique" = *MB ]]
	get two
	moss system df -v >&2
	for name in one two; do
		read -r _ shared unique <<<"$(sizes $name)"
		[[ "$shared" = *MB ]]
		[[ "$unique" = *kB ]]
	done
	before=$(moss system df --format '{{.Type}} {{.Size}}' | sed -n 's/^Images //p')
	moss rmi --no-trash one
	read -r _ shared unique <<<"$(sizes two)"
	[[ "$unique" = *MB ]]
	[ "$before" != "$(moss system df --format '{{.Type}} {{.Size}}' | sed -n 's/^Images //p')" ]
}

@test "the driver vfs copies no block, and what a container changes is its own" {
	get one
	moss --storage-driver vfs create --name copy one true
	moss --storage-driver vfs start -a copy
	file=$(in_userns find "$ROOT/containers" -name library | head -1)
	[ -n "$file" ]
	share "$(layer_of one)/usr/lib/library" "$file"
	in_userns sh -c 'echo changed >"$1"' - "$file"
	[ "$(in_userns head -n1 "$(layer_of one)/usr/lib/library")" = "a library" ]
	moss system check
}

@test "what a commit takes of a running container shares its blocks with it" {
	get one
	moss run -d --name work --network none one sh -c 'cat /usr/lib/library >/usr/lib/new && sync && sleep 1000'
	for _ in {1..100}; do
		[ "$(moss exec work stat -c %s /usr/lib/new 2>/dev/null)" != 1000000 ] || break
		sleep 0.1
	done
	in_userns sync -f "$ROOT"
	moss commit work three
	mapfile -t files < <(in_userns find "$ROOT" -path "*/usr/lib/new" | sort)
	[ ${#files[@]} = 2 ]
	share "${files[0]}" "${files[1]}"
	moss system check
}
