# image prune: removes for good, in Docker's words.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# image NAMES [make-layers-image options]: one more image, of a layer with one file.
image() {
	local names=$1
	shift
	echo "$names $*" >"$WORK/file"
	tar -C "$WORK" --mtime=@0 -cf "$WORK/layer.tar" file
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "$names" "$@" "$WORK/layer.tar"
	moss load -q -i "$WORK/image.tar" >/dev/null
}

layers() { find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l; }
id_of() { moss images -q --no-trunc "$1"; }

@test "only what has no tag; removed at once, with its layer" {
	image a:1
	old=$(id_of a:1)
	layer=$(moss inspect -f '{{index .RootFS.Layers 0}}' a:1)
	image a:1 --label new=1
	run -0 moss image prune -f
	[ "${lines[0]}" = "Deleted Images:" ]
	[ "${lines[1]}" = "deleted: $old" ]
	[ "${lines[2]}" = "deleted: $layer" ]
	[[ $output == *$'\n\nTotal reclaimed space: '[1-9]* ]]
	[ "$(moss images --format '{{.Repository}}' | sort | tr '\n' ' ')" = "a busybox " ]
	[ "$(layers)" = 2 ]
	[ "$(ls -A "$ROOT/trash")" = "" ]
	[ "$(moss undo | wc -l)" -le 1 ]
	run -0 moss image prune -f
	[ "$output" = "Total reclaimed space: 0B" ]
	[ "$(moss events --since 1m --until 0s --filter event=prune --format '{{.Type}} {{.Actor.Attributes.reclaimed}}' | tail -1)" = "image 0" ]
}

@test "--all: what no container was made from" {
	image a:1,b:2
	a=$(id_of a:1)
	layer=$(moss inspect -f '{{index .RootFS.Layers 0}}' a:1)
	moss create --name user --network none busybox true
	run -0 moss image prune -a -f
	[ "${lines[0]}" = "Deleted Images:" ]
	[ "${lines[1]}" = "untagged: a:1" ]
	[ "${lines[2]}" = "untagged: b:2" ]
	[ "${lines[3]}" = "deleted: $a" ]
	[ "${lines[4]}" = "deleted: $layer" ]
	[[ ${lines[5]} == "Total reclaimed space: "* ]]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	run -0 moss start -a user
	moss rm user
	run -0 moss image prune -af
	[ "$(moss images -aq)" = "" ]
}

@test "images that others were made from go with the last of them" {
	moss run --name c1 --network none busybox sh -c 'echo 1 >/one'
	moss commit c1 one >/dev/null
	moss run --name c2 --network none one sh -c 'echo 2 >/two'
	two=$(moss commit c2)
	moss rm --no-trash c1 c2 >/dev/null
	one=$(id_of one)
	moss rmi one
	run -0 moss image prune -f
	[[ $output == *"deleted: $two"*"deleted: $one"* ]]
	[ "$(moss images -aq)" = "$(moss images -q busybox)" ]
}

@test "filters" {
	image old:1 --created 2020-01-01T00:00:00Z
	image keep:1 --label keep=yes --created 2020-01-01T00:00:00Z
	moss rmi -f nothing >/dev/null 2>&1
	run -0 moss image prune -af --filter until=2019-01-01
	[ "$output" = "Total reclaimed space: 0B" ]
	run -0 moss image prune -af --filter until=2021-01-01 --filter 'label!=keep'
	[[ $output == *"untagged: old:1"* ]]
	[[ $output != *keep:1* ]]
	[[ $output != *busybox* ]]
	run -0 moss image prune -af --filter label=keep=yes
	[[ $output == *"untagged: keep:1"* ]]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	run -1 moss image prune -f --filter nope=1
	[[ $output == *"invalid filter 'nope'"* ]]
	run -1 moss image prune -f --filter dangling=false
	[[ $output == *"invalid filter 'dangling=[false true]'"* ]]
	run -0 moss image prune -f --filter dangling=true
	run -125 moss image prune -f --filter dangling
}

@test "pruneFilters of Docker's config.json" {
	mkdir -p "$HOME/.docker"
	echo '{"pruneFilters": ["label!=keep"]}' >"$HOME/.docker/config.json"
	image keep:1 --label keep=1
	moss image prune -af >/dev/null
	[ "$(moss images --format '{{.Repository}}')" = keep ]
}

@test "the question" {
	run -0 moss image prune <<<n
	[ "$output" = "WARNING! This will remove all dangling images.
Are you sure you want to continue? [y/N] " ]
	run -0 moss image prune -a <<<n
	[ "$output" = "WARNING! This will remove all images without at least one container associated to them.
Are you sure you want to continue? [y/N] " ]
	[ "$(moss images -q | wc -l)" = 1 ]
	run -0 moss image prune -a <<<y
	[ "$(moss images -q)" = "" ]
	run -1 moss image prune x
	[[ $output == *"accepts no arguments"* ]]
	run -125 moss image prune --external
	run -125 moss image prune --build-cache
}

@test "what the trash has stays, and is not counted" {
	image a:1
	moss rmi a:1 >/dev/null
	run -0 moss image prune -af
	moss undo a:1
	[ "$(moss images --format '{{.Repository}}')" = a ]
}

@test "what it says is what becomes free" {
	[ -n "${MOSS_TEST_SMALL:-}" ] || skip "MOSS_TEST_SMALL names no small file system (tests/run makes one)"
	ROOT=$MOSS_TEST_SMALL/image-prune
	# The database may grow meanwhile.
	free() { echo $(($(stat -f -c '%f * %S' "$MOSS_TEST_SMALL") + $(stat -c '%b * 512 +' "$ROOT"/moss.db*) 0)); }
	for i in 1 2; do
		head -c 3000000 /dev/urandom >"$WORK/own$i"
		[ -e "$WORK/both" ] || head -c 2000000 /dev/urandom >"$WORK/both"
		tar -C "$WORK" --mtime=@0 -cf "$WORK/own.tar" "own$i"
		tar -C "$WORK" --mtime=@0 -cf "$WORK/both.tar" both
		"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "i$i:1" "$WORK/both.tar" "$WORK/own.tar"
		moss load -q -i "$WORK/image.tar"
	done
	moss create --name user --network none i2:1 true
	for step in 1 2; do
		before=$(free)
		promised=$(moss system df --format '{{.Reclaimable}}' | head -1)
		said=$(moss image prune -af | sed -n 's/^Total reclaimed space: //p')
		real=$(($(free) - before))
		# At the end of the first step the second image is in use, with the layer of both.
		python3 - "$said" "$real" "$promised" "$step" <<'E'
import sys
said, real, promised, step = sys.argv[1:]
assert said.endswith("MB"), said
assert promised.split(" ")[0] == said, (promised, said)
assert abs(float(said[:-2]) * 1e6 - int(real)) < 40000, (said, real)
assert 2.9 < float(said[:-2]) < 3.2 if step == "1" else 4.9 < float(said[:-2]) < 5.3, said
E
		moss rm --no-trash user >/dev/null 2>&1 || true
	done
	in_userns rm -rf "$ROOT"
}
