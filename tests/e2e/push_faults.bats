#!/usr/bin/env bats
# push: everything that goes wrong between here and the registry.
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	SOURCE=$REG
	registry_start_empty to
	proxy_start
	moss pull -q "$SOURCE/big:1"
	moss tag "$SOURCE/big:1" "$PROXY/big:1"
}

teardown() {
	registry_stop_all
	store_drop
}

# The proxy's upload address of the big layer: PATCH requests of more than a megabyte are its.
layer() { layer_digest_of "$SOURCE" big 1; }
layer_digest_of() { REG=$1 layer_digest "$2" "$3"; }

push() { moss push --retry-delay 10ms "$@" "$PROXY/big:1"; }
same_there() { [ "$(remote_digest "$REG/big:1")" = "$(remote_digest "$SOURCE/big:1")" ]; }

fails() { # TEXT...
	local text
	run push
	echo "$output"
	[ "$status" -eq 1 ]
	for text in "$@"; do
		[[ "$output" == *"$text"* ]]
	done
}

@test "a cut upload goes on where the registry left off" {
	fault 1 PATCH upkeep 500000
	fault 1 content-range=[1-9] upkeep 300000
	push
	same_there
	# It was asked, and the rest begins in the middle.
	[ "$(requests '^GET .*/blobs/uploads/')" -ge 1 ]
	[ "$(requests '^PATCH .*content-range=[1-9][0-9]*-')" -ge 1 ]
}

@test "a session that is lost begins anew" {
	fault 1 PATCH upcut 500000
	push
	same_there
	[ "$(requests '^POST .*/blobs/uploads/')" -ge 4 ]
}

@test "a registry without PATCH: all with the PUT" {
	fault 0 PATCH status 405
	push
	same_there
	[ "$(requests '^PATCH .*action=status')" -ge 1 ]
}

@test "5xx and 429 are tried again, each step of an upload" {
	fault 1 '^HEAD.*/blobs/sha256' status 503
	fault 1 '^POST.*/blobs/uploads' status 500
	fault 1 PATCH status 502
	fault 1 '^PUT.*/blobs/uploads' status 503
	fault 1 '^PUT.*/manifests/' status 429 0
	push
	same_there
}

@test "the answer to the last PUT is lost" {
	fault 1 '^PUT.*/blobs/uploads/.*digest=' hangup
	push
	same_there
}

@test "hang-ups everywhere" {
	fault 1 '^HEAD' hangup
	fault 1 '^POST' hangup
	fault 1 '^PUT.*/manifests/' hangup
	push
	same_there
}

@test "it does not try for ever" {
	fault 0 PATCH upcut 100
	run push --retry 2
	[ "$status" -eq 1 ]
	[ "$(requests ^PATCH)" -le 12 ]
	[ -z "$(ls "$ROOT/tmp")" ]
}

@test "a relative Location, and one on another host that learns no credentials" {
	fault 0 '^(POST|PATCH)' location relative
	push
	same_there
}

@test "an upload's address on another host learns no credentials" {
	registry_stop_all
	registry_start
	SOURCE=$REG
	registry_start_empty authed htpasswd
	AUTHED=$REG
	registry_start_empty open
	# What is asked for goes to the registry that wants to know who we are, the uploads elsewhere.
	server_start proxy2 faultproxy.py "$REG" "$WORK/rules2" "$WORK/proxy2.log"
	OTHER=127.0.0.1:$(cat "$WORK/proxy2.port")
	REG=$AUTHED
	proxy_start
	moss tag "$SOURCE/big:1" 2>/dev/null || moss pull -q "$SOURCE/big:1"
	moss tag "$SOURCE/big:1" "$PROXY/big:2"
	fault 0 '^POST' location "http://$OTHER"
	run moss push --retry 0 --creds alice:secret --retry-delay 10ms "$PROXY/big:2"
	[ "$status" -eq 1 ]
	# Of several uploads the first that is refused ends the push.
	grep -Eq '^(PATCH|PUT)' "$WORK/proxy2.log"
	[ "$(grep -c 'auth=Basic' "$WORK/proxy2.log")" = 0 ]
	[ "$(requests '^POST.*auth=Basic')" -ge 1 ]
}

@test "TLS: an upload's address without TLS is refused, and a mount's is not used" {
	certificates
	port=$(free_port)
	socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,cert=$WORK/server.crt,key=$WORK/server.key,verify=0" \
		"TCP:$PROXY" 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 5 registry_answers "$port" $!
	export SSL_CERT_FILE=$WORK/ca.crt
	host=localhost:$port
	server_start thief faultproxy.py "$REG" "$WORK/rules2" "$WORK/thief.log"
	thief=http://127.0.0.1:$(cat "$WORK/thief.port")
	: >"$WORK/thief.log"
	# The registry knows nothing of the TLS in front of it.
	fault 0 '^(POST|PATCH)' location relative
	moss tag "$SOURCE/big:1" "$host/one:1"
	moss push -q "$host/one:1"
	moss tag "$host/one:1" "$host/two:1"
	no_faults
	fault 0 '^HEAD' status 404
	fault 0 'mount=' to "$thief/v2/two/blobs/uploads/x" 202
	fault 0 '^(POST|PATCH)' location relative
	moss push -q "$host/two:1"
	[ "$(requests 'POST .*mount=')" -ge 1 ]
	no_faults
	fault 0 '^POST' to "$thief/v2/three/blobs/uploads/x" 202
	moss tag "$host/one:1" "$host/three:1"
	run moss push --retry 0 "$host/three:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the registry gave no valid address for the upload"* ]]
	[ ! -s "$WORK/thief.log" ]
}

@test "denied and unauthorized say so" {
	fault 0 '^POST' status 403
	fails "denied: requested access to the resource is denied"
	no_faults
	fault 0 '^POST' deny
	fails "requested access to the resource is denied"
	no_faults
	fault 0 '^PUT.*/manifests/' status 413
	fails "413"
}

@test "the registry answers with garbage" {
	fault 0 '^HEAD' garbage
	fails ""
	no_faults
	fault 0 '^POST' garbage
	fails ""
	no_faults
	fault 0 '^POST' html 202
	fails "no valid address for the upload"
	no_faults
	push -q
}

@test "a killed push leaves nothing behind and the next one works" {
	fault 0 PATCH slow 1000000
	moss_start push "$PROXY/big:1"
	wait_for 10 grep -q ^PATCH "$WORK/proxy.log"
	kill -9 "$pid"
	wait "$pid" || true
	no_faults
	[ -z "$(ls "$ROOT/tmp")" ]
	push
	same_there
}

@test "Ctrl-C stops at once" {
	fault 0 PATCH stall 0 30
	moss_start push "$PROXY/big:1"
	wait_for 10 grep -q ^PATCH "$WORK/proxy.log"
	local began=$SECONDS
	kill -INT "$pid"
	run wait "$pid"
	[ $((SECONDS - began)) -le 2 ]
}

@test "the source is gone: the layers are made again" {
	registry_stop_all
	registry_start_empty again
	moss tag "$SOURCE/big:1" "$REG/big:1"
	moss push --retry-delay 10ms "$REG/big:1"
	moss rmi -f --no-trash "$(moss images -q | head -1)"
	moss pull -q "$REG/big:1"
	image_sh "$REG/big:1" true
}

@test "the source gives other bytes: they do not arrive, the layers are made again" {
	moss rmi -f --no-trash "$SOURCE/big:1" "$PROXY/big:1"
	registry_stop_all
	registry_start
	proxy_start
	moss pull -q "$PROXY/big:1"
	fault 0 '^GET./v2/big/blobs/' alter
	registry_start_empty target
	moss tag "$PROXY/big:1" "$REG/big:1"
	moss push --retry-delay 10ms "$REG/big:1"
	moss rmi -f --no-trash "$(moss images -q | head -1)"
	moss pull -q "$REG/big:1"
	image_sh "$REG/big:1" true
}
