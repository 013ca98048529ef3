# The three drivers show the same root file system from the same layers.
load ../lib/moss

setup() {
	store_new
	layers_image
	moss load -q -i "$WORK/image.tar" >/dev/null
}
teardown() { store_drop; }

# Three layers over busybox: files, a whiteout, an opaque folder, links, owners, modes, holes.
layers_image() {
	local manifest base
	tar -C "$WORK" -xf "$(busybox_archive)"
	manifest=$(grep -o '[0-9a-f]*/layer.tar' "$WORK/manifest.json")
	base=$WORK/$manifest
	python3 - "$WORK" <<'PY'
import io, sys, tarfile
work = sys.argv[1]
def layer(name, entries):
    with tarfile.open(f"{work}/{name}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for path, kind, extra in entries:
            info = tarfile.TarInfo(path)
            info.mtime = 1000000000
            data = b""
            if kind == "dir":
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif kind == "file":
                data, info.mode = extra.pop("data").encode(), 0o644
                info.size = len(data)
            elif kind == "link":
                info.type, info.linkname = tarfile.LNKTYPE, extra.pop("to")
            elif kind == "symlink":
                info.type, info.linkname = tarfile.SYMTYPE, extra.pop("to")
            elif kind == "fifo":
                info.type = tarfile.FIFOTYPE
            for key, value in extra.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
layer("one", [
    ("d", "dir", {}), ("d/old", "file", {"data": "old"}), ("d/gone", "file", {"data": "x"}),
    ("o", "dir", {}), ("o/hidden", "file", {"data": "x"}),
    ("name", "file", {"data": "one"}), ("swap", "dir", {}), ("swap/x", "file", {"data": "x"}),
    ("own", "file", {"data": "o", "uid": 1000, "gid": 50, "mode": 0o640}),
    ("setid", "file", {"data": "s", "mode": 0o4755}),
    ("a", "file", {"data": "linked"}), ("b", "link", {"to": "a"}),
    ("s", "symlink", {"to": "/d/old"}), ("p", "fifo", {"mode": 0o600}),
    ("x", "file", {"data": "attr", "pax_headers": {"SCHILY.xattr.user.note": "hello"}}),
])
layer("two", [
    ("d/.wh.gone", "file", {"data": ""}), ("o", "dir", {}), ("o/.wh..wh..opq", "file", {"data": ""}),
    ("o/new", "file", {"data": "new"}), ("swap", "file", {"data": "now a file"}),
    ("d/more", "file", {"data": "more"}),
])
layer("three", [("name", "file", {"data": "three"}), ("d", "dir", {"mode": 0o711, "uid": 7})])
PY
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" layers "$base" \
		"$WORK/one.tar" "$WORK/two.tar" "$WORK/three.tar"
}

look='cat /name /d/old /d/more /o/new /swap /b; ls /d /o;
	stat -c "%n %u %g %a %Y" /d /own /setid /x; stat -c %h /a; readlink /s; test -p /p && echo fifo;
	[ $(stat -c %i /a) = $(stat -c %i /b) ] && echo same'
expected='threeoldmorenewnow a filelinked/d:
more
old

/o:
new
/d 7 0 711 1000000000
/own 1000 50 640 1000000000
/setid 0 0 4755 1000000000
/x 0 0 644 1000000000
2
/d/old
fifo
same'

for_driver() { moss --storage-driver "$1" "${@:2}"; }

check_reading() {
	run -0 for_driver "$1" run --rm --network none layers sh -c "$look"
	diff <(echo "$expected") <(echo "$output")
}

check_writing() {
	c=$(for_driver "$1" create --network none layers sh -c \
		'echo changed >/name; rm -f /d/old; rmdir /etc 2>/dev/null; rm -r /o; mkdir /o; echo n >>/count; wc -l </count; ls -A /o; cat /name; ls /d')
	run -0 moss start -a "$c"
	[ "$output" = $'1\nchanged\nmore' ]
	run -0 moss start -a "$c"
	[ "${lines[0]}" = 2 ]
	run -0 for_driver "$1" run --rm --network none layers cat /name
	[ "$output" = three ]
	moss rm "$c"
}

check_other_users() {
	run -0 for_driver "$1" run --rm --network none -u 1000:1000 layers sh -c \
		'cat /name; cat /own; touch /tmp/mine && stat -c %u /tmp/mine; touch /no 2>/dev/null || echo denied'
	[ "$output" = $'threeo1000\ndenied' ]
}

check_nothing_left() {
	wait_for 5 test -z "$(ls "$ROOT/containers")"
	wait_for 5 bash -c "[ -z \"\$(ls '$ROOT/trash' '$ROOT/tmp' | grep -v :)\" ]"
}

check() {
	check_reading "$1"
	check_writing "$1"
	check_other_users "$1"
	check_nothing_left
}

@test "overlay" { check overlay; }

@test "fuse-overlayfs" { check fuse-overlayfs; }

@test "vfs" { check vfs; }

@test "MOSS_STORAGE_DRIVER chooses, --storage-driver wins" {
	c=$(MOSS_STORAGE_DRIVER=vfs moss create --network none layers true)
	[ "$(moss inspect -f '{{.Driver}}' "$c")" = vfs ]
	c=$(MOSS_STORAGE_DRIVER=vfs moss --storage-driver overlay create --network none layers true)
	[ "$(moss inspect -f '{{.Driver}}' "$c")" = overlay ]
}

@test "config.json chooses where nothing else does" {
	mkdir -p "$HOME/.config/moss"
	echo '{"storage-driver": "vfs"}' >"$HOME/.config/moss/config.json"
	c=$(env -u XDG_CONFIG_HOME "$MOSS" --root "$ROOT" --runroot "$RUNROOT" create layers true)
	[ "$(moss inspect -f '{{.Driver}}' "$c")" = vfs ]
	c=$(MOSS_STORAGE_DRIVER=overlay moss create layers true)
	[ "$(moss inspect -f '{{.Driver}}' "$c")" = overlay ]
	echo '{"storage-driver": ' >"$HOME/.config/moss/config.json"
	run -125 env -u XDG_CONFIG_HOME "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm layers true
	[[ $output == *"$HOME/.config/moss/config.json"* ]]
}

@test "an unknown driver is named, with the known ones" {
	run -125 moss --storage-driver zfs run --rm layers true
	[[ $output == *"unknown storage driver: zfs"* ]]
	[[ $output == *"overlay, fuse-overlayfs or vfs"* ]]
}

@test "a container keeps its driver" {
	c=$(moss --storage-driver vfs create --network none layers sh -c 'echo x >>/log; wc -l </log')
	run -0 moss --storage-driver overlay start -a "$c"
	[ "$output" = 1 ]
	run -0 moss start -a "$c"
	[ "$output" = 2 ]
}

@test "a missing fuse-overlayfs: the error says what to install" {
	mkdir "$WORK/bin"
	for program in newuidmap newgidmap; do ln -s "$(command -v $program)" "$WORK/bin/"; done
	PATH=$WORK/bin run -125 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" \
		--storage-driver fuse-overlayfs run --rm --network none layers true
	[[ $output == *"install fuse-overlayfs"* ]]
}

@test "fuse-overlayfs: kill -9 of the monitor or of the server leaves nothing" {
	for victim in moss-monitor fuse-overlayfs; do
		c=$(for_driver fuse-overlayfs run -d --network none layers sleep 100)
		pgrep -u "$(id -u)" -f "fuse-overlayfs.*$WORK"
		pkill -KILL -u "$(id -u)" -f "$victim.*$WORK"
		if [ $victim = moss-monitor ]; then
			run -0 moss ps -a --format '{{.Status}}'
			[[ $output == Exited* ]]
		fi
		moss rm -f "$c"
		run pgrep -u "$(id -u)" -f "fuse-overlayfs.*$WORK"
		[ "$output" = "" ]
		[ "$(ls "$ROOT/containers")" = "" ]
	done
}

@test "127 layers" {
	args=()
	for i in $(seq 124); do
		echo "$i" >"$WORK/last"
		echo "$i" >"$WORK/file$i"
		tar -C "$WORK" --mtime=@0 -cf "$WORK/n$i.tar" last "file$i"
		args+=("$WORK/n$i.tar")
	done
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/many.tar" many "$WORK"/*/layer.tar \
		"$WORK/one.tar" "$WORK/two.tar" "${args[@]}"
	moss load -q -i "$WORK/many.tar"
	[ "$(find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 128 ]
	for driver in overlay fuse-overlayfs; do
		run -0 for_driver $driver run --rm --network none many sh -c 'cat /last /file1 /file99 /o/new'
		[ "$output" = $'124\n1\n99\nnew' ]
	done
}
