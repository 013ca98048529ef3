#!/usr/bin/env bats
# Images in files and folders: dir:, oci:, oci-archive:, docker-archive: where an image is expected.
load ../lib/moss

setup() {
	store_with_busybox
	cd "$WORK" || return
}
teardown() { cd /; store_drop; }

id_of() { moss images -q --no-trunc "$1"; }
sk() { skopeo --tmpdir "$WORK" --insecure-policy "$@"; }
py() { PYTHONPATH=$MOSS_TEST_LIB python3 -c "import archive as a, json, os; $1"; }

refuses() { # WORDS COMMAND...: the command fails and says that
	local words=$1
	shift
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"$words"* ]]
}

# skopeo's copies of busybox in each form; and two, whose layer is another, beside it.
fixtures() {
	sk copy -q "docker-archive:$(busybox_archive)" dir:d
	sk copy -q dir:d oci:o:one
	sk copy -q dir:d oci-archive:o.tar:quay.io/team/app:1
	sk copy -q dir:d docker-archive:d.tar:quay.io/team/app:2
	py "a.docker('two.tar', [a.tar(('bin', 'dir'), ('bin/two', b'2'))], ['two:1'])"
	sk copy -q docker-archive:two.tar oci:o:two
	moss rmi -f --no-trash busybox >/dev/null
}

@test "pull: each format that skopeo writes, with its digests, names and the ID on the last line" {
	fixtures
	local id manifest
	id=$(jq -r .config.digest d/manifest.json)
	run -0 moss pull -q "dir:$WORK/d"
	[ "$output" = "${id#sha256:}" ]
	run -0 moss images --no-trunc --digests --format '{{.Repository}} {{.ID}}'
	[ "$output" = "<none> $id" ]
	moss rmi -f "$id"

	id=$(sk inspect --raw oci:o:one | jq -r .config.digest)
	run -0 moss pull "oci:$WORK/o:one"
	[ "${lines[0]}" = "Loaded image: one:latest" ]
	[ "${lines[1]}" = "${id#sha256:}" ]
	[ "$(id_of one:latest)" = "$id" ]
	run -0 moss pull oci-archive:o.tar
	[ "${lines[0]}" = "Loaded image: quay.io/team/app:1" ]
	[ "$(id_of quay.io/team/app:1)" = "$id" ]
	run -0 moss pull docker-archive:d.tar
	[ "${lines[0]}" = "Loaded image: quay.io/team/app:2" ]
	[ "$(id_of quay.io/team/app:2)" = "$(jq -r .config.digest d/manifest.json)" ]
	run -0 moss run --rm --network none quay.io/team/app:2 echo works
	[ "$output" = works ]
	run -0 moss system check
}

@test "pull: one of several images by its reference or number" {
	fixtures
	refuses "more than one image in this image layout: choose one" moss pull oci:o
	[[ "$output" == *"in it: one, two"* ]]
	refuses 'no image "three" in this image layout' moss pull oci:o:three
	refuses "no image @2: this image layout has 2, counted from @0" moss pull oci:o:@2
	[ -z "$(moss images -q)" ]
	run -0 moss pull oci:o:two
	[ "${lines[0]}" = "Loaded image: two:latest" ]
	run -0 moss pull -q oci:o:@1
	[ "sha256:$output" = "$(id_of two)" ]
	moss pull -q oci:o:@0
	moss tag "$(moss pull -q oci:o:one)" local/one
	moss save -o many.tar local/one two
	moss images -q | sort -u | xargs "$MOSS" --root "$ROOT" --runroot "$RUNROOT" rmi -f
	refuses "more than one image in this archive: choose one" moss pull docker-archive:many.tar
	[[ "$output" == *"in it: local/one:latest, two:latest"* ]]
	refuses "no image docker.io/library/none:1 in this archive" moss pull docker-archive:many.tar:none:1
	run -0 moss pull docker-archive:many.tar:two
	[ "${lines[0]}" = "Loaded image: two:latest" ]
	run -0 moss pull docker-archive:many.tar:@0
	[ "${lines[0]}" = "Loaded image: local/one:latest" ]
	# The same file is an image layout, too.
	run -0 moss pull oci-archive:many.tar:two
	[ "${lines[0]}" = "Loaded image: two:latest" ]
}

@test "pull: of an index this machine's image; --platform wants one" {
	py "
def image(arch):
    l = a.tar(('arch', arch.encode()))
    c = a.config([l], architecture=arch)
    m = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
      'config': a.descriptor('application/vnd.oci.image.config.v1+json', c),
      'layers': [a.descriptor('application/vnd.oci.image.layer.v1.tar', l)]}).encode()
    return a.descriptor('application/vnd.oci.image.manifest.v1+json', m, platform={'os': 'linux', 'architecture': arch}), [l, c, m]
entries, blobs, manifests = [], [], []
for arch in 'amd64', 's390x', 'arm64':
    e, b = image(arch)
    entries.append(e); blobs += b; manifests.append(b[2])
index = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': entries}).encode()
top = {'schemaVersion': 2, 'manifests': [a.descriptor('application/vnd.oci.image.index.v1+json', index,
  annotations={'org.opencontainers.image.ref.name': 'all'})]}
os.makedirs('m/blobs/sha256')
for b in blobs + [index]: open('m/blobs/sha256/' + a.sha(b), 'wb').write(b)
open('m/index.json', 'w').write(json.dumps(top))
# As skopeo copy --all writes a dir: a manifest of a list has a name of its own.
os.makedirs('md')
for b in blobs: open('md/' + a.sha(b) + ('.manifest.json' if b in manifests else ''), 'wb').write(b)
open('md/manifest.json', 'wb').write(index)"
	local arch other
	case $(uname -m) in
	x86_64) arch=amd64 other=s390x ;;
	aarch64) arch=arm64 other=s390x ;;
	*) skip "no image for this machine" ;;
	esac
	moss pull -q oci:m:all
	[ "$(moss image inspect -f '{{.Architecture}}' all)" = $arch ]
	moss rmi -f all
	local id
	id=$(moss pull -q dir:md)
	[ "$(moss image inspect -f '{{.Architecture}}' "$id")" = $arch ]
	id=$(moss pull -q --platform linux/$other dir:md)
	[ "$(moss image inspect -f '{{.Architecture}}' "$id")" = $other ]
	id=$(moss pull -q --platform linux/$other oci:m)
	[ "$(moss image inspect -f '{{.Architecture}}' "$id")" = $other ]
	refuses "linux/riscv64" moss pull --platform linux/riscv64 oci:m:all
}

@test "run and create take them, too, and call the image by its name or ID" {
	fixtures
	local id
	id=$(jq -r .config.digest d/manifest.json)
	run -0 --separate-stderr moss run --name c1 --network none "dir:$WORK/d" echo works
	[ "$output" = works ]
	[[ "$stderr" == "Loaded image ID: $id" ]]
	[ "$(moss ps -a --no-trunc --format '{{.Image}}')" = "${id#sha256:}" ]
	[ "$(moss inspect -f '{{.Config.Image}}' c1)" = "${id#sha256:}" ]
	moss rm c1
	moss create -q --name c1 oci:o:one
	[ "$(moss ps -a --format '{{.Image}}')" = one:latest ]
	moss rm c1
	run -0 --separate-stderr moss run -q --rm --rmi --network none oci-archive:o.tar echo works
	[ "$output$stderr" = works ]
	run ! moss image exists quay.io/team/app:1
	run -0 moss image exists one
	refuses "No such image: dir:d" moss run --rm --pull never dir:d true
	run -0 moss run --rm --pull always --network none dir:d echo works
	# An image that is called so comes first where one of the store is meant.
	moss tag one oci:x
	run -0 --separate-stderr moss run --rm --network none oci:x echo works
	[ "$output$stderr" = works ]
	refuses "oci:x: open x: no such file or directory" moss pull oci:x
}

@test "push dir: as skopeo reads it, over the one before, never over anything else" {
	local id digest
	id=$(id_of busybox)
	run -0 moss push busybox "dir:$WORK/d"
	digest=sha256:$(sha256sum <d/manifest.json | cut -d' ' -f1)
	[ "$output" = "dir:$WORK/d: digest: $digest size: $(stat -c %s d/manifest.json)" ]
	[ "$(sk inspect --format '{{.Digest}}' dir:d)" = "$digest" ]
	[ "$(jq -r .config.digest d/manifest.json)" = "$id" ]
	[ "$(jq -r '.layers[0].digest' d/manifest.json)" = "$(moss image inspect -f '{{index .RootFS.Layers 0}}' busybox)" ]
	run -0 moss push -q --compress --digestfile df busybox dir:d
	[ -z "$output" ]
	[ "$(cat df)" = "sha256:$(sha256sum <d/manifest.json | cut -d' ' -f1)" ]
	[ "$(jq -r '.layers[0].mediaType' d/manifest.json)" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
	[ "$(ls -A d | wc -l)" = 4 ]
	sk copy -q dir:d oci:copy
	moss push -q --format oci --compression-format zstd busybox dir:z
	[ "$(jq -r '.mediaType, .layers[0].mediaType' z/manifest.json | paste -sd' ')" = \
		"application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.layer.v1.tar+zstd" ]
	moss rmi -f busybox
	run -0 moss pull -q dir:z
	[ "sha256:$output" = "$id" ]
	mkdir full
	echo mine >full/file
	refuses "not a containers image directory" moss push "$id" dir:full
	[ "$(ls -A full)" = file ]
	refuses "mkdir no/such: no such file or directory" moss push "$id" dir:no/such
	refuses "open df: not a directory" moss push "$id" dir:df
}

@test "push oci: added to the images of the layout; a name moves; skopeo reads all" {
	local id digest
	id=$(id_of busybox)
	moss run --name c1 --network none busybox sh -c 'echo 2 >/two'
	moss commit c1 two
	moss rm c1
	run -0 moss push busybox "oci:$WORK/o"
	[ "$(jq -c '.manifests[0].annotations' o/index.json)" = null ]
	moss push -q busybox oci:o:one
	[ "$(jq -c '[.manifests[].annotations | add]' o/index.json)" = '["one"]' ]
	run -0 moss push two oci:o:reg.example.com/two:V2+x
	digest=${output#*digest: }
	digest=${digest% size*}
	[ "$(sk inspect --format '{{.Digest}}' oci:o:reg.example.com/two:V2+x)" = "$digest" ]
	[ "$(sk inspect --raw oci:o:one | jq -r .config.digest)" = "$id" ]
	for blob in o/blobs/sha256/*; do
		[ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ]
	done
	moss push -q two oci:o:one
	[ "$(sk inspect --format '{{.Digest}}' oci:o:one)" = "$digest" ]
	[ "$(jq -c '[.manifests[] | .annotations // {} | add]' o/index.json)" = '[null,"reg.example.com/two:V2+x","one"]' ]
	sk copy -q oci:o:one dir:copy
	moss push -q --format v2s2 busybox oci:o:docker
	digest=$(jq -r '.manifests[-1].digest' o/index.json)
	[ "$(jq -r .mediaType "o/blobs/sha256/${digest#sha256:}")" = application/vnd.docker.distribution.manifest.v2+json ]
	run -0 moss pull -q oci:o:docker
	[ "sha256:$output" = "$id" ]
	moss push -q --compression-format zstd --compression-level 1 busybox oci:o:zstd
	[ "$(sk inspect --raw oci:o:zstd | jq -r '.layers[0].mediaType')" = application/vnd.oci.image.layer.v1.tar+zstd ]
	# What skopeo has put there stays, with what only it knows of.
	rm -rf o
	sk copy -q dir:copy oci:o:theirs
	jq -c '.more = {"k": 1}' o/index.json >x && mv x o/index.json
	moss push -q busybox oci:o:ours
	[ "$(jq -c '[.more.k, .manifests[].annotations["org.opencontainers.image.ref.name"]]' o/index.json)" = '[1,"theirs","ours"]' ]
	sk copy -q oci:o:theirs dir:copy2
	cmp copy/manifest.json copy2/manifest.json
	[ "$(ls -A o | paste -sd' ')" = "blobs index.json oci-layout" ]
}

@test "push: what a killed one left does not stand in the way, and goes" {
	mkdir -p d/.moss-0123456789abcdef o/.moss-0123456789abcdef
	moss push -q busybox dir:d
	[ "$(ls -A d | wc -l)" = 4 ]
	moss push -q busybox oci:o
	[ "$(ls -A o | paste -sd' ')" = "blobs index.json oci-layout" ]
}

@test "push oci: two at once lose nothing" {
	local i pids=()
	for i in 1 2 3 4; do
		moss push -q busybox "oci:o:n$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(jq -r '[.manifests[].annotations[]] | sort | join(" ")' o/index.json)" = "n1 n2 n3 n4" ]
}

@test "push oci-archive: and docker-archive:, read by skopeo and taken in again" {
	local id
	id=$(id_of busybox)
	moss push -q busybox oci-archive:o.tar:reg.example.com/app:1
	[ "$(sk inspect --raw oci-archive:o.tar:reg.example.com/app:1 | jq -r .config.digest)" = "$id" ]
	moss push -q busybox oci-archive:o.tar:Other
	[ "$(tar xOf o.tar index.json | jq -r '.manifests[].annotations[]')" = Other ]
	moss push -q busybox docker-archive:d.tar:reg.example.com/app:2
	[ "$(tar xOf d.tar manifest.json | jq -c '.[0].RepoTags')" = '["reg.example.com/app:2","busybox:latest"]' ]
	sk copy -q docker-archive:d.tar:reg.example.com/app:2 dir:copy
	[ "$(jq -r .config.digest copy/manifest.json)" = "$id" ]
	refuses "docker-archive doesn't support modifying existing images" moss push busybox docker-archive:d.tar:x
	moss push -q "$id" docker-archive:id.tar
	[ "$(tar xOf id.tar manifest.json | jq -c '.[0].RepoTags')" = null ]
	moss rmi -f busybox
	moss pull -q docker-archive:d.tar:reg.example.com/app:2
	[ "$(id_of reg.example.com/app:2)" = "$id" ]
	run ! moss image exists busybox
	moss rmi -f "$id"
	# A reference that is no name is a reference all the same.
	run -0 --separate-stderr moss pull oci-archive:o.tar
	[[ "$stderr" == *"name Other of the archive is not used"* ]]
	[ "sha256:${lines[-1]}" = "$id" ]
}

@test "docker-archive of several: names as they are read; the destination's name is the first" {
	local id
	id=$(id_of busybox)
	py "a.docker('two.tar', [a.tar(('two', b'2'))], ['two:1'])"
	moss load -q -i two.tar
	moss tag busybox localhost/x:1
	moss save -o many.tar localhost/x:1 two:1 busybox:latest
	[ "$(sk list-tags docker-archive:many.tar | jq -r '.Tags | sort | join(" ")')" = "busybox:latest localhost/x:1 two:1" ]
	[ "$(moss pull -q docker-archive:many.tar:docker.io/library/two:1)" = "$(moss pull -q docker-archive:many.tar:@1)" ]
	[ "sha256:$(moss pull -q docker-archive:many.tar:@0)" = "$id" ]
	[ "sha256:$(moss pull -q docker-archive:many.tar:busybox)" = "$id" ]
	refuses "no image docker.io/library/x:1 in this archive" moss pull docker-archive:many.tar:x:1
	[[ "$output" == *"in it: "*"localhost/x:1"* ]]
	refuses "no image @2: this archive has 2, counted from @0" moss pull docker-archive:many.tar:@2
	refuses "more than one image in this archive: choose one" moss pull docker-archive:many.tar
	# The name that was typed first, then the image's own that it was called by.
	tags() { tar xOf "$1" manifest.json | jq -c '.[].RepoTags'; }
	moss push -q localhost/x:1 docker-archive:a.tar
	[ "$(tags a.tar)" = '["localhost/x:1"]' ]
	moss push -q localhost/x:1 docker-archive:b.tar:foo
	[ "$(tags b.tar)" = '["foo:latest","localhost/x:1"]' ]
	moss push -q localhost/x:1 docker-archive:c.tar:localhost/x:1
	[ "$(tags c.tar)" = '["localhost/x:1"]' ]
	refuses "a destination has no image @0 to replace" moss push busybox docker-archive:d.tar:@0
	# Nothing is added to one that is there; an empty file is none.
	cp a.tar before
	refuses "docker-archive doesn't support modifying existing images" moss push busybox docker-archive:a.tar
	refuses "docker-archive doesn't support modifying existing images" moss push busybox docker-archive:a.tar:other:1
	cmp a.tar before
	: >d.tar
	moss push -q busybox docker-archive:d.tar
	[ "$(tags d.tar)" = '["busybox:latest"]' ]
	# An oci-archive is written anew, as skopeo does.
	moss push -q busybox oci-archive:o.tar:first
	moss push -q two:1 oci-archive:o.tar:second
	[ "$(tar xOf o.tar index.json | jq -c '[.manifests[].annotations | add]')" = '["second"]' ]
	refuses 'no image "first" in this archive' moss pull oci-archive:o.tar:first
}

@test "paths: with spaces and colons, relative, through links; folders where files should be" {
	local kind
	mkdir "a b" sub
	moss push -q busybox "docker-archive:a b/c d.tar:x:1"
	moss push -q busybox "oci-archive:a b/o.tar:x"
	moss push -q busybox "oci:a b/o:x"
	moss push -q busybox "dir:a b/d:e:f"
	for kind in "docker-archive:a b/c d.tar" "oci-archive:a b/o.tar" "oci:a b/o:x" "dir:a b/d:e:f"; do
		[ "sha256:$(moss pull -q "$kind")" = "$(id_of busybox)" ]
	done
	(cd sub && moss push -q busybox oci:../rel && moss push -q busybox dir:./d && moss push -q busybox oci-archive:../rel.tar)
	[ -f rel/index.json ]
	[ -f sub/d/manifest.json ]
	[ -f rel.tar ]
	# A link is written through, be there something at its other end or not.
	ln -s sub/there.tar link.tar
	moss push -q busybox docker-archive:link.tar
	[ -L link.tar ]
	tar tf sub/there.tar manifest.json
	ln -s "$WORK/rel.tar" link2.tar
	moss push -q busybox oci-archive:link2.tar:new
	[ -L link2.tar ]
	[ "$(tar xOf rel.tar index.json | jq -r '.manifests[].annotations[]')" = new ]
	ln -s rel link
	moss push -q busybox oci:link:two
	[ "$(jq -r '.manifests[].annotations[]' rel/index.json)" = two ]
	moss push -q busybox docker-archive:/dev/stdout | tar tf - manifest.json
	for kind in docker-archive oci-archive; do
		refuses "$kind:sub: open sub: is a directory" moss push busybox $kind:sub
		refuses '"no/such" does not exist' moss push busybox $kind:no/such/x.tar
	done
	for kind in dir oci; do
		refuses "$kind:rel.tar: open rel.tar: not a directory" moss push busybox $kind:rel.tar
		refuses "mkdir no/such: no such file or directory" moss push busybox $kind:no/such
	done
	[ ! -e no ]
}

@test "no permission: what was named is named, and nothing is left" {
	[ "$(id -u)" -ne 0 ] || skip "root may do all"
	local kind
	mkdir ro
	moss push -q busybox oci:ro/o:one
	find ro | sort >before
	chmod 555 ro ro/o
	for kind in docker-archive oci-archive; do
		refuses "$kind:ro/x: open ro/x: permission denied" moss push busybox $kind:ro/x
	done
	for kind in dir oci; do
		refuses "$kind:ro/x: mkdir ro/x: permission denied" moss push busybox $kind:ro/x
	done
	refuses "oci:ro/o:two: write to ro/o: permission denied" moss push busybox oci:ro/o:two
	[[ "$output" != *.moss-* ]]
	find ro | sort | cmp - before
	chmod 755 ro ro/o
	chmod 000 ro/o/index.json
	refuses "open index.json: permission denied" moss push busybox oci:ro/o:two
	chmod 000 ro/o
	refuses "open ro/o: permission denied" moss pull oci:ro/o:one
	chmod -R u+rwX ro
	find ro | sort | cmp - before
}

@test "there and back: the manifest stays to the byte where the blobs do" {
	local id
	sk copy -q "docker-archive:$(busybox_archive)" dir:a
	id=$(moss pull -q dir:a)
	moss push -q "$id" dir:b
	diff -r a b
	sk copy -q dir:a oci:o:1
	moss push -q "$(moss pull -q oci:o:1)" oci:p:1
	[ "$(sk inspect --raw oci:p:1 | jq -r .config.digest)" = "$(sk inspect --raw oci:o:1 | jq -r .config.digest)" ]
}

@test "what is no image, and what cannot be" {
	fixtures
	cp "$(busybox_archive)" plain.tar
	refuses "dir:/no/such: open /no/such: no such file or directory" moss pull dir:/no/such
	refuses "invalid image folder: it does not contain manifest.json" moss pull dir:o
	refuses "invalid image folder: it does not contain index.json" moss pull oci:d
	refuses "invalid archive: it does not contain index.json" moss pull oci-archive:plain.tar
	refuses "oci:o is for folders" moss pull oci-archive:o
	refuses "docker-archive:d.tar is for archives" moss pull dir:d.tar
	refuses "the path is missing" moss pull oci:
	refuses '"x!" is no reference of an image layout' moss pull oci:o:x!
	refuses "invalid source index @x" moss pull docker-archive:d.tar:@x
	refuses "must be lowercase" moss pull docker-archive:d.tar:Name
	refuses "named by tags only" moss pull "docker-archive:d.tar:x@sha256:$(printf '%064d' 0)"
	refuses "pulling all tags is not supported for dir transport" moss pull --all-tags dir:d
	refuses "copy it: podman save x:1 | moss load" moss pull containers-storage:x:1
	refuses "copy it: docker save x:1 | moss load" moss pull docker-daemon:x:1
	[ -z "$(moss images -q)" ]
	moss pull -q oci:o:one
	refuses "a docker-archive holds no image of the OCI format" moss push --format oci one docker-archive:x.tar
	refuses "are not compressed" moss push --compression-format gzip one docker-archive:x.tar
	refuses "need the OCI format" moss push --format v2s2 --compression-format zstd one oci:x
	refuses "a destination has no image @0 to replace" moss push one oci:x:@0
	refuses "moss push IMAGE oci:x writes an image there" moss push oci:x
	refuses "tag can't be used with --all-tags/-a" moss push --all-tags one oci:x
	refuses "No such image: none:latest" moss push none oci:x
	refuses "does not provide the specified platform" moss push --platform linux/riscv64 one oci:x
	for command in "rmi" "image inspect" "history" "image exists" "save -o $WORK/s.tar"; do
		refuses "moss pull dir:$WORK/d takes its image in" moss $command "dir:$WORK/d"
	done
	refuses "moss pull dir:$WORK/d takes its image in" moss tag "dir:$WORK/d" x:1
	[ ! -e x ]
	[ ! -e x.tar ]
}

# In a layout of its own for each.
spoilt() { # WHAT WORDS
	rm -rf bad
	cp -r o bad
	eval "$1"
	refuses "$2" moss pull oci:bad:one
}

@test "a layout that lies: other bytes, links out of it, indexes that are none" {
	fixtures
	local layer config manifest
	manifest=$(jq -r '.manifests[0].digest' o/index.json)
	manifest=bad/blobs/sha256/${manifest#sha256:}
	layer=bad/blobs/sha256/$(sk inspect --raw oci:o:one | jq -r '.layers[0].digest' | cut -d: -f2)
	config=bad/blobs/sha256/$(sk inspect --raw oci:o:one | jq -r .config.digest | cut -d: -f2)
	spoilt 'printf x >>$layer' "${layer##*/}"
	spoilt 'printf "\\001" | dd of=$layer bs=1 seek=500 conv=notrunc status=none' "${layer##*/}"
	spoilt 'sed -i s/amd64/arm64/ $config' "the config is not what the manifest says"
	spoilt 'sed -i "s/size/sise/" $manifest' "a manifest is not what the index says"
	spoilt 'rm $layer' "it does not contain blobs/sha256/${layer##*/}"
	spoilt 'mv $layer out; ln -s "$WORK/out" $layer' "blobs/sha256/${layer##*/} leads out of it"
	spoilt 'mv bad/blobs blobs2; ln -s ../blobs2 bad/blobs; rm -rf blobs2' "leads out of it"
	spoilt 'rm bad/index.json; ln -s /etc/passwd bad/index.json' "index.json leads out of it"
	spoilt 'rm $layer; mkfifo $layer' "${layer##*/} is no regular file"
	spoilt 'rm bad/index.json; mkdir bad/index.json' "index.json is no regular file"
	spoilt 'head -c 5000000 /dev/zero | tr "\\0" " " >>bad/index.json' "index.json is larger than 4194304 bytes"
	spoilt 'echo "[]" >bad/index.json' "not an object"
	spoilt 'echo "{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}" >bad/index.json' "duplicate object key"
	spoilt 'jq -c ".manifests[0].digest = \"sha256:../../x\"" o/index.json >bad/index.json' "digest"
	spoilt 'jq -c ".manifests = [range(5000) as \$i | .manifests[0]]" o/index.json >bad/index.json' "5000 manifests, at most 4096"
	spoilt 'jq -c ".manifests[0].size = 1" o/index.json >bad/index.json' "a manifest is not what the index says"
	rm -rf bad
	cp -r o bad
	jq -c '.manifests[].annotations["org.opencontainers.image.ref.name"] = "\u001b[31mred"' o/index.json >bad/index.json
	refuses "choose one" moss pull oci:bad
	[[ "$output" == *"[31mred"* && "$output" != *$'\e'* ]]
	[ -z "$(moss images -q)" ]
	[ -z "$(ls "$ROOT/layers")" ]
	# Links within it are followed.
	cp -r o good
	mv good/blobs/sha256 good/there
	ln -s ../there good/blobs/sha256
	moss pull -q oci:good:one
	# Nothing is added to what cannot be read, and nothing is left.
	rm -rf bad
	cp -r o bad
	echo '[]' >bad/index.json
	find bad | sort >before
	refuses "index.json: invalid manifest" moss push one oci:bad:x
	rm bad/index.json
	ln -s /etc/hostname bad/index.json
	refuses "index.json leads out of the folder" moss push one oci:bad:x
	find bad | sort | cmp - before
}

@test "policy.json: the scopes of each transport, and no way around by a link" {
	fixtures
	unset XDG_CONFIG_HOME
	mkdir -p "$HOME/.config/containers" sub
	local policy=$HOME/.config/containers/policy.json here
	here=$(realpath "$WORK")
	mv d o o.tar sub
	ln -s sub link
	local accept='[{"type":"insecureAcceptAnything"}]' reject='[{"type":"reject"}]'
	echo "{\"default\":$accept,\"transports\":{\"dir\":{\"$here/sub\":$reject},\"oci\":{\"$here/sub/o:one\":$reject},
		\"oci-archive\":{\"$here/sub/o.tar\":$reject},\"docker-archive\":{\"\":$reject}}}" >"$policy"
	refuses "Source image rejected: Running image dir:$here/sub/d is rejected by policy." moss pull dir:sub/d
	refuses "rejected by policy" moss pull dir:link/d
	refuses "rejected by policy" moss run --rm "dir:$WORK/link/d" true
	refuses "rejected by policy" moss pull oci:link/o:one
	refuses "rejected by policy" moss pull oci-archive:link/o.tar
	refuses "rejected by policy" moss pull docker-archive:d.tar
	[ -z "$(moss images -q)" ]
	[ -z "$(ls "$ROOT/layers")" ]
	moss pull -q oci:link/o:two
	echo "{\"default\":$accept}" >open.json
	moss pull -q --signature-policy open.json dir:sub/d
	echo "{\"default\":$reject,\"transports\":{\"oci\":{\"$here\":$accept}}}" >"$policy"
	moss pull -q oci:sub/o:one
	refuses "rejected by policy" moss pull dir:sub/d
	echo '{"default":[{"type":"sigstoreSigned","keyPath":"/k"}]}' >"$policy"
	refuses "A signature was required, but no signature exists" moss pull oci:sub/o:one
	echo 'no JSON' >"$policy"
	refuses "$policy" moss pull oci:/no/such
}
