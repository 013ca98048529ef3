# As a user without subordinate ids, where /dev/fuse and /dev/net/tun are root's only.
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

@test "the machine is as these tests need it" {
	run ! grep "^$(id -un):" /etc/subuid
	[ "$(stat -c %a /dev/net/tun)" = 600 ]
	[ "$(stat -c %a /dev/fuse)" = 600 ]
}

@test "load and run work with a single id, with one warning that says the cure" {
	run --separate-stderr moss load -q -i "$(busybox_archive)"
	[ "$status" -eq 0 ]
	run --separate-stderr moss run --rm --network none busybox id -u
	[ "$status" -eq 0 ]
	[ "$output" = 0 ]
	[[ "$stderr" == *"/etc/subuid"* ]]
	[ "$(grep -c subuid <<<"$stderr")" -eq 1 ]
}

@test "a user id that does not exist in the container is an error that names it" {
	moss load -q -i "$(busybox_archive)"
	run --separate-stderr moss run --rm --network none -u 1000 busybox id -u
	[ "$status" -ne 0 ]
	[[ "$stderr" == *1000* ]]
	[[ "$stderr" == *subuid* ]]
}

@test "no access to /dev/net/tun: the error names it and the cure, and leaves nothing" {
	moss load -q -i "$(busybox_archive)"
	run --separate-stderr moss run --name web -d -p "$(free_port):80" busybox httpd -f
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"/dev/net/tun"* ]]
	[[ "$stderr" == *"chmod"* ]]
	run moss ps -q
	[ -z "$output" ]
}

@test "no access to /dev/fuse: asking for fuse-overlayfs names it and the cure" {
	moss load -q -i "$(busybox_archive)"
	run --separate-stderr moss --storage-driver fuse-overlayfs run --rm --network none busybox true
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"/dev/fuse"* ]]
	[[ "$stderr" == *"chmod"* ]]
}

@test "the vfs driver works with a single id" {
	moss load -q -i "$(busybox_archive)"
	run --separate-stderr moss --storage-driver vfs run --rm --network none busybox sh -c 'echo x >/f && cat /f'
	[ "$status" -eq 0 ]
	[ "$output" = x ]
}

@test "doctor finds the missing ids and the closed devices, and names the cures" {
	run moss doctor
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"warning  subordinate ids: "*"cure: sudo usermod --add-subuids "*" $(id -un)"* ]]
	[[ "$output" == *"note     /dev/fuse: cannot be opened"*"cure: sudo chmod 666 /dev/fuse"* ]]
	[[ "$output" == *"failure  /dev/net/tun: cannot be opened"*"cure: sudo chmod 666 /dev/net/tun"* ]]
}
