# rmi: names, ids, and containers in the way, by Docker's rules.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# What nothing holds, with the trash emptied.
layers() {
	moss undo --empty --force >/dev/null
	find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l
}

@test "the last name takes the image along" {
	id=$(moss images -q --no-trunc busybox)
	run -0 moss rmi busybox
	[ "${lines[0]}" = "Untagged: busybox:latest" ]
	[ "${lines[1]}" = "Deleted: $id" ]
	[[ ${lines[2]} =~ ^Deleted:\ sha256:[0-9a-f]{64}$ ]]
	[ ${#lines[@]} = 3 ]
	[ "$(moss images -q)" = "" ]
	[ "$(layers)" = 0 ]
	[ "$(find "$ROOT/blobs" "$ROOT/trash" "$ROOT/tmp" -mindepth 1 ! -name sha256)" = "" ]
}

@test "one name of several goes alone" {
	moss tag busybox b:2
	run -0 moss rmi b:2
	[ "$output" = "Untagged: b:2" ]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	moss tag busybox localhost:5000/x
	run -0 moss rmi busybox
	[ "$output" = "Untagged: busybox:latest" ]
	run -0 moss run --rm --network none localhost:5000/x echo still
	[ "$output" = still ]
}

@test "by id: several names need force" {
	moss tag busybox b:2
	id=$(moss images -q busybox)
	run -1 moss rmi "$id"
	[[ $output == *"conflict: unable to delete $id (must be forced) - image is referenced in multiple repositories"* ]]
	run -0 moss rmi -f "$id"
	[ "$(grep -c '^Untagged: ' <<<"$output")" = 2 ]
	[ "$(moss images -q)" = "" ]
}

@test "an image of a stopped container" {
	c=$(moss create --network none busybox true)
	id=$(moss images -q busybox)
	run -1 moss rmi busybox
	[[ $output == *"conflict: unable to remove repository reference \"busybox\" (must force) - container ${c:0:12} is using its referenced image $id"* ]]
	run -1 moss rmi "$id"
	[[ $output == *"conflict: unable to delete $id (must be forced) - image is being used by stopped container ${c:0:12}"* ]]
	run -0 moss rmi -f busybox
	[[ $output == *"Untagged: busybox:latest"* ]]
	# The container still works, on the layers it holds.
	run -0 moss start -a "$c"
	[ "$(layers)" = 1 ]
}

@test "an image of a running container cannot be forced away" {
	c=$(moss run -d --network none busybox sleep 100)
	id=$(moss images -q busybox)
	run -1 moss rmi -f "$id"
	[[ $output == *"conflict: unable to delete $id (cannot be forced) - image is being used by running container ${c:0:12}"* ]]
	run -0 moss rmi -f busybox
	[ "$output" = "Untagged: busybox:latest" ]
	[ "$(moss images -q -f dangling=true)" = "$id" ]
	moss rm -f "$c"
	run -0 moss rmi "$id"
	[ "$(layers)" = 0 ]
}

@test "what is not there" {
	run -1 moss rmi nope nope:1 busybox
	[[ $output == *"No such image: nope:latest"* ]]
	[[ $output == *"No such image: nope:1"* ]]
	[[ $output == *"Untagged: busybox:latest"* ]]
	run -0 moss rmi -f nope
	[[ $output == *"No such image: nope:latest"* ]]
	run -1 moss rmi Upper
	[[ $output == *"repository name (library/Upper) must be lowercase"* ]]
	run -1 moss rmi
	[[ $output == *"requires at least 1 argument"* ]]
}

@test "a layer that two images share stays with the other" {
	tar -C "$WORK" -xf "$(busybox_archive)" manifest.json
	layer=$(grep -o '[0-9a-f]*/layer.tar' "$WORK/manifest.json")
	tar -C "$WORK" -xf "$(busybox_archive)" "$layer"
	echo top >"$WORK/top"
	tar -C "$WORK" -cf "$WORK/top.tar" top
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/two.tar" two "$WORK/$layer" "$WORK/top.tar"
	moss load -q -i "$WORK/two.tar"
	[ "$(layers)" = 2 ]
	run -0 moss rmi two
	[ "$(grep -c '^Deleted: ' <<<"$output")" = 2 ]
	[ "$(layers)" = 1 ]
	run -0 moss run --rm --network none busybox echo ok
}
