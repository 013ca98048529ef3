#!/usr/bin/env bats
# Hostile images (the class "tar extraction", bombs, malformed streams): nothing outside the layer is
# touched, what is refused leaves nothing, memory and time stay bounded.
load ../lib/moss

setup() {
	store_new
	echo secret >"$HOME/secret"
	chmod 600 "$HOME/secret"
}

teardown() {
	[ "$(cat "$HOME/secret")" = secret ]
	[ "$(stat -c %a "$HOME/secret")" = 600 ]
	[ "$(ls -A "$HOME")" = secret ]
	store_drop
}

py() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$MOSS_TEST_LIB python3 -c "import archive as a, json, io, gzip
home = '$HOME'
$1"; }

# An image of one layer: entries as archive.tar takes them.
image() { py "a.docker('$WORK/a.tar', [a.tar($1)], tags=['x:1'])"; }
# The layer's bytes by an expression; $2: the config is for them, else a wrong one.
image_raw() { py "
l = $1
a.docker('$WORK/a.tar', [l], tags=['x:1'])"; }

refused() {
	run -1 --separate-stderr moss load -i "$WORK/a.tar"
	[[ $stderr == *"$1"* ]] || { echo "$stderr"; false; }
	[ -z "$(ls -A "$ROOT/layers")" ]
	[ -z "$(ls -A "$ROOT/tmp")" ]
	[ -z "$(ls -A "$ROOT/trash")" ]
}

loads() {
	run -0 --separate-stderr moss load -i "$WORK/a.tar"
	cd "$ROOT"/layers/*/diff
}

@test "names that climb" {
	image "('../../../../../secret', b'x')"
	refused "breaks out"
	image "('a/../../b', b'x')"
	refused "breaks out"
	image "('ok', b'x'), ('..', 'dir')"
	refused "breaks out"
}

@test "names with terminal sequences are not printed as they are" {
	image "('../\x1b]0;owned\x07', b'x')"
	refused "breaks out"
	[[ $stderr != *$'\x1b'* && $stderr != *$'\x07'* ]]
}

@test "absolute names stay inside" {
	image "(home + '/secret', b'taken'), ('/etc/x', b'y')"
	loads
	[ "$(cat "./$HOME/secret")" = taken ]
}

@test "a symbolic link as an ancestor: of a file, a folder, a link, a whiteout" {
	image "(home, 'dir'), ('esc', 'symlink', home), ('esc/secret', b'taken'), ('esc/new', b'x'), ('esc/dir', 'dir'),
	  ('esc/.wh.secret2', b''), ('esc/.wh..wh..opq', b''), ('esc/s', 'symlink', 'x'), ('esc/p', 'fifo')"
	loads
	[ "$(cat "./$HOME/secret")" = taken ]
}

@test "a link that leads nowhere in the layer: what it names is made, inside" {
	image "('esc', 'symlink', home + '/new'), ('esc/secret', b'taken')"
	loads
	[ "$(cat "./$HOME/new/secret")" = taken ]
}

@test "a chain of links, relative ones that climb, and a link replaced between" {
	image "(home, 'dir'), ('a', 'symlink', '../../../../../../..' + home), ('b', 'symlink', 'a'), ('b/secret', b'taken'),
	  ('c', 'dir'), ('c/f', b'1'), ('c', 'symlink', home), ('c/secret', b'taken too')"
	loads
	[ "$(cat "./$HOME/secret")" = "taken too" ]
}

@test "a link that is replaced by a file, and a folder by a link: as Docker does" {
	image "('l', 'symlink', home), ('l', b'file'), ('d', 'dir'), ('d/x', b'1'), ('d', 'symlink', 'l')"
	loads
	[ "$(cat l)" = file ]
	[ "$(readlink d)" = l ]
}

@test "a hard link to a file outside, by every spelling" {
	image "('h', 'link', home + '/secret')"
	refused "its target is not in the layer"
	image "('h', 'link', '../../../../../../..' + home + '/secret')"
	refused "invalid hardlink"
	image "('s', 'symlink', home), ('h', 'link', 's/secret')"
	refused "its target is not in the layer"
	image "('s', 'symlink', home + '/secret'), ('h', 'link', 's'), ('h', b'overwrites')"
	loads
	[ "$(cat h)" = overwrites ]
}

@test "PAX overrides of path and size" {
	image "('ok', b'x', {'pax_headers': {'path': '../../out'}})"
	refused "breaks out"
	image "('ok', b'x', {'pax_headers': {'size': '9223372036854775807'}})"
	refused "size"
	image "('ok', b'x', {'pax_headers': {'size': '-1'}})"
	refused "PAX"
	image "('ok', b'x', {'pax_headers': {'SCHILY.xattr.user.' + 'n' * 300: 'v'}})"
	refused "extended attribute"
}

@test "GNU long names: long, too long, without an end" {
	image "('d/' * 100 + 'n' * 200, b'x')"
	loads
	py "
import tarfile
a.docker('$WORK/a.tar', [a.tar(('n/' * 3000 + 'f', b'x'), format=tarfile.GNU_FORMAT)], tags=['y:1'])"
	run -1 moss load -i "$WORK/a.tar"
	[[ $output == *"too long"* ]]
}

@test "negative, huge and malformed sizes" {
	local size
	for size in "b'\\xff' * 12" "b'\\x80' + b'\\x00' * 3 + b'\\x7f' + b'\\xff' * 7" "b'88888888888 '" "b'77777777777 '"; do
		py "
l = bytearray(a.tar(('f', b'x')))
l[124:136] = $size
l[148:156] = b' ' * 8
l[148:156] = b'%06o\\0 ' % sum(l[:512])
a.docker('$WORK/a.tar', [bytes(l)], tags=['x:1'])"
		refused ""
	done
}

@test "device nodes are never made" {
	image "('dev', 'dir'), ('dev/sda', 'char', {'type': b'4', 'devmajor': 8}), ('dev/mem', 'char', {'devmajor': 1, 'devminor': 1}), ('zero', 'char')"
	loads
	[ -z "$(find . -type b -o -type c)" ]
}

@test "attributes that mean something to overlay or the system are not set" {
	image "('d', 'dir', {'pax_headers': {'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.opaque': 'y'}}),
	  ('f', b'x', {'pax_headers': {'SCHILY.xattr.user.overlay.redirect': '/etc', 'SCHILY.xattr.user.overlay.metacopy': ''}})"
	loads
	[ -z "$(getfattr -R -d -m - . 2>/dev/null)" ]
}

@test "whiteouts with bad names" {
	image "('.wh.', b'')"
	refused "invalid whiteout"
	image "('d/.wh...', b'')"
	refused "invalid whiteout"
}

@test "a gzip bomb: 1000 times its size" {
	py "
import tarfile
info = tarfile.TarInfo('big'); info.size = 5 * 2**30
z = gzip.compress(info.tobuf()) + gzip.compress(bytes(2**20)) * (5 * 2**10)
a.docker('$WORK/a.tar', [z], tags=['x:1'])"
	refused "expands to more than"
}

@test "ten million empty entries" {
	py "
import tarfile
h = tarfile.TarInfo('f').tobuf() * 2048
z = gzip.compress(h) * 4900
a.docker('$WORK/a.tar', [z], tags=['x:1'])"
	refused "expands to more than"
}

@test "an outer archive that is a bomb" {
	py "
import tarfile
info = tarfile.TarInfo('big'); info.size = 5 * 2**30
open('$WORK/a.tar', 'wb').write(gzip.compress(info.tobuf()) + gzip.compress(bytes(2**20)) * (5 * 2**10))"
	refused "expands to more than"
}

@test "10,000 gzip members are read in time" {
	py "
l = a.tar(('f', b'x' * 100000))
step = len(l) // 10000 + 1
z = b''.join(gzip.compress(l[i:i + step]) for i in range(0, len(l), step))
z += gzip.compress(b'') * 10000
a.docker('$WORK/a.tar', [z], tags=['x:1'], conf=a.config([l]))"
	run -0 timeout 10 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" load -i "$WORK/a.tar"
}

@test "zstd with a window of 2 GiB" {
	py "
l = a.tar(('f', b'x' * 100))
open('$WORK/l', 'wb').write(l)"
	zstd -q --ultra --long=31 -22 "$WORK/l" -o "$WORK/l.zst" </dev/null
	# One frame whose header asks for the window: the content must not be known to be small.
	zstd -q --ultra --long=31 -22 -c <"$WORK/l" >"$WORK/l.zst"
	py "
z = open('$WORK/l.zst', 'rb').read()
a.docker('$WORK/a.tar', [z], tags=['x:1'], conf=a.config([open('$WORK/l', 'rb').read()]))"
	refused "zstd data is corrupt"
}

@test "xz that wants half a gigabyte to be read; what xz -9 makes is read" {
	py "
import lzma
l = a.tar(('f', b'x' * 100))
def xz(size):
    return lzma.compress(l, filters=[{'id': lzma.FILTER_LZMA2, 'preset': 0, 'dict_size': size << 20}])
a.docker('$WORK/a.tar', [xz(512)], tags=['x:1'], conf=a.config([l]))
open('$WORK/outer', 'wb').write(xz(80))
# A second stream asks for more than the first.
a.docker('$WORK/two', [xz(1) + xz(512)], tags=['x:1'], conf=a.config([l]))
a.docker('$WORK/good', [lzma.compress(l[:700], preset=9) + lzma.compress(l[700:], preset=9)], tags=['x:1'], conf=a.config([l]))"
	refused "xz data wants more than 72 MiB of memory to be read: refused"
	mv "$WORK/outer" "$WORK/a.tar"
	refused "xz data wants more than 72 MiB"
	mv "$WORK/two" "$WORK/a.tar"
	refused "xz data wants more than 72 MiB"
	mv "$WORK/good" "$WORK/a.tar"
	loads
	[ "$(stat -c %s f)" = 100 ]
}

@test "truncated streams: gzip, zstd, xz, tar" {
	local tool
	for tool in gzip 'zstd -q' xz cat; do
		py "open('$WORK/l', 'wb').write(a.tar(*[('f%d' % i, b'content') for i in range(100)]))"
		$tool <"$WORK/l" >"$WORK/z"
		truncate -s -300 "$WORK/z"
		[ "$tool" != cat ] || truncate -s 30000 "$WORK/z"
		py "a.docker('$WORK/a.tar', [open('$WORK/z', 'rb').read()], tags=['x:1'], conf=a.config([open('$WORK/l', 'rb').read()]))"
		refused ""
	done
}

@test "memory stays under 64 MiB, whatever the layer" {
	! ldd "${MOSS_LIBEXEC:-$(dirname "$MOSS")/../libexec/moss}/moss-unpack" | grep -q libasan ||
		skip "sanitizers take memory of their own"
	py "
import tarfile
head = tarfile.TarInfo('x').tobuf(); big = []
for i in range(20000):
    big.append(tarfile.TarInfo('some/folder/with/a/longer/name/%d' % i).tobuf())
    big[-1] = big[-1][:156] + b'5' + big[-1][157:]
    h = bytearray(big[-1]); h[148:156] = b' ' * 8; h[148:156] = b'%06o\\0 ' % sum(h); big[-1] = bytes(h)
l = b''.join(big) + bytes(1024)
a.docker('$WORK/a.tar', [l], tags=['x:1'])"
	run -0 python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" load -i "$WORK/a.tar"
	[ "${lines[-1]}" -lt 65536 ]
}
