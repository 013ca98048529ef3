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

# c1 -> one -> two, and other beside them.
related_images() {
	moss run --name c1 busybox sh -c 'echo 1 >/one; rm /bin/wget'
	moss commit c1 one >/dev/null
	moss run --name c2 one sh -c 'echo 2 >/two; mkdir /d; echo x >>/etc/passwd'
	moss commit c2 two >/dev/null
	moss run --name c3 busybox touch /other
	moss commit c3 other >/dev/null
}

@test "two images: what the first has that the second has not, and the other way round" {
	related_images
	[ "$(moss image diff two | tr '\n' ' ')" = 'A /d C /etc C /etc/passwd A /two ' ]
	[ "$(moss image diff two one)" = "$(moss image diff two)" ]
	[ "$(moss image diff two busybox | tr '\n' ' ')" = \
		'C /bin D /bin/wget A /d C /etc C /etc/passwd A /one A /two ' ]
	[ "$(moss image diff busybox two | tr '\n' ' ')" = \
		'C /bin A /bin/wget D /d C /etc C /etc/passwd D /one D /two ' ]
	[ "$(moss image diff other one | tr '\n' ' ')" = 'C /bin A /bin/wget D /one A /other ' ]
	[ -z "$(moss image diff two two)" ]
	[ "$(moss image diff --format json other one | python3 -c 'import json, sys; print(json.load(sys.stdin))')" = \
		"{'changed': ['/bin'], 'added': ['/bin/wget', '/other'], 'deleted': ['/one']}" ]
	run -125 --separate-stderr moss image diff --format x one
	[[ $stderr == *"only supported value for '--format' is 'json'"* ]]
	run -125 --separate-stderr moss image diff one nosuch
	[[ $stderr == *'No such image: nosuch'* ]]
	run -125 --separate-stderr moss image diff c1
	run ! moss image diff one two other
}

@test "containers and images with each other; with every driver" {
	local driver
	related_images
	for driver in overlay fuse-overlayfs vfs; do
		moss --storage-driver $driver run --name xx two sh -c 'touch /mine; rm /two'
		moss --storage-driver $driver run --name yy one touch /yours
		[ "$(changes xx)" = 'A /mine D /two ' ]
		[ "$(moss diff xx one | tr '\n' ' ')" = 'A /d C /etc C /etc/passwd A /mine ' ]
		[ "$(moss diff two xx | tr '\n' ' ')" = 'D /mine A /two ' ]
		[ "$(moss container diff xx yy | tr '\n' ' ')" = \
			'A /d C /etc C /etc/passwd A /mine D /yours ' ]
		moss rm xx yy
	done
	run ! moss container diff c1 one
	run ! moss diff -l one
}
