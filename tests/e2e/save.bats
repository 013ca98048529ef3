#!/usr/bin/env bats
# save: what Docker, Podman and skopeo read, with the layers as exactly the archives they were.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

id_of() { moss images -q --no-trunc "$1"; }

# Every file of an OCI layout has the digest that is its name.
check_blobs() {
	local blob
	for blob in "$1"/blobs/sha256/*; do
		[ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ]
	done
}

check_names() {
	local file
	for file in "$1"/????????????????*; do
		case $file in */manifest.json) continue ;; esac
		[ "$(sha256sum <"$file" | cut -d' ' -f1)" = "${file##*/}" ]
	done
}

# A layer with everything that is hard to make again, made by GNU tar.
hard_layer() {
	mkdir -p "$WORK/files/dir" "$WORK/files/$(printf 'n%.0s' {1..120})"
	echo one >"$WORK/files/dir/one"
	ln "$WORK/files/dir/one" "$WORK/files/hard"
	ln -s dir/one "$WORK/files/link"
	mkfifo "$WORK/files/fifo"
	: >"$WORK/files/.wh.gone"
	truncate -s 3M "$WORK/files/sparse"
	echo middle | dd of="$WORK/files/sparse" bs=1M seek=1 conv=notrunc status=none
	echo deep >"$WORK/files/$(printf 'n%.0s' {1..120})/$(printf 'f%.0s' {1..120})"
	tar cf "$WORK/layer.tar" --sparse --format="$1" -C "$WORK/files" .
	python3 - "$WORK" <<-'PY'
		import hashlib, json, sys, tarfile
		work = sys.argv[1]
		# A device node, which a user namespace cannot hold, in front of the rest.
		with tarfile.open(work + "/device.tar", "w") as t:
		    node = tarfile.TarInfo("null")
		    node.type, node.devmajor, node.devminor = tarfile.CHRTYPE, 1, 3
		    t.addfile(node)
		data = open(work + "/device.tar", "rb").read()[:512] + open(work + "/layer.tar", "rb").read()
		open(work + "/layer.tar", "wb").write(data)
		digest = "sha256:" + hashlib.sha256(data).hexdigest()
		config = {"architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z", "config": {},
		          "rootfs": {"type": "layers", "diff_ids": [digest]}, "history": []}
		open(work + "/config.json", "w").write(json.dumps(config))
		open(work + "/manifest.json", "w").write(json.dumps(
		    [{"Config": "config.json", "RepoTags": ["hard:1"], "Layers": ["layer.tar"]}]))
	PY
	tar cf "$WORK/hard.tar" -C "$WORK" layer.tar config.json manifest.json
	moss load -q -i "$WORK/hard.tar"
}

@test "a saved archive is loaded again as the same image" {
	local id
	id=$(id_of busybox)
	moss save -o "$WORK/a.tar" busybox
	[ "$(stat -c %a "$WORK/a.tar")" = 600 ]
	moss rmi busybox
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: busybox:latest" ]
	[ "$(id_of busybox)" = "$id" ]
	run -0 moss run --rm --network none busybox echo works
	[ "$output" = works ]
}

@test "the archive is laid out as Docker's" {
	moss save busybox >"$WORK/a.tar"
	local hex layer
	hex=$(id_of busybox)
	hex=${hex#sha256:}
	mkdir "$WORK/x"
	tar xf "$WORK/a.tar" -C "$WORK/x"
	check_blobs "$WORK/x"
	layer=$(jq -r '.rootfs.diff_ids[0]' "$WORK/x/blobs/sha256/$hex")
	layer=${layer#sha256:}
	run -0 jq -c '.[0] | [.Config, .RepoTags, .Layers]' "$WORK/x/manifest.json"
	[ "$output" = "[\"blobs/sha256/$hex\",[\"busybox:latest\"],[\"blobs/sha256/$layer\"]]" ]
	[ "$(cat "$WORK/x/repositories")" = "{\"busybox\":{\"latest\":\"$layer\"}}" ]
	[ "$(cat "$WORK/x/oci-layout")" = '{"imageLayoutVersion": "1.0.0"}' ]
	run -0 jq -c '.manifests[0].annotations' "$WORK/x/index.json"
	[ "$output" = '{"io.containerd.image.name":"docker.io/library/busybox:latest","org.opencontainers.image.ref.name":"latest"}' ]
	run -0 tar tf "$WORK/a.tar"
	[ "${lines[0]}" = blobs/ ]
	[ "${lines[1]}" = blobs/sha256/ ]
	[ "${lines[-1]}" = repositories ]
	[ "$(sort -c <(tar tf "$WORK/a.tar" | grep blobs/) && echo sorted)" = sorted ]
}

@test "the same image gives the same bytes" {
	moss save -o "$WORK/a.tar" busybox
	moss save busybox | cmp - "$WORK/a.tar"
	moss save --format oci-archive -o "$WORK/a.oci" busybox
	moss save --format oci-archive busybox | cmp - "$WORK/a.oci"
}

@test "a layer comes out to the byte, in GNU's and in PAX's format" {
	local format
	for format in gnu pax; do
		hard_layer $format
		moss save -o "$WORK/a.tar" hard:1
		rm -rf "$WORK/x"
		mkdir "$WORK/x"
		tar xf "$WORK/a.tar" -C "$WORK/x"
		cmp "$WORK/x/$(jq -r '.[0].Layers[0]' "$WORK/x/manifest.json")" "$WORK/layer.tar"
		rm -rf "$WORK/files"
		moss rmi hard:1
	done
}

@test "a committed layer can be saved" {
	moss run --name made --network none busybox sh -c 'echo mine >/mine; rm /bin/vi || true'
	moss commit made mine:1
	local id
	id=$(id_of mine:1)
	moss save -o "$WORK/a.tar" mine:1
	moss rm made
	moss rmi mine:1
	moss load -q -i "$WORK/a.tar"
	[ "$(id_of mine:1)" = "$id" ]
	run -0 moss run --rm --network none mine:1 cat /mine
	[ "$output" = mine ]
}

@test "a reader that goes: archives for stdout end by SIGPIPE without a word" {
	local command
	moss create --name cc --network none busybox true >/dev/null
	moss run --rm --network none -v vol:/v busybox sh -c 'head -c 3000000 /dev/urandom >/v/x'
	ends() { # STATUS TEXT COMMAND...
		local status=0
		{ "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "${@:3}" 2>"$WORK/err" || echo $? >"$WORK/status"; } | head -c 10 >/dev/null
		[ "$(cat "$WORK/status")" = "$1" ] || { echo "${*:3}: $(cat "$WORK/status" "$WORK/err")"; return 1; }
		[ "$(cat "$WORK/err")" = "$2" ] || { echo "${*:3}: $(cat "$WORK/err")"; return 1; }
		rm "$WORK/status"
	}
	for command in "save busybox" "save --format oci-archive busybox" "system export" "export cc" \
		"cp cc:/bin -" "volume export vol"; do
		# shellcheck disable=SC2086
		ends 141 "" $command
		# shellcheck disable=SC2086
		(trap '' PIPE; ends 1 "moss: write: broken pipe" $command)
	done
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "several images and names share an archive; a repository stands for its tags, an ID for none" {
	moss tag busybox other/b:2
	moss tag busybox busybox:z
	moss commit -m x "$(moss create busybox)" two:1
	moss save -m -o "$WORK/a.tar" two:1 busybox other/b:2
	run -0 tar xOf "$WORK/a.tar" manifest.json
	[ "$(jq -c 'map(.RepoTags)' <<<"$output")" = '[["two:1"],["busybox:latest","busybox:z","other/b:2"]]' ]
	[ "$(tar tf "$WORK/a.tar" | sort | uniq -d)" = "" ]
	moss save -o "$WORK/b.tar" "$(moss images -q busybox:z)"
	[ "$(tar xOf "$WORK/b.tar" manifest.json | jq -c '.[0].RepoTags')" = null ]
	run ! tar xOf "$WORK/b.tar" repositories
}

@test "a repository stands for all images with a tag there, with and without latest" {
	moss tag busybox sl/multi:1
	moss tag busybox sl/multi:2
	moss commit -m x "$(moss create busybox)" sl/multi:3 >/dev/null
	moss save -o "$WORK/a.tar" sl/multi
	[ "$(tar xOf "$WORK/a.tar" manifest.json | jq -c 'map(.RepoTags)')" = '[["sl/multi:1","sl/multi:2"],["sl/multi:3"]]' ]
	moss tag busybox sl/multi:latest
	moss save -o "$WORK/a.tar" sl/multi:3 sl/multi
	[ "$(tar xOf "$WORK/a.tar" manifest.json | jq -c 'map(.RepoTags)')" = \
		'[["sl/multi:3"],["sl/multi:1","sl/multi:2","sl/multi:latest"]]' ]
	[ "$(tar xOf "$WORK/a.tar" repositories | jq -c '."sl/multi" | keys')" = '["1","2","3","latest"]' ]
	run -1 moss save --format docker-dir -o "$WORK/d" sl/multi
	[[ $output == *"a docker-dir holds one image, not 2"* ]]
	run -1 moss save -o "$WORK/b.tar" sl/nosuch
	[[ $output == *"No such image: sl/nosuch"* ]]
	[ ! -e "$WORK/b.tar" ]
}

@test "to a file, appended and through a pipe: the same bytes, whatever their order on the way" {
	moss run --name made --network none busybox sh -c 'head -c 3000000 /dev/urandom >/large'
	moss commit made two:1 >/dev/null
	moss save -o "$WORK/a.tar" two:1 busybox
	moss save two:1 busybox | cmp - "$WORK/a.tar"
	echo head >"$WORK/b.tar"
	moss save two:1 busybox >>"$WORK/b.tar"
	tail -c +6 "$WORK/b.tar" | cmp - "$WORK/a.tar"
	(echo head; moss save two:1 busybox) >"$WORK/c.tar"
	cmp "$WORK/b.tar" "$WORK/c.tar"
	(read -r _; moss rmi -f two:1 busybox >/dev/null; moss load) <"$WORK/c.tar"
	[ "$(moss images -q two:1)" ]
}

@test "docker-dir has the manifest that skopeo writes, and podman reads what is saved" {
	moss save --format docker-dir -o "$WORK/d" busybox
	moss save -o "$WORK/a.tar" busybox
	skopeo --tmpdir "$WORK" --insecure-policy copy -q "docker-archive:$WORK/a.tar" "dir:$WORK/s"
	# Older skopeo calls layers of a docker-archive compressed.
	cmp <(sed 's/diff.tar"/diff.tar.gzip"/' "$WORK/d/manifest.json") \
		<(sed 's/diff.tar"/diff.tar.gzip"/' "$WORK/s/manifest.json")
	[ "$(cat "$WORK/d/version")" = "$(cat "$WORK/s/version")" ]
	moss save -q --format docker-dir --compress -o "$WORK/z" busybox
	[ "$(jq -r '.layers[0].mediaType' "$WORK/z/manifest.json")" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
	[ "$(ls "$WORK/z" | wc -l)" = 4 ]
	check_names "$WORK/z"
}

@test "skopeo reads all formats, with equal digests" {
	local id
	id=$(id_of busybox)
	moss save -o "$WORK/d.tar" busybox
	moss save --format oci-archive -o "$WORK/o.tar" busybox
	moss save --format oci-dir -o "$WORK/o" busybox
	moss save --format docker-dir -o "$WORK/d" busybox
	moss save --format docker-dir --compress -o "$WORK/dz" busybox
	check_blobs "$WORK/o"
	for from in "docker-archive:$WORK/d.tar" "oci-archive:$WORK/o.tar" "oci:$WORK/o" "dir:$WORK/d" "dir:$WORK/dz"; do
		rm -rf "$WORK/out"
		skopeo --tmpdir "$WORK" --insecure-policy copy -q "$from" "dir:$WORK/out"
		[ "$(jq -r .config.digest "$WORK/out/manifest.json")" = "$id" ]
	done
}

@test "oci-archive is compressed and loads again" {
	local id
	id=$(id_of busybox)
	moss save --format oci-archive -o "$WORK/o.tar" busybox
	moss save --format oci-archive --uncompressed -o "$WORK/u.tar" busybox
	[ "$(stat -c %s "$WORK/o.tar")" -lt "$(stat -c %s "$WORK/u.tar")" ]
	for archive in o u; do
		moss rmi busybox
		run -0 moss load -i "$WORK/$archive.tar"
		[ "$output" = "Loaded image: busybox:latest" ]
		[ "$(id_of busybox)" = "$id" ]
	done
}

@test "what cannot be is refused, and nothing is left" {
	run -1 moss save -o "$WORK/a.tar" nosuch
	[[ $output == *"No such image: nosuch"* ]]
	run -1 moss save -o "$WORK/none/a.tar" busybox
	[[ $output == *"failed to save image: invalid output path: directory \"$WORK/none\" does not exist"* ]]
	run -1 moss save --format tar busybox
	[[ $output == *"unknown format tar"* ]]
	run -1 moss save --compress busybox
	[[ $output == *"--compress can only be set when --format is 'docker-dir'"* ]]
	run -1 moss save --platform linux/s390x -o "$WORK/a.tar" busybox
	[[ $output == *"no suitable export target found for platform linux/s390x"* ]]
	mkdir "$WORK/full"
	touch "$WORK/full/mine"
	run -1 moss save --format oci-dir -o "$WORK/full" busybox
	[ -e "$WORK/full/mine" ]
	run -1 script -qec "$MOSS --root $ROOT --runroot $RUNROOT save busybox" /dev/null
	[[ $output == *"cowardly refusing to save to a terminal"* ]]
	[ "$(find "$WORK" -maxdepth 1 -name '.moss.*' -o -maxdepth 1 -name 'a.tar')" = "" ]
	[ -z "$(ls -A "$ROOT/tmp")" ]
}

@test "a damaged layer is told by its name, and leaves the file that was there" {
	local dir
	dir=$(ls -d "$ROOT"/layers/*)
	echo before >"$WORK/a.tar"
	in_userns sh -c "f=\$(find '$dir/diff' -type f -size +1k | head -1); printf x | dd of=\"\$f\" bs=1 seek=9 conv=notrunc status=none"
	run -1 moss save -o "$WORK/a.tar" busybox
	[[ $output == *"layer sha256:"*"has been altered"* ]]
	[ "$(cat "$WORK/a.tar")" = before ]
	: >"$dir/tar-split"
	run -1 moss save -o "$WORK/a.tar" busybox
	[[ $output == *"layer "*"tar-split is damaged"* ]]
	[ "$(find "$WORK" -maxdepth 1 -name '.moss.*')" = "" ]
}
