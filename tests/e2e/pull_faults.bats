#!/usr/bin/env bats
# pull: everything that goes wrong between here and the registry.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	proxy_start
}

teardown() {
	registry_stop_all
	store_drop
}

# Nothing half-made is visible: no image, no layer.
nothing_visible() {
	run moss images -q
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$(ls "$ROOT/layers" "$ROOT/tmp" 2>/dev/null | grep -v :)" ]
	run sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check'
	[ "$output" = ok ]
}

fails() { # IMAGE TEXT...
	local image=$1 text
	shift
	run moss pull --retry-delay 10ms "$image"
	echo "$output"
	[ "$status" -eq 1 ]
	for text in "$@"; do
		[[ "$output" == *"$text"* ]]
	done
}

@test "registry down, unknown host" {
	fails "127.0.0.1:1/x:1" 'dial tcp 127.0.0.1:1: connect: connection refused' 'is the server running'
	fails "no-such-host.invalid/x:1" "no such host" "/etc/resolv.conf"
	nothing_visible
}

@test "a cut connection is resumed where it ended" {
	fault 0 "$(layer_digest big 1)" cut 5000000
	moss pull -q --retry-delay 10ms "$PROXY/big:1"
	[ "$(requests 'range=bytes=[1-9]')" -ge 2 ]
	image_sh "$PROXY/big:1" 'true'
	[ -z "$(ls "$ROOT/parts")" ]
}

@test "a server that ignores Range" {
	fault 1 "$(layer_digest big 1)" cut 5000000
	fault 0 /big/blobs/ norange
	moss pull -q --retry-delay 10ms "$PROXY/big:1"
	[ "$(requests 'range=bytes=[1-9].*norange')" -ge 1 ]
	moss pull -q "$PROXY/big:1"
}

@test "what an interrupted pull left is used by the next one" {
	fault 0 /big/blobs/ slow 10000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 sh -c "find '$ROOT/parts' -maxdepth 1 -size +1500k | grep -q ."
	kill -9 "$pid"
	wait "$pid" || true
	nothing_visible
	[ -n "$(ls "$ROOT/parts")" ]
	no_faults
	: >"$WORK/proxy.log"
	moss pull -q "$PROXY/big:1"
	[ "$(requests 'range=bytes=[1-9]')" -ge 1 ]
	image_sh "$PROXY/big:1" true
	[ -z "$(ls "$ROOT/parts")" ]
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "a damaged part file is fetched anew" {
	fault 0 /big/blobs/ slow 10000000
	moss_start pull -q "$PROXY/big:1"
	wait_for 10 sh -c "find '$ROOT/parts' -maxdepth 1 -size +1500k | grep -q ."
	kill -9 "$pid"
	wait "$pid" || true
	no_faults
	part=$(find "$ROOT/parts" -maxdepth 1 -size +1500k | head -1)
	printf 'damage' | dd of="$part" bs=1 seek=5000 conv=notrunc status=none
	moss pull -q "$PROXY/big:1"
	image_sh "$PROXY/big:1" true
}

@test "500s that pass are waited out, those that stay are told" {
	fault 2 /docker/manifests/ status 503
	fault 2 /docker/blobs/ status 500
	moss pull -q --retry-delay 10ms "$PROXY/docker:1"
	moss rmi -f --no-trash "$PROXY/docker:1"
	no_faults
	fault 0 /list/manifests/ status 503
	fails "$PROXY/list:1" "received unexpected HTTP status: 503 Service Unavailable"
	no_faults
	fault 0 /index/blobs/ status 502
	fails "$PROXY/index:1" "502 Bad Gateway"
	nothing_visible
}

@test "429: a short Retry-After is honoured, a long one is told with its time" {
	fault 1 /docker/manifests/ status 429 1
	start=$(date +%s%N)
	moss pull -q "$PROXY/docker:1"
	[ $(($(date +%s%N) - start)) -ge 1000000000 ]
	no_faults
	fault 0 /list/manifests/ status 429 3600
	fails "$PROXY/list:1" toomanyrequests "the registry answers again after" "(in 1 h)"
}

@test "404 for a manifest and for a blob, HTML instead of JSON" {
	fault 0 /docker/manifests/ html 404
	fails "$PROXY/docker:1" "manifest for $PROXY/docker:1 not found: manifest unknown: manifest unknown"
	no_faults
	fault 0 /docker/blobs/ html 404
	fails "$PROXY/docker:1" "blob sha256:" "not found"
	no_faults
	fault 0 /docker/manifests/ html 400
	fails "$PROXY/docker:1" "400"
	[[ "$output" != *$'\033'* ]]
	no_faults
	fault 0 /docker/manifests/ html 200
	fails "$PROXY/docker:1"
	nothing_visible
}

@test "altered bytes of a layer, a config, a manifest" {
	fault 0 /docker/blobs/ alter
	fails "$PROXY/docker:1" "digest is sha256:"
	nothing_visible
	no_faults
	fault 0 "$(layer_digest docker 1)" alter
	fails "$PROXY/docker:1" "filesystem layer verification failed for digest $(layer_digest docker 1)"
	nothing_visible
	no_faults
	digest=$(moss pull "$PROXY/docker:1" | sed -n 's/^Digest: //p')
	moss rmi -f --no-trash "$PROXY/docker:1"
	fault 0 /docker/manifests/ alter
	fails "$PROXY/docker@$digest" "manifest verification failed for digest $digest"
	no_faults
	fault 0 /big/blobs/ alter
	fails "$PROXY/big:1"
	no_faults
	moss pull -q "$PROXY/big:1"
}

@test "truncated and overlong blobs" {
	layer=$(layer_digest docker 1)
	fault 0 "/docker/blobs/(?!$layer)" short 50
	fails "$PROXY/docker:1" "another size than the manifest's"
	no_faults
	fault 0 "$layer" short 50
	fails "$PROXY/docker:1" "another size than the manifest's"
	no_faults
	fault 0 "$layer" more 50
	fails "$PROXY/docker:1" "another size than the manifest's"
	nothing_visible
	no_faults
	fails "$PROXY/bad-size:1" "another size than the manifest's"
	fails "$PROXY/bad-diffid:1" "diff ID"
	[ -z "$(ls -A "$ROOT/trash")" ]
	nothing_visible
}

@test "wrong media types" {
	fault 0 /docker/manifests/ type application/vnd.oci.image.index.v1+json
	fails "$PROXY/docker:1"
	no_faults
	fault 0 /docker/manifests/ type application/vnd.oci.image.manifest.v1+json
	fails "$PROXY/docker:1" "does not match"
	no_faults
	fault 0 /index/manifests/1 type application/vnd.oci.image.manifest.v1+json
	fails "$PROXY/index:1"
	nothing_visible
}

@test "a manifest of 100 MB is refused without reading it" {
	fault 0 /docker/manifests/ huge 100
	fails "$PROXY/docker:1" "larger than"
	nothing_visible
}

@test "headers that lie: Content-Range, Content-Length, Content-Encoding, the digest" {
	local layer
	layer=$(layer_digest big 1)
	fault 1 "$layer" cut 1000000
	fault 0 "$layer" header Content-Range "bytes 5-9/10"
	fails "$PROXY/big:1" "blob $layer: the registry sends another "
	no_faults
	fault 1 "$layer" cut 1000000
	fault 0 "$layer" header Content-Range "bytes 99999999999999999999-/*"
	fails "$PROXY/big:1" "blob $layer: the registry sends another part than asked for"
	no_faults
	fault 1 "$layer" cut 1000000
	fault 0 "$layer" header Content-Length 9223372036854775807
	fails "$PROXY/big:1" "blob $layer: the registry sends another size than the manifest's"
	no_faults
	# Nobody has asked for it to be compressed, so the bytes are what they are.
	fault 0 "$layer" header Content-Encoding gzip
	fault 0 . header Docker-Content-Digest "sha256:$(printf '0%.0s' {1..64})"
	moss pull -q --retry-delay 10ms "$PROXY/docker:1"
	moss rmi -f --no-trash "$PROXY/docker:1"
	no_faults
	fault 0 . header Docker-Content-Digest "sha256:../../../../etc/passwd"
	moss pull -q --retry-delay 10ms "$PROXY/docker:1"
}

# WORDS ANSWER: of a manifest, in printf's notation; told with these words, no terminal's orders in them.
raw() {
	# shellcheck disable=SC2059 # it is a format
	printf "$2" >"$WORK/raw"
	no_faults
	fault 0 /docker/manifests/ raw "$WORK/raw"
	run timeout 60 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$1"* ]]
	[[ "$output" != *$'\033'* && "$output" != *$'\xc2\x9b'* ]]
}

@test "answers that are badly framed, or say absurd things" {
	local flood
	flood=$(printf '%200s' '' | sed 's/ /HTTP\/1.1 100 Continue\\r\\n\\r\\n/g')
	raw "moss: " "$flood"
	raw "moss: " 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nxxx'
	raw "moss: " 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n'
	raw "moss: " 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}'
	raw "moss: " 'HTTP/1.1 200 OK\r\nContent-Type: a\0b\r\nContent-Length: 2\r\n\r\n{}'
	raw "unexpected HTTP status: 302" 'HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n'
	raw "unexpected HTTP status: 206" 'HTTP/1.1 206 X\r\nContent-Length: 2\r\n\r\n{}'
	raw "authentication required" 'HTTP/1.1 401 X\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Digest realm=x, nonce=y\r\nContent-Length: 0\r\n\r\n'
	raw "limits how often it may be asked" 'HTTP/1.1 429 X\r\nRetry-After: 99999999999999999999999\r\nContent-Length: 0\r\n\r\n'
	raw "limits how often it may be asked" 'HTTP/1.1 429 X\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n'
	raw "answers again after" 'HTTP/1.1 429 X\r\nRateLimit-Limit: 99999999999999999999;w=9999999999\r\nRateLimit-Reset: 253402300799\r\nContent-Length: 0\r\n\r\n'
	raw "503" 'HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n'
	raw "HTTP status 400" 'HTTP/1.1 400 X\r\nContent-Length: 60\r\n\r\n{"errors":[{"code":"A\\u001b[31m","message":"\\u009b31mbad"}]}    '
	nothing_visible
}

@test "headers without end" {
	fault 0 /docker/manifests/ endless
	run timeout 60 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	nothing_visible
}

@test "--all-tags: a list of tags whose next page is itself, another host's, or no list" {
	fault 0 /tags/list header Link "</v2/tags/tags/list>; rel=\"next\""
	run moss pull -q --all-tags "$PROXY/tags"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/v2/tags/tags/list: the list does not end"* ]]
	[ "$(requests /tags/list)" -lt 5 ]
	no_faults
	fault 0 /tags/list header Link "<http://127.0.0.1:1/v2/tags/tags/list>; rel=\"next\""
	moss pull -q --all-tags "$PROXY/tags"
	no_faults
	fault 0 /tags/list html 200
	run moss pull -q --all-tags "$PROXY/tags"
	[ "$status" -eq 1 ]
	[[ "$output" == *"list of tags: not valid JSON"* ]]
}

@test "endless redirects, hang-ups, no HTTP at all" {
	fault 0 /docker/manifests/ redirect "http://$PROXY"
	fails "$PROXY/docker:1" "redirects"
	no_faults
	fault 0 /list/manifests/ hangup
	fails "$PROXY/list:1" EOF
	no_faults
	fault 0 /list/manifests/ garbage
	fails "$PROXY/list:1"
	no_faults
	fault 1 /list/manifests/ hangup
	moss pull -q --retry-delay 10ms "$PROXY/list:1"
}

@test "redirects are followed, and a resume starts at the registry again" {
	registry=$REG
	fault 2 /big/blobs/ redirect "http://$registry"
	fault 1 /big/blobs/ cut 1000000
	fault 0 /big/blobs/ redirect "http://$registry"
	moss pull -q --retry-delay 10ms "$PROXY/big:1"
}

# Half-made is: an image whose layers are not all there, anything in tmp that stays.
is_sound() {
	local names
	run moss images -q
	[ "$status" -eq 0 ]
	names=$output
	[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
	[ -z "$(ls -A "$ROOT/tmp")" ]
	[ "$(find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$(sqlite3 "$ROOT/moss.db" 'SELECT count(*) FROM layer')" ]
	[ -z "$names" ] || image_sh "$PROXY/big:1" 'test -e /noise'
}

# SECONDS of one whole pull, for spreading the points over it.
pull_seconds() {
	local start
	start=$(date +%s%N)
	moss pull -q "$PROXY/big:1" >/dev/null
	echo "$(($(date +%s%N) - start))" | awk '{print $1 / 1e9}'
	moss rmi -f --no-trash "$PROXY/big:1" >/dev/null
}

@test "moss is killed at 20 points: nothing half-made, the next pull works" {
	local i whole
	fault 0 /big/blobs/ slow 60000000
	whole=$(pull_seconds)
	for i in {1..20}; do
		moss_start pull -q "$PROXY/big:1"
		sleep "$(awk -v w="$whole" -v i="$i" 'BEGIN {print w * i / 20}')"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" || true
		is_sound
		moss rmi -f --no-trash "$PROXY/big:1" >/dev/null 2>&1 || true
	done
	moss pull -q "$PROXY/big:1"
	is_sound
}

@test "a helper is killed at 20 points: an error or an image, the next pull works" {
	local i whole status failed=0
	fault 0 /big/blobs/ slow 60000000
	whole=$(pull_seconds)
	for i in {1..20}; do
		moss_start pull -q "$PROXY/big:1"
		sleep "$(awk -v w="$whole" -v i="$i" 'BEGIN {print w * i / 20}')"
		helpers=$(ps --ppid "$pid" -o pid= || true)
		# shellcheck disable=SC2086 # a list
		[ -z "$helpers" ] || kill -9 "$(shuf -n 1 -e $helpers)" 2>/dev/null || true
		status=0
		wait "$pid" || status=$?
		[ "$status" -le 1 ]
		[ "$status" -eq 0 ] || { failed=$((failed + 1)); [ -s "$WORK/out" ]; }
		is_sound
		moss rmi -f --no-trash "$PROXY/big:1" >/dev/null 2>&1 || true
	done
	[ $failed -ge 5 ]
	moss pull -q "$PROXY/big:1"
	is_sound
}

@test "eight pulls at once, of one image and of others that share its layers" {
	local i pids=()
	fault 0 /blobs/ slow 60000000
	for i in big big big big multi docker tags twice; do
		tag=$([ $i = tags ] && echo a || echo 1)
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull -q "$PROXY/$i:$tag" >"$WORK/out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || { cat "$WORK"/out.*; return 1; }
	done
	is_sound
	# Every layer came once over the wire; configs are fetched by each.
	layer=$(layer_digest big 1)
	[ "$(requests "GET .*/$layer")" -eq 1 ]
	base=$(layer_digest big 0)
	[ "$(requests "GET .*/$base")" -eq 1 ]
	[ -z "$(ls "$ROOT/parts")" ]
}

@test "a helper that is killed is an error, and the next pull works" {
	local program helper status
	for program in moss-transfer moss-unpack; do
		rm -rf "$ROOT/parts"
		no_faults
		fault 0 "$(layer_digest big 1)" slow 5000000
		moss_start pull -q "$PROXY/big:1"
		wait_for 10 sh -c "find '$ROOT/parts' -maxdepth 1 -size +1500k | grep -q ."
		# The last unpacker is that of the slow layer.
		helper=$(ps --ppid "$pid" -o pid=,comm= | awk -v c=$program '$2 == c {print $1}' | tail -1)
		[ -n "$helper" ]
		kill -9 "$helper"
		status=0
		wait "$pid" || status=$?
		cat "$WORK/out"
		[ "$status" -eq 1 ]
		# Whichever is seen first: the helper's end, or the layer that it cut short.
		grep -Eq 'died unexpectedly|verification failed' "$WORK/out"
		nothing_visible
	done
	no_faults
	moss pull -q "$PROXY/big:1"
	image_sh "$PROXY/big:1" true
}

@test "Ctrl-C leaves parts only" {
	fault 0 /big/blobs/ slow 10000000
	status=0
	timeout --foreground -s INT 1 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull "$PROXY/big:1" \
		>"$WORK/out" 2>&1 3>&- || status=$?
	[ "$status" -ne 0 ]
	nothing_visible
	[ -n "$(ls "$ROOT/parts")" ]
	no_faults
	moss pull -q "$PROXY/big:1"
	[ -z "$(ls "$ROOT/tmp" "$ROOT/parts" | grep sha256)" ]
}

@test "a transfer that stands still is taken up again; without --retry it fails; a slow one has all the time" {
	layer=$(layer_digest big 1)
	fault 1 "$layer" stall 1000000 60
	MOSS_STALL_SECONDS=1 moss pull -q --retry-delay 10ms "$PROXY/big:1"
	[ "$(requests 'range=bytes=[1-9]')" -ge 1 ]
	moss rmi -f --no-trash "$PROXY/big:1"
	no_faults
	fault 0 "$layer" stall 1000000 60
	MOSS_STALL_SECONDS=1 run moss pull --retry 0 "$PROXY/big:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"i/o timeout"* ]]
	no_faults
	size=$(curl -sfI "http://$REG/v2/big/blobs/$layer" | tr -d '\r' | sed -n 's/^Content-Length: //Ip')
	in_userns rm -rf "$ROOT"/parts/*
	fault 0 "$layer" slow $((size / 7))
	start=$SECONDS
	MOSS_STALL_SECONDS=3 moss pull -q --retry 0 "$PROXY/big:1"
	[ $((SECONDS - start)) -ge 5 ]
}
