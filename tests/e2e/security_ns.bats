# How far a container reaches that others come into: --pid container:X, --userns, exec.
load ../lib/moss

setup() {
	store_with_busybox
	echo "the user's own" >"$HOME/sentinel"
	chmod 600 "$HOME/sentinel"
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

# ---- ids of their own ----

@test "keep-id reaches nothing more of the user's than its mounts, also with --pid=host and every right" {
	fuse-overlayfs --version >/dev/null && [ -w /dev/fuse ] || skip "no fuse-overlayfs"
	moss run -d --name plain -p "127.0.0.1:$(free_port):80" busybox sleep 1000
	for more in "-u 0 --pid host --cap-add SYS_PTRACE" "-u 0 --pid host --privileged" "--pid host" \
		"-u 0 --pid container:plain --cap-add ALL --security-opt seccomp=unconfined"; do
		# shellcheck disable=SC2086 # words
		moss run --rm --network none --userns=keep-id $more -v "$WORK/hostile:/hostile:ro" busybox \
			timeout 1 /hostile hunt "${HOME#/}/sentinel" >"$WORK/log" || true
		grep -q begun "$WORK/log"
		run grep -a REACHED "$WORK/log"
		echo "$more: $output"
		[ "$output" = "" ]
	done
}

@test "an auto container cannot open the user's files, by whatever name they are mounted" {
	fuse-overlayfs --version >/dev/null && [ -w /dev/fuse ] || skip "no fuse-overlayfs"
	chmod 755 "$HOME"
	run moss run --rm --network none --userns=auto --cap-add ALL -v "$HOME:/h" busybox sh -c \
		'cat /h/sentinel; echo x >>/h/sentinel; chown 0 /h/sentinel; chmod 777 /h/sentinel; rm -f /h/sentinel; true'
	[[ $output != *"the user's own"* ]]
	[ "$(cat "$HOME/sentinel")" = "the user's own" ]
	[ "$(stat -c %a "$HOME/sentinel")" = 600 ]
}

@test "a newcomer with ids of its own is not got hold of either" {
	fuse-overlayfs --version >/dev/null && [ -w /dev/fuse ] || skip "no fuse-overlayfs"
	hunter --cap-add SYS_PTRACE --security-opt seccomp=unconfined
	for i in $(seq 8); do
		moss run --rm --network none --userns=keep-id --pid container:xx -v "$HOME:/home-of-$i" busybox sleep 0.02 >/dev/null 2>&1 || true
	done
	moss logs xx >"$WORK/log"
	run grep -a REACHED "$WORK/log"
	echo "$output"
	[ "$output" = "" ]
}

@test "nor is what comes in for a health check" {
	hunter --cap-add SYS_PTRACE --security-opt seccomp=unconfined --health-cmd true --health-interval 20ms
	wait_for 10 sh -c "[ \"\$('$MOSS' --root '$ROOT' --runroot '$RUNROOT' inspect -f '{{.State.Health.Status}}' xx)\" = healthy ]"
	sleep 2
	moss logs xx >"$WORK/log"
	run grep -a REACHED "$WORK/log"
	echo "$output" | sort | uniq -c | head
	[ "$output" = "" ]
}
