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

# chain: the children busybox <- one <- two, made by commits.
chain() {
	moss run --name c1 --network none busybox sh -c 'echo 1 >/one'
	moss commit c1 one >/dev/null
	moss run --name c2 --network none one sh -c 'echo 2 >/two'
	moss commit c2 two >/dev/null
	moss rm --no-trash c1 c2 >/dev/null
}

@test "an image that others were made from stays, and goes with the last of them" {
	chain
	one=$(moss images -q --no-trunc one)
	two=$(moss images -q --no-trunc two)
	run -1 moss rmi "$one"
	[[ $output == *"conflict: unable to delete ${one:7:12} (cannot be forced) - image has dependent child images"* ]]
	run -0 moss rmi one
	[ "$output" = "Untagged: one:latest" ]
	[ "$(moss images -q --no-trunc)" = "$two"$'\n'"$(moss images -q --no-trunc busybox)" ]
	[ "$(moss images -a --format '{{.Repository}}' | tr '\n' ' ')" = "two <none> busybox " ]
	[ "$(moss images -q --no-trunc -f intermediate=true)" = "$one" ]
	run -0 moss rmi two
	[ "${lines[0]}" = "Untagged: two:latest" ]
	[ "${lines[1]}" = "Deleted: $two" ]
	# The layers' chain ids, not their digests.
	[[ ${lines[2]} =~ ^Deleted:\ sha256:[0-9a-f]{64}$ ]]
	[ "${lines[3]}" = "Deleted: $one" ]
	[ ${#lines[@]} = 5 ]
	[ "$(moss images -aq --no-trunc)" = "$(moss images -q --no-trunc busybox)" ]
}

@test "--no-prune leaves them" {
	chain
	one=$(moss images -q --no-trunc one)
	moss rmi one
	moss rmi --no-prune two
	[ "$(moss images -q --no-trunc -f dangling=true)" = "$one" ]
	[ "$(moss events --since 1m --until 0s --filter type=image --filter event=delete --format '{{.Actor.ID}}' | wc -l)" = 1 ]
}

@test "the chain ids are those of the specification" {
	chain
	read -r a b c <<<"$(moss inspect -f '{{join .RootFS.Layers " "}}' two)"
	ab=sha256:$(printf '%s %s' "$a" "$b" | sha256sum | cut -c1-64)
	abc=sha256:$(printf '%s %s' "$ab" "$c" | sha256sum | cut -c1-64)
	moss rmi busybox one >/dev/null
	run -0 moss rmi --no-trash two
	[ "$(grep -c '^Deleted: ' <<<"$output")" = 6 ]
	[ "$(grep -E "$a|$ab|$abc" <<<"$output")" = "Deleted: $abc"$'\n'"Deleted: $ab"$'\n'"Deleted: $a" ]
	[ "$(layers)" = 0 ]
}

@test "--all, --ignore" {
	chain
	moss tag one also:1
	moss create --name user --network none busybox true
	run -125 moss rmi --all x
	[[ $output == *"when using the --all switch, you may not pass any images names or IDs"* ]]
	run -1 moss rmi --all
	[[ $output == *"image is being used by stopped container"* ]]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	run -0 moss rmi --all --force
	[ "$(moss images -aq)" = "" ]
	run -0 moss rmi --all
	[ "$output" = "" ]
	run -0 moss rmi -i nope
	[ "$output" = "" ]
	run -1 moss rmi -i nope Upper
	[[ $output != *nope* ]]
}
