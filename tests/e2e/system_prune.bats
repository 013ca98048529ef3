# system prune: containers, nameless volumes, images, in Docker's words.
load ../lib/moss
load ../lib/registry

setup() { store_with_busybox; }
teardown() {
	registry_stop_all
	store_drop
}

@test "the question says what goes" {
	run -0 moss system prune <<<n
	[ "$output" = "WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all dangling images
  - unused build cache

Are you sure you want to continue? [y/N] " ]
	run -0 moss system prune -a --volumes <<<n
	[ "$output" = "WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all anonymous volumes not used by at least one container
  - all images without at least one container associated to them
  - all build cache

Are you sure you want to continue? [y/N] " ]
	run -0 moss system prune --filter until=1h --filter label=x <<<n
	[ "$output" = "WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all dangling images
  - unused build cache

  Items to be pruned will be filtered with:
  - label=x
  - until=1h

Are you sure you want to continue? [y/N] " ]
	[ "$(moss images -q | wc -l)" = 1 ]
}

@test "stopped containers and dangling images go; the rest stays" {
	c=$(moss create --network none -v /anon -v named:/n busybox true)
	running=$(moss run -d --network none busybox sleep 1000)
	moss run --name made --network none busybox sh -c 'echo x >/x'
	nameless=$(moss commit made)
	made=$(moss inspect -f '{{.Id}}' made)
	run -0 moss system prune -f
	[ "${lines[0]}" = "Deleted Containers:" ]
	[ "$(sed -n '2,3p' <<<"$output" | sort)" = "$(printf '%s\n' "$c" "$made" | sort)" ]
	[ "$(sed -n 4p <<<"$output")" = "" ]
	[[ $output == *$'\n\nDeleted Images:\ndeleted: '"$nameless"$'\ndeleted: sha256:'* ]]
	[[ ${lines[-1]} =~ ^Total\ reclaimed\ space:\ [0-9.]+kB$ ]]
	[ "$(moss ps -aq --no-trunc)" = "$running" ]
	[ "$(moss volume ls -q | wc -l)" = 2 ]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	[ "$(moss undo -q 2>/dev/null | wc -l)" = 0 ]
	[ "$(moss events --since 1m --until 0s --filter event=prune --format '{{.Type}}' | tr '\n' ' ')" = "container image " ]
}

@test "--volumes: nameless ones without data go, those with data to the trash, named ones stay" {
	moss create --name empty --network none -v /anon -v named:/n busybox true
	moss run --name full --network none -v /anon busybox sh -c 'echo x >/anon/x'
	full=$(moss inspect -f '{{(index .Mounts 0).Name}}' full)
	run -0 moss system prune -f --volumes
	[[ $output == *$'Deleted Volumes:\n'*"$full"* ]]
	[ "$(moss volume ls -q)" = named ]
	run -0 moss undo "$full"
	[ "$(cat "$ROOT/volumes/$full/_data/x")" = x ]
}

@test "--all: every image that no container was made from" {
	moss tag busybox other:1
	run -0 moss system prune -af
	[[ $output == "Deleted Images:"$'\n'"untagged: busybox:latest"$'\n'"untagged: other:1"$'\n'"deleted: sha256:"* ]]
	[ "$(moss images -aq)" = "" ]
	[ "$(find "$ROOT/layers" "$ROOT/blobs" "$ROOT/trash" -mindepth 1 ! -name sha256)" = "" ]
	run -0 moss system prune -af --volumes
	[ "$output" = "Total reclaimed space: 0B" ]
}

@test "filters" {
	moss create --name keep --network none --label keep=1 busybox true
	moss create --name drop --network none busybox true
	run -0 moss system prune -af --filter until=1h
	[ "$output" = "Total reclaimed space: 0B" ]
	run -0 moss system prune -f --filter 'label!=keep'
	[ "$(moss ps -a --format '{{.Names}}')" = keep ]
	run -1 moss system prune -f --volumes --filter until=1h
	[[ $output == *'The "until" filter is not supported with "--volumes"'* ]]
	run -1 moss system prune -f --filter nope=1
	[[ $output == *"invalid filter 'nope'"* ]]
	run -125 moss system prune --external
	run -125 moss system prune --build
}

@test "what it says is what becomes free" {
	[ -n "${MOSS_TEST_SMALL:-}" ] || skip "MOSS_TEST_SMALL names no small file system (tests/run makes one)"
	ROOT=$MOSS_TEST_SMALL/system-prune
	moss load -q -i "$(busybox_archive)"
	# The database may grow meanwhile.
	free() { echo $(($(stat -f -c '%f * %S' "$MOSS_TEST_SMALL") + $(stat -c '%b * 512 +' "$ROOT"/moss.db*) 0)); }
	moss run --name c1 --network none -v /anon busybox sh -c 'head -c 3000000 /dev/urandom >/f; ln /f /g'
	moss commit c1 >/dev/null
	moss run --name c2 --network none -v /data busybox sh -c 'head -c 2000000 /dev/urandom >/f; head -c 1000000 /dev/urandom >/data/f'
	before=$(free)
	said=$(moss system prune -af --volumes | sed -n 's/^Total reclaimed space: //p')
	real=$(($(free) - before))
	# What was in the volume is in the trash, and still takes its room.
	python3 - "$said" "$real" <<'E'
import sys
said, real = sys.argv[1:]
assert said.endswith("MB"), said
assert abs(float(said[:-2]) * 1e6 - int(real)) < 40000, (said, real)
assert 6.9 < float(said[:-2]) < 7.5, said
E
	in_userns rm -rf "$ROOT"
}

parts() { ls "$ROOT/parts" 2>/dev/null; }

# A pull that takes its time, in the background: $pid; it has begun with a layer.
slow_pull() {
	registry_start
	proxy_start
	fault 0 /big/blobs/ slow "$1"
	moss_start pull -q "$PROXY/big:1"
	wait_for 20 test -s "$ROOT/parts/$(layer_digest big 1)"
}

@test "-a: what interrupted pulls have kept goes, and is told before and after" {
	slow_pull 1000000
	kill -9 "$pid"
	wait "$pid" || true
	no_faults
	[ -n "$(parts)" ]
	run -0 --separate-stderr moss system df
	[[ $stderr == "moss: "*"B more are parts of unfinished downloads: "*'"moss system prune --all" or a week frees them' ]]
	run -0 moss system prune -f
	[[ $output != *interrupted* ]]
	run -0 moss system prune -af --filter until=1h
	[[ $output != *interrupted* ]]
	[ -n "$(parts)" ]
	run -0 moss system prune -a <<<n
	[[ $output == *$'\n  - all build cache\n  - all parts of interrupted pulls\n\nAre you sure'* ]]
	run -0 moss system prune -af
	[[ $'\n'$output =~ $'\n'"Deleted parts of interrupted pulls: "[0-9.]+[kM]?B$'\n\n'"Total reclaimed space: " ]]
	[ -z "$(parts)" ]
	run -0 --separate-stderr moss system df
	[ "$stderr" = "" ]
	run -0 moss system prune -af
	[ "$output" = "Total reclaimed space: 0B" ]
	moss pull -q "$PROXY/big:1"
}

@test "-a leaves a pull that runs what it has" {
	slow_pull 4000000
	for _ in 1 2 3; do
		run -0 moss system prune -af
		[[ $output != *interrupted* ]]
	done
	no_faults
	wait "$pid"
	image_sh "$PROXY/big:1" 'test -s /noise'
}
