# Equal files exist once over all images, and nothing inside a container can tell.
load ../lib/moss
load ../lib/share

DRIVERS="overlay fuse-overlayfs vfs"

setup() {
	store_new
	share_images
}
teardown() { store_drop; }

@test "what may be shared is, the rest is not" {
	get one
	get two
	for file in usr/lib/one usr/lib/one- usr/lib/other usr/lib/limit usr/bin/owned; do
		same 1 2 $file || { echo "$file"; return 1; }
	done
	for file in usr/lib/twice usr/lib/again usr/lib/small usr/lib/setid usr/lib/page.html etc/passwd- \
		etc/cron.d/job var/spool/cron/crontabs/root var/log/big.log; do
		differ 1 2 $file || { echo "$file"; return 1; }
	done
	# Names of one image are never one inode, but for the one that the archive has twice.
	[ "$(inode "$(layer_of 1)" usr/lib/one)" != "$(inode "$(layer_of 1)" usr/lib/one-)" ]
	[ "$(links "$(layer_of 2)" usr/lib/twice)" = 2 ]
	[ "$(in_userns stat -c %Y:%u:%g:%a "$(layer_of 2)/usr/bin/owned")" = 1000000000:7:8:711 ]
	[ ! -e "$(layer_of 2)/../links" ]
}

# All images of several archives in one.
merge() { # OUT NAME...
	python3 - "$WORK" "$@" <<'PY'
import io, json, sys, tarfile
work, out, names = sys.argv[1], sys.argv[2], sys.argv[3:]
files, manifest = {}, []
for name in names:
    with tarfile.open(f"{work}/{name}.image") as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    manifest += json.loads(files.pop("manifest.json"))
files["manifest.json"] = json.dumps(manifest).encode()
with tarfile.open(f"{work}/{out}.image", "w") as tar:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
PY
}

@test "images of one archive share layers and equal files, from a file and from a pipe" {
	merge all one two later other three
	for way in file pipe; do
		if [ $way = file ]; then get all; else cat "$WORK/all.image" | moss load -q >/dev/null; fi
		[ "$(find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 7 ] # base, tools, one of each
		for file in usr/lib/one usr/lib/one- usr/lib/other usr/lib/limit usr/bin/owned; do
			same 1 2 $file || { echo "$way: $file"; return 1; }
			same 1 3 $file || { echo "$way: $file"; return 1; }
			differ 1 4 $file || { echo "$way: $file"; return 1; }
			differ 1 5 $file || { echo "$way: $file"; return 1; }
		done
		for file in usr/lib/twice usr/lib/again usr/lib/small usr/lib/setid usr/lib/page.html etc/passwd-; do
			differ 1 2 $file || { echo "$way: $file"; return 1; }
		done
		[ "$(inode "$(layer_of 1)" usr/lib/one)" != "$(inode "$(layer_of 1)" usr/lib/one-)" ]
		[ "$(in_userns stat -c %Y:%u:%g:%a "$(layer_of 2)/usr/bin/owned")" = 1000000000:7:8:711 ]
		moss system check
		# All tars as they were: each layer is hashed while it is saved.
		moss save -o "$WORK/saved.tar" one two three later other
		[ "$(moss run --rm --network none two sh -c 'cat /usr/lib/one | md5sum')" = \
			"$(moss run --rm --network none one sh -c 'cat /usr/lib/one | md5sum')" ]
		moss rmi --no-trash one two three later other >/dev/null
	done
}

@test "layers of one image share equal files, and what a container has is left alone" {
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/both.image" both "$base" "$WORK/one.tar" "$WORK/two.tar"
	get both
	same 1 2 usr/lib/one
	moss run -d --name c1 --network none both sleep 1000 >/dev/null
	local before
	before=$(in_userns stat -c %Z "$(layer_of 1)/usr/lib/one")
	merge more three later
	get more
	[ "$(in_userns stat -c %Z "$(layer_of 1)/usr/lib/one")" = "$before" ]
	differ 1 3 usr/lib/one
	moss rm -f -t 0 c1 >/dev/null
	moss system check
}

@test "another time or other content is another file" {
	get one
	get later
	get other
	differ 1 4 usr/lib/one
	differ 1 5 usr/lib/one
	[ "$(moss run --rm --network none other sh -c 'tail -c1 /usr/lib/one; tail -c1 /usr/lib/other')" = '!!' ]
	[ "$(moss run --rm --network none one sh -c 'tail -c1 /usr/lib/one; tail -c1 /usr/lib/other')" = fx ]
	moss run --rm --network none other sh -c 'head -c -1 /usr/lib/one | cmp - /usr/lib/one' 2>&1 | grep -q EOF
}

@test "a write in one container changes no other name and no other image, on all drivers" {
	get one
	get two
	for driver in $DRIVERS; do
		out=$(moss --storage-driver $driver run --name first --network none one sh -c '
			echo changed >/usr/lib/one; chmod 600 /usr/lib/other
			stat -c %h /usr/lib/one; tail -c 4 /usr/lib/one-; stat -c %s /usr/lib/one-')
		[ "$out" = "$(printf '1\ncdef131072')" ] || { echo "$driver: $out"; return 1; }
		out=$(moss --storage-driver $driver run --name second --network none two sh -c '
			stat -c %a:%s /usr/lib/one /usr/lib/other; echo more >>/usr/lib/one; stat -c %s /usr/lib/one')
		[ "$out" = "$(printf '644:131072\n644:65536\n131077')" ] || { echo "$driver: $out"; return 1; }
		out=$(moss --storage-driver $driver run --rm --network none one stat -c %a:%s /usr/lib/one /usr/lib/other)
		[ "$out" = "$(printf '644:131072\n644:65536')" ] || { echo "$driver: $out"; return 1; }
		# Again in what they have written.
		[ "$(moss diff first | grep -c '^C /usr/lib/o')" = 2 ]
		moss rm first second >/dev/null
	done
}

@test "tar and rsync -H see no links but the image's own" {
	get one
	get two
	for driver in $DRIVERS; do
		out=$(moss --storage-driver $driver run --rm --network none two sh -c '
			/usr/bin/tar -cf /t.tar /usr/lib /usr/bin/owned 2>/dev/null; /usr/bin/tar -tvf /t.tar | grep -c "link to /\{0,1\}usr/lib"
			mkdir /copy; /usr/bin/rsync -aH /usr/lib/ /copy/
			stat -c %h /copy/one /copy/one- /copy/twice /copy/again; cmp /copy/one /usr/lib/one && echo whole')
		[ "$out" = "$(printf '1\n1\n1\n2\n2\nwhole')" ] || { echo "$driver: $out"; return 1; }
	done
}

@test "cron's link count: tables have one" {
	get one
	get two
	for driver in $DRIVERS; do
		out=$(moss --storage-driver $driver run --rm --network none two \
			stat -c %h /etc/cron.d/job /var/spool/cron/crontabs/root)
		[ "$out" = "$(printf '1\n1')" ] || { echo "$driver: $out"; return 1; }
	done
}

@test "a running tar sees no file change while other images come and go" {
	get one
	for driver in overlay fuse-overlayfs; do
		moss --storage-driver $driver run -d --name runs --network none one sh -c '
			mkfifo /pipe; until [ -e /go ]; do sleep 0.1; done
			/usr/bin/tar -b 1 -cf /pipe /usr/lib /usr/bin 2>/errors; echo $? >/status; sleep 100' >/dev/null
		moss exec -d runs sh -c 'exec 3</pipe; dd bs=1 count=70000 of=/dev/null <&3; : >/half
			until [ -e /on ]; do sleep 0.1; done; cat <&3 >/dev/null; : >/done'
		before=$(moss exec runs stat -c '%n %Z %h' /usr/lib/one /usr/lib/other /usr/bin/owned)
		moss exec runs touch /go
		wait_for 20 moss exec runs test -e /half
		get two
		get three
		moss rmi two three >/dev/null
		moss undo --empty --force >/dev/null
		moss exec runs touch /on
		wait_for 20 moss exec runs test -e /status -a -e /done
		[ "$(moss exec runs cat /status)" = 0 ] || { moss exec runs cat /errors; return 1; }
		[ "$(moss exec runs stat -c '%n %Z %h' /usr/lib/one /usr/lib/other /usr/bin/owned)" = "$before" ]
		moss rm -f -t 0 runs >/dev/null
	done
}

@test "what a running container has keeps its time when it was shared before" {
	get one
	get two
	same 1 2 usr/lib/one
	moss run -d --name runs --network none one sleep 100 >/dev/null
	before=$(moss exec runs stat -c '%Z %h' /usr/lib/one)
	moss rmi two >/dev/null
	moss undo --empty --force >/dev/null
	[ "$(moss exec runs stat -c '%Z %h' /usr/lib/one)" = "$before" ]
	[ "$(in_userns find "$ROOT/trash" -type f -name 'o*' | wc -l)" -gt 0 ]
	[ -z "$(in_userns find "$ROOT/trash" -path '*/diff/*' -type f -links 1)" ]
	moss ps >/dev/null
	moss rm -f -t 0 runs >/dev/null
	moss ps >/dev/null
	[ -z "$(ls "$ROOT/trash")" ]
	[ "$(links "$(layer_of 1)" usr/lib/one)" = 1 ]
}

@test "images in use are shared with again once they are not" {
	get one
	moss run -d --name runs --network none one sleep 100 >/dev/null
	get two
	differ 1 2 usr/lib/one
	# Two is not in use: three finds its files there.
	get three
	same 2 3 usr/lib/one
	moss rm -f -t 0 runs >/dev/null
}

@test "a file of a layer in use is left alone under the name of another layer, too" {
	get one
	get two
	same 1 2 usr/lib/one
	moss run -d --name runs --network none two sleep 100 >/dev/null
	before=$(moss exec runs stat -c '%Z %h' /usr/lib/one)
	get three
	differ 1 3 usr/lib/one
	[ "$(moss exec runs stat -c '%Z %h' /usr/lib/one)" = "$before" ]
	moss rm -f -t 0 runs >/dev/null
}

@test "one of two sharing images goes, comes back with undo, is built upon" {
	get one
	get two
	moss rmi one >/dev/null
	moss undo --empty --force one >/dev/null
	get one
	moss rmi one >/dev/null
	[ "$(moss run --rm --network none two sh -c 'cat /usr/lib/one /usr/lib/other /usr/bin/owned | md5sum')" = \
		"$( (for _ in $(seq 8192); do printf 0123456789abcdef; done; head -c 65536 /dev/zero | tr '\0' x
		for _ in $(seq 8192); do printf 0123456789abcdef; done) | md5sum)" ]
	moss undo one >/dev/null
	same 1 2 usr/lib/one
	moss run --name made --network none two sh -c 'echo new >/usr/lib/one; rm /usr/lib/other; ln /usr/lib/limit /usr/lib/l2'
	moss commit made three-up >/dev/null
	[ "$(moss run --rm --network none three-up sh -c 'cat /usr/lib/one; ls /usr/lib/other 2>&1 | wc -l; stat -c %h /usr/lib/limit')" = \
		"$(printf 'new\n1\n2')" ]
	same 1 2 usr/lib/limit
	moss rm made >/dev/null
	moss rmi two three-up >/dev/null
	moss undo --empty --force >/dev/null
	[ "$(moss run --rm --network none one stat -c %s /usr/lib/one)" = 131072 ]
}

@test "no more links than the file system can have: then a new copy, which the next one finds" {
	get one
	layer=$(layer_of 1)
	mkdir "$WORK/many"
	in_userns python3 - "$layer/usr/lib/one" "$WORK/many" <<'PY'
import itertools, os, sys
try:
    for i in itertools.count():
        os.link(sys.argv[1], f"{sys.argv[2]}/{i}")
except OSError as e:
    sys.exit(0 if e.errno == 31 else str(e))
PY
	get two
	differ 1 2 usr/lib/one
	same 1 2 usr/lib/other
	get three
	same 2 3 usr/lib/one
	[ "$(moss run --rm --network none two stat -c %s /usr/lib/one)" = 131072 ]
}

@test "killed at any point: both images are whole, and the next load shares" {
	get one
	for delay in 0.005 0.01 0.015 0.02 0.025 0.03 0.04 0.05 0.06 0.08; do
		timeout -s KILL $delay "$MOSS" --root "$ROOT" --runroot "$RUNROOT" load -q -i "$WORK/two.image" >/dev/null 2>&1 || true
		[ "$(moss run --rm --network none one sh -c 'cd /usr/lib; cat again limit one one- other twice | wc -c')" = 598014 ]
		moss rmi two >/dev/null 2>&1 || true
	done
	get two
	same 1 2 usr/lib/one
	[ "$(find "$ROOT/layers" -name links | wc -l)" = 0 ]
	[ "$(moss run --rm --network none two sh -c 'cmp /usr/lib/one /usr/lib/one- && stat -c %s /usr/lib/one')" = 131072 ]
}

@test "the layers of an archive make the same tar again when they are shared" {
	get one
	get two
	moss rmi one >/dev/null
	moss undo --empty --force >/dev/null
	moss run --rm --network none two sh -c '/usr/bin/tar -cf - /usr/lib/one /usr/bin/owned 2>/dev/null | /usr/bin/tar -tvf - | wc -l' | grep -qx 2
}
