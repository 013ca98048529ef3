# image mount, image unmount: the files of images in the shells of moss unshare.
# shellcheck disable=SC2154 # stderr is set by bats
# shellcheck disable=SC2016 # what the shell of unshare expands
load ../lib/moss

setup() {
	default_setup
	export -f moss
}
teardown() { default_teardown; }

inside() { moss unshare bash -euc "$1" inside "${@:2}"; }

# Nothing in the store but the lock, no server.
nothing_mounted() {
	! pgrep -u "$(id -u)" -f "fuse-overlayfs.*$ROOT" && [ "$(ls "$ROOT/mounts")" = lock ]
}

two_layers() {
	moss run --name c1 busybox sh -c 'echo two >/two; rm /bin/wget; chown 5:6 /two'
	moss commit c1 two >/dev/null
	moss rm c1
}

@test "outside of moss unshare: one error with the cure" {
	local command
	for command in "mount busybox" mount "unmount busybox" "umount --all"; do
		# shellcheck disable=SC2086 # words
		run -125 --separate-stderr moss image $command
		[ -z "$output" ]
		[[ $stderr == *'an ordinary user cannot mount'*'moss unshare'* ]]
	done
	[ ! -e "$ROOT/mounts" ]
}

@test "the files of one layer and of two, read-only; with every driver" {
	local driver
	two_layers
	for driver in overlay fuse-overlayfs vfs; do
		MOSS_STORAGE_DRIVER=$driver run -0 inside 'm=$(moss image mount busybox)
			n=$(moss image mount two)
			[ "$(moss image mount two)" = "$n" ]
			[ -x "$m/bin/busybox" ]
			[ -e "$m/bin/wget" ]
			[ ! -e "$m/two" ]
			[ "$(cat "$n/two")" = two ]
			[ "$(stat -c %u:%g "$n/two")" = 5:6 ]
			[ ! -e "$n/bin/wget" ]
			! touch "$m/x" "$n/x"
			! rm "$n/two"
			[ "$(moss image mount | sort)" = "busybox:latest  $m
two:latest      $n" ]
			moss image unmount busybox two
			[ -z "$(moss image mount)" ]
			[ ! -e "$n/two" ]'
		[[ $output == *'Read-only file system'* ]]
		[ "$(tail -2 <<<"$output")" = "$(moss inspect -f '{{slice .Id 7}}' busybox two)" ]
		wait_for 5 nothing_mounted
		[ -z "$(ls "$ROOT/trash")" ]
	done
}

@test "what a shell leaves mounted goes with it; another's stays" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		export MOSS_STORAGE_DRIVER=$driver
		mkfifo "$WORK/up" "$WORK/down"
		inside 'm=$(moss image mount busybox); echo "$m" >"$WORK/up"; read -r _ <"$WORK/down"
			[ -x "$m/bin/sh" ]' 3>&- &
		local shell=$! mounted
		read -r mounted <"$WORK/up"
		[ "$(inside 'moss image mount busybox')" = "$mounted" ]
		[ -z "$(inside 'moss image mount')" ]
		[ -d "$mounted" ]
		echo >"$WORK/down"
		wait $shell
		wait_for 5 nothing_mounted
		rm "$WORK/up" "$WORK/down"
	done
}

@test "a killed unshare: the next one sweeps" {
	mkfifo "$WORK/up"
	local mounted own=1$BATS_TEST_NUMBER$$ # nobody else sleeps so long
	inside "moss image mount busybox >\"\$WORK/up\"; exec sleep $own" 3>&- &
	read -r mounted <"$WORK/up"
	pkill -9 -u "$(id -u)" -f "^[^ ]*moss --root $ROOT .*unshare"
	[ -d "$mounted" ]
	inside 'moss image mount busybox >/dev/null; moss image unmount -a >/dev/null'
	[ -d "$mounted" ] # the command of the killed one lives
	pkill -9 -u "$(id -u)" -f "^sleep $own$"
	wait_for 5 inside 'moss image mount busybox >/dev/null; moss image unmount -a >/dev/null; [ ! -e "$1" ]' "$mounted"
}

@test "lists, json, --all, what does not go together, names that are missing" {
	two_layers
	inside '[ "$(moss image mount --format json)" = "[]" ]
		moss image mount --all >"$WORK/all"
		moss image mount --format json >"$WORK/json"
		moss image mount --format json two >"$WORK/one"
		[ "$(moss image unmount --all | wc -l)" = 2 ]
		[ -z "$(moss image umount -a -f)" ]
		[ "$(moss image unmount two | wc -l)" = 1 ]'
	[ "$(wc -l <"$WORK/all")" -eq 2 ]
	[ "$(python3 -c 'import json, sys; print(sorted(i["Repositories"][0] for i in json.load(open(sys.argv[1]))))' "$WORK/json")" = "['busybox:latest', 'two:latest']" ]
	[ "$(python3 -c 'import json, sys; i, = json.load(open(sys.argv[1])); print(i["id"], i["mountpoint"])' "$WORK/one")" = \
		"$(moss inspect -f "{{slice .Id 7}} $ROOT/mounts/{{slice .Id 7}}/merged" two)" ]
	run -125 --separate-stderr inside 'moss image mount busybox nosuch'
	[ -z "$output" ]
	[[ $stderr == *'No such image: nosuch'* ]]
	run -125 inside 'moss image mount --all busybox'
	run -125 inside 'moss image mount --format x'
	run -125 inside 'moss image unmount --all busybox'
	run -125 inside 'moss image unmount'
	run -125 inside 'moss image unmount nosuch'
	wait_for 5 nothing_mounted
}

@test "an image that is removed while it is mounted: the list tells it by its ID, unmount --all takes it" {
	two_layers
	inside 'm=$(moss image mount two)
		moss rmi two >/dev/null
		moss image mount >"$WORK/list"
		moss image unmount --all >/dev/null
		[ -z "$(moss image mount)" ]'
	grep -Eq "^[0-9a-f]{12}  $ROOT/mounts/[0-9a-f]{64}/merged$" "$WORK/list"
}

@test "an image without layers" {
	printf '' | tar c -T /dev/null | moss import - empty >/dev/null
	inside 'm=$(moss image mount empty); [ -z "$(ls -A "$m")" ]; ! touch "$m/x"'
}

@test "image mount killed at any call: the next one works, no server stays" {
	local driver call
	for driver in overlay fuse-overlayfs vfs; do
		export MOSS_STORAGE_DRIVER=$driver
		for call in mkdirat:1 unshare:1 mount:1 mount:2 mount:3 open_tree:1 mount_setattr:1 \
			umount2:1 move_mount:1 renameat:1 exit_group:1; do
			# strace waits for a server, too, and so would for ever.
			moss unshare timeout -s KILL 1 strace -f -qq -o /dev/null \
				-e "inject=${call%:*}:signal=KILL:when=${call#*:}" \
				"$MOSS" --root "$ROOT" --runroot "$RUNROOT" image mount busybox \
				>/dev/null 2>&1 || true
			inside 'm=$(moss image mount busybox); [ -x "$m/bin/sh" ]'
		done
		wait_for 5 nothing_mounted
	done
}
