# moss unshare: a command in the user namespace of containers.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

@test "root of the namespace, its exit status, its input, a mount namespace of its own" {
	[ "$(moss unshare id -u)" = 0 ]
	run moss unshare sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run moss unshare sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	[ "$(echo 'echo "got $((1 + 1))"' | SHELL=/bin/sh moss unshare)" = "got 2" ]
	[ "$(moss unshare sh -c 'mount -t tmpfs none /mnt && echo mounted')" = mounted ]
	run ! grep -q ' /mnt tmpfs' /proc/mounts
	[ "$(moss unshare sh -c 'echo "$CONTAINERS_GRAPHROOT"')" = "$ROOT" ]
}

@test "files of a container's users: looked at and removed; the namespace is the containers' own" {
	moss run -d --name one --network none -v data:/d busybox sh -c 'echo x >/d/f; chown 33:44 /d/f; chmod 600 /d/f; sleep 1000'
	file=$(moss volume inspect -f '{{.Mountpoint}}' data)/f
	wait_for 10 test -e "$file"
	[ "$(moss unshare stat -c '%u:%g' "$file")" = 33:44 ]
	[ "$(moss unshare cat "$file")" = x ]
	[ "$(moss unshare readlink /proc/self/ns/user)" = "$(readlink "/proc/$(moss inspect -f '{{.State.Pid}}' one)/ns/user")" ]
	moss unshare rm "$file"
	[ ! -e "$file" ]
	moss rm -f -v one
}

@test "a command that is missing, one that is none, what is refused" {
	PATH=/usr/bin:/bin run --separate-stderr moss unshare nosuchcommand
	[ "$status" -eq 127 ]
	[[ "$stderr" == *nosuchcommand* ]]
	run --separate-stderr moss unshare /etc
	[ "$status" -eq 126 ]
	run --separate-stderr moss unshare --rootless-netns true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"--rootless-netns is not supported yet"* ]]
}
