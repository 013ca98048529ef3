# A full disk: an error that says so, nothing half-made, and all works again once there is room.
# MOSS_TEST_SMALL is a small file system of its own (tests/run mounts one).
load ../lib/moss

setup() {
	[ -n "${MOSS_TEST_SMALL:-}" ] || skip "MOSS_TEST_SMALL names no small file system (tests/run makes one)"
	store_new
	SMALL=$MOSS_TEST_SMALL/store
	ROOT=$SMALL/root
	mkdir -p "$SMALL"
}
teardown() {
	[ -n "${MOSS_TEST_SMALL:-}" ] || return 0
	rm -f "$MOSS_TEST_SMALL/filler"
	store_drop
	in_userns rm -rf "$SMALL"
}

fill() { head -c 100M /dev/zero >"$MOSS_TEST_SMALL/filler" 2>/dev/null || true; }
make_room() { rm -f "$MOSS_TEST_SMALL/filler"; }
is_sound() {
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "load of an image that does not fit" {
	moss load -q -i "$(busybox_archive)"
	head -c 40M /dev/urandom >"$WORK/large"
	mkdir "$WORK/l" && mv "$WORK/large" "$WORK/l/"
	tar -C "$WORK/l" -cf "$WORK/layer.tar" large
	local diff_id
	diff_id=$(sha256sum "$WORK/layer.tar" | cut -d' ' -f1)
	printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$diff_id" >"$WORK/config.json"
	printf '[{"Config":"config.json","RepoTags":["large:1"],"Layers":["layer.tar"]}]' >"$WORK/manifest.json"
	tar -C "$WORK" -cf "$WORK/large.tar" config.json manifest.json layer.tar
	run --separate-stderr moss load -i "$WORK/large.tar"
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"No space left on device"* ]]
	[ "$(moss images -q | wc -l)" -eq 1 ]
	is_sound
	[ "$(moss run --rm --network none busybox echo works)" = works ]
}

@test "run with a full disk fails clearly, and works once there is room" {
	moss load -q -i "$(busybox_archive)"
	fill
	run --separate-stderr moss run --name ct --network none busybox true
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"No space left on device"* || "$stderr" == *"disk is full"* ]]
	make_room
	is_sound
	[ -z "$(moss ps -aq)" ]
	[ -z "$(ls "$ROOT/containers")" ]
	[ "$(moss run --rm --network none busybox echo works)" = works ]
}

@test "listing and removing work on a full disk" {
	moss load -q -i "$(busybox_archive)"
	moss run --name ct --network none busybox true
	moss run --name dd -d --network none busybox sleep 100
	fill
	run moss ps -a
	[ "$status" -eq 0 ]
	run moss images
	[ "$status" -eq 0 ]
	run moss logs ct
	[ "$status" -eq 0 ]
	moss rm ct || { make_room; moss rm ct; }
	make_room
	moss rm -f dd
	is_sound
}

@test "a container that fills the disk gets the error itself and its end is recorded" {
	moss load -q -i "$(busybox_archive)"
	run moss run --name ct --network none busybox sh -c 'dd if=/dev/zero of=/big bs=1M count=100; echo status $?'
	[[ "$output" == *"No space left on device"* ]]
	[[ "$output" == *"status 1"* ]]
	moss rm ct
	is_sound
}

@test "push without room for what is compressed" {
	load ../lib/registry
	moss load -q -i "$(busybox_archive)"
	moss run --name c1 --network none busybox sh -c 'head -c 4000000 /dev/urandom >/large'
	registry_start_empty to
	moss commit c1 "$REG/app:1" >/dev/null
	moss rm --no-trash c1 >/dev/null
	fill
	run moss push --retry 0 "$REG/app:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"No space left on device"* ]]
	make_room
	is_sound
	moss push -q "$REG/app:1"
	registry_stop_all
}

# What the user has saved before is still there, and nothing else: the disk is the output's only.
@test "push into a file or folder without room: it is named, and nothing of it stays" {
	ROOT=$WORK/root # the store has room
	moss load -q -i "$(busybox_archive)"
	moss manifest create l
	local there=$MOSS_TEST_SMALL/t to
	mkdir "$there"
	moss push -q busybox "oci:$there/o:old"
	moss manifest add l "oci:$there/o:old"
	find "$there" | sort >"$WORK/before"
	fill
	for to in "dir:$there/d" "oci:$there/n" "oci:$there/o:new" "oci-archive:$there/a" "docker-archive:$there/b"; do
		run moss push busybox "$to"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == "moss: $to: "*[Nn]"o space left on device"* ]]
	done
	run moss manifest push l "oci:$there/n"
	[ "$status" -eq 1 ]
	[[ "$output" == "moss: oci:$there/n: "*[Nn]"o space left on device"* ]]
	find "$there" | sort | cmp - "$WORK/before"
	[ -z "$(ls "$ROOT/tmp")" ]
	make_room
	moss push -q busybox "oci:$there/o:new"
	[ "$(jq '.manifests | length' "$there/o/index.json")" = 2 ]
	rm -rf "$there"
}

@test "manifest push without room in the store for what it takes from elsewhere" {
	moss load -q -i "$(busybox_archive)"
	moss push -q busybox "oci:$WORK/o:x"
	moss manifest create l "oci:$WORK/o:x"
	moss rmi -f --no-trash busybox >/dev/null
	fill
	run moss manifest push l "dir:$WORK/d"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *[Nn]"o space left on device"* ]]
	[ ! -e "$WORK/d" ]
	make_room
	moss manifest push -q l "dir:$WORK/d"
	is_sound
}

@test "save, export and system export without room for them name the file and leave the old one" {
	local out=$MOSS_TEST_SMALL/out
	ROOT=$WORK/root
	moss load -q -i "$(busybox_archive)"
	moss run --name c1 --network none busybox sh -c 'dd if=/dev/urandom of=/large bs=1M count=30 2>/dev/null'
	moss commit c1 large:1 >/dev/null
	mkdir -p "$out"
	echo before >"$out/a"
	for command in "save -o $out/a large:1" "save --format oci-archive -o $out/a large:1" \
		"export -o $out/a c1" "system export $out/a"; do
		run --separate-stderr moss $command
		[ "$status" -eq 1 ]
		[[ "${stderr,,}" == *"${out,,}/a: "*"no space left on device"* ]]
		[ "$(cat "$out/a")" = before ]
		[ "$(ls -A "$out")" = a ]
		is_sound
	done
	for command in "save --format oci-dir -o $out/dir large:1" "save --format docker-dir -o $out/dir large:1" \
		"system export $out/dir/"; do
		run --separate-stderr moss $command
		[ "$status" -eq 1 ]
		[[ "${stderr,,}" == *"${out,,}/dir"*": "*"no space left on device"* ]]
		[ "$(ls -A "$out")" = a ]
		is_sound
	done
	rm -rf "$out"
	moss rm c1
}

@test "save without room to compress leaves nothing in the store" {
	moss load -q -i "$(busybox_archive)"
	moss run --name c1 --network none busybox sh -c 'dd if=/dev/urandom of=/large bs=1M count=8 2>/dev/null'
	moss commit c1 large:1 >/dev/null
	moss rm --no-trash c1
	fill
	run --separate-stderr moss save --format oci-archive -o "$WORK/a.oci" large:1
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"No space left on device"* ]]
	[ ! -e "$WORK/a.oci" ]
	# What is not compressed needs no room there.
	moss save -o "$WORK/a.tar" large:1
	make_room
	is_sound
	moss save --format oci-archive -o "$WORK/a.oci" large:1
}
