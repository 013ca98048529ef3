# moss.bash: what every e2e test file loads: `load ../lib/moss` (bats). A fresh store for each test.
#
# MOSS             the program (default: the one in $MOSS_BUILD, else in PATH)
# MOSS_LIBEXEC     its helpers' folder (set with MOSS_BUILD)
# $ROOT, $RUNROOT  this test's store; `moss` uses them
# $WORK            this test's scratch folder, removed with the store

if [ -n "${MOSS_BUILD:-}" ]; then
	MOSS=$MOSS_BUILD/moss
	export MOSS_LIBEXEC=$MOSS_BUILD
fi
: "${MOSS:=$(command -v moss || true)}"
MOSS_TEST_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bats_require_minimum_version 1.5.0

moss() { "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@"; }

# In the user's namespace, as root of its subordinate ids: for looking into and removing a store.
in_userns() {
	if [ "$(id -u)" = 0 ] || ! grep -q "^$(id -un):" /etc/subuid; then
		"$@"
	else
		unshare --map-root-user --map-auto -- "$@"
	fi
}

store_new() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/moss-test.XXXXXX")
	ROOT=$WORK/root RUNROOT=$WORK/run
	export WORK ROOT RUNROOT MOSS
	export HOME=$WORK/home
	mkdir -p "$HOME"
}

# A store that holds busybox:latest.
store_with_busybox() {
	store_new
	moss load -q -i "$(busybox_archive)" >/dev/null
}

# The busybox image as a docker-archive, made once a run of the suite.
busybox_archive() {
	local archive=${MOSS_TEST_CACHE:-${TMPDIR:-/tmp}/moss-test-cache-$(id -u)}/busybox.tar
	if [ ! -e "$archive" ]; then
		mkdir -p "$(dirname "$archive")"
		"$MOSS_TEST_LIB/make-busybox-image" "$archive.$$" && mv "$archive.$$" "$archive"
	fi
	echo "$archive"
}

# Ends everything of this test's store; a process or mount that stays is a failed test.
store_drop() {
	[ -n "${WORK:-}" ] || return 0
	local ids failed=0
	if [ -e "$ROOT/moss.db" ]; then
		ids=$(moss ps -aq 2>/dev/null) || true
		# shellcheck disable=SC2086 # a list of ids
		[ -z "$ids" ] || moss rm -f -v $ids >/dev/null || failed=1
	fi
	left_over "$WORK" || failed=1
	in_userns rm -rf "$WORK"
	if [ -e "$WORK" ]; then failed=1; fi
	return $failed
}

# Fails, with a list, where a process still names the folder or a mount still lies in it. Processes
# that are on their way out get two seconds.
left_over() {
	local tries=0 found
	while :; do
		found=$(pgrep -u "$(id -u)" -af -- "$1" | grep -v -e bats -e pgrep || true)
		[ -n "$found" ] || found=$(grep -F "$1" /proc/self/mountinfo || true)
		[ -n "$found" ] || return 0
		tries=$((tries + 1))
		[ $tries -lt 20 ] || break
		sleep 0.1
	done
	echo "left over: $found" >&2
	return 1
}

# wait_for SECONDS COMMAND...: until the command succeeds; five times as long where the machine is
# loaded with other things.
wait_for() {
	local end=$((SECONDS + $1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.05
	done
}

# A free TCP port on loopback.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

default_setup() { store_with_busybox; }
default_teardown() { store_drop; }
