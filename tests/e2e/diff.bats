# diff: what a container changed, as Docker tells it (sorted).
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { default_setup; }
teardown() { default_teardown; }

changes() { moss diff "$1" | tr '\n' ' '; }

@test "a container that has not started, and one that has done nothing: no change" {
	moss create --name c1 busybox sleep 1000 >/dev/null
	[ -z "$(moss diff c1)" ]
	moss start c1 >/dev/null
	[ -z "$(moss diff c1)" ]
}

@test "added, changed, deleted, with the folders they are in; with every driver" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver run --name "$driver" busybox sh -c '
			mkdir -p /a/b; echo 1 >/a/b/c; rm /bin/wget; chown 5 /etc/group
			chmod 711 /bin; rm -r /var; mkdir /var; rm -r /usr; echo f >/usr
			echo x >>/etc/passwd; mkdir /etc/gone; rmdir /etc/gone; cat /etc/shells' || true
		run -0 moss diff "$driver"
		[ "$output" = 'A /a
A /a/b
A /a/b/c
C /bin
D /bin/wget
C /etc
C /etc/group
C /etc/passwd
C /usr
C /var
D /var/www' ]
	done
}

@test "volumes' mount points are additions, their contents are not looked at" {
	moss run --name c1 -v vol:/data/x -w /work/dir busybox sh -c 'touch /data/x/f'
	[ "$(changes c1)" = 'A /data A /data/x A /work A /work/dir ' ]
}

@test "after a commit it is still the image that is compared with" {
	moss run --name c1 busybox touch /one
	moss commit c1 one >/dev/null
	[ "$(changes c1)" = 'A /one ' ]
	moss cp - c1:/ < <(tar c -C "$BATS_TEST_DIRNAME" diff.bats)
	[ "$(changes c1)" = 'A /diff.bats A /one ' ]
	[ "$(changes one)" = 'A /one ' ]
}

@test "--format json, --latest, errors" {
	moss run --name c1 busybox sh -c 'touch /one; rm /bin/wget'
	run -0 moss diff --format json -l
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin))' <<<"$output")" = \
		"{'changed': ['/bin'], 'added': ['/one'], 'deleted': ['/bin/wget']}" ]
	run -1 --separate-stderr moss diff nope
	[[ $stderr == *'No such container: nope'* ]]
	run -1 --separate-stderr moss diff
	[[ $stderr == *'1 argument'* ]]
	run -1 --separate-stderr moss diff --format yaml c1
	[[ $stderr == *"only supported value for '--format' is 'json'"* ]]
}
