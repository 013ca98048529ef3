#!/usr/bin/env bats
# Lists to and from files and folders: manifest add, create, push and inspect with oci:, oci-archive:
# and dir:.
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	cd "$WORK" || return
}

teardown() {
	registry_stop_all
	cd /
	store_drop
}

sk() { skopeo --tmpdir "$WORK" --insecure-policy "$@"; }
py() { PYTHONPATH=$MOSS_TEST_LIB python3 -c "import archive as a, gzip, json, os; $1"; }
blobs_of() { find "$1" -type f ! -name '*manifest*' -printf '%f\n' | sort; } # of a dir:
digest_of() { echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }

refuses() { # WORDS COMMAND...: the command fails and says that
	local words=$1
	shift
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"$words"* ]]
}

# A layout m with an index of three platforms, called all.
three_platforms() {
	py "
OCI = 'application/vnd.oci.image.'
def image(arch):
    l = a.tar(('arch', arch.encode()))
    z = gzip.compress(l, mtime=0)
    c = a.config([l], architecture=arch)
    m = json.dumps({'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json',
      'config': a.descriptor(OCI + 'config.v1+json', c), 'layers': [a.descriptor(OCI + 'layer.v1.tar+gzip', z)]}).encode()
    return a.descriptor(OCI + 'manifest.v1+json', m, platform={'os': 'linux', 'architecture': arch}), [z, c, m]
entries, blobs = [], []
for arch in 'amd64', 's390x', 'arm64':
    e, b = image(arch)
    entries.append(e); blobs += b
index = json.dumps({'schemaVersion': 2, 'mediaType': OCI + 'index.v1+json', 'manifests': entries}).encode()
os.makedirs('m/blobs/sha256')
for b in blobs + [index]: open('m/blobs/sha256/' + a.sha(b), 'wb').write(b)
open('m/oci-layout', 'w').write('{\"imageLayoutVersion\": \"1.0.0\"}')
open('m/index.json', 'w').write(json.dumps({'schemaVersion': 2, 'manifests': [
  a.descriptor(OCI + 'index.v1+json', index, annotations={'org.opencontainers.image.ref.name': 'all'})]}))"
}
platforms() { moss manifest inspect "$1" | jq -r '[.manifests[].platform.architecture] | join(" ")'; }
members() { moss manifest inspect "$1" | jq -r '.manifests[].digest'; }

@test "push: what a registry has arrives as skopeo copies it, to the byte" {
	registry_start
	local source=$REG
	registry_start_empty to
	local image digest
	for image in index list; do
		moss manifest create --all l "$source/$image:1"
		moss manifest push -q l "$REG/$image:1"
		run -0 moss manifest push --digestfile df l "dir:$image"
		digest=$output
		[ "$digest" = "$(remote_digest "$REG/$image:1")" ]
		[ "$(cat df)" = "$digest" ]
		sk copy -q --all --src-tls-verify=false "docker://$REG/$image:1" "dir:$image-theirs"
		diff -r "$image" "$image-theirs"
		moss manifest rm l
	done
	# Over the one before, whose files go.
	moss manifest create --all l "$source/index:1"
	moss manifest push l dir:list
	diff -r index list
	[ -z "$(moss manifest push -q l "oci:$WORK/o:a/b:1")" ]
	sk copy -q --all --src-tls-verify=false "docker://$REG/index:1" oci:theirs:a/b:1
	diff -r o/blobs theirs/blobs
	diff <(jq -c .manifests o/index.json) <(jq -c .manifests theirs/index.json)
	run -0 moss manifest push l oci-archive:o.tar:a/b:1
	sk copy -q --all oci-archive:o.tar:a/b:1 dir:back
	diff -r index back
	# A second list, and an image, beside it.
	moss manifest push l oci:o
	[ "$(jq -c '[.manifests[] | .annotations // {} | add]' o/index.json)" = '["a/b:1",null]' ]
	moss pull -q "$source/docker:1"
	moss push -q "$source/docker:1" oci:o:one
	sk copy -q --all oci:o:a/b:1 dir:back2
	diff -r index back2
	[ "$(ls -A o | paste -sd' ')" = "blobs index.json oci-layout" ]
	# push takes a list, too.
	run -0 moss push l oci:p:x
	[ "$output" = "$(jq -r '.manifests[0].digest' p/index.json)" ]
	diff -r p/blobs theirs/blobs
	run -0 moss manifest push --rm l oci:p:x
	run ! moss manifest exists l
	run -0 moss system check
}

@test "push: the formats; a list without its members" {
	registry_start
	moss manifest create --all l "$REG/list:1"
	moss manifest push l dir:docker
	[ "$(jq -r .mediaType docker/manifest.json)" = application/vnd.docker.distribution.manifest.list.v2+json ]
	# A layout has OCI's, of the same blobs.
	run -0 moss manifest push l oci:o:x
	[ "$(jq -r '.manifests[0].mediaType' o/index.json)" = application/vnd.oci.image.index.v1+json ]
	sk copy -q --all oci:o:x dir:oci
	[ "$(jq -r '[.manifests[].mediaType] | unique | join(" ")' oci/manifest.json)" = application/vnd.oci.image.manifest.v1+json ]
	[ "$(blobs_of docker)" = "$(blobs_of oci)" ]
	moss manifest push --format oci l dir:oci2
	diff -r oci oci2
	moss manifest push --format v2s2 l oci:o:docker
	[ "$(jq -r '.manifests[1].mediaType' o/index.json)" = application/vnd.docker.distribution.manifest.list.v2+json ]
	cmp docker/manifest.json "o/blobs/sha256/$(jq -r '.manifests[1].digest | ltrimstr("sha256:")' o/index.json)"
	for f in docker/*.manifest.json; do
		cmp "$f" "o/blobs/sha256/$(basename "$f" .manifest.json)"
	done
	run -0 moss manifest push --all=false l oci:bare:x
	[ "$(find bare/blobs -type f | wc -l)" = 1 ]
	[ "$(sk inspect --raw oci:bare:x | jq '.manifests | length')" = "$(jq '.manifests | length' docker/manifest.json)" ]
	# What has no other form stays out of another.
	moss manifest create --all att "$REG/index:1"
	moss manifest push att oci:att
	refuses "layer of type application/vnd.in-toto+json has no other format" moss manifest push --format v2s2 att oci:none
	[[ "$output" == *"dir: without --format"* ]]
	[ ! -e none ]
	# An index of no members.
	moss manifest create none
	moss manifest push none oci:none
	sk inspect --raw oci:none | jq -e '.manifests == []'
}

@test "add and create: from each form; the one for this machine, or all" {
	three_platforms
	local arch
	case $(uname -m) in
	x86_64) arch=amd64 ;;
	aarch64) arch=arm64 ;;
	*) skip "no image for this machine" ;;
	esac
	moss manifest create l
	run -0 moss manifest add l oci:m:all
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ "$(platforms l)" = $arch ]
	run -0 moss manifest add --all l oci:m
	[ "$(platforms l | tr ' ' '\n' | sort | paste -sd' ')" = "amd64 arm64 s390x" ]
	run -0 moss manifest push l oci-archive:a.tar:all
	gzip -k a.tar
	# The other forms of it have the same members: nothing is there twice.
	moss manifest push l dir:d
	moss manifest add --all l dir:d
	moss manifest add --all l "oci-archive:$WORK/a.tar"
	moss manifest add --all l oci-archive:a.tar.gz:all
	[ "$(members l | wc -l)" = 3 ]
	members l | sort >first
	moss manifest create --all l2 oci-archive:a.tar.gz
	[ "$(members l2 | sort)" = "$(cat first)" ]
	moss manifest push l2 dir:d2
	for blob in m/blobs/sha256/*; do
		[[ "$(cat m/index.json)" == *"${blob##*/}"* ]] || cmp "$blob" "$(ls d2/"${blob##*/}"*)"
	done
	# One image of its own; its platform is its config's.
	sk copy -q --override-arch s390x oci:m:all dir:one
	moss manifest create --annotation a=b l3 dir:one
	[ "$(platforms l3)" = s390x ]
	[ "$(members l3)" = "$(digest_of one/manifest.json)" ]
	moss manifest annotate --variant v9 l3 "dir:$WORK/one"
	[ "$(moss manifest inspect l3 | jq -r '.manifests[0].platform.variant')" = v9 ]
	[ "$(moss manifest inspect l3 dir:one | jq -r .config.digest)" = "$(jq -r .config.digest one/manifest.json)" ]
	# From another folder, too.
	(cd / && moss manifest push l3 "oci:$WORK/o")
	moss manifest remove l3 "$(digest_of one/manifest.json)"
	[ -z "$(members l3)" ]
	refuses "oci:m:all is a manifest list" moss manifest create l4 oci:m:all
	[[ "$output" == *"with --all each of its images"* ]]
	[ -z "$(ls "$ROOT/layers")" ]
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "from a folder to a registry, and what is pulled from there" {
	three_platforms
	registry_start_empty to
	moss manifest create --all l oci:m:all
	run -0 moss manifest push l "$REG/l:1"
	[ "${#lines[@]}" = 4 ]
	sk copy -q --all --src-tls-verify=false "docker://$REG/l:1" dir:back
	[ "$(digest_of back/manifest.json)" = "${lines[3]}" ]
	moss manifest push l dir:d
	diff -r d back
	moss manifest push l oci-archive:a.tar:all
	# The blobs must still be there.
	rm -rf m/blobs
	refuses "m:all@sha256:" moss manifest push l "$REG/l:2"
	moss pull -q --platform linux/s390x "$REG/l:1"
	[ "$(moss image inspect -f '{{.Architecture}}' "$REG/l:1")" = s390x ]
	moss pull -q --platform linux/arm64 dir:d
	# Of an archive with such an index load takes one image, too.
	moss rmi -f --no-trash "$(moss images -q --no-trunc "$REG/l:1")"
	run -0 moss load --platform linux/s390x -i a.tar
	[ "$(moss image inspect -f '{{.Architecture}}' "${output##* }")" = s390x ]
	refuses "linux/riscv64" moss load --platform linux/riscv64 -i a.tar
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "members that only the store has are written as push writes them" {
	moss load -q -i "$(busybox_archive)"
	registry_start_empty to
	three_platforms
	moss tag busybox "$REG/app:1"
	moss manifest create l "$REG/app:1"
	moss manifest add --all l oci:m
	run -0 moss manifest push l oci:o:x
	moss push -q busybox oci:single:x
	sk copy -q --all oci:o:x dir:d
	local own
	own=$(jq -r '.manifests[0].digest' single/index.json)
	jq -e --arg d "$own" '[.manifests[].digest] | index($d)' d/manifest.json
	[ -e "d/${own#sha256:}.manifest.json" ]
	# The list of the store is as it was.
	run ! grep -q "$own" <(moss manifest inspect l)
	moss manifest push --compression-format zstd l oci:z:x
	sk inspect --raw --config oci:z:x >/dev/null
	sk copy -q --all oci:z:x dir:zd
	[ "$(jq -rs '[.[].layers[].mediaType] | unique | length' zd/*.manifest.json)" = 2 ]
	moss manifest push l dir:plain
	for f in plain/*.manifest.json; do
		[ "$(digest_of "$f")" = "sha256:$(basename "$f" .manifest.json)" ]
	done
	[ "$(ls plain/*.manifest.json | wc -l)" = 4 ]
}

@test "inspect: what a file or folder has" {
	three_platforms
	run -0 moss manifest inspect oci:m:all
	[ "$(jq -r '[.manifests[].platform.architecture] | join(" ")' <<<"$output")" = "amd64 s390x arm64" ]
	run -0 moss manifest inspect -v oci:m
	[ "$(jq length <<<"$output")" = 3 ]
	jq -r '.[0].Raw' <<<"$output" | base64 -d | cmp - "m/blobs/sha256/$(jq -r '.[0].Descriptor.digest | ltrimstr("sha256:")' <<<"$output")"
	[ "$(jq -r '.[2].Ref' <<<"$output")" = "oci:$WORK/m:all@$(jq -r '.[2].Descriptor.digest' <<<"$output")" ] ||
		[[ "$(jq -r '.[2].Ref' <<<"$output")" == "oci:$WORK/m@sha256:"* ]]
	sk copy -q --override-arch amd64 oci:m:all oci-archive:one.tar
	run -0 moss manifest inspect oci-archive:one.tar
	[ "$(jq -r '.layers | length' <<<"$output")" = 1 ]
	# A list that is called so comes first.
	moss manifest create oci:m
	run -0 moss manifest inspect oci:m
	[ "$(jq -c .manifests <<<"$output")" = "[]" ]
}

@test "an artifact in a file or folder can be looked at, not listed" {
	py "
OCI = 'application/vnd.oci.image.'
c, l = b'{}', b'x'
m = json.dumps({'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json', 'artifactType': 'application/y',
  'config': a.descriptor('application/vnd.oci.empty.v1+json', c), 'layers': [a.descriptor('application/z', l)]}).encode()
os.makedirs('o/blobs/sha256')
os.mkdir('d')
for b in c, l, m: open('o/blobs/sha256/' + a.sha(b), 'wb').write(b)
for b in c, l: open('d/' + a.sha(b), 'wb').write(b)
open('d/manifest.json', 'wb').write(m)
open('d/version', 'w').write('Directory Transport Version: 1.1\\n')
open('o/oci-layout', 'w').write('{\"imageLayoutVersion\": \"1.0.0\"}')
open('o/index.json', 'w').write(json.dumps({'schemaVersion': 2, 'manifests': [a.descriptor(OCI + 'manifest.v1+json', m)]}))"
	tar -C o -cf o.tar .
	local from
	for from in oci:o dir:d oci-archive:o.tar; do
		[ "$(moss manifest inspect "$from" | jq -S .)" = "$(jq -S . d/manifest.json)" ]
		[ "$(moss manifest inspect -v "$from" | jq -c '[.Descriptor.platform, .OCIManifest.artifactType]')" = \
			'[{"architecture":"","os":""},"application/y"]' ]
		refuses "not an image: unsupported config type application/vnd.oci.empty.v1+json" moss manifest create l "$from"
		refuses "" moss pull -q "$from"
	done
	run ! moss manifest exists l
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "what cannot be: one line with the cure" {
	three_platforms
	moss load -q -i "$(busybox_archive)"
	moss manifest create --all l oci:m
	refuses "a docker-archive holds no manifest list" moss manifest push l docker-archive:x.tar
	[[ "$output" == *"oci-archive:x.tar"* ]]
	refuses "a docker-archive holds no manifest list" moss push l docker-archive:x.tar:n:1
	moss save -o busybox.tar busybox
	refuses "the images of a docker-archive have no manifest" moss manifest add l docker-archive:busybox.tar
	[[ "$output" == *"moss pull docker-archive:busybox.tar first"* ]]
	refuses "a destination has no image @0 to replace" moss manifest push l oci:x:@0
	refuses "leave --platform out" moss push --platform linux/amd64 l oci:x
	refuses "--creds are for a registry" moss manifest push --creds u:p l oci:x
	refuses "--creds are for a registry" moss push --creds u:p l oci:x
	refuses "--creds are for a registry" moss manifest add --creds u:p l oci:x
	refuses "need the OCI format" moss manifest push --format v2s2 --compression-format zstd l oci:x
	refuses "cannot push to containers-storage:x" moss manifest push l containers-storage:x
	refuses "No such manifest: none" moss manifest push none oci:x
	refuses "l is a manifest list" moss save -o s.tar l
	[[ "$output" == *"moss manifest push l oci-archive:FILE"* ]]
	refuses "oci:/no/such: open /no/such: no such file or directory" moss manifest add l oci:/no/such
	refuses 'no image "none" in this image layout' moss manifest add l oci:m:none
	refuses "oci:m is for folders" moss manifest add l oci-archive:m
	cp -r m m$'\xff'
	refuses "the path is no UTF-8, which a list cannot keep" moss manifest add --all l oci:m$'\xff'
	refuses "the path is no UTF-8, which a list cannot keep" moss manifest add --all l oci-archive:$'\xff'
	mkfifo pipe
	refuses "oci-archive:pipe: pipe is no regular file" moss manifest add l oci-archive:pipe
	refuses "copy it: podman save x:1 | moss load" moss manifest add l containers-storage:x:1
	mkdir full
	touch full/mine
	refuses "not a containers image directory" moss manifest push l dir:full
	refuses "mkdir no/such: no such file or directory" moss manifest push l oci:no/such
	mv m gone
	refuses "open $WORK/m: no such file or directory" moss manifest push l oci:x
	[ ! -e x ]
	[ ! -e x.tar ]
	[ ! -e s.tar ]
	[ -z "$(ls "$ROOT/tmp")" ]
}

# In a layout of its own for each: nothing is added, and of a list that was good nothing is written.
spoilt() { # WHAT WORDS [WORDS OF THE PUSH]
	rm -rf bad
	cp -r m bad
	moss manifest rm -i good bad >/dev/null
	moss manifest create --all good oci:bad:all
	eval "$1"
	refuses "$2" moss manifest create --all bad oci:bad:all
	run ! moss manifest exists bad
	if [ -n "${3-}" ]; then
		refuses "$3" moss manifest push good oci:out
		[ ! -e out ]
	fi
}

@test "a layout that lies, to the list and to its push" {
	three_platforms
	local index first config layer
	index=bad/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' m/index.json)
	first=bad/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "m${index#bad}")
	config=bad/blobs/sha256/$(jq -r '.config.digest | ltrimstr("sha256:")' "m${first#bad}")
	layer=bad/blobs/sha256/$(jq -r '.layers[0].digest | ltrimstr("sha256:")' "m${first#bad}")
	spoilt 'sed -i s/amd64/arm65/ $index' "its digest is"
	spoilt 'echo >>$index' "has more than its"
	spoilt 'truncate -s -1 $index' "bytes instead of"
	spoilt 'sed -i s/gzip/zstd/ $first' "its digest is"
	spoilt 'rm $first' "it does not contain blobs/sha256/${first##*/}"
	spoilt 'mv $first out1; ln -s "$WORK/out1" $first' "blobs/sha256/${first##*/} leads out of it"
	spoilt 'rm bad/index.json; mkfifo bad/index.json' "index.json is no regular file"
	spoilt 'head -c 5000000 /dev/zero | tr "\\0" " " >>bad/index.json' "index.json is larger than 4194304 bytes"
	spoilt 'jq -c ".manifests[0].digest = \"sha256:../../x\"" m/index.json >bad/index.json' "digest"
	spoilt 'jq -c ".manifests[0].size = 5000000" m/index.json >bad/index.json' "manifest of more than 4194304 bytes"
	spoilt 'jq -c ".manifests = [range(5000) as \$i | .manifests[0]]" m/index.json >bad/index.json' "5000 manifests, at most 4096"
	# An index in an index, and one of too many: their own digests are right.
	local inner
	inner=$(jq -c '.manifests[0] | del(.annotations)' m/index.json)
	remake() { # JQ PROGRAM: the index, made anew
		jq -c --argjson inner "$inner" "$1" "m${index#bad}" >new
		mv new "bad/blobs/sha256/$(sha256sum new | cut -d' ' -f1)"
		jq -c --arg d "$(digest_of bad/blobs/sha256/"$(ls -t bad/blobs/sha256 | head -1)")" --argjson s "$(stat -c %s bad/blobs/sha256/"$(ls -t bad/blobs/sha256 | head -1)")" \
			'.manifests[0].digest = $d | .manifests[0].size = $s' m/index.json >bad/index.json
	}
	spoilt "remake '.manifests += [\$inner]'" "an index within an index"
	spoilt "remake '.manifests = [range(300) as \$i | .manifests[0]]'" "it has 300 images, at most 256"
	spoilt "remake '.manifests[].size = 4000000 | .manifests += .manifests'" "its manifests have 24000000 bytes, at most 16777216"
	# What only the push needs.
	rm -rf bad
	cp -r m bad
	moss manifest rm good
	moss manifest create --all good oci:bad:all
	for spoil in 'printf x >>$layer|has more than its' 'truncate -s -1 $layer|bytes instead of' \
		'sed -i s/created/treated/ $config|its digest is' 'rm $layer|it does not contain' \
		'rm $layer; ln -s /etc/passwd $layer|leads out of it' 'rm $layer; mkfifo $layer|is no regular file'; do
		rm -rf bad
		cp -r m bad
		eval "${spoil%|*}"
		for to in oci:out dir:out oci-archive:out; do
			refuses "${spoil#*|}" moss manifest push good "$to"
			[ ! -e out ]
		done
	done
	# Names with terminal sequences.
	rm -rf bad
	cp -r m bad
	jq -c '.manifests += [.manifests[0]] | .manifests[0].digest = "sha256:" + ("0" * 64) | .manifests[].annotations["org.opencontainers.image.ref.name"] = "\u001b[31mred"' m/index.json >bad/index.json
	refuses "more than one image" moss manifest add good oci:bad
	[[ "$output" == *"[31mred"* && "$output" != *$'\e'* ]]
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "a dir: and an archive that lie" {
	three_platforms
	sk copy -q --all oci:m:all dir:d
	sk copy -q --all oci:m:all oci-archive:a.tar:all
	local first
	first=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' d/manifest.json)
	cp -r d d2
	sed -i s/gzip/zstd/ "d2/$first.manifest.json"
	refuses "its digest is" moss manifest create --all l dir:d2
	rm "d2/$first.manifest.json"
	refuses "it does not contain $first.manifest.json" moss manifest create --all l dir:d2
	echo '{"schemaVersion":2,"layers":[],"manifests":[]}' >d2/manifest.json
	refuses "manifest.json" moss manifest create --all l dir:d2
	head -c 9000 a.tar >cut.tar
	refuses "truncated" moss manifest create --all l oci-archive:cut.tar
	gzip -c a.tar | head -c 900 >cut.tar.gz
	refuses "oci-archive:cut.tar.gz" moss manifest create --all l oci-archive:cut.tar.gz
	head -c 3000 /dev/urandom >noise
	refuses "oci-archive:noise" moss manifest create --all l oci-archive:noise
	# A name that climbs is no name of a blob.
	py "a.write('climb.tar', [('index.json', open('m/index.json', 'rb').read()), ('../../blobs/sha256/x', b'x')])"
	refuses "it does not contain blobs/sha256/" moss manifest create --all l oci-archive:climb.tar
	run ! moss manifest exists l
	[ -z "$(ls "$ROOT/tmp")" ]
}
