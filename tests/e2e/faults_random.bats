# A minute of commands in which moss, the monitor, slirp4netns, the fetcher or the unpacker is killed at a
# random system call (tests/lib/faults, which prints what repeats a finding). `make faults` does it for ten.
load ../lib/moss
load ../lib/registry

setup() { store_with_busybox; }
teardown() {
	registry_stop_all
	store_drop
}

@test "killed at random system calls: true states, working commands, nothing left" {
	export STRIKE=$WORK/strike REGISTRY
	"${CC:-cc}" -O1 -o "$STRIKE" "$MOSS_TEST_LIB/strike.c"
	registry_start_empty faults
	REGISTRY=$REG
	"$MOSS_TEST_LIB/faults" "${MOSS_FAULT_SECONDS:-60}" "${MOSS_FAULT_SEED:-$RANDOM}" 3>&- >"$WORK/report" 2>&1 || {
		cat "$WORK/report"
		return 1
	}
	tail -n 1 "$WORK/report" >&3
}
