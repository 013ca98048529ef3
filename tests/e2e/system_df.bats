# system df: what the store takes of the disk, each file once.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# image NAME LAYER.tar...
image() {
	local name=$1
	shift
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "$name" "$@"
	moss load -q -i "$WORK/image.tar"
}

# layer FILE BYTES: FILE.tar, of one file that does not compress.
layer() {
	head -c "$2" /dev/urandom >"$WORK/$1"
	tar -C "$WORK" --mtime=@0 -cf "$WORK/$1.tar" "$1"
}

# As Docker writes sizes, with four digits.
human() {
	python3 -c '
import sys
n, i = float(sys.argv[1]), 0
while n >= 1000:
    n, i = n / 1000, i + 1
print("%.4g%s" % (n, ["B", "kB", "MB", "GB"][i]))' "$1"
}

# Bytes of the disk, each inode once.
bytes_of() { in_userns du -s -c --block-size=1 "$@" | tail -1 | cut -f1; }

row() { moss system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}' 2>/dev/null | grep "^$1|"; }

@test "four rows, as Docker's" {
	run -0 --separate-stderr moss system df
	[[ ${lines[0]} =~ ^TYPE\ +TOTAL\ +ACTIVE\ +SIZE\ +RECLAIMABLE$ ]]
	[[ ${lines[1]} =~ ^Images\ +1\ +0\ +[0-9.]+MB\ +[0-9.]+MB\ \(100%\)$ ]]
	[[ ${lines[2]} =~ ^Containers\ +0\ +0\ +0B\ +0B$ ]]
	[[ ${lines[3]} =~ ^Local\ Volumes\ +0\ +0\ +0B\ +0B$ ]]
	[[ ${lines[4]} =~ ^Build\ Cache\ +0\ +0\ +0B\ +0B$ ]]
	[ ${#lines[@]} = 5 ]
	[ "$stderr" = "" ]
}

@test "images: shared layers once; unique and shared add up" {
	layer base 1000000
	layer a 300000
	layer b 500000
	image a:1 "$WORK/base.tar" "$WORK/a.tar"
	image b:1 "$WORK/base.tar" "$WORK/b.tar"
	moss tag a:1 also:1
	all=$(human "$(bytes_of "$ROOT"/layers/* "$ROOT"/blobs/sha256/*)")
	[ "$(row Images)" = "Images|3|0|$all|$all (100%)" ]
	run -0 moss system df -v --format '{{range .Images}}{{.Repository}}|{{.Containers}}|{{.SharedSize}}|{{.UniqueSize}}
{{end}}'
	folder() { dirname "$(dirname "$(in_userns find "$ROOT/layers" -name "$1")")"; }
	shared=$(human "$(bytes_of "$(folder base)")")
	blobs() { bytes_of "$ROOT/blobs/sha256/$(moss images -q --no-trunc "$1" | cut -c8-)"; }
	a=$(human $(($(bytes_of "$(folder a)") + $(blobs a:1))))
	[ "$(grep -c . <<<"$output")" = 3 ]
	[[ $output == *"a|0|$shared|$a"* ]] || [[ $output == *"also|0|$shared|$a"* ]]
	[[ $output == *"b|0|$shared|$(human $(($(bytes_of "$(folder b)") + $(blobs b:1))))"* ]]
}

@test "one inode in two layers is counted once, and frees nothing until both are gone" {
	layer same 800000
	cp "$WORK/same" "$WORK/other"
	echo 1 >"$WORK/one"
	echo 2 >"$WORK/two"
	tar -C "$WORK" --mtime=@0 -cf "$WORK/1.tar" same one
	tar -C "$WORK" --mtime=@0 -cf "$WORK/2.tar" same two
	image one:1 "$WORK/1.tar"
	image two:1 "$WORK/2.tar"
	mapfile -t files < <(in_userns find "$ROOT/layers" -name same)
	[ ${#files[@]} = 2 ]
	in_userns ln -f "${files[0]}" "${files[1]}"
	all=$(human "$(bytes_of "$ROOT"/layers/* "$ROOT"/blobs/sha256/*)")
	[ "$(row Images)" = "Images|3|0|$all|$all (100%)" ]
	file=$(bytes_of "${files[0]}")
	run -0 moss system df -v --format '{{range .Images}}{{.Repository}}|{{.SharedSize}}
{{end}}'
	[[ $output == *"one|$(human "$file")"* ]]
	[[ $output == *"two|$(human "$file")"* ]]
	moss create --name c1 --network none two:1 true
	# The file is in use, through the other image.
	run -0 row Images
	one=$(human "$(bytes_of "$ROOT"/layers/* "$ROOT"/blobs/sha256/*)")
	[[ $output == "Images|3|1|$one|"* ]]
	freed=$(moss image prune -af 2>/dev/null | sed -n 's/^Total reclaimed space: //p')
	[[ $output == *"|$freed ("* ]]
	[ "$(in_userns stat -c %h "$(in_userns find "$ROOT/layers" -name same)")" = 1 ]
}

@test "containers: all of their folders; running ones cannot be reclaimed" {
	moss run --name stopped --network none busybox sh -c 'head -c 700000 /dev/zero >/f; ln /f /g'
	run -0 row Containers
	all=$(human "$(bytes_of "$ROOT"/containers/*)")
	[ "$output" = "Containers|1|0|$all|$all (100%)" ]
	moss run -d --name running --network none busybox sh -c 'head -c 900000 /dev/zero >/f; touch /ready; sleep 1000'
	wait_for 10 moss exec running test -e /ready
	stopped=$(bytes_of "$ROOT/containers/$(moss inspect -f '{{.Id}}' stopped)")
	[[ "$(row Containers)" == "Containers|2|1|"*"|$(human "$stopped") ("*"%)" ]]
	[[ "$(row Images)" == "Images|1|1|"*"|0B (0%)" ]]
	run -0 moss system df -v
	[[ $output == *"running"* ]]
	[[ $output =~ CONTAINER\ ID\ +IMAGE\ +COMMAND\ +LOCAL\ VOLUMES\ +SIZE\ +CREATED\ +STATUS\ +NAMES ]]
}

@test "volumes: by name, with their users" {
	moss run --name user --network none -v used:/data busybox sh -c 'head -c 500000 /dev/zero >/data/f'
	moss volume create idle
	idle=$(bytes_of "$ROOT/volumes/idle")
	[[ "$(row 'Local Volumes')" == "Local Volumes|2|1|$(human "$(bytes_of "$ROOT"/volumes/*)")|$(human "$idle") ("* ]]
	run -0 moss system df -v --format '{{range .Volumes}}{{.Name}}|{{.Links}}|{{.Size}}
{{end}}'
	[ "${lines[0]}" = "idle|0|$(human "$idle")" ]
	[ "${lines[1]}" = "used|1|$(human "$(bytes_of "$ROOT/volumes/used")")" ]
}

@test "the trash is told apart" {
	moss volume create vol
	head -c 600000 /dev/urandom >"$ROOT/volumes/vol/_data/f"
	moss volume rm vol
	moss rmi busybox >/dev/null
	run -0 --separate-stderr moss system df
	[[ ${lines[1]} =~ ^Images\ +0\ +0\ +0B\ +0B$ ]]
	[[ $stderr == "moss: "*"MB more are in the trash: "*"moss undo --empty"* ]]
	moss undo --empty --force >/dev/null
	run -0 --separate-stderr moss system df
	[ "$stderr" = "" ]
}

nothing_is_held() { ! moss system df 2>&1 | grep -q "removed images"; }

@test "what running containers keep of removed images is told apart" {
	c=$(moss run -d --network none busybox sleep 1000)
	# As a removal leaves it (engine/share.h).
	mkdir "$ROOT/trash/held.0123456789abcdef"
	head -c 700000 /dev/urandom >"$ROOT/trash/held.0123456789abcdef/f"
	run -0 --separate-stderr moss system df
	[[ $stderr =~ ^moss:\ 7[0-9.]+kB\ more\ are\ files\ of\ removed\ images\ that\ running\ containers\ have\ open ]]
	[[ $stderr != *trash* ]]
	moss rm -f "$c" >/dev/null
	wait_for 10 nothing_is_held
	[ ! -e "$ROOT/trash/held.0123456789abcdef" ]
}

@test "-v: four tables; formats" {
	run -0 moss system df -v
	[ "${lines[0]}" = "Images space usage:" ]
	[[ ${lines[1]} =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE\ +SHARED\ SIZE\ +UNIQUE\ SIZE\ +CONTAINERS$ ]]
	[[ $output == *$'\n\nContainers space usage:\n\nCONTAINER ID '* ]]
	[[ $output == *$'\n\nLocal Volumes space usage:\n\nVOLUME NAME   LINKS     SIZE\n\nBuild cache usage: 0B\n\nCACHE ID '* ]]
	run -0 moss system df -v --format json
	python3 -c '
import json, sys
d = json.loads(sys.argv[1])
assert list(d) == ["Images", "Containers", "Volumes", "BuildCache"], d
assert list(d["Images"][0]) == ["Containers", "CreatedAt", "CreatedSince", "Digest", "ID", "Repository",
    "SharedSize", "Size", "Tag", "UniqueSize", "VirtualSize"], d
assert d["Images"][0]["ID"].startswith("sha256:") and d["Images"][0]["Digest"] == ""' "$output"
	run -0 moss system df --format json
	[[ ${lines[3]} == '{"Active":"0","Reclaimable":"0B","Size":"0B","TotalCount":"0","Type":"Build Cache"}' ]]
	run -0 moss system df --format raw
	[ "$(tail -6 <<<"$output")" = $'\ntype: Build Cache\ntotal: 0\nactive: 0\nsize: 0B\nreclaimable: 0B' ]
	run -0 moss system df --format 'table {{.Type}}\t{{.Size}}'
	[[ ${lines[0]} =~ ^TYPE\ +SIZE$ ]]
	run -1 moss system df --format '{{.Nope}}'
	[[ $output == *"can't evaluate field Nope in type *formatter.diskUsageImagesContext"* ]]
	run -1 moss system df -v --format '{{.Nope}}'
	[[ $output == *"can't evaluate field Nope in type *formatter.diskUsageContext"* ]]
	run -1 moss system df x
}
