#!/usr/bin/env bats
# A pull while images are removed with which it shares layers, or files of layers.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start_empty own
	proxy_start
	mkdir -p "$WORK/base/bin" "$WORK/one/usr" "$WORK/two/usr"
	cp "$(command -v busybox)" "$WORK/base/bin/sh"
	ln "$WORK/base/bin/sh" "$WORK/base/bin/wc"
	head -c 300000 /dev/urandom >"$WORK/one/usr/same"
	cp -p "$WORK/one/usr/same" "$WORK/two/usr/same"
	head -c 3000000 /dev/urandom >"$WORK/two/z-noise"
	for name in base one two; do
		tar -C "$WORK/$name" --sort=name -cf "$WORK/$name.tar" .
	done
	for name in one two; do
		"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "$REG/$name:1" "$WORK/base.tar" "$WORK/$name.tar"
		moss load -q -i "$WORK/image.tar"
		moss push -q "$REG/$name:1"
	done
	moss system prune -af >/dev/null
	[ -z "$(ls "$ROOT/layers")" ]
	# shellcheck disable=SC2034 # of the tests
	top=$(curl -sf -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$REG/v2/two/manifests/1" | jq -r '.layers[1].digest')
}

teardown() {
	registry_stop_all
	store_drop
}

has_arrived() { [ "$(stat -c %s "$ROOT/parts/$top" 2>/dev/null || echo 0)" -gt "$1" ]; }
remove_one() { moss rmi --no-trash "$PROXY/one:1"; }

is_whole() { image_sh "$PROXY/two:1" 'test $(wc -c </usr/same) = 300000 && test $(wc -c </z-noise) = 3000000'; }

@test "the image that had a layer, and files, goes in the middle of a pull" {
	moss pull -q "$PROXY/one:1"
	fault 0 "two/blobs/$top" slow 1000000
	moss_start pull "$PROXY/two:1"
	# The equal file has come, and is only noted so far.
	wait_for 20 has_arrived 1000000
	remove_one
	[ -z "$(ls "$ROOT/layers")" ]
	wait "$pid"
	cat "$WORK/out"
	[ "$(grep -c 'Already exists' "$WORK/out")" -eq 1 ]
	is_whole
	# Nothing is left behind.
	[ -z "$(ls -A "$ROOT/parts")$(ls -A "$ROOT/tmp")" ]
	moss system check
}

@test "in a loop, at any moment" {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		moss pull -q "$PROXY/one:1"
		moss_start pull -q "$PROXY/two:1"
		sleep "0.$((RANDOM % 4))"
		remove_one >"$WORK/rmi" 2>&1
		moss pull -q "$PROXY/one:1"
		remove_one >"$WORK/rmi" 2>&1
		if ! wait "$pid"; then
			cat "$WORK/out"
			return 1
		fi
		is_whole
		moss rmi --no-trash "$PROXY/two:1" >/dev/null
	done
	moss system check
	[ -z "$(ls -A "$ROOT/parts")$(ls -A "$ROOT/tmp")" ]
}
