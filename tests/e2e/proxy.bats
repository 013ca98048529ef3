#!/usr/bin/env bats
# Proxies from the environment: HTTP, CONNECT, SOCKS, with and without credentials of their own.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
	: >"$WORK/forward.log"
}

teardown() {
	registry_stop_all
	store_drop
}

# [USER:PASSWORD]: $FORWARD is its host and port. Each name leads to 127.0.0.1 there.
forward_start() {
	server_start forward forwardproxy.py "$WORK/forward.log" "$@"
	FORWARD=127.0.0.1:$(cat "$WORK/forward.port")
}

# The certificate is for registry.test, a name that only the proxy knows.
registry_start_tls() {
	certificates DNS:registry.test
	registry_start tls
	HOST=registry.test:${REG#*:}
	export SSL_CERT_FILE=$WORK/ca.crt
}

@test "http_proxy: plain HTTP; upper case counts first, as with Docker" {
	registry_start
	forward_start
	host=registry.test:${REG#*:}
	http_proxy=http://$FORWARD moss pull -q --tls-verify=false "$host/docker:1"
	grep -q "^http GET http://$host/v2/docker/manifests/1 auth=none" "$WORK/forward.log"
	grep -q "^http GET http://$host/v2/docker/blobs/" "$WORK/forward.log"
	HTTP_PROXY=http://$FORWARD http_proxy=http://127.0.0.1:1 moss pull -q --tls-verify=false "$host/list:1"
	run moss pull --retry 0 --tls-verify=false "$host/multi:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"lookup registry.test: no such host"* ]]
}

@test "https_proxy: CONNECT, TLS end to end" {
	registry_start_tls
	forward_start
	https_proxy=http://$FORWARD moss pull -q "$HOST/docker:1"
	grep -q "^connect $HOST auth=none" "$WORK/forward.log"
	run grep -c '^http' "$WORK/forward.log"
	[ "$output" = 0 ]
	HTTPS_PROXY=http://$FORWARD moss pull -q "$HOST/list:1"
}

@test "a proxy's user: for CONNECT and for plain HTTP; the registry's credentials are another matter" {
	registry_start_tls
	forward_start bob:pro%xy
	https_proxy=http://bob:pro%25xy@$FORWARD moss pull -q "$HOST/docker:1"
	grep -q "^connect $HOST auth=ok" "$WORK/forward.log"
	run env https_proxy="http://bob:wrong@$FORWARD" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 "$HOST/list:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the proxy refused the connection: 407 Proxy Authentication Required"* ]]
	[[ "$output" == *"https_proxy=http://USER:PASSWORD@HOST:PORT"* ]]
	[[ "$output" != *wrong* ]]
	registry_start htpasswd
	host=registry.test:${REG#*:}
	docker_config "$host" alice:secret
	http_proxy=http://bob:pro%25xy@$FORWARD moss pull -q --tls-verify=false "$host/list:1"
	grep -q "^http GET http://$host/v2/list/manifests/1 auth=ok" "$WORK/forward.log"
	run env http_proxy="http://$FORWARD" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 --tls-verify=false "$host/multi:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the proxy refused the request: 407 Proxy Authentication Required"* ]]
}

@test "a proxy that is not there, and one that reaches nothing" {
	registry_start_tls
	forward_start
	run env https_proxy=http://127.0.0.1:1 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 "$HOST/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused"* ]]
	run env https_proxy="http://$FORWARD" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 registry.test:1/docker:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the proxy refused the connection: 502 Bad Gateway"* ]]
}

@test "a proxy whose address cannot be used: told without its password, and not tried again" {
	local url=registry.test:1/docker:1 proxy
	for proxy in 'http://user:se/cret@127.0.0.1:1' 'ftp://user:se%2Fcret@127.0.0.1:1' \
		'http://user:pass@cret@127.0.0.1:1'; do
		run env MOSS_DEBUG=1 https_proxy="$proxy" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" \
			--debug pull "$url"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"proxyconnect tcp: the proxy's address is malformed or of an unknown kind"* ]]
		[[ "$output" == *"check the proxy in the environment"* ]]
		[[ "$output" != *cret* ]]
	done
}

@test "no_proxy: names, domains, all; this machine is never asked for through a proxy" {
	registry_start
	forward_start
	host=registry.test:${REG#*:}
	for none in registry.test .test "a.example,registry.test" '*' '*.test' "$host" 'a.example , TEST'; do
		run env http_proxy="http://$FORWARD" no_proxy="$none" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" \
			pull --retry 0 --tls-verify=false "$host/docker:1"
		[ "$status" -eq 1 ]
		[[ "$output" == *"no such host"* ]]
	done
	http_proxy=http://$FORWARD NO_PROXY=other.test moss pull -q --tls-verify=false "$host/docker:1"
	# As Go reads it: another port, only what is below a name, networks of addresses.
	for some in registry.test:1 .registry.test '*.registry.test' 127.0.0.0/8 egistry.test; do
		moss rmi -f --no-trash "$host/docker:1"
		http_proxy=http://$FORWARD NO_PROXY=$some moss pull -q --tls-verify=false "$host/docker:1"
	done
	: >"$WORK/forward.log"
	http_proxy=http://$FORWARD https_proxy=http://$FORWARD moss pull -q "$REG/list:1"
	http_proxy=http://$FORWARD moss pull -q "localhost:${REG#*:}/multi:1"
	[ ! -s "$WORK/forward.log" ]
}

@test "ALL_PROXY and socks5h: the proxy resolves the name" {
	registry_start_tls
	forward_start
	ALL_PROXY=socks5h://$FORWARD moss pull -q "$HOST/docker:1"
	grep -q "^socks $HOST name=yes auth=none" "$WORK/forward.log"
	all_proxy=http://$FORWARD moss pull -q "$HOST/list:1"
	grep -q "^connect $HOST" "$WORK/forward.log"
	https_proxy=socks5h://$FORWARD moss pull -q "$HOST/multi:1"
	: >"$WORK/forward.log"
	# For this protocol's own proxy the one for all does not count.
	https_proxy=http://$FORWARD ALL_PROXY=socks5h://127.0.0.1:1 moss pull -q "$HOST/index:1"
	grep -q '^connect' "$WORK/forward.log"
}

@test "socks5h with a user" {
	registry_start_tls
	forward_start bob:proxy
	ALL_PROXY=socks5h://bob:proxy@$FORWARD moss pull -q "$HOST/docker:1"
	grep -q "^socks $HOST name=yes auth=ok" "$WORK/forward.log"
	run env ALL_PROXY="socks5h://bob:wrong@$FORWARD" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull --retry 0 "$HOST/list:1"
	[ "$status" -eq 1 ]
	[[ "$output" != *wrong* ]]
}

@test "the proxies of config.json are for containers, not for pulls" {
	registry_start
	forward_start
	mkdir -p "$HOME/.docker"
	printf '{"proxies":{"default":{"httpProxy":"http://%s","httpsProxy":"http://%s"}}}' "$FORWARD" "$FORWARD" \
		>"$HOME/.docker/config.json"
	run moss pull --retry 0 --tls-verify=false "registry.test:${REG#*:}/docker:1"
	[ "$status" -eq 1 ]
	[ ! -s "$WORK/forward.log" ]
}

@test "the proxy's password is in no output, argument or database" {
	registry_start
	forward_start bob:geheim
	proxy_start
	fault 0 /big/blobs/ slow 8000000
	host=registry.test:${PROXY#*:}
	MOSS_DEBUG=1 http_proxy=http://bob:geheim@$FORWARD moss_start --debug pull --tls-verify=false "$host/big:1"
	wait_for 10 grep -q 'GET .*/blobs/' "$WORK/proxy.log"
	for p in $(ps --ppid "$pid" -o pid=) "$pid"; do
		run cat "/proc/$p/cmdline"
		[[ "$output" != *geheim* ]]
	done
	wait "$pid"
	run grep -c geheim "$WORK/out"
	[ "$output" = 0 ]
	run grep -rlc geheim "$ROOT/moss.db" "$ROOT/parts"
	[ "$status" -ne 0 ]
	run grep -c 'auth=Basic' "$WORK/proxy.log"
	[ "$output" = 0 ]
}
