#!/usr/bin/env bats
# system export, import and migrate: all images out of the store and in again.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

layer_folders() { ls "$ROOT/layers"; }
nothing_left() {
	[ -z "$(ls -A "$ROOT/tmp")" ]
	[ -z "$(ls -A "$ROOT/trash")" ]
}
id_of() { moss images -q --no-trunc "$1"; }
all_images() { moss images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort; }
elsewhere() { "$MOSS" --root "$WORK/root2" --runroot "$WORK/run2" "$@"; }
drop_elsewhere() { elsewhere images -aq | sort -u | xargs -r "$MOSS" --root "$WORK/root2" --runroot "$WORK/run2" rmi -f >/dev/null; }

# A second image with a second layer, one with two names, one with none.
more_images() {
	moss tag busybox other/name:2
	moss create --name made busybox true
	moss commit -q made made:1 >/dev/null
	moss commit -q -m nameless made >/dev/null
	moss rm made >/dev/null
}

# An OCI layout in $WORK/layout whose blobs can be tampered with.
layout() { moss system export "$WORK/layout/"; }

@test "an archive, a folder and a pipe bring every image with all names to another store" {
	local want
	more_images
	want=$(all_images)
	[ "$(wc -l <<<"$want")" = 4 ]
	moss system export "$WORK/all.tar"
	moss system export "$WORK/all/"
	[ -f "$WORK/all.tar" ] && [ -f "$WORK/all/index.json" ]
	elsewhere system import "$WORK/all.tar" >/dev/null
	[ "$(elsewhere images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort)" = "$want" ]
	drop_elsewhere
	elsewhere system import "$WORK/all" >/dev/null
	[ "$(elsewhere images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort)" = "$want" ]
	drop_elsewhere
	moss system export | elsewhere system import - >/dev/null
	[ "$(elsewhere images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort)" = "$want" ]
	run -0 elsewhere run --rm --network none made:1 echo works
	[ "$output" = works ]
}

@test "the layout: digests are names, equal layers stand there once, the same store gives the same bytes" {
	local blob
	more_images
	moss system export "$WORK/all/"
	for blob in "$WORK"/all/blobs/sha256/*; do
		[ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ]
	done
	[ "$(cat "$WORK/all/oci-layout")" = '{"imageLayoutVersion": "1.0.0"}' ]
	moss system export "$WORK/one.tar"
	moss system export "$WORK/two.tar"
	cmp "$WORK/one.tar" "$WORK/two.tar"
	[ -z "$(find "$WORK" -maxdepth 1 -name '.moss.*')" ]
}

@test "skopeo reads each image of the layout, and moss a folder of skopeo's" {
	layout
	run -0 skopeo inspect --config --raw "oci:$WORK/layout:docker.io/library/busybox:latest"
	[ "sha256:$(skopeo inspect --config --raw "oci:$WORK/layout:docker.io/library/busybox:latest" | sha256sum | cut -d' ' -f1)" = "$(id_of busybox)" ]
	skopeo --insecure-policy copy -q "oci:$WORK/layout:docker.io/library/busybox:latest" "oci:$WORK/theirs:localhost/theirs:1"
	skopeo --insecure-policy copy -q "oci:$WORK/layout:docker.io/library/busybox:latest" "dir:$WORK/dir"
	run -0 elsewhere system import "$WORK/theirs"
	[ "$output" = "Loaded image: localhost/theirs:1" ]
	[ "$(elsewhere images -q --no-trunc localhost/theirs:1)" = "$(id_of busybox)" ]
	drop_elsewhere
	run -0 elsewhere load -i "$WORK/dir"
	[ "$output" = "Loaded image ID: $(id_of busybox)" ]
}

@test "docker-dir and oci-dir of save are loaded as folders" {
	local id
	id=$(id_of busybox)
	moss save --format docker-dir --compress -o "$WORK/d" busybox
	moss save --format oci-dir -o "$WORK/o" busybox
	run -0 elsewhere load -i "$WORK/d"
	[ "$output" = "Loaded image ID: $id" ]
	drop_elsewhere
	run -0 elsewhere load -i "$WORK/o"
	[ "$output" = "Loaded image: busybox:latest" ]
	[ "$(elsewhere images -q --no-trunc busybox)" = "$id" ]
}

@test "importing again changes nothing" {
	local before
	layout
	before=$(layer_folders)
	moss system import "$WORK/layout" >/dev/null
	[ "$(layer_folders)" = "$before" ]
	nothing_left
}

# ---- what goes wrong ----

refused_elsewhere() { # words
	run -1 --separate-stderr elsewhere system import "$WORK/layout"
	[ -z "$output" ]
	[[ $stderr == "moss: "*"$1"* ]] || { echo "$stderr"; false; }
	[ -z "$(elsewhere images -aq)" ]
	[ -z "$(ls "$WORK/root2/layers" 2>/dev/null)" ]
}

largest() { find "$WORK/layout/blobs/sha256" -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2-; }

@test "a link out of the folder is not followed, nor one to it from above" {
	local blob
	layout
	blob=$(largest)
	mv "$blob" "$WORK/outside"
	ln -s "$WORK/outside" "$blob"
	refused_elsewhere "blobs/sha256/${blob##*/} leads out of it"
	rm "$blob"
	ln -s ../../../outside "$blob"
	refused_elsewhere "blobs/sha256/${blob##*/} leads out of it"
	rm "$blob"
	mv "$WORK/layout/blobs" "$WORK/blobs"
	mv "$WORK/outside" "$WORK/blobs/sha256/${blob##*/}"
	ln -s ../blobs "$WORK/layout/blobs"
	refused_elsewhere "leads out of it"
}

@test "a changed byte, a missing blob, a FIFO, a folder without an index" {
	local blob
	layout
	blob=$(largest)
	cp "$blob" "$WORK/good"
	printf X | dd of="$blob" bs=1 seek=700 conv=notrunc status=none
	refused_elsewhere ""
	rm "$blob"
	refused_elsewhere "does not contain blobs/sha256/${blob##*/}"
	mkfifo "$blob"
	refused_elsewhere "no regular file"
	rm "$blob"
	cp "$WORK/good" "$blob"
	rm "$WORK/layout/index.json"
	refused_elsewhere "neither manifest.json nor index.json"
}

@test "export: an empty store, a folder that is in use, a full disk, a missing parent" {
	run -1 elsewhere system export "$WORK/x.tar"
	[ "$output" = "moss: there are no images to export" ]
	mkdir "$WORK/used"
	: >"$WORK/used/file"
	run -1 moss system export "$WORK/used"
	[ "$(ls -A "$WORK/used")" = file ]
	run -1 moss system export /dev/full
	run -1 moss system export "$WORK/no/where.tar"
	[[ $output == *"directory \"$WORK/no\" does not exist"* ]]
	[ ! -e "$WORK/x.tar" ]
	[ -z "$(find "$WORK" -maxdepth 1 -name '.moss.*')" ]
	nothing_left
}

@test "a reader that goes away is told as one" {
	{ moss system export 2>"$WORK/err" || true; } | head -c 5000 >/dev/null
	run ! grep died "$WORK/err"
}

@test "import of a missing file names it" {
	run -1 moss system import "$WORK/none"
	[ "$output" = "moss: open $WORK/none: no such file or directory" ]
}

# ---- migrate ----

# podman as moss calls it: images that "moss save" has written.
fake_podman() {
	mkdir -p "$WORK/bin"
	cat >"$WORK/bin/podman" <<-EOF
		#!/bin/sh
		echo "\$*" >>"$WORK/calls"
		case \$1 in
		images) cat "$WORK/list" ;;
		save) cat "$WORK/saved.tar"; exit "\$(cat "$WORK/code" 2>/dev/null || echo 0)" ;;
		esac
	EOF
	chmod +x "$WORK/bin/podman"
	moss tag busybox localhost/p:1
	moss tag busybox localhost/p:2
	moss save -o "$WORK/saved.tar" localhost/p:1 localhost/p:2
	printf '%s\n' "$(id_of busybox) localhost/p:1" "$(id_of busybox) <none>:<none>" "$(id_of busybox) localhost/p:2" >"$WORK/list"
	: >"$WORK/calls"
}

migrate() { PATH="$WORK/bin:$PATH" elsewhere system migrate "$@"; }

@test "migrate: images with all names, once" {
	fake_podman
	run -0 migrate
	[ "$output" = "Loaded image: localhost/p:1
Loaded image: localhost/p:2" ]
	[ "$(elsewhere images -q --no-trunc localhost/p:2)" = "$(id_of busybox)" ]
	[ "$(grep -c ^save "$WORK/calls")" = 1 ]
	grep -q -- "-- $(id_of busybox) localhost/p:1 localhost/p:2\$" "$WORK/calls"
	elsewhere rmi localhost/p:2
	run -0 migrate
	[ "$(grep -c ^save "$WORK/calls")" = 1 ]
	[ "$(elsewhere images -q --no-trunc localhost/p:2)" = "$(id_of busybox)" ]
}

# A PATH with these programs alone, and what user namespaces need.
only() {
	local name
	mkdir -p "$WORK/only"
	for name in newuidmap newgidmap "$@"; do
		ln -sf "$(command -v "$name")" "$WORK/only/$name"
	done
}
migrate_only() { env PATH="$WORK/only" "$MOSS" --root "$WORK/root2" --runroot "$WORK/run2" system migrate; }

@test "migrate without podman: skopeo, every image of the store" {
	only skopeo
	unset XDG_DATA_HOME CONTAINERS_STORAGE_CONF
	run -1 migrate_only
	[[ $output == "moss: there are no images of Podman in $HOME/.local/share/containers/storage"* ]]
	moss save -o "$WORK/busybox.tar" busybox
	skopeo --insecure-policy copy -q "docker-archive:$WORK/busybox.tar" containers-storage:localhost/p:1
	skopeo --insecure-policy copy -q "docker-archive:$WORK/busybox.tar" containers-storage:localhost/p:2
	run -0 migrate_only
	[ "$output" = "Loaded image: localhost/p:1
Loaded image: localhost/p:2" ] || [ "$output" = "Loaded image: localhost/p:2
Loaded image: localhost/p:1" ]
	[ "$(elsewhere images -q --no-trunc localhost/p:1)" = "$(id_of busybox)" ]
	[ "$(elsewhere images -q --no-trunc localhost/p:2)" = "$(id_of busybox)" ]
	[ "$(elsewhere run --rm --network none localhost/p:2 echo here)" = here ]
	# Again: only names.
	elsewhere rmi localhost/p:1
	run -0 migrate_only
	[ "$output" = "" ]
	elsewhere image inspect localhost/p:1 >/dev/null
	# What cannot be read is named, and is no reason to keep others back.
	local images
	images=$(echo "$HOME"/.local/share/containers/storage/*-images)
	jq --arg id "$(printf 'a%.0s' {1..64})" '[{id: $id, names: ["localhost/bad:1"]}] + .' "$images/images.json" >"$WORK/images.json"
	cp "$WORK/images.json" "$images/images.json"
	elsewhere rmi -f localhost/p:1 localhost/p:2
	run -1 migrate_only
	[[ $output == *"skopeo copy sha256:aaaa"*" failed with status "* ]]
	elsewhere image inspect localhost/p:1 >/dev/null
	echo '[{"id":"x"}]' >"$images/images.json"
	run -1 migrate_only
	[[ $output == *"$images/images.json: an image without an id"* ]]
	echo 'no json' >"$images/images.json"
	run -1 migrate_only
	[[ $output == *"$images/images.json"* ]]
	# Where the store is, is said by storage.conf.
	mkdir -p "$HOME/.config/containers"
	printf '[storage]\ndriver = "vfs"\ngraphroot = "$HOME/elsewhere"\n' >"$HOME/.config/containers/storage.conf"
	run -1 env -u XDG_CONFIG_HOME PATH="$WORK/only" "$MOSS" --root "$WORK/root2" --runroot "$WORK/run2" system migrate
	[[ $output == "moss: there are no images of Podman in $HOME/elsewhere"* ]]
	in_userns rm -rf "$HOME/.local/share/containers"
}

@test "migrate: podman missing, failing, cut off, or talking nonsense" {
	fake_podman
	printf '%s' "--help localhost/p:1" >"$WORK/list"
	run -1 migrate
	[[ $output == *"its output is not understood"* ]]
	echo "$(id_of busybox) localhost/p:1" >"$WORK/list"
	truncate -s 9000 "$WORK/saved.tar"
	echo 125 >"$WORK/code"
	run -1 migrate
	[[ $output == *"podman save $(id_of busybox) failed with status 125"* ]]
	[ -z "$(elsewhere images -aq)" ]
	echo 0 >"$WORK/code"
	run -1 migrate
	[[ $output == *"image $(id_of busybox): "* ]]
	# One that cannot be saved does not keep the others back.
	moss save -o "$WORK/saved.tar" localhost/p:1
	sed -i "s,save) ,save) case \"\$*\" in *:bad) exit 125 ;; esac; ," "$WORK/bin/podman"
	printf '%s\n' "sha256:$(printf 'a%.0s' {1..64}) localhost/x:bad" "$(id_of busybox) localhost/p:1" >"$WORK/list"
	run -1 migrate
	[[ $output == *"failed with status 125"* ]]
	[ "$(elsewhere images -q --no-trunc localhost/p:1)" = "$(id_of busybox)" ]
	rm "$WORK/bin/podman"
	PATH="$WORK/bin" run -1 "$(command -v env)" PATH="$WORK/bin" "$MOSS" --root "$WORK/root2" --runroot "$WORK/run2" system migrate
	[ "${lines[0]}" = "moss: neither podman nor skopeo is installed: Podman's images cannot be copied" ]
	[[ ${lines[1]} == *"install one of them"* ]]
	run -125 migrate --migrate-db
	[[ $output == *"--migrate-db"* ]]
}
