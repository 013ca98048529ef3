# How far a container reaches that others come into: --pid container:X, --userns, exec.
load ../lib/moss

setup() {
	store_with_busybox
	echo "the user's own" >"$HOME/sentinel"
	[ -e "$WORK/hostile" ] || "${CC:-cc}" -O1 -static -o "$WORK/hostile" "$MOSS_TEST_LIB/hostile.c"
}
teardown() { store_drop; }

hunter() {
	moss run -d --name xx --network none --ipc shareable -v "$WORK/hostile:/hostile:ro" "$@" busybox \
		/hostile hunt "${HOME#/}/sentinel"
	wait_for 5 sh -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' logs xx | grep begun"
}

@test "a container that may trace gets hold of nothing more than a newcomer's own" {
	hunter --cap-add SYS_PTRACE --security-opt seccomp=unconfined
	for i in $(seq 25); do
		moss run --rm --network none --pid container:xx -v "$HOME:/home-of-$i" busybox sh -c 'sleep 0.02' >/dev/null 2>&1 || true
		moss run --rm --network none --pid container:xx --cap-drop ALL -u 5 busybox true >/dev/null 2>&1 || true
		moss exec xx true
	done
	moss logs xx >"$WORK/log"
	# It did find and hold them.
	grep -q seized "$WORK/log"
	run grep -a REACHED "$WORK/log"
	echo "$output"
	[ "$output" = "" ]
}

@test "what the other has put in the place of /proc and /dev/shm is not taken" {
	moss run -d --name xx --network none --ipc shareable --privileged -v "$HOME:/mnt" busybox sh -c '
		mount --bind /tmp /dev/shm; mount -t tmpfs none /proc; echo begun; sleep 1000'
	wait_for 5 sh -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' logs xx | grep begun"
	run --separate-stderr moss run --rm --network none --pid container:xx busybox true
	[ "$status" -eq 125 ]
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"/proc of container "*" is not the procfs of its processes any more"* ]]
	run --separate-stderr moss run --rm --network none --ipc container:xx busybox true
	[ "$status" -eq 125 ]
	[[ $stderr == *"/dev/shm of container "*" is not a tmpfs any more"* ]]
}
