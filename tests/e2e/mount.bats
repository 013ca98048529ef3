# mount, unmount: root file systems of containers in the shells of moss unshare.
# shellcheck disable=SC2154 # stderr is set by bats
# shellcheck disable=SC2016 # what the shell of unshare expands
load ../lib/moss

setup() {
	default_setup
	export -f moss
}
teardown() { default_teardown; }

# A script in a shell of moss unshare.
inside() { moss unshare bash -euc "$1" inside "${@:2}"; }

each_driver() {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		MOSS_STORAGE_DRIVER=$driver "$1"
	done
}

# No overlay, no server and no folder of a mount is left.
nothing_mounted() {
	! pgrep -u "$(id -u)" -f "fuse-overlayfs.*$ROOT" && [ -z "$(ls "$ROOT/shells")" ]
}

@test "outside of moss unshare: one error with the cure" {
	moss create --name c1 busybox true >/dev/null
	local command
	for command in "mount c1" mount "unmount c1" "umount --all" "container mount c1"; do
		# shellcheck disable=SC2086 # words
		run -125 --separate-stderr moss $command
		[ -z "$output" ]
		[[ $stderr == *'an ordinary user cannot mount'*'moss unshare'* ]]
		[ "${#stderr_lines[@]}" -eq 2 ]
	done
}

of_stopped() {
	moss create --name c1 busybox sh -c 'cat /hello; echo "from inside" >/made' >/dev/null
	run -0 inside 'm=$(moss mount c1)
		[ "$m" = "$ROOT/containers/$(moss inspect -f "{{.Id}}" c1)/merged" ]
		[ "$(moss mount c1)" = "$m" ]
		[ -x "$m/bin/busybox" ]
		echo "from outside" >"$m/hello"
		chown 33:44 "$m/hello"
		[ "$(moss mount)" = "$(moss ps -aqf name=c1)  $m" ]
		moss unmount c1
		[ ! -e "$m/bin" ]
		[ -z "$(moss mount)" ]
		moss unmount c1'
	[ "$output" = 'c1
c1' ]
	[ "$(moss start -a c1)" = "from outside" ]
	[ "$(moss diff c1)" = 'A /hello
A /made' ]
	moss cp c1:/hello - | tar tv --numeric-owner | grep -q '33/44'
	moss rm c1
	wait_for 5 nothing_mounted
}

@test "a stopped container: its files, written as the container sees them; with every driver" {
	each_driver of_stopped
}

of_running() {
	moss run -d --name r1 --network none -v data:/data busybox \
		sh -c 'echo x >/data/f; echo x >/x; while [ ! -e /y ]; do sleep 0.05; done; cp /y /z; sleep 1000'
	wait_for 5 moss exec r1 test -e /x
	inside 'm=$(moss mount r1)
		[ "$(cat "$m/x")" = x ]
		[ ! -e "$m/data/f" ]
		echo y >"$m/y"
		for i in $(seq 1000); do [ ! -e "$m/z" ] || break; sleep 0.05; done
		[ "$(cat "$m/z")" = y ]
		moss unmount r1
		moss exec r1 cat /z'
	moss rm -f -v r1
	wait_for 5 nothing_mounted
}

@test "a running container: the same files, without its volumes; with every driver" {
	each_driver of_running
}

of_started() {
	moss create --name c1 busybox sh -c 'cat /one >/two; sleep 1000' >/dev/null
	inside 'm=$(moss mount c1)
		echo 1 >"$m/one"
		moss start c1 >/dev/null
		for i in $(seq 1000); do [ ! -s "$m/two" ] || break; sleep 0.05; done
		[ "$(cat "$m/two")" = 1 ]
		moss exec c1 sh -c "echo 3 >/three"
		[ "$(cat "$m/three")" = 3 ]
		moss restart -t 0 c1 >/dev/null
		echo 4 >"$m/four"
		[ "$(moss exec c1 cat /four)" = 4 ]
		moss stop -t 0 c1 >/dev/null
		[ "$(cat "$m/three")" = 3 ]
		moss cp c1:/three "$WORK/three"
		cmp "$m/three" "$WORK/three"
		echo 5 >"$m/five"
		[ "$(moss cp c1:/five - | tar xO)" = 5 ]
		moss export c1 | tar t | grep -q ^five'
	moss start c1
	[ "$(moss exec c1 cat /five)" = 5 ]
	moss rm -f c1
	wait_for 5 nothing_mounted
}

@test "start, restart, stop, cp and export of one that is mounted: the same file system; every driver" {
	each_driver of_started
}

@test "the kernel never sees one writable folder under two overlays" {
	moss create --name c1 busybox sleep 1000 >/dev/null
	mkfifo "$WORK/up" "$WORK/down"
	inside 'm=$(moss mount c1)
		moss start c1 >/dev/null
		pid=$(moss inspect -f "{{.State.Pid}}" c1)
		# Numbers of file systems: equal ones are one file system.
		here=$(awk -v m="$m" "\$5 == m {print \$3}" /proc/self/mountinfo)
		there=$(awk "\$5 == \"/\" {print \$3}" /proc/$pid/mountinfo)
		[ -n "$here" ]
		[ "$here" = "$there" ]
		moss stop -t 0 c1 >/dev/null
		# Another shell, while this one waits.
		stat -c %d "$m" >"$WORK/up"
		read -r _ <"$WORK/down"
		[ "$(cat "$m/second")" = second ]' 3>&- &
	local shell=$! device
	read -r device <"$WORK/up"
	inside '[ -z "$(moss mount)" ]
		m=$(moss mount c1)
		[ "$(stat -c %d "$m")" = "$1" ]
		echo second >"$m/second"' "$device"
	echo >"$WORK/down"
	wait $shell
	# Marked, but nobody has it: forgotten at the next start.
	[ -s "$ROOT"/containers/*/mounted ]
	moss start c1
	[ ! -s "$ROOT"/containers/*/mounted ]
	moss exec c1 cat /second
}

@test "what is out of reach is not mounted a second time: the error says what to do" {
	moss create --name c1 busybox true >/dev/null
	mkfifo "$WORK/go"
	# The shell is gone, but a process of it keeps the mount.
	inside 'moss mount c1 >/dev/null; (read -r _ <"$WORK/go") >/dev/null 2>&1 & '
	run -1 --separate-stderr moss start c1
	[[ $stderr == *'is mounted by moss mount'* ]]
	[[ $stderr == *'end that moss unshare'* ]]
	run -1 moss cp c1:/etc/passwd "$WORK/passwd"
	[ "$(moss ps -aqf status=created | wc -l)" -eq 1 ]
	moss diff c1
	echo >"$WORK/go"
	wait_for 5 moss start c1
	moss wait c1
}

@test "commit of one that is mounted: an image, and the shell writes on in the container only" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver create --name c1 busybox cat /f >/dev/null
		inside 'm=$(moss mount c1)
			echo first >"$m/f"
			sync -f "$m/f"
			moss commit -c "CMD [\"cat\", \"/f\"]" c1 img >/dev/null
			echo second >"$m/f"'
		[ "$(moss run --rm --network none img)" = first ]
		[ "$(moss start -a c1)" = second ]
		moss rm c1
		moss rmi img
	done
}

@test "rm unmounts in every shell; undo brings the files back" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver create --name c1 busybox cat /f >/dev/null
		mkfifo "$WORK/up" "$WORK/down"
		inside 'm=$(moss mount c1); echo kept >"$m/f"; echo "$m" >"$WORK/up"; read -r _ <"$WORK/down"
			[ -z "$(moss mount)" ]; [ ! -e "$m/f" ]' 3>&- &
		local shell=$!
		read -r _ <"$WORK/up"
		moss rm c1
		! pgrep -u "$(id -u)" -f "fuse-overlayfs.*$ROOT"
		echo >"$WORK/down"
		wait $shell
		moss undo c1
		[ "$(moss start -a c1)" = kept ]
		# From the shell itself.
		inside 'm=$(moss mount c1); moss rm c1 >/dev/null; [ ! -e "$m" ]; [ -z "$(moss mount)" ]'
		rm "$WORK/up" "$WORK/down"
	done
}

@test "what is open is unmounted with --force only" {
	moss create --name c1 busybox true >/dev/null
	run -0 --separate-stderr inside 'cd "$(moss mount c1)"
		! moss unmount c1
		moss mount | wc -l
		moss unmount -f c1
		moss mount | wc -l'
	[ "$output" = '1
c1
0' ]
	[[ $stderr == *'cannot unmount c1'*'--force'* ]]
}

@test "the list: json, ids, names that are missing, --all, --latest, what does not go together" {
	moss create --name one busybox true >/dev/null
	moss create --name two busybox true >/dev/null
	inside '[ "$(moss mount --format json)" = "[]" ]
		moss mount one >/dev/null
		moss mount --format json >"$WORK/json"
		[ "$(moss mount --notruncate)" = "$(moss inspect -f "{{.Id}}  $ROOT/containers/{{.Id}}/merged" one)" ]
		[ "$(moss mount --no-trunc)" = "$(moss container mount --notruncate)" ]
		[ "$(moss mount --latest)" = "$ROOT/containers/$(moss inspect -f "{{.Id}}" two)/merged" ]
		[ "$(moss unmount --latest)" = "$(moss inspect -f "{{.Id}}" two)" ]
		[ "$(moss mount --all | wc -l)" = 2 ]
		[ "$(moss umount --all | wc -l)" = 2 ]
		[ -z "$(moss container unmount --all)" ]'
	[ "$(python3 -c 'import json, sys; a, = json.load(open(sys.argv[1])); print(a["Names"], len(a["id"]), a["mountpoint"].split("/")[-1])' "$WORK/json")" = "['one'] 64 merged" ]
	run -125 --separate-stderr inside 'moss mount one nosuch two'
	[ -z "$output" ]
	[[ $stderr == *'No such container: nosuch'* ]]
	run -125 --separate-stderr inside 'moss unmount nosuch'
	run -125 --separate-stderr inside 'moss mount --format "{{.ID}}"'
	[[ $stderr == *'unknown --format argument: "{{.ID}}"'* ]]
	run -125 --separate-stderr inside 'moss mount --all one'
	run -125 --separate-stderr inside 'moss mount --latest one'
	run -125 --separate-stderr inside 'moss unmount --all one'
	run --separate-stderr inside 'moss unmount'
	[ "$status" -ne 0 ]
}

@test "ids of a container's own: the same owners mounted, running, and mounted while it runs" {
	[ -n "$(grep "^$(id -un):" /etc/subuid)" ]
	moss create --name k1 --network none --userns=keep-id:uid=1000,gid=1000 busybox \
		sh -c 'touch /tmp/mine; sleep 1000' >/dev/null
	inside 'm=$(moss mount k1)
		# The user is 0 here and 1000 there.
		echo x >"$m/tmp/first"
		moss start k1 >/dev/null
		[ "$(moss exec k1 stat -c %u:%g /tmp/first)" = 1000:1000 ]
		for i in $(seq 1000); do [ ! -e "$m/tmp/mine" ] || break; sleep 0.05; done
		[ "$(stat -c %u:%g "$m/tmp/mine")" = 0:0 ]
		moss unmount k1'
	inside 'm=$(moss mount k1)
		[ "$(stat -c %u:%g "$m/tmp/mine")" = 0:0 ]
		[ "$(moss exec k1 stat -c %u:%g /tmp/mine)" = 1000:1000 ]'
	moss stop -t 0 k1
	inside 'm=$(moss mount k1); [ "$(stat -c %u:%g "$m/tmp/mine")" = 0:0 ]'
}

@test "containers join the namespace of a shell that was there first; shells in shells" {
	moss create --name c1 --network none busybox sleep 1000 >/dev/null
	mkfifo "$WORK/up" "$WORK/down"
	inside 'readlink /proc/self/ns/user >"$WORK/up"; read -r _ <"$WORK/down"
		m=$(moss mount c1); [ -x "$m/bin/sh" ]' 3>&- &
	local shell=$! namespace
	read -r namespace <"$WORK/up"
	moss start c1
	[ "$(moss unshare readlink "/proc/$(moss inspect -f '{{.State.Pid}}' c1)/ns/user")" = "$namespace" ]
	echo >"$WORK/down"
	wait $shell
	inside 'moss unshare bash -euc "moss unshare bash -euc \"ls \\\$(moss mount c1)/bin/sh\""
		[ -z "$(moss mount)" ]'
}

@test "what a container mounts or flips in its own namespace reaches no list and no shell" {
	moss run -d --name bad --network none --privileged busybox sh -c '
		mount --make-rshared /
		mkdir -p "$1"; mount -t tmpfs none "$1"; touch "$1/trap"
		touch /ready; while :; do
			mkdir /d; mount -t tmpfs none /d; mv /etc /gone; ln -s / /etc; umount /d; rmdir /d
			rm /etc; mv /gone /etc; done' sh "$ROOT/containers/$(printf '%064d' 7)/merged"
	wait_for 5 moss exec bad test -e /ready
	moss create --name c1 busybox cat /etc/passwd >/dev/null
	inside 'm=$(moss mount bad)
		for i in $(seq 100); do
			[ "$(moss mount | wc -l)" = 1 ]
			[ "$(grep -c "$m" /proc/self/mountinfo)" = 1 ]
		done
		# What a container mounts under the name of another is not taken for it.
		moss mount c1 >/dev/null
		moss start -a c1 | grep -q ^root:'
	moss exec bad sh -c 'mount | grep -c trap || true'
}

@test "a container whose root is read-only: the shell may write, the container not" {
	moss run -d --name r1 --read-only --network none busybox sleep 1000
	inside 'm=$(moss mount r1); echo x >"$m/new"'
	[ "$(moss exec r1 cat /new)" = x ]
	run ! moss exec r1 touch /other
}

# $1: strace's injection, in whatever process of `moss mount`. strace waits for a server, too, and so
# would for ever.
killed() {
	moss unshare timeout -s KILL 1 strace -f -qq -o /dev/null -e "inject=${1%:*}:signal=KILL:when=${1#*:}" \
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" "${@:2}" >/dev/null 2>&1 || true
}

@test "mount killed at any call: the container starts and can be mounted, no server stays" {
	local driver call
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver create --name c1 --network none busybox cat /f >/dev/null
		inside 'echo kept >"$(moss mount c1)/f"'
		for call in pwrite64:1 mkdirat:1 unshare:1 mount:1 mount:2 mount:3 open_tree:1 \
			mount_setattr:1 umount2:1 move_mount:1 exit_group:1; do
			killed "$call" mount c1
			wait_for 5 inside '[ "$(cat "$(moss mount c1)/f")" = kept ]'
			killed "$call" mount c1
			wait_for 5 moss start -a c1
			[ "$(moss start -a c1)" = kept ]
		done
		moss rm c1
		wait_for 5 nothing_mounted
	done
}
