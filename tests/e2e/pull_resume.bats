#!/usr/bin/env bats
# pull: what has arrived is never fetched again: kills, restarts of the machine, damage, full disks,
# several commands that want the same.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	proxy_start
}

teardown() {
	registry_stop_all
	[ ! -e "${MOSS_TEST_SMALL:-/none}/pull" ] || in_userns rm -rf "$MOSS_TEST_SMALL/pull"
	store_drop
}

part_of() { echo "$ROOT/parts/$(layer_digest "$@")"; }
size_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
is_larger() { [ "$(size_of "$1")" -gt "$2" ]; }

# Bytes that the registry's side has sent of the N-th layer of big:1.
sent_of() {
	awk -v d="/$(layer_digest big "$1")$" '$2 ~ d { n += $1 } END { print n + 0 }' "$WORK/proxy.log.bytes"
}

# A pull of big:1 that is killed when BYTES of its large layer are there. Its part: $part.
killed_pull() {
	part=$(part_of big 1)
	fault 0 /big/blobs/ slow 10000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 is_larger "$part" "$1"
	kill -9 "$pid"
	wait "$pid" || true
	no_faults
	: >"$WORK/proxy.log"
}

# Another boot of the machine, as the files in parts see it.
reboot() {
	local f
	for f in "$ROOT"/parts/*.sums; do
		printf '00000000-0000-0000' | dd of="$f" bs=1 seek=17 conv=notrunc status=none
	done
	for f in "$ROOT"/parts/*.done; do
		[ ! -e "$f" ] || sed -i 's/"boot":"[^"]*"/"boot":"00000000"/' "$f"
	done
}

is_whole() {
	image_sh "$PROXY/big:1" 'test -s /noise'
	[ -z "$(ls -A "$ROOT/parts")$(ls -A "$ROOT/tmp")" ]
}

@test "killed every second on average, a pull ends, and no byte was sent twice but for what was on its way" {
	local seed=${MOSS_FAULT_SEED:-$RANDOM}
	# 24 MB: some 15 seconds.
	fault 0 /big/blobs/ slow 1700000
	"$MOSS_TEST_LIB/killed-pull" "$WORK/proxy.log" "$PROXY/big:1" "$seed" 1 \
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT"
	no_faults
	run -0 moss system check
	[ -z "$output" ]
	is_whole
}

@test "a layer that was finished is neither fetched nor unpacked again" {
	local small
	small=$(part_of big 0)
	fault 0 "$(layer_digest big 1)" slow 5000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 test -e "$small.done"
	[ -d "$small.layer/diff" ]
	kill -9 "$pid"
	wait "$pid" || true
	[ -z "$(moss images -q)" ]
	no_faults
	: >"$WORK/proxy.log"
	run moss pull --progress plain "$PROXY/big:1"
	[ "$status" -eq 0 ]
	[ "$(requests "GET .*/$(layer_digest big 0)")" -eq 0 ]
	[[ "$output" == *"$(basename "$small" | cut -c8-19): Pull complete"* ]]
	is_whole
}

# How often a whole pull of big:1 makes that system call.
calls_of() {
	strace -c -e trace="$1" -o "$WORK/count" \
		"$MOSS" --root "$WORK/other" --runroot "$RUNROOT" pull -q "$PROXY/big:1" >/dev/null
	in_userns rm -rf "$WORK/other"
	awk -v c="$1" '$NF == c { print $4 }' "$WORK/count"
}

@test "killed at any rename or sync, those of the commit among them, nothing is fetched again" {
	local point call renames
	renames=$(calls_of renameat)
	[ "$renames" -ge 8 ]
	for point in syncfs/1 $(seq -f renameat/%g "$renames"); do
		rm -f "$WORK/proxy.log.bytes"
		run strace -o /dev/null -e "inject=${point%/*}:signal=KILL:when=${point#*/}" \
			"$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull -q "$PROXY/big:1"
		[ "$status" -ne 0 ]
		# What was on the wire when it was killed, unless all had arrived.
		slack=$((2 * 1024 * 1024))
		[ "$(find "$ROOT/parts" -name '*.done' | wc -l)" -lt 2 ] || slack=0
		moss pull -q "$PROXY/big:1"
		sleep 0.1
		echo "$point: $status $output; sent $(sent_of 0), $(sent_of 1)"
		[ "$(sent_of 0)" -le $((1031984 + slack)) ]
		[ "$(sent_of 1)" -le $((25169920 + slack)) ]
		# Whoever pulls next tidies up after a kill that came after the commit.
		moss pull -q "$PROXY/docker:1"
		is_whole
		moss rmi -f --no-trash "$PROXY/big:1" "$PROXY/docker:1"
	done
}

@test "after a restart of the machine what is there is used, what the power cut spoiled is fetched" {
	local good
	killed_pull 8000000
	reboot
	# As ext4 may leave it: the length is there, the last blocks never came.
	dd if=/dev/zero of="$part" bs=1M seek=5 count=2 conv=notrunc status=none
	moss pull -q "$PROXY/big:1"
	good=$((5 * 1024 * 1024))
	[ "$(requests "GET .*/$(layer_digest big 1) range=bytes=$good-")" -eq 1 ]
	[ "$(requests "GET .*/$(layer_digest big 1)")" -eq 1 ]
	is_whole
}

@test "a finished layer of another boot is not believed" {
	killed_pull 1000000
	[ -e "$(part_of big 0).done" ]
	echo damaged >"$(part_of big 0).layer/diff/damaged"
	reboot
	run moss pull --progress plain "$PROXY/big:1"
	[ "$status" -eq 0 ]
	image_sh "$PROXY/big:1" '! test -e /damaged'
	is_whole
}

@test "a damaged part file is noticed at the end, and fetched anew from the damage on" {
	killed_pull 8000000
	printf 'damage' | dd of="$part" bs=1 seek=4300000 conv=notrunc status=none
	run moss pull "$PROXY/big:1"
	[ "$status" -eq 0 ]
	[[ "$output" != *verification* ]]
	[ "$(requests "GET .*/$(layer_digest big 1) range=bytes=$((4 * 1024 * 1024))-")" -eq 1 ]
	is_whole
}

@test "bytes that were wrong when they came are fetched anew, once" {
	local layer
	layer=$(layer_digest big 1)
	fault 1 "$layer" cut 9000000
	fault 0 "$layer" hangup
	run moss pull -q --retry 0 "$PROXY/big:1"
	[ "$status" -eq 1 ]
	no_faults
	# As if they had come so: their checksums are right.
	part=$(part_of big 1)
	printf 'damage' | dd of="$part" bs=1 seek=100 conv=notrunc status=none
	rm "$part.sums"
	: >"$WORK/proxy.log"
	moss pull -q "$PROXY/big:1"
	[ "$(requests "GET .*/$layer range=-")" -eq 1 ]
	is_whole
}

@test "a server that ignores Range sends all, and what is there is passed over" {
	killed_pull 8000000
	# Were what is there stored again, it would be zeros.
	fault 0 "$(layer_digest big 1)" zeroed 8000000
	moss pull -q "$PROXY/big:1"
	[ "$(requests "GET .*/$(layer_digest big 1) range=bytes=[0-9]*-.*zeroed")" -eq 1 ]
	[ "$(requests "GET .*/$(layer_digest big 1)")" -eq 1 ]
	is_whole
}

# A small disk: what is left of 24 MB by a filler of MB.
small_disk() {
	[ -n "${MOSS_TEST_SMALL:-}" ] || skip "MOSS_TEST_SMALL names no small file system (tests/run makes one)"
	mkdir -p "$MOSS_TEST_SMALL/pull"
	in_userns rm -rf "$ROOT"
	ROOT=$MOSS_TEST_SMALL/pull/root
	head -c "$1M" /dev/zero >"$MOSS_TEST_SMALL/pull/filler"
}

@test "a full disk is told, what has arrived stays, and a pull goes on once there is room" {
	small_disk 19
	run moss pull "$PROXY/multi:1"
	echo "$output"
	if [ "$status" -eq 0 ]; then
		moss rmi -f --no-trash "$PROXY/multi:1"
	fi
	# 26 MB never fit.
	run moss pull "$PROXY/big:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"No space left on device"* ]]
	[[ "$output" == *"the file system of $ROOT is full"* ]]
	[[ "$output" == *"the next pull goes on with what has arrived"* ]]
	[ -z "$(ls -A "$ROOT/tmp")$(ls -A "$ROOT/trash")" ]
	run sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check'
	[ "$output" = ok ]
	# Something is left free for others.
	[ "$(df --output=avail -B1 "$MOSS_TEST_SMALL" | tail -1)" -ge 1000000 ]
	part=$(part_of big 1)
	size=$(size_of "$part")
	[ "$size" -gt 500000 ]
	rm "$MOSS_TEST_SMALL/pull/filler"
	: >"$WORK/proxy.log"
	run moss pull "$PROXY/big:1"
	[ "$status" -eq 1 ]
	[ "$(requests "GET .*/$(layer_digest big 1) range=bytes=$size-")" -eq 1 ]
	[ "$(size_of "$part")" -gt "$size" ]
	# A smaller image needs the room, and gets it.
	[ -e "$part" ]
	in_userns rm -rf "$ROOT"/parts/*.layer
	room=$(df --output=avail -B1 "$MOSS_TEST_SMALL" | tail -1)
	head -c $((room - 1200000)) /dev/zero >"$MOSS_TEST_SMALL/pull/filler"
	moss pull -q "$PROXY/docker:1"
	[ ! -e "$part" ]
}

@test "two pulls of one image: the second waits, shows it, and takes over when the first is killed" {
	fault 0 /big/blobs/ slow 8000000
	part=$(part_of big 1)
	moss_start pull -q "$PROXY/big:1"
	first=$pid
	wait_for 10 is_larger "$part" 3000000
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --progress plain "$PROXY/big:1" >"$WORK/second" 2>&1 3>&- &
	second=$!
	wait_for 10 grep -q ": Waiting" "$WORK/second"
	kill -9 "$first"
	wait "$first" || true
	wait "$second"
	cat "$WORK/second"
	grep -q "Status: Downloaded newer image" "$WORK/second"
	[ "$(sent_of 1)" -le $((25169920 + 1024 * 1024)) ]
	is_whole
}

@test "run races pull, and the layer comes once" {
	fault 0 /big/blobs/ slow 15000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 is_larger "$(part_of big 1)" 1000000
	run moss run --rm --network none "$PROXY/big:1" sh -c 'test -s /noise && echo ran'
	wait "$pid"
	[[ "$output" == *ran ]]
	[[ "$output" == *": Waiting"* ]]
	[ "$(sent_of 1)" -eq 25169920 ]
	[ "$(sent_of 0)" -le 1100000 ]
	is_whole
}

@test "what nobody has touched for a week goes with the next pull, what is younger stays" {
	killed_pull 1000000
	moss pull -q "$PROXY/docker:1"
	[ -s "$part" ]
	[ -e "$part.sums" ]
	touch -d '8 days ago' "$ROOT"/parts/*
	moss pull -q "$PROXY/list:1"
	[ -z "$(ls -A "$ROOT/parts")" ]
}

@test "the leftovers of a remover that was killed go, too" {
	local name=sha256:1111111111111111111111111111111111111111111111111111111111111111
	moss pull -q "$PROXY/docker:1"
	touch "$ROOT/parts/$name.sums" "$ROOT/parts/$name.done"
	mkdir -p "$ROOT/parts/$name.layer/diff"
	moss pull -q "$PROXY/list:1"
	[ -z "$(ls -A "$ROOT/parts")" ]
}

# Who adopts them may take his time to look after them.
have_ended() {
	local p
	for p; do
		case $(ps -o stat= -p "$p") in "" | Z*) ;; *) return 1 ;; esac
	done
}

@test "the fetcher and the unpackers end at once with moss, and what has arrived is there" {
	part=$(part_of big 1)
	fault 0 /big/blobs/ slow 5000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 is_larger "$part" 2000000
	helpers=$(pgrep -P "$pid")
	[ "$(wc -w <<<"$helpers")" -ge 2 ]
	kill -9 "$pid"
	wait "$pid" || true
	wait_for 1 have_ended $helpers
	[ "$(size_of "$part")" -gt 2000000 ]
	[ "$(sent_of 1)" -le $(($(size_of "$part") + 512 * 1024)) ]
}

# A registry of its own: the image is not to stay in the one that the tests share.
@test "memory does not grow with the image: at most 64 MB for moss and its helpers together" {
	registry_stop_all
	registry_serve "$WORK/registry" "$WORK/registry.yml" "" ""
	"$MOSS_TEST_LIB/make-heavy-image" "$REG" heavy 5 "${MOSS_HEAVY_MB:-60}"
	"$MOSS_TEST_LIB/memory-of" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull -q "$REG/heavy:1" 2>"$WORK/peak"
	cat "$WORK/peak"
	peak=$(awk '/^peak/ { print $2 }' "$WORK/peak")
	[ "$peak" -gt 10000 ]
	[ "$peak" -le 65536 ]
}
