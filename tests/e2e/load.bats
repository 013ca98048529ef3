#!/usr/bin/env bats
# load: every archive that `docker save`, `podman save` and skopeo write, and broken ones.
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

py() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$MOSS_TEST_LIB python3 -c "import archive as a, json
$1" "${@:2}"; }

# A small image by hand; $1 = expression for tags.
simple() {
	py "a.docker('$WORK/a.tar', [a.tar(('bin','dir'),('bin/x',b'hello'))], tags=$1)"
}

layer_folders() { ls "$ROOT/layers"; }
layer_file() { cat "$ROOT"/layers/*/diff/"$1"; }

nothing_left() {
	[ -z "$(ls -A "$ROOT/tmp")" ]
	[ -z "$(ls -A "$ROOT/trash")" ]
}

@test "load says the name, short" {
	simple "['x:1']"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
	[ "$(layer_file bin/x)" = hello ]
	nothing_left
}

@test "load -q says the same" {
	simple "['x:1']"
	run -0 moss load -q -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
}

@test "image load is load" {
	simple "['x:1']"
	run -0 moss image load --input "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
}

@test "load reads stdin, from a file and from a pipe" {
	simple "['x:1']"
	run -0 moss load <"$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
	# shellcheck disable=SC2002 # a pipe is meant
	run -0 bash -c 'cat "$1" | "$2" --root "$3" --runroot "$4" load' - "$WORK/a.tar" "$MOSS" "$ROOT" "$RUNROOT"
	[ "$output" = "Loaded image: x:1" ]
	[ "$(layer_folders | wc -l)" = 1 ]
}

@test "names are normalised, several are all kept" {
	simple "['x', 'localhost:5000/y/z:2', 'docker.io/library/w:3']"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:latest
Loaded image: localhost:5000/y/z:2
Loaded image: w:3" ]
	run -0 moss images --format '{{.Repository}}:{{.Tag}}'
	[ "$(sort <<<"$output")" = "localhost:5000/y/z:2
w:3
x:latest" ]
}

@test "an image without names is said by its ID" {
	simple None
	run -0 moss load -i "$WORK/a.tar"
	[[ $output =~ ^"Loaded image ID: sha256:"[0-9a-f]{64}$ ]]
	id=${output#Loaded image ID: }
	run -0 moss images -q --no-trunc
	[ "$output" = "$id" ]
}

@test "the image ID is the digest of the config" {
	simple "['x:1']"
	moss load -i "$WORK/a.tar"
	tar xf "$WORK/a.tar" -C "$WORK" config.json
	run -0 moss images -q --no-trunc
	[ "$output" = "sha256:$(sha256sum <"$WORK/config.json" | cut -d' ' -f1)" ]
}

@test "a name moves, and the old image is told" {
	simple "['x:1']"
	moss load -i "$WORK/a.tar"
	old=$(moss images -q --no-trunc)
	py "a.docker('$WORK/b.tar', [a.tar(('other',b'file'))], tags=['x:1'])"
	run -0 moss load -i "$WORK/b.tar"
	[ "$output" = "The image x:1 already exists, renaming the old one with ID $old to empty string
Loaded image: x:1" ]
}

@test "loading again changes nothing" {
	simple "['x:1']"
	moss load -i "$WORK/a.tar"
	before=$(layer_folders)
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
	[ "$(layer_folders)" = "$before" ]
	nothing_left
}

@test "the outer archive may be compressed by gzip, bzip2, xz and zstd" {
	simple "['x:1']"
	local tool
	for tool in gzip bzip2 xz 'zstd -q'; do
		$tool -c "$WORK/a.tar" >"$WORK/b.tar.z"
		run -0 moss load -i "$WORK/b.tar.z"
		[ "$output" = "Loaded image: x:1" ]
		moss rmi x:1
	done
}

@test "layers in the archive may be compressed" {
	py "
import gzip
l = a.tar(('f', b'hello'))
a.docker('$WORK/a.tar', [gzip.compress(l)], tags=['x:1'], conf=a.config([l]))"
	run -0 moss load -i "$WORK/a.tar"
	[ "$(layer_file f)" = hello ]
}

@test "several images of one archive share their layers" {
	py "
one, two = a.tar(('one', b'1')), a.tar(('two', b'2'))
files = [('l1', one), ('l2', two), ('c1', a.config([one])), ('c2', a.config([one, two]))]
files.append(('manifest.json', json.dumps([
  {'Config': 'c1', 'RepoTags': ['x:1'], 'Layers': ['l1']},
  {'Config': 'c2', 'RepoTags': ['x:2'], 'Layers': ['l1', 'l2']}]).encode()))
a.write('$WORK/a.tar', files)"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1
Loaded image: x:2" ]
	[ "$(layer_folders | wc -l)" = 2 ]
}

@test "an image may have a layer twice" {
	py "
one, two = a.tar(('one', b'1')), a.tar(('two', b'2'))
a.docker('$WORK/a.tar', [one, two, one], tags=['x:1'])"
	run -0 moss load -i "$WORK/a.tar"
	[ "$(layer_folders | wc -l)" = 2 ]
}

@test "links within the archive are followed" {
	py "
l = a.tar(('f', b'hello'))
a.write('$WORK/a.tar', [('blobs', 'dir'), ('blobs/l', l), ('old/layer.tar', 'symlink', '../blobs/l'),
  ('c', a.config([l])),
  ('manifest.json', json.dumps([{'Config': 'c', 'RepoTags': ['x:1'], 'Layers': ['old/layer.tar']}]).encode())])"
	run -0 moss load -i "$WORK/a.tar"
	[ "$(layer_file f)" = hello ]
}

@test "oci-archive with a name, with a tag only, uncompressed" {
	py "a.oci('$WORK/a.tar', [a.tar(('f', b'hello'))], name='localhost/x:1')"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: localhost/x:1" ]
	py "a.oci('$WORK/a.tar', [a.tar(('f', b'hello'))], name='latest')"
	run -0 moss load -i "$WORK/a.tar"
	[[ $output == "Loaded image ID: sha256:"* ]]
	py "a.oci('$WORK/a.tar', [a.tar(('f', b'other'))], name='y:1', compress=lambda b: b)"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: y:1" ]
}

@test "oci-archive of several platforms: this machine's is taken" {
	py "
def image(arch):
    l = a.tar(('arch', arch.encode()))
    c = a.config([l], architecture=arch)
    m = json.dumps({'schemaVersion': 2, 'config': a.descriptor('application/vnd.oci.image.config.v1+json', c),
      'layers': [a.descriptor('application/vnd.oci.image.layer.v1.tar', l)]}).encode()
    return a.descriptor('application/vnd.oci.image.manifest.v1+json', m,
      platform={'os': 'linux', 'architecture': arch}), [l, c, m]
entries, blobs = [], []
for arch in 'amd64', 's390x', 'arm64':
    e, b = image(arch)
    entries.append(e); blobs += b
index = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': entries}).encode()
top = {'schemaVersion': 2, 'manifests': [a.descriptor('application/vnd.oci.image.index.v1+json', index,
  annotations={'io.containerd.image.name': 'docker.io/library/multi:1'})]}
a.write('$WORK/a.tar', [('oci-layout', b'{}'), ('index.json', json.dumps(top).encode())] +
  [('blobs/sha256/' + a.sha(b), b) for b in blobs + [index]])"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: multi:1" ]
	case $(uname -m) in
	x86_64) [ "$(layer_file arch)" = amd64 ] ;;
	aarch64) [ "$(layer_file arch)" = arm64 ] ;;
	esac
}

@test "what skopeo writes: docker-archive and oci-archive" {
	skopeo --insecure-policy copy -q "docker-archive:$(busybox_archive)" "docker-archive:$WORK/d.tar:sk/docker:1" ||
		skopeo copy -q "docker-archive:$(busybox_archive)" "docker-archive:$WORK/d.tar:sk/docker:1"
	run -0 moss load -i "$WORK/d.tar"
	[ "$output" = "Loaded image: sk/docker:1" ]
	run -0 moss run --rm --network none sk/docker:1 echo works
	[ "$output" = works ]
	skopeo --insecure-policy copy -q "docker-archive:$(busybox_archive)" "oci-archive:$WORK/o.tar:localhost/sk/oci:1"
	run -0 moss load -i "$WORK/o.tar"
	[ "$output" = "Loaded image: localhost/sk/oci:1" ]
}

# As `podman save` lays it out: layers by digest at the top, links to them from the old layout.
@test "what podman save writes" {
	py "
l = a.tar(('f', b'hello'))
c = a.config([l])
name, old = a.sha(l) + '.tar', a.sha(b'old')
a.write('$WORK/a.tar', [(name, l), (a.sha(c) + '.json', c), (old + '/layer.tar', 'symlink', '../' + name),
  (old + '/VERSION', b'1.0'), (old + '/json', json.dumps({'id': old, 'os': 'linux'}).encode()),
  ('manifest.json', json.dumps([{'Config': a.sha(c) + '.json', 'RepoTags': ['localhost/busybox:latest'], 'Layers': [name]}]).encode()),
  ('repositories', json.dumps({'localhost/busybox': {'latest': old}}).encode())])"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: localhost/busybox:latest" ]
	[ "$(layer_file f)" = hello ]
	py "a.oci('$WORK/o.tar', [a.tar(('f', b'hello'))], name='localhost/busybox:latest')"
	run -0 moss load -i "$WORK/o.tar"
	[ "${lines[-1]}" = "Loaded image: localhost/busybox:latest" ]
}

# As Docker 25 and newer lays it out: both formats in one archive, over the same blobs.
@test "what docker save writes" {
	py "
l = a.tar(('f', b'hello'))
c = a.config([l])
m = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
  'config': a.descriptor('application/vnd.oci.image.config.v1+json', c),
  'layers': [a.descriptor('application/vnd.oci.image.layer.v1.tar', l)]}).encode()
index = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': [
  a.descriptor('application/vnd.oci.image.manifest.v1+json', m, annotations={
    'io.containerd.image.name': 'docker.io/library/busybox:latest', 'org.opencontainers.image.ref.name': 'latest'})]}
blob = lambda b: 'blobs/sha256/' + a.sha(b)
files = [('blobs', 'dir'), ('blobs/sha256', 'dir'), (blob(m), m), (blob(l), l), (blob(c), c),
  ('index.json', json.dumps(index).encode())]
a.write('$WORK/o.tar', files + [('oci-layout', b'{}')])
a.write('$WORK/a.tar', files + [('manifest.json', json.dumps([{'Config': blob(c), 'RepoTags': ['busybox:latest'],
  'Layers': [blob(l)], 'LayerSources': {}}]).encode()), ('oci-layout', b'{}'), ('repositories', b'{}')])"
	run -0 moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: busybox:latest" ]
	run -0 moss load -i "$WORK/o.tar"
	[ "$output" = "Loaded image: busybox:latest" ]
	[ "$(layer_folders | wc -l)" = 1 ]
}

@test "modes, owners, times, links and attributes of a layer" {
	py "
l = a.tar(('dir', 'dir', {'mode': 0o1777, 'uid': 7, 'gid': 8}), ('dir/suid', b'x', {'mode': 0o4755, 'uid': 1000, 'gid': 1000, 'mtime': 1000000000}),
  ('hard', 'link', 'dir/suid', {'mode': 0o4755, 'uid': 1000, 'gid': 1000, 'mtime': 1000000000}), ('soft', 'symlink', '/etc/passwd', {'uid': 5, 'gid': 6}), ('pipe', 'fifo'),
  ('attr', b'x', {'pax_headers': {'SCHILY.xattr.user.note': 'v', 'SCHILY.xattr.security.capability': '\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'}}))
a.docker('$WORK/a.tar', [l], tags=['x:1'])"
	run -0 --separate-stderr moss load -i "$WORK/a.tar"
	cd "$ROOT"/layers/*/diff
	run -0 in_userns stat -c '%n %a %u %g %F' dir dir/suid soft pipe
	[ "$output" = "dir 1777 7 8 directory
dir/suid 4755 1000 1000 regular file
soft 777 5 6 symbolic link
pipe 644 0 0 fifo" ]
	[ "$(stat -c %Y dir/suid)" = 1000000000 ]
	[ "$(stat -c %i dir/suid)" = "$(stat -c %i hard)" ]
	[ "$(getfattr --only-values -n user.note attr)" = v ]
	in_userns getfattr -m security.capability attr | grep -q security.capability
}

@test "device nodes are left out with one warning" {
	py "a.docker('$WORK/a.tar', [a.tar(('dev', 'dir'), ('dev/null', 'char', {'devmajor': 1, 'devminor': 3}), ('dev/zero', 'char'))], tags=['x:1'])"
	run -0 --separate-stderr moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:1" ]
	[ "$(grep -c 'device nodes' <<<"$stderr")" = 1 ]
	[ -z "$(ls "$ROOT"/layers/*/diff/dev)" ]
}

# ---- what goes wrong ----

refuses() { # words in the error
	run -1 --separate-stderr moss load -i "$WORK/a.tar"
	[ -z "$output" ]
	[[ $stderr == "moss: "*"$1"* ]] || { echo "$stderr"; false; }
	[ -z "$(layer_folders)" ]
	[ -z "$(moss images -q)" ]
	nothing_left
}

@test "a missing file is named" {
	run -1 moss load -i "$WORK/none.tar"
	[ "$output" = "moss: open $WORK/none.tar: no such file or directory" ]
}

@test "what is wrong with an archive is said with its name, where it has one" {
	echo garbage >"$WORK/bad.tar"
	for command in "load -i" "image load --input"; do
		# shellcheck disable=SC2086
		run -1 moss $command "$WORK/bad.tar"
		[[ "$output" == "moss: cannot load $WORK/bad.tar: "* ]]
	done
	run -1 moss system import "$WORK/bad.tar"
	[[ "$output" == "moss: cannot import $WORK/bad.tar: "* ]]
	run -1 moss load <"$WORK/bad.tar"
	[[ "$output" != *bad.tar* ]]
	head -c 300000 "$(busybox_archive)" >"$WORK/half.tar"
	run -1 moss load -i "$WORK/half.tar"
	[[ "$output" == *"cannot load $WORK/half.tar: "* ]]
}

@test "operands are refused" {
	run moss load x
	[ "$status" -ne 0 ]
	[[ $output == *"accepts no arguments"* ]]
}

@test "garbage, nothing, a truncated archive" {
	echo garbage >"$WORK/a.tar"
	refuses ""
	: >"$WORK/a.tar"
	refuses ""
	simple "['x:1']"
	truncate -s 6000 "$WORK/a.tar"
	refuses ""
}

@test "an archive that is no image" {
	py "a.write('$WORK/a.tar', [('file', b'x')])"
	refuses "neither manifest.json nor index.json"
}

@test "manifest.json names what is not there" {
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], manifest=[{'Config': 'nope', 'Layers': []}])"
	refuses "does not contain nope"
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], manifest=[{'Config': 'config.json', 'Layers': ['../../etc/passwd']}])"
	refuses "does not contain ../../etc/passwd"
}

@test "a layer that is not what the config says" {
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], conf=a.config([a.tar(('f', b'y'))]))"
	refuses "diff ID"
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], conf=a.config([]))"
	refuses "diff IDs"
}

@test "an OCI blob that is not what its digest says" {
	py "
def lie(m):
    m['layers'][0]['digest'] = 'sha256:' + '0' * 64
    return m
a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], change=lie)"
	refuses "does not contain"
	py "
def lie(m):
    m['layers'][0]['size'] += 1
    return m
a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], change=lie)"
	refuses "bytes instead of"
}

@test "manifests that are two things, or malformed" {
	py "
def both(m):
    m['manifests'] = []
    return m
a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], change=both)"
	refuses "both an index and an image"
	py "
def climb(m):
    m['layers'][0]['digest'] = 'sha256:../../../../etc/passwd'
    return m
a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], change=climb)"
	refuses "malformed digest"
	py "a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], manifest_bytes=b'{\"schemaVersion\": 2, \"layers\": [], \"layers\": []}')"
	refuses "duplicate"
	py "a.oci('$WORK/a.tar', [a.tar(('f', b'x'))], manifest_bytes=b'[' * 10000)"
	refuses "levels deep"
}

@test "configs of the wrong types" {
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], conf=a.config([a.tar(('f', b'x'))], config={'Env': 'PATH=/bin'}))"
	refuses "config.Env is of the wrong type"
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x'))], conf=b'[]')"
	refuses "not an object"
}

@test "a name that is no name is left out with a warning" {
	simple "['UPPER:1', 'good:1']"
	run -0 --separate-stderr moss load -i "$WORK/a.tar"
	[ "$output" = "Loaded image: good:1" ]
	[[ $stderr == *"UPPER:1"* ]]
}

@test "an owner outside of the user's ranges: the error says the cure" {
	[ "$(id -u)" != 0 ] || return 0 # has every id
	py "a.docker('$WORK/a.tar', [a.tar(('f', b'x', {'uid': 2000000000}))], tags=['x:1'])"
	refuses "potentially insufficient UIDs or GIDs available in user namespace (requested 2000000000:0 for f)"
	[[ $stderr == *"larger range of ids in /etc/subuid"* ]]
}

@test "four loads of one archive at once" {
	simple "['x:1']"
	local i pids=()
	for i in 1 2 3 4; do
		moss load -q -i "$WORK/a.tar" >"$WORK/out.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	for i in 1 2 3 4; do [ "$(cat "$WORK/out.$i")" = "Loaded image: x:1" ]; done
	[ "$(layer_folders | wc -l)" = 1 ]
	nothing_left
}

@test "killed while loading: nothing is left, and the next load works" {
	py "
import os
a.docker('$WORK/a.tar', [a.tar(*[('d/f%d' % i, os.urandom(40000)) for i in range(3000)])], tags=['x:1'])"
	local delay killed=0
	for delay in 0.01 0.02 0.04 0.06 0.1 0.15 0.2 0.3; do
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" load -i "$WORK/a.tar" >/dev/null &
		sleep $delay
		if kill -9 $! 2>/dev/null; then killed=$((killed + 1)); fi
		wait $! 2>/dev/null || true
	done
	[ $killed -gt 2 ]
	run -0 moss load -i "$WORK/a.tar"
	[ "${lines[-1]}" = "Loaded image: x:1" ]
	[ "$(layer_folders | wc -l)" = 1 ]
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
	wait_for 5 nothing_left
}

@test "the unpacker killed while loading: an error, and nothing is left" {
	mkfifo "$WORK/pipe"
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" load <"$WORK/pipe" 2>"$WORK/err" &
	local moss=$!
	exec 7>"$WORK/pipe"
	simple "['x:1']"
	head -c 5000 "$WORK/a.tar" >&7
	wait_for 5 pgrep -P $moss moss-unpack
	pkill -9 -P $moss moss-unpack
	local code=0
	wait $moss || code=$?
	exec 7>&-
	[ $code = 1 ]
	grep -q 'the unpacker died' "$WORK/err"
	nothing_left
}

@test "a platform that gives the terminal orders is refused" {
	local key
	for key in os architecture variant; do
		py "
one = a.tar(('one', b'1'))
a.docker('$WORK/a.tar', [one], tags=['x:1'], conf=a.config([one], $key='s\\033[2J390'))"
		run -1 moss load -i "$WORK/a.tar"
		[[ $output == *"invalid image config: $key is not a word of letters, digits"* ]]
		[[ $output != *$'\033'* ]]
	done
	nothing_left
}

@test "--platform leaves images of others out, and wants one" {
	py "
one = a.tar(('one', b'1'))
files = [('l', one), ('c1', a.config([one])), ('c2', a.config([one], architecture='s390x'))]
files.append(('manifest.json', json.dumps([
  {'Config': 'c1', 'RepoTags': ['x:amd'], 'Layers': ['l']},
  {'Config': 'c2', 'RepoTags': ['x:s390'], 'Layers': ['l']}]).encode()))
a.write('$WORK/a.tar', files)"
	run -0 moss load --platform linux/s390x -i "$WORK/a.tar"
	[ "$output" = "Loaded image: x:s390" ]
	run -1 moss load --platform linux/arm64 -i "$WORK/a.tar"
	[[ $output == *"the archive has no image for platform linux/arm64"* ]]
	run -1 moss load --platform linux/ -i "$WORK/a.tar"
	[[ $output == *"invalid component"* ]]
	nothing_left
	run -0 moss load -i "$WORK/a.tar"
	[ "${#lines[@]}" = 2 ]
}
