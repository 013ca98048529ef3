#!/usr/bin/env bats
# pull: who may, and who learns what.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
}

teardown() {
	registry_stop_all
	store_drop
}

@test "basic: without credentials, with wrong ones, with the right ones" {
	registry_start htpasswd
	run moss pull "$REG/docker:1"
	[ "$status" -eq 1 ]
	[[ "${lines[-2]}" == *"no basic auth credentials" ]]
	[ "${lines[-1]}" = "log in: moss login $REG" ]
	docker_config "$REG" alice:wrong
	run moss pull "$REG/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized: authentication required"* ]]
	[ "${lines[-1]}" = "log in: moss login $REG" ]
	echo "{\"auths\":{\"$REG\":{\"auth\":\"!\"}}}" >"$HOME/.docker/config.json"
	run moss pull "$REG/docker:1"
	[[ "$output" == *"warning: the credentials for $REG are not used: \"auth\" is not USER:PASSWORD in base64"* ]]
	docker_config "$REG" alice:secret
	moss pull -q "$REG/docker:1"
}

@test "basic: --creds, --authfile, REGISTRY_AUTH_FILE, --config, DOCKER_CONFIG, DOCKER_AUTH_CONFIG" {
	registry_start htpasswd
	moss pull -q --creds alice:secret "$REG/docker:1"
	docker_config "$REG" alice:secret
	mv "$HOME/.docker" "$WORK/dot"
	run moss pull "$REG/list:1"
	[ "$status" -eq 1 ]
	moss pull -q --authfile "$WORK/dot/config.json" "$REG/list:1"
	REGISTRY_AUTH_FILE=$WORK/dot/config.json moss pull -q "$REG/index:1"
	moss --config "$WORK/dot" pull -q "$REG/multi:1"
	DOCKER_CONFIG=$WORK/dot moss pull -q "$REG/tags:a"
	DOCKER_AUTH_CONFIG=$(cat "$WORK/dot/config.json") moss pull -q "$REG/tags:b"
	run moss pull --authfile "$WORK/missing" "$REG/tags:c"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$WORK/missing"* ]]
}

@test "basic: containers/auth.json, the most specific key wins" {
	registry_start htpasswd
	mkdir -p "$WORK/runtime/containers"
	good=$(printf alice:secret | base64) bad=$(printf alice:wrong | base64)
	cat >"$WORK/runtime/containers/auth.json" <<-JSON
		{"auths": {"$REG": {"auth": "$bad"}, "$REG/docker": {"auth": "$good"}}}
	JSON
	XDG_RUNTIME_DIR=$WORK/runtime moss pull -q "$REG/docker:1"
	XDG_RUNTIME_DIR=$WORK/runtime run moss pull "$REG/list:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized"* ]]
}

@test "credential helpers: credsStore and credHelpers; a broken one is a warning" {
	registry_start htpasswd
	mkdir -p "$WORK/bin" "$HOME/.docker"
	cat >"$WORK/bin/docker-credential-trial" <<-'SH'
		#!/bin/sh
		read -r server
		echo "$1 $server" >>"$WORK/helper.log"
		echo '{"ServerURL":"x","Username":"alice","Secret":"secret"}'
	SH
	chmod +x "$WORK/bin/docker-credential-trial"
	echo '{"credsStore":"trial"}' >"$HOME/.docker/config.json"
	PATH=$WORK/bin:$PATH moss pull -q "$REG/docker:1"
	[ "$(cat "$WORK/helper.log")" = "get $REG" ]
	echo "{\"credsStore\":\"none\",\"credHelpers\":{\"$REG\":\"trial\"}}" >"$HOME/.docker/config.json"
	PATH=$WORK/bin:$PATH moss pull -q "$REG/list:1"
	echo '{"credsStore":"missing"}' >"$HOME/.docker/config.json"
	run moss pull "$REG/multi:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"docker-credential-missing"* ]]
	[[ "$output" == *"no basic auth credentials"* ]]
}

@test "token: anonymous, with a password, with an identity token" {
	registry_start token
	moss pull -q "$REG/docker:1"
	grep -q 'GET /token?.*service=registry.*as=nobody' "$WORK/tokens.log"
	# One may not know whether it exists.
	for name in app:1 nosuch:1; do
		run moss pull "$REG/private/$name"
		[ "$status" -eq 1 ]
		[ "${lines[0]}" = "moss: pull access denied for $REG/private/${name%:1}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied" ]
	done
	docker_config "$REG" alice:secret
	moss pull -q "$REG/private/app:1"
	grep -q 'account=alice.*as=basic' "$WORK/tokens.log"
	moss rmi -f --no-trash "$REG/private/app:1"
	echo "{\"auths\":{\"$REG\":{\"identitytoken\":\"refresh-alice\"}}}" >"$HOME/.docker/config.json"
	moss pull -q "$REG/private/app:1"
	grep -q 'POST /token as=refresh' "$WORK/tokens.log"
	docker_config "$REG" alice:wrong
	run moss pull "$REG/private/app:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized: incorrect username or password"* ]]
}

@test "token: one that is refused during the pull is renewed" {
	registry_start token
	proxy_start
	layer=$(curl -sf "http://$TOKENS/token?service=registry&scope=repository:big:pull" | jq -r .token |
		{
			read -r token
			curl -sf -H "Authorization: Bearer $token" "http://$REG/v2/big/manifests/1" \
				-H 'Accept: application/vnd.oci.image.manifest.v1+json'
		} | jq -r '.layers[1].digest')
	: >"$WORK/tokens.log"
	fault 1 "$layer" cut 100000
	fault 1 "$layer" expired "http://$TOKENS/token"
	moss pull -q --retry-delay 10ms "$PROXY/big:1"
	[ "$(wc -l <"$WORK/tokens.log")" -ge 2 ]
}

@test "token: one that expires in the middle of a long pull is renewed; what has arrived stays" {
	# The registry grants a minute more than the token says: it lives three seconds.
	TOKEN_SECONDS=-57 registry_start token
	proxy_start
	layer=$(curl -sf "http://$TOKENS/token?service=registry&scope=repository:big:pull" | jq -r .token |
		{
			read -r token
			curl -sf -H "Authorization: Bearer $token" "http://$REG/v2/big/manifests/1" \
				-H 'Accept: application/vnd.oci.image.manifest.v1+json'
		} | jq -r '.layers[1].digest')
	docker_config "$PROXY" alice:secret
	: >"$WORK/tokens.log"
	fault 1 "$layer" stall 1000000 60
	MOSS_STALL_SECONDS=5 moss pull -q --retry-delay 10ms "$PROXY/big:1"
	[ "$(grep -c as=basic "$WORK/tokens.log")" -ge 2 ]
	# Asked for with the old token, then with the new one, and only for the rest.
	[ "$(requests "$layer range=bytes=[1-9].*auth=Bearer")" -ge 2 ]
	image_sh "$PROXY/big:1" true
	run grep -c 'auth=Basic' "$WORK/proxy.log"
	[ "$output" = 0 ]
}

@test "token: the challenge of a host that we were sent to is nobody's business" {
	registry_start htpasswd
	proxy_start
	docker_config "$PROXY" alice:secret
	first=$PROXY first_rules=$WORK/rules
	registry_start
	certificates
	token_server_start
	server_start second faultproxy.py "$REG" "$WORK/rules2" "$WORK/second.log"
	other=localhost:$(cat "$WORK/second.port")
	echo "0 /blobs/ redirect http://$other" >"$first_rules"
	echo "0 /blobs/ realm http://$TOKENS/token" >"$WORK/rules2"
	run moss pull --retry 0 "$first/docker:1"
	[ "$status" -eq 1 ]
	[ "$(grep -c /blobs/ "$WORK/second.log")" -ge 1 ]
	[ ! -s "$WORK/tokens.log" ]
	run grep -c 'auth=Basic' "$WORK/second.log"
	[ "$output" = 0 ]
}

# A token server whose answers are ours: $ANSWER is the file they are read from.
answers_start() {
	registry_start
	proxy_start
	ANSWER=$WORK/answer
	server_start answers faultproxy.py "$REG" "$WORK/rules2" "$WORK/answers.log"
	ANSWERS=127.0.0.1:$(cat "$WORK/answers.port")
	echo "0 ^GET./token page $ANSWER" >"$WORK/rules2"
	fault 0 /docker/ realm "http://$ANSWERS/token"
	docker_config "$PROXY" alice:secret
}

@test "token: answers that are too large, hold none, or one that breaks a header" {
	answers_start
	python3 -c 'print("{\"token\":\"" + "t" * 70000 + "\"}")' >"$ANSWER"
	run moss pull --retry 0 "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the answer of the token server http://$ANSWERS/token is larger than 65536 bytes"* ]]
	local answer
	for answer in '{"token":"a\r\nX-Evil: 1"}' '{"token":"a b"}' '{"token":7}' '{}' '[]' '{"token":""}'; do
		printf '%s' "$answer" >"$ANSWER"
		run moss pull --retry 0 "$PROXY/docker:1"
		echo "$answer: $output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"the token server http://$ANSWERS/token gave no token"* ]]
	done
	printf '<html>' >"$ANSWER"
	run moss pull --retry 0 "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"answer of the token server: not valid JSON"* ]]
	printf '{"token":"geheim\n"}' >"$ANSWER"
	run moss pull --retry 0 "$PROXY/docker:1"
	[[ "$output" == *"answer of the token server: not valid JSON"* ]]
	[[ "$output" != *geheim* ]]
	[ "$(requests auth=Bearer)" = 0 ]
}

@test "token: a server that takes every answer for a wrong one is asked twice, not for ever" {
	answers_start
	echo '{"token":"good"}' >"$ANSWER"
	run moss pull --retry 0 "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized"* ]]
	[ "$(wc -l <"$WORK/answers.log")" -eq 2 ]
}

@test "token: a realm that is no address of a web server, has a user, or a fragment" {
	answers_start
	echo '{"token":"good"}' >"$ANSWER"
	echo topsecret >"$WORK/file"
	local realm
	for realm in "file://$WORK/file" "unix:///run/x" "ftp://$ANSWERS/x" "http://bob:pw@$ANSWERS/token" "/token" ""; do
		no_faults
		fault 0 /docker/ realm "$realm"
		run moss pull --retry 0 "$PROXY/docker:1"
		[ "$status" -eq 1 ]
		[[ "$output" != *topsecret* && "$output" != *pw@* ]]
	done
	[ ! -s "$WORK/answers.log" ]
	# What stands behind a # is no part of the request, the scope is.
	no_faults
	fault 0 /docker/ realm "http://$ANSWERS/token?a=b#c"
	run moss pull --retry 0 "$PROXY/docker:1"
	grep -q "GET /token?a=b&account=alice&service=registry&scope=repository%3Adocker%3Apull " "$WORK/answers.log"
}

@test "redirects to anything but a web server, and back to the registry" {
	registry_start
	proxy_start
	echo topsecret >"$WORK/file"
	local place
	for place in "file://$WORK/file" "unix://$WORK/file" "ftp://127.0.0.1/x" "http://bob:pw@127.0.0.1/x" "http://" \
		"gopher://127.0.0.1/x" "http://[::1/x" "javascript:x"; do
		no_faults
		fault 0 /docker/blobs/ to "$place"
		run moss pull --retry 0 "$PROXY/docker:1"
		[ "$status" -eq 1 ]
		[[ "$output" == *"redirects to no valid address"* ]]
		[[ "$output" != *topsecret* && "$output" != *pw* ]]
	done
	# The registry's own host once more gets the credentials again, another port of it none.
	docker_config "$PROXY" alice:secret
	server_start second faultproxy.py "$REG" "$WORK/rules2" "$WORK/second.log"
	second=127.0.0.1:$(cat "$WORK/second.port")
	no_faults
	fault 0 /docker/blobs/ redirect "http://$second"
	fault 0 action=none realm x
	moss pull -q "$PROXY/docker:1"
	run grep -c 'auth=Basic' "$WORK/second.log"
	[ "$output" = 0 ]
}

@test "a signed address is not shown: neither in errors nor with --debug" {
	registry_start
	proxy_start
	fault 0 /docker/blobs/ to "http://127.0.0.1:1/blob?X-Amz-Signature=geheim&sig=geheim#geheim"
	MOSS_DEBUG=1 run moss --debug pull --retry 1 --retry-delay 10ms "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *'Get "http://127.0.0.1:1/blob": dial tcp 127.0.0.1:1: connect: connection refused'* ]]
	[[ "$output" != *geheim* ]]
	no_faults
	fault 0 /docker/blobs/ to "/v2/docker/blobs/again?sig=geheim"
	MOSS_DEBUG=1 run moss --debug pull --retry 0 "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"stopped after 10 redirects"* ]]
	[[ "$output" != *geheim* ]]
}

@test "the urls of a layer are not followed, with or without credentials" {
	registry_serve "$WORK/data" "$WORK/own.yml" "" ""
	skopeo copy -q --dest-tls-verify=false "docker-archive:$(busybox_archive)" "docker://$REG/image:1"
	own=$REG
	registry_start
	server_start second faultproxy.py "$REG" "$WORK/rules2" "$WORK/second.log"
	away=127.0.0.1:$(cat "$WORK/second.port")
	curl -sf "http://$own/v2/image/manifests/1" -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' |
		jq -c --arg u "http://$away/blob" '.layers |= map(.urls = [$u])' >"$WORK/manifest"
	curl -sf -X PUT "http://$own/v2/image/manifests/urls" --data-binary "@$WORK/manifest" \
		-H 'Content-Type: application/vnd.docker.distribution.manifest.v2+json'
	docker_config "$own" alice:secret
	moss pull -q "$own/image:urls"
	# A layer that is nowhere else is refused.
	jq -c --arg u "http://$away/blob" '.layers |= map(.mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" |
		.digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")' "$WORK/manifest" >"$WORK/foreign"
	curl -sf -X PUT "http://$own/v2/image/manifests/foreign" --data-binary "@$WORK/foreign" \
		-H 'Content-Type: application/vnd.docker.distribution.manifest.v2+json' || true
	run moss pull "$own/image:foreign"
	[ "$status" -eq 1 ]
	[ ! -e "$WORK/second.log" ] || [ ! -s "$WORK/second.log" ]
}

@test "rate limits: Docker's words, the limit and when it ends; Retry-After in seconds and as a date" {
	registry_start
	proxy_start
	fault 0 /docker/manifests/ limited 21600
	run moss pull --retry 0 "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"* ]]
	[[ "$output" == *"the registry allows 100 requests in 6 h, 0 are left; it answers again in 6 h at the latest"* ]]
	no_faults
	fault 0 /docker/manifests/ limited 21600 7500
	run moss pull "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"0 are left; it answers again after $(date +%Y)-"*" (in 2 h 5 min)"* ]]
	no_faults
	fault 0 /docker/manifests/ limited 21600 date:7530
	run moss pull "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *" (in 2 h 5 min)"* ]]
	# Short ones are waited for.
	no_faults
	fault 1 /docker/manifests/ limited 21600 1
	moss pull -q "$PROXY/docker:1"
	no_faults
	fault 1 /list/manifests/ limited 21600 date:2
	moss pull -q "$PROXY/list:1"
}

@test "denied" {
	registry_start
	proxy_start
	fault 0 /docker/manifests/ deny
	run moss pull "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"pull access denied for $PROXY/docker, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"* ]]
}

@test "a redirect to another host gets no credentials" {
	registry_start htpasswd
	# Another registry without authentication holds the blobs; a proxy before each.
	proxy_start
	docker_config "$PROXY" alice:secret
	first=$PROXY first_rules=$WORK/rules
	registry_start
	server_start second faultproxy.py "$REG" "$WORK/rules2" "$WORK/second.log"
	other=localhost:$(cat "$WORK/second.port")
	echo "0 /blobs/ redirect http://$other" >"$first_rules"
	moss pull -q "$first/docker:1"
	grep -q 'GET .*/blobs/.*auth=-' "$WORK/second.log"
	run grep -c 'auth=Basic' "$WORK/second.log"
	[ "$output" = 0 ]
	grep -q 'manifests.*auth=Basic' "$WORK/proxy.log"
}

@test "a redirect from HTTPS to HTTP is refused" {
	registry_start
	plain=$REG
	proxy_start
	registry_start tls
	# TLS in front of the proxy.
	port=$(free_port)
	socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,cert=$WORK/server.crt,key=$WORK/server.key,verify=0" \
		"TCP:$PROXY" 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 5 registry_answers "$port" $!
	fault 0 /blobs/ redirect "http://$plain"
	SSL_CERT_FILE=$WORK/ca.crt run moss pull "localhost:$port/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"redirects from HTTPS to HTTP: refused"* ]]
}

@test "a registry with TLS that names a token server without: refused, nothing is sent there" {
	registry_start tls token
	host=localhost:${REG#*:}
	docker_config "$host" alice:secret
	: >"$WORK/tokens.log"
	SSL_CERT_FILE=$WORK/ca.crt run moss pull "$host/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"without TLS: refused"* ]]
	[ ! -s "$WORK/tokens.log" ]
}

@test "no password in arguments, environment, output or the database" {
	registry_start htpasswd
	proxy_start
	docker_config "$PROXY" alice:secret
	fault 0 /big/blobs/ slow 8000000
	MOSS_DEBUG=1 moss_start --debug pull "$PROXY/big:1"
	wait_for 5 grep -q 'GET .*/blobs/' "$WORK/proxy.log"
	seen=0
	for p in $(ps --ppid "$pid" -o pid=) "$pid"; do
		run cat "/proc/$p/cmdline" "/proc/$p/environ"
		[[ "$output" != *secret* ]]
		seen=$((seen + 1))
	done
	[ "$seen" -gt 1 ]
	wait "$pid"
	run grep -c -e secret -e "$(printf alice:secret | base64)" "$WORK/out"
	[ "$output" = 0 ]
	run grep -rlc "$(printf alice:secret | base64)" "$ROOT/moss.db" "$ROOT/parts"
	[ "$status" -ne 0 ]
	for what in "image inspect $PROXY/big:1" info "history $PROXY/big:1" "events --since 1h --until 0s"; do
		# shellcheck disable=SC2086 # words; history may not be there yet
		run moss $what
		[[ "$output" != *secret* ]]
	done
}

@test "no token in output or in the store" {
	registry_start token
	proxy_start
	docker_config "$PROXY" alice:secret
	MOSS_DEBUG=1 moss --debug pull "$PROXY/docker:1" >"$WORK/out" 2>&1
	grep -q 'auth=Bearer' "$WORK/proxy.log"
	# Tokens are JSON in base64.
	run grep -c -e 'eyJ' -e secret "$WORK/out"
	[ "$output" = 0 ]
	run grep -rl -e 'eyJhbGci' -e 'Bearer ' "$ROOT/moss.db" "$ROOT/moss.db-wal" "$ROOT/parts" "$ROOT/tmp"
	[ -z "$output" ]
}
