#!/usr/bin/env bats
# The helpers that touch foreign bytes, seen from outside while they work. What they can do is tried
# from inside in tests/unit/unpack_confine.c.
load ../lib/moss
load ../lib/registry

setup() { store_new; }

teardown() {
	exec 7>&- || true
	registry_stop_all
	store_drop
}

# An unpacker that waits for the rest of its archive; sets unpacker.
unpacker_start() {
	mkfifo "$WORK/pipe"
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" load <"$WORK/pipe" >"$WORK/out" 2>&1 &
	moss=$!
	exec 7>"$WORK/pipe"
	head -c 2000 "$(busybox_archive)" >&7
	wait_for 5 is_filtered
}

is_filtered() {
	unpacker=$(pgrep -P "$moss" -x moss-unpack)
	[ "$(field Seccomp)" = 2 ]
}

field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$unpacker/status"; }

@test "the unpacker has a filter, no new privileges and few capabilities" {
	unpacker_start
	[ "$(field NoNewPrivs)" = 1 ]
	# chown, dac_override, dac_read_search, fowner, fsetid, mknod, setfcap
	[ "$(field CapEff)" = 000000008800001f ]
	[ "$(field CapPrm)" = 000000008800001f ]
	[ "$(field CapBnd)" = 000000008800001f ]
	[ "$(field CapInh)" = 0000000000000000 ]
	[ "$(field CapAmb)" = 0000000000000000 ]
}

@test "its root holds nothing but staging, its network nothing but loopback" {
	unpacker_start
	# The user owns the namespace the unpacker is in, and may look.
	[ "$(ls -A "/proc/$unpacker/root/")" = stage ]
	[ "$(tail -n +3 "/proc/$unpacker/net/dev" | cut -d: -f1 | tr -d ' ')" = lo ]
	[ "$(awk '{ print $5 }' "/proc/$unpacker/mountinfo" | sort | tr '\n' ' ')" = "/ /stage " ]
}

@test "other layers are there to read, once there are any, and nothing else of the store" {
	moss load -q -i "$(busybox_archive)" >/dev/null
	unpacker_start
	[ "$(ls -A "/proc/$unpacker/root/")" = "$(printf 'source\nstage')" ]
	[ "$(ls "/proc/$unpacker/root/source")" = "$(ls "$ROOT/layers")" ]
	[ "$(awk '$5 == "/source" { print $6 }' "/proc/$unpacker/mountinfo" | cut -d, -f1)" = ro ]
	[ "$(awk '{ print $5 }' "/proc/$unpacker/mountinfo" | sort | tr '\n' ' ')" = "/ /source /stage " ]
}

@test "nothing of the environment reaches the unpacker" {
	export SECRET_TOKEN=hunter2
	unpacker_start
	[ "$(tr '\0' '\n' <"/proc/$unpacker/environ" | grep -c SECRET)" = 0 ]
}

@test "an unpacker ends with the moss that started it" {
	unpacker_start
	kill -9 "$moss"
	wait_for 5 bash -c "! kill -0 $unpacker"
}

@test "started by hand the helpers do nothing" {
	local program dir=${MOSS_LIBEXEC:-$(dirname "$MOSS")/../libexec/moss}
	for program in moss-unpack "moss-transfer fetch" moss-transfer; do
		# shellcheck disable=SC2086 # words
		run "$dir"/$program 3>&-
		[ "$status" = 2 ]
		[[ $output == *"is a part of moss and is started by it" ]]
	done
}

# As if hostile bytes had taken them over: a folder "lying" of helpers, in whose places is
# tests/lib/liar.
lying_new() { # HELPER...
	local real=${MOSS_LIBEXEC:-$(dirname "$MOSS")/../libexec/moss} helper
	mkdir "$WORK/lying"
	for helper in "$real"/moss-*; do
		ln -s "$(realpath "$helper")" "$WORK/lying/"
	done
	for helper in "$@"; do
		rm "$WORK/lying/$helper"
		cp "$MOSS_TEST_LIB/liar" "$WORK/lying/$helper"
	done
	realpath "$real" >"$WORK/lying/real"
	echo 0 >"$WORK/lying/seed"
}

@test "a fetcher that changes what it brought, later: it is noticed before it is anywhere" {
	lying_new moss-transfer
	registry_start
	moss manifest create --all l "$REG/list:1"
	local first
	first=$(moss manifest inspect -v l | jq '.[0] | .OCIManifest // .SchemaV2Manifest | .layers | length + 1')
	MOSS_LIBEXEC=$WORK/lying moss manifest push l "oci-archive:$WORK/good.tar"
	# When the second image is asked for, the first one's layer is there.
	echo $((first + 1)) >"$WORK/lying/scribble"
	local words
	for words in "its digest is sha256:* instead of sha256:" "has * bytes instead of"; do
		MOSS_LIBEXEC=$WORK/lying run -1 timeout -k 2 60 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" manifest push l "oci-archive:$WORK/bad.tar"
		echo "$output"
		# shellcheck disable=SC2053 # a pattern
		[[ $output == *$words* ]]
		[ ! -e "$WORK/bad.tar" ]
		# Then terabytes, of which no more is read than there should be.
		touch "$WORK/lying/grow"
	done
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "helpers that lie: an error or not, but no crash, and nothing of it elsewhere" {
	local seed command noticed=0
	lying_new moss-unpack moss-transfer
	MOSS_LIBEXEC=$WORK/lying moss load -q -i "$(busybox_archive)"
	registry_start
	moss push -q busybox "oci:$WORK/layout:x"
	local -a commands=("load -q -i $(busybox_archive)" "save -o $WORK/saved busybox" "import $(busybox_archive) i:1"
		"pull -q --retry 0 $REG/docker:1" "search $REG/d" "manifest inspect $REG/docker:1"
		"manifest inspect oci:$WORK/layout:x" "manifest create --amend --all l oci:$WORK/layout:x"
		"push -q busybox oci:$WORK/pushed:x")
	for seed in {1..6}; do
		echo $seed >"$WORK/lying/seed"
		for command in "${commands[@]}"; do
			# One that waits for an answer that never comes is ended.
			# shellcheck disable=SC2086 # words
			MOSS_LIBEXEC=$WORK/lying run timeout -k 2 4 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" $command
			echo "seed $seed, $command: $status, $output"
			[[ $status =~ ^(0|1|124|125)$ ]]
			[[ $output != *Sanitizer* && $output != *"runtime error"* && $output != *"internal error"* ]]
			[[ $output != *$'\033'* ]]
			# One that hung has not noticed.
			[[ $status =~ ^(0|124)$ ]] || noticed=$((noticed + 1))
		done
		[ ! -e /tmp/moss-liar ]
	done
	[ $noticed -gt 5 ]
	# What they left can be removed, and the store is a store.
	moss rmi -f --no-trash busybox || true
	moss load -q -i "$(busybox_archive)"
	moss run --rm --network none busybox true
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
}
