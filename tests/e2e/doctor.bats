# moss doctor: each trouble is made, found, and its cure named. (No subordinate ids, closed devices:
# tests/e2e-bare.)
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

# What doctor says of one thing: "finding text", and its cure on the next line.
says() { # NAME
	jq -r --arg n "$1" 'select(.Name == $n) | "\(.Finding) \(.Text)\n\(.Cure)"' "$WORK/says"
}
examine() { moss doctor --format json >"$WORK/says"; }

path_without() {
	local dir program
	mkdir -p "$WORK/bin"
	for dir in /usr/bin /bin; do
		for program in "$dir"/*; do
			[ -e "$WORK/bin/${program##*/}" ] || ln -s "$program" "$WORK/bin/" 2>/dev/null || true
		done
	done
	rm -f "$WORK/bin/$1"
	echo "$WORK/bin"
}

@test "on a machine that runs containers nothing fails" {
	run moss doctor
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^failure' <<<"$output")" -eq 0 ]
	[[ "$output" == *"ok       user namespaces: "* ]]
	run moss doctor -q
	[[ "$output" != *"ok       "* ]]
	[ ! -e "$ROOT" ] # looking makes nothing
	run --separate-stderr moss doctor --format yaml
	[ "$status" -eq 1 ]
	[[ "$stderr" == *yaml* ]]
}

@test "programs that are missing, or have lost their bit" {
	local path
	path=$(path_without slirp4netns)
	rm "$path/newuidmap"
	PATH=$path examine || true
	[[ "$(says slirp4netns)" == "failure not installed"*"sudo apt-get install slirp4netns" ]]
	[[ "$(says newuidmap)" == "failure newuidmap is not installed"*"sudo apt-get install uidmap" ]]
	cp /usr/bin/newuidmap "$path/newuidmap"
	run ! env PATH="$path" "$MOSS" --root "$ROOT" doctor
	PATH=$path examine || true
	[[ "$(says newuidmap)" == "failure $path/newuidmap is not set-user-id root"*"sudo chmod u+s $path/newuidmap" ]]
}

@test "user namespaces switched off" {
	# In a namespace of our own the limit is ours to set, and its other users feel it.
	run unshare --map-root-user --map-auto sh -c 'echo 0 >/proc/sys/user/max_user_namespaces &&
		exec setpriv --reuid=1000 --regid=1000 --clear-groups "$0" --root /tmp/moss-none doctor' "$MOSS"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"failure  user namespaces: cannot be made: No space left on device"* ]]
	[[ "$output" == *"cure: sudo sysctl -w user.max_user_namespaces=15000"* ]]
}

@test "a runtime folder that is missing, another's, or open to others" {
	XDG_RUNTIME_DIR=$WORK/none examine
	[[ "$(says XDG_RUNTIME_DIR)" == "warning $WORK/none: No such file"* ]]
	XDG_RUNTIME_DIR=/ examine || true
	[[ "$(says XDG_RUNTIME_DIR)" == "failure / belongs to someone else"* ]]
	mkdir -m 755 "$WORK/open"
	XDG_RUNTIME_DIR=$WORK/open examine || true
	[[ "$(says XDG_RUNTIME_DIR)" == "failure $WORK/open is open to others"* ]]
	env -u XDG_RUNTIME_DIR "$MOSS" --root "$ROOT" doctor --format json >"$WORK/says"
	[[ "$(says XDG_RUNTIME_DIR)" == *"/tmp/moss-$(id -u)"* ]]
}

@test "a store on a file system of the network's kind, and one that cannot be written" {
	mkdir "$WORK/lower" "$WORK/upper" "$WORK/work" "$WORK/net"
	run unshare --map-root-user --map-auto --mount sh -c '
		fuse-overlayfs -o lowerdir="$0/lower",upperdir="$0/upper",workdir="$0/work" "$0/net" &&
		"$1" --root "$0/net/root" doctor; umount "$0/net"' "$WORK" "$MOSS"
	[[ "$output" == *"warning  data root: $WORK/net/root is on FUSE"*"cure: alias moss="* ]]
	mkdir -m 500 "$WORK/locked"
	run ! moss --root "$WORK/locked/root" doctor
	[[ "$output" == *"failure  data root: $WORK/locked: Permission denied"* ]]
}

@test "name servers that do not answer, or are none" {
	local line
	for line in "nameserver 127.0.0.99" "search nowhere"; do
		echo "$line" >"$WORK/resolv.conf"
		unshare --map-root-user --mount sh -c 'mount --bind "$0/resolv.conf" "$(readlink -f /etc/resolv.conf)" &&
			exec "$1" --root "$0/root" doctor --format json' "$WORK" "$MOSS" >"$WORK/says" || [ $? = 1 ]
		[[ "$(says DNS)" == warning*"--dns 1.1.1.1"* ]]
	done
	[[ "$(says DNS)" == *"names no server"* ]]
}

@test "little room" {
	run unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=20m tmpfs "$0" && exec "$1" --root "$0/root" doctor' \
		"$WORK" "$MOSS"
	[[ "$output" == *"warning  room: "*"moss undo --empty"* ]]
}

@test "a command that the system refuses something says the cure by itself" {
	mkdir -m 500 "$WORK/locked"
	run --separate-stderr "$MOSS" --root "$WORK/locked/root" --runroot "$RUNROOT" ps
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"Permission denied"*"data root: $WORK/locked: Permission denied: alias moss="* ]]
}
