# system check: every changed byte, lost file, wrong owner is found, and named; --repair brings back what a
# registry has, and nothing else is touched.
load ../lib/moss
load ../lib/registry

setup() { store_new; }
teardown() {
	registry_stop_all
	store_drop
}

# Of one layer: folders, an empty file, links of both kinds, a whiteout, an opaque folder, attributes.
load_image() {
	python3 - "$WORK" "$MOSS_TEST_LIB" <<'PY'
import sys
sys.path.insert(0, sys.argv[2])
import archive
def pax(**more): return {"mtime": 1000000000, **more}
layer = archive.tar(
    ("d", "dir", pax()), ("d/file", b"content " * 4000, pax(uid=5, gid=6, mode=0o640)),
    ("d/empty", b"", pax()), ("d/again", "link", "d/file", pax(uid=5, gid=6, mode=0o640)),
    ("d/sym", "symlink", "file", pax()), ("d/.wh.gone", b"", pax()), ("o", "dir", pax()),
    ("o/.wh..wh..opq", b"", pax()), ("o/x", b"x", pax()), ("fifo", "fifo", pax(mode=0o600)),
    ("note", b"n", pax(pax_headers={"SCHILY.xattr.user.note": "hello"})),
    ("nested/deep/file", b"parents are not listed", pax()),
    ("twice", b"first", pax()), ("twice", b"second", pax()),
    ("was", "dir", pax()), ("was/in", b"x", pax()), ("was", b"a file now", pax()),
    ("usr/lib/big", b"B" * 70000, pax()),
    ("via", "symlink", "d", pax()), ("via/over-a-link", b"y" * 600, pax()),
)
archive.docker(sys.argv[1] + "/x.tar", [layer, archive.tar(("top", b"t" * 100, pax()))], tags=["x:1"])
PY
	moss load -q -i "$WORK/x.tar" >/dev/null
	LAYER=$(dirname "$(find "$ROOT/layers" -path '*/diff/note')")
}

damaged() { # FRAGMENT: check fails and says so
	run -125 moss system check
	[[ $output == *"$1"* ]] || { echo "wanted: $1; got: $output"; return 1; }
	[[ $output == *"Damaged layer "* && $output == *"Damaged image "* ]]
	[[ $output == *"moss: damage detected in local storage"* ]]
}

@test "a store that is well: status 0, no output, also of what was committed" {
	load_image
	run -0 moss system check
	[ -z "$output" ]
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss run --name made --network none busybox sh -c 'echo x >/new; rm -r /home; mkdir /home; ln /new /new2; chown 3:4 /new; mkfifo /p; ln -s /a /b'
	moss commit made local:1 >/dev/null
	run -0 moss system check
	[ -z "$output" ]
	run -0 moss system check --quick
	[ -z "$output" ]
}

@test "what was committed is well when it has been pushed, and pulled again, too" {
	registry_start_empty to
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss run --name made --network none busybox touch /new
	moss commit made "$REG/made:1" >/dev/null
	moss push -q "$REG/made:1" >/dev/null
	run -0 moss system check || { echo "$output"; false; }
	[ -z "$output" ]
	moss tag "$REG/made:1" kept:1
	moss untag "$REG/made:1"
	moss pull -q "$REG/made:1" >/dev/null
	run moss system check; echo "$output"
	[ -z "$output" ]
}

@test "each kind of damage to a layer's files is found and named" {
	load_image
	local keep=$WORK/keep
	in_userns cp -a "$ROOT/layers" "$keep"
	try() { # EXPECTED COMMAND... (in the layer's folder, as root of the namespace)
		local expected=$1
		shift
		in_userns sh -c 'cd "$1" && shift && "$@"' - "$LAYER" "$@"
		damaged "$expected" || { echo "after: $*"; return 1; }
		in_userns rm -rf "$ROOT/layers"
		in_userns cp -a "$keep" "$ROOT/layers"
		run -0 moss system check
	}
	try '/usr/lib/big has been altered' sh -c 'printf X | dd of=usr/lib/big bs=1 seek=69999 conv=notrunc'
	try '/usr/lib/big has 69999 bytes instead of 70000' truncate -s 69999 usr/lib/big
	try '/d/empty is missing' rm d/empty
	try '/note is missing' rm note
	try '/d/sym leads elsewhere' ln -sfn other d/sym
	try '/d/file has owner 5:7 instead of 5:6' chown 5:7 d/file
	try '/d/file has mode 0644 instead of 0640' chmod 644 d/file
	try '/d has mode 0700 instead of 0755' chmod 700 d
	try '/o/x has another modification time' touch -d @1000000001 o/x
	try '/o has another modification time' touch -d @999999999 o
	try '/note has another attribute user.note' setfattr -n user.note -v hellp note
	try '/note has an attribute user.more' setfattr -n user.more -v x note
	try '/o hides nothing' setfattr -x user.overlay.opaque o
	try '/d hides the layers below' setfattr -n user.overlay.opaque -v y d
	try '/d/again is not the same file as d/file' sh -c 'cp -p d/again d/t && mv d/t d/again'
	try '/d/gone is missing' rm d/gone
	try '/extra is not of the image' touch extra
	try '/fifo is of another kind' sh -c 'rm fifo && touch fifo'
	try '/nested/deep/file is missing' rm -r nested
	try '/via/over-a-link is missing' rm d/over-a-link
	try 'tar-split is damaged' sh -c 'printf "\377\377" | dd of=../tar-split bs=1 seek=40 conv=notrunc'
	try 'tar-split is damaged' truncate -s -1 ../tar-split
	try 'cannot open tar-split' rm ../tar-split
	try 'was never completed' touch ../links
	try 'its files are missing' mv ../diff ../other
	try 'share is damaged' sh -c 'printf "\377\377\377" | dd of=../share bs=1 seek=14 conv=notrunc'
}

# Another image, whose large file is the same inode, or of the same blocks.
load_sharing() {
	python3 - "$WORK" "$MOSS_TEST_LIB" <<'PY'
import sys
sys.path.insert(0, sys.argv[2])
import archive
layer = archive.tar(("usr/lib/big", b"B" * 70000, {"mtime": 1000000000}), ("own", b"o", {"mtime": 1000000000}))
archive.docker(sys.argv[1] + "/y.tar", [layer], tags=["y:1"])
PY
	moss load -q -i "$WORK/y.tar" >/dev/null
	mapfile -t big < <(in_userns find "$ROOT/layers" -path '*/diff/usr/lib/big')
	[ "$(in_userns stat -c %h "${big[@]}" | tr '\n' ' ')" = "2 2 " ] ||
		in_userns filefrag -v "${big[@]}" | grep -q shared
}

@test "every random change of one byte is found" {
	load_image
	load_sharing
	moss load -q -i "$(busybox_archive)" >/dev/null
	cat >"$WORK/plan.py" <<'PY'
import os, random, sys
root, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
files = []
for top in ("layers", "blobs"):
    for at, _, names in os.walk(os.path.join(root, top)):
        for name in names:
            p = os.path.join(at, name)
            if os.path.isfile(p) and not os.path.islink(p) and os.path.getsize(p):
                files.append(p)
files.sort()
for i in range(rounds):
    # Each kind of file as often: of a layer's many, a tar-split, an index, a blob.
    kind = ("/diff/", "/tar-split", "/share", "/blobs/", "/usr/lib/big")[i % 5]
    path = chance.choice([f for f in files if kind in f])
    print(chance.randrange(os.path.getsize(path)), 1 << chance.randrange(8), path)
PY
	cat >"$WORK/flip.py" <<'PY'
import os, sys
at, bit, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
st = os.stat(path)
with open(path, "r+b") as f:
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ bit]))
os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
PY
	seed=${MOSS_CHECK_SEED:-$RANDOM}
	in_userns python3 "$WORK/plan.py" "$ROOT" "${MOSS_CHECK_FLIPS:-60}" "$seed" >"$WORK/plan"
	missed=0
	while read -r at bit path <&4; do
		in_userns python3 "$WORK/flip.py" "$at" "$bit" "$path"
		status=0
		moss system check >/dev/null 2>&1 || status=$?
		[ $status = 125 ] || { echo "seed $seed: $path at $at, bit $bit: status $status"; missed=1; }
		in_userns python3 "$WORK/flip.py" "$at" "$bit" "$path"
	done 4<"$WORK/plan"
	[ $missed = 0 ]
	run -0 moss system check
}

# A database whose pages are in its file, some in its log besides, with rows of all kinds.
database_with_rows() {
	local i
	load_image
	moss volume create vol >/dev/null
	moss create --name cc --label a=b x:1 true >/dev/null
	for i in $(seq 90); do moss tag x:1 "many:$i"; done
	moss create --name gone x:1 true >/dev/null
	moss rm gone >/dev/null
	for i in $(seq 20); do moss tag x:1 "more:$i"; done
	[ "$(stat -c %s "$ROOT/moss.db")" -gt 100000 ]
	[ "$(stat -c %s "$ROOT/moss.db-wal")" -gt 40000 ]
}

@test "every random change of one byte of the database and of its log is found" {
	database_with_rows
	run -0 moss system check
	mkdir "$WORK/keep"
	cp -p "$ROOT"/moss.db "$ROOT"/moss.db-wal "$WORK/keep"
	seed=${MOSS_CHECK_SEED:-$RANDOM}
	python3 - "$WORK/keep" "${MOSS_CHECK_FLIPS:-60}" "$seed" >"$WORK/plan" <<'PY'
import os, random, sys
keep, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
data = open(keep + "/moss.db", "rb").read()
# A page that has no checksum has never been in the file but by another's hand.
pages = [i for i in range(0, len(data), 4096) if data[i + 4088:i + 4096] != bytes(8)]
assert len(pages) * 4096 == len(data), f"{len(pages)} of {len(data) // 4096}"
log = os.path.getsize(keep + "/moss.db-wal")
for i in range(rounds):
    name, size = ("moss.db", len(data)) if i % 3 else ("moss.db-wal", log)
    at = chance.randrange(size)
    print(name, at, 1 << chance.randrange(8))
PY
	missed=0
	while read -r name at bit <&4; do
		cp -p "$WORK"/keep/* "$ROOT"
		python3 - "$ROOT/$name" "$at" "$bit" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ int(sys.argv[3])]))
PY
		status=0
		moss system check >"$WORK/said" 2>&1 || status=$?
		[ $status = 125 ] || { echo "seed $seed: $name at $at, bit $bit: status $status"; cat "$WORK/said"; missed=1; }
	done 4<"$WORK/plan"
	[ $missed = 0 ]
	cp -p "$WORK"/keep/* "$ROOT"
	run -0 moss system check
	[ -z "$output" ]
}

@test "another program that has read the database leaves no damage; what it writes is found, and accepted with --force" {
	database_with_rows
	# The last to close it copies the log into the file.
	[ "$(sqlite3 "$ROOT/moss.db" 'SELECT count(*) FROM image_name')" -gt 100 ]
	[ ! -e "$ROOT/moss.db-wal" ]
	run -0 moss system check
	[ -z "$output" ]
	# Pages get their checksums back as they are written.
	i=0
	while [ "$i" -lt 500 ] && { [ "$i" = 0 ] || [ -s "$ROOT/moss.db-wal" ]; }; do moss tag x:1 "yet:$((i += 1))"; done
	[ ! -s "$ROOT/moss.db-wal" ]
	run -0 moss system check
	sqlite3 "$ROOT/moss.db" "UPDATE image_name SET name = 'docker.io/library/other:1' WHERE name = 'docker.io/library/yet:1'"
	run -125 moss system check
	[[ $output == *"Damaged database moss.db:"*"has been altered"* ]]
	run -125 moss system check --repair
	[[ $output == *"Not repaired: the database: what it had is nowhere else"* ]]
	run -0 moss system check --repair --force
	[[ $output == *"Accepted the database as it is"* ]]
	run -0 moss system check
	[ -z "$output" ]
	moss image inspect other:1 >/dev/null
}

@test "a store of an older version gets its checksums" {
	load_image
	for i in $(seq 9); do moss tag x:1 "many:$i"; done
	# As version 5 had it: no room in its pages.
	python3 - "$ROOT" <<'PY'
import os, sqlite3, sys
root = sys.argv[1]
old = sqlite3.connect(root + "/moss.db")
new = sqlite3.connect(root + "/old.db")
new.executescript("\n".join(old.iterdump()) + "DROP TABLE image_manifest; ALTER TABLE image_name DROP COLUMN manifest;"
    "PRAGMA journal_mode = WAL; PRAGMA user_version = 5;")
old.close(); new.close()
os.rename(root + "/old.db", root + "/moss.db")
PY
	[ "$(od -An -tu1 -j20 -N1 "$ROOT/moss.db")" -eq 0 ]
	run -0 moss system check
	[ -z "$output" ]
	[ "$(od -An -tu1 -j20 -N1 "$ROOT/moss.db")" -eq 8 ]
	[ "$(moss images many | wc -l)" = 10 ]
	sed -i 's,library/many:5,library/mbny:5,' "$ROOT/moss.db"
	run -125 moss system check
	[[ $output == *"of image_name, has been altered"* ]] || { echo "$output"; false; }
}

@test "each manifest of an image is checked, and fetched again" {
	registry_start_empty two
	two_manifests two
	moss pull -q "$REG/two:gzip"
	moss pull -q "$REG/two:zstd"
	local digest blob
	for digest in "$GZIP" "$ZSTD"; do
		blob=$ROOT/blobs/sha256/${digest#sha256:}
		printf ' ' | dd of="$blob" bs=1 seek=20 conv=notrunc status=none
		run -125 moss system check
		[[ $output == *"Damaged blob ${digest#sha256:}:"*"Damaged image "* ]] || { echo "$output"; false; }
		run -0 moss system check --repair
		[[ $output == *"Repaired blob $digest"* ]]
		[ "$(sha256sum <"$blob" | cut -c-64)" = "${digest#sha256:}" ]
	done
	run -0 moss system check
	[ -z "$output" ]
	config=$(moss images -q --no-trunc | head -1)
	rm "$ROOT/blobs/sha256/${config#sha256:}"
	run -0 moss system check --repair
	[[ $output == *"Repaired blob $config"* ]]
	sqlite3 "$ROOT/moss.db" "DELETE FROM image_manifest WHERE digest = '$ZSTD'"
	run -125 moss system check -q
	[[ $output == *"image $config has no manifest $ZSTD"* ]]
}

@test "a layer is fetched in any form that a registry still has" {
	registry_start_empty first
	two_manifests two
	local first=$REG gone layer
	registry_start_empty second
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$first/two:zstd" "docker://$REG/two:zstd"
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$first/two:gzip" "docker://$REG/other:gzip"
	moss pull -q "$first/two:gzip"
	moss pull -q "$REG/two:zstd"
	layer=$(ls "$ROOT/layers")
	kill "${REGISTRY_PIDS[0]}"
	rm "$ROOT/layers/$layer/tar-split"
	run -0 moss system check --repair
	[[ $output == *"Repaired layer "* ]]
	run -0 moss system check
	# Now only the one compressed with gzip is to be had.
	moss pull -q "$REG/other:gzip"
	rm -r "$WORK/second.data/docker/registry/v2/repositories/two"
	rm "$ROOT/layers/$layer/tar-split"
	run -0 moss system check --repair
	[[ $output == *"Repaired layer "* ]]
}

@test "blobs, folders of containers and volumes, the database's references" {
	load_image
	moss volume create vol >/dev/null
	moss create --name cc x:1 true >/dev/null
	id=$(moss inspect --format '{{.Id}}' cc)
	blob=$(find "$ROOT/blobs/sha256" -type f | head -1)
	cp "$blob" "$WORK/blob"
	echo >>"$blob"
	run -125 moss system check
	[[ $output == *"Damaged blob "*"has been altered"*"Damaged image "* ]]
	rm "$blob"
	run -125 moss system check --quick
	[[ $output == *"Damaged blob "*"is missing"* ]]
	cp "$WORK/blob" "$blob"
	run -0 moss system check
	mv "$ROOT/containers/$id/config.json" "$WORK/"
	run -125 moss system check -q
	[[ $output == *"Damaged container $id:"*"config.json is missing"* ]]
	mv "$WORK/config.json" "$ROOT/containers/$id/"
	in_userns mv "$ROOT/volumes/vol/_data" "$WORK/_data"
	run -125 moss system check -q
	[[ $output == *"Damaged volume vol:"*"its folder is missing"* ]]
	in_userns mv "$WORK/_data" "$ROOT/volumes/vol/_data"
	sqlite3 "$ROOT/moss.db" "PRAGMA foreign_keys = 0; INSERT INTO image_name VALUES('docker.io/library/lost:1', 'sha256:none', 0, NULL)"
	run -125 moss system check -q
	[[ $output == *"Damaged database moss.db:"*"a row of table image_name names one of table image that is not there"* ]]
}

@test "what nothing refers to is told when it is old, and removed by --repair" {
	load_image
	mkdir "$ROOT/layers/0123456789"
	run -0 moss system check
	run -125 moss system check --max 0s
	[[ $output == *"Unreferenced layers/0123456789:"* ]]
	run -0 moss system check -r -m 0s
	[[ $output == *"Deleted layers/0123456789"* ]]
	[ ! -e "$ROOT/layers/0123456789" ]
	run -0 moss system check -m 0s
}

# Marks of removals, and folders that an archive does not list, have the time of the unpacking.
list_files() {
	in_userns sh -c 'cd "$1/layers" && { find . -path "*/diff/*" -printf "%P %m %U:%G %l\n"
		find . -path "*/diff/*" -type f -printf "%P %s %T@\n"; } | sort' - "$ROOT"
}

@test "--repair fetches damaged layers and blobs, and only those" {
	registry_start
	proxy_start
	moss pull -q "$PROXY/multi:1" >/dev/null
	moss run --rm --network none "$PROXY/multi:1" true 2>/dev/null || true
	local damaged
	list_files >"$WORK/before"
	damaged=$(in_userns find "$ROOT/layers" -path '*/diff/*' -type f -size +0 | sort | head -1)
	in_userns sh -c 'printf X | dd of="$1" bs=1 conv=notrunc' - "$damaged" 2>/dev/null
	for blob in "$ROOT"/blobs/sha256/*; do echo >>"$blob"; done
	run -125 moss system check
	: >"$WORK/proxy.log"
	run -0 moss system check --repair
	[[ $output == *"Repaired layer sha256:"* && $output == *"Repaired blob sha256:"* ]]
	[ "$(grep -c 'GET .*/blobs/' "$WORK/proxy.log")" -le 4 ]
	run -0 moss system check
	[ -z "$output" ]
	list_files | diff "$WORK/before" -
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "--repair leaves what a running container stands on; --force removes what no registry has" {
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss run -d --name runs --network none busybox sleep 100 >/dev/null
	file=$(in_userns find "$ROOT/layers" -path '*/diff/etc/*' -type f -size +0 | head -1)
	in_userns sh -c 'echo more >>"$1"' - "$file"
	run -125 moss system check --repair
	[[ $output == *"it is in use by running containers: runs"* ]]
	moss stop -t 0 runs >/dev/null
	run -125 moss system check --repair
	[[ $output == *"Not repaired: layer sha256:"* ]]
	[ "$(moss images -q | wc -l)" = 1 ]
	run -0 moss system check --repair --force
	[[ $output == *"Deleted damaged image: "*"Deleted damaged container: "* ]] || { echo "$output"; return 1; }
	[ -z "$(moss images -q)$(moss ps -aq)" ]
	run -0 moss system check
}
