# security_cp: a container that changes what a path means while it is copied reaches no file of the
# host (CVE-2018-15664, CVE-2019-10152, CVE-2019-14271, CVE-2023-0778).
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() {
	store_with_busybox
	cd "$WORK" || exit
	"${CC:-cc}" -O1 -static -o flip "$MOSS_TEST_LIB/flip.c"
	mkdir secret vol
	echo sentinel >secret/file
	moss run -d --name c1 -v "$WORK/flip:/flip:ro" busybox sleep 1000 >/dev/null
	# In the container: /x/a is a folder and, half of the time, a link to a folder of the host's
	# whose name does not exist here.
	moss exec c1 sh -c "mkdir -p /x/a /x/d; echo inside >/x/a/file; ln -s $WORK/secret /x/l
		ln -s ../../../../../../../../..$WORK/secret /x/up; echo inside >/x/d/file"
}
teardown() {
	cd / || exit
	store_drop
}

# rounds SECONDS COMMAND...: as often as it can; prints how often.
rounds() {
	local end=$((SECONDS + $1)) n=0
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" >/dev/null 2>&1 || true
		n=$((n + 1))
	done
	echo $n
}

# No file below the folder holds the sentinel.
is_clean() { ! grep -rqs sentinel "$1"; }

@test "links lead nowhere but into the container" {
	run -1 --separate-stderr moss cp c1:/x/l/file out
	[[ $stderr == *'Could not find the file'* ]]
	run -1 moss cp c1:/x/up/file out
	run -1 moss cp -L c1:/x/l out
	echo new >new
	run -1 moss cp new c1:/x/l/file
	run -1 moss cp new c1:/x/l/
	[ "$(cat secret/file)" = sentinel ]
	[ "$(ls secret)" = file ]
	# What is found there is the container's.
	moss exec c1 mkdir -p "$WORK/secret"
	moss cp new c1:/x/l/
	[ "$(moss exec c1 cat "$WORK/secret/new")" = new ]
	[ "$(ls secret)" = file ]
}

@test "a flipping folder, read" {
	moss exec -d c1 /flip /x/a /x/l
	mkdir out
	n=$(rounds 4 moss cp c1:/x/a/file out)
	n=$((n + $(rounds 3 moss cp c1:/x out)))
	n=$((n + $(rounds 2 moss cp -L c1:/x/a/. out)))
	echo "# $n rounds" >&3
	is_clean out
	[ "$(cat secret/file)" = sentinel ]
}

@test "a flipping folder, written" {
	moss exec -d c1 /flip /x/a /x/l
	mkdir -p in/a
	echo evil >in/a/file
	echo evil >in/more
	n=$(rounds 4 moss cp in/a/file c1:/x/a/file)
	n=$((n + $(rounds 3 moss cp in/. c1:/x)))
	n=$((n + $(rounds 2 sh -c 'tar c -C in a | "$0" --root "$1" --runroot "$2" cp - c1:/x' \
		"$MOSS" "$ROOT" "$RUNROOT")))
	echo "# $n rounds" >&3
	[ "$(cat secret/file)" = sentinel ]
	[ "$(ls secret)" = file ]
}

@test "a volume that the destination lies in is flipped while it is written" {
	mkdir -p vol/a
	ln -s "$WORK/secret" vol/l
	moss run -d --name c2 -v "$WORK/vol:/vol" -v "$WORK/flip:/flip:ro" busybox \
		/flip /vol/a /vol/l >/dev/null
	moss exec c1 sh -c 'mkdir -p /s/a; echo evil >/s/a/file; echo evil >/s/a/other'
	# What the user names is the user's to name: below it no link is followed.
	rounds 4 moss cp c1:/s/. vol >/dev/null
	[ "$(cat secret/file)" = sentinel ]
	[ "$(ls secret)" = file ]
}

@test "the process that sees the container holds nothing of the host" {
	mkfifo pipe
	moss cp - c1:/tmp <pipe &
	exec 7>pipe
	inside() { pgrep -u "$(id -u)" -f -- "--root $ROOT .*cp - c1:/tmp" | tail -1; }
	wait_for 5 eval '[ "$(pgrep -fc -- "--root $ROOT .*cp - c1:/tmp")" -ge 2 ]'
	local pid
	pid=$(inside)
	# Neither its files nor its memory can be looked at, not even by the user.
	run ls -l "/proc/$pid/fd"
	[ "$status" != 0 ] || [ "$(id -u)" = 0 ]
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status"
	grep -q '^Seccomp:[[:space:]]*2' "/proc/$pid/status"
	exec 7>&-
	wait
}
