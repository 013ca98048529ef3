#!/usr/bin/env bats
# TLS: which certificates are accepted, shown and refused; HTTP/2; IPv6.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	unset SSL_CERT_FILE SSL_CERT_DIR XDG_CONFIG_HOME
}

teardown() {
	registry_stop_all
	store_drop
}

# NAME SUBJECT-ALT-NAMES START END: a certificate of the test's authority (times as openssl ca takes
# them).
certificate() {
	certificates
	(
		cd "$WORK" || exit 1
		touch index.txt
		printf '[a]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\nunique_subject=no\n[p]\ncommonName=supplied\n' >ca.conf
		openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
		printf 'subjectAltName=%s\n' "$2" >"$1.ext"
		openssl ca -batch -config ca.conf -name a -cert ca.crt -keyfile ca.key -in "$1.csr" -out "$1.crt" \
			-notext -extfile "$1.ext" -startdate "$3" -enddate "$4"
	) >>"$WORK/openssl.log" 2>&1
}

# CERTIFICATE KEY [MORE-LINES]: sets REG and HOST=localhost:PORT.
serve_tls() {
	local data
	data=$(registry_data)
	registry_serve "$data" "$WORK/tls-$RANDOM.yml" "$(printf '  tls:\n    certificate: %s\n    key: %s\n%s' "$1" "$2" "${3:-}")" ""
	HOST=localhost:${REG#*:}
}

refused() { # NAME TEXT...
	local name=$1 text
	shift
	run moss pull --retry 0 "$name"
	echo "$output"
	[ "$status" -eq 1 ]
	for text in "$@"; do
		[[ "$output" == *"$text"* ]]
	done
	[ -z "$(moss images -q)" ]
}

@test "expired, not yet valid, another name: each is refused with its cure" {
	certificate old DNS:localhost,IP:127.0.0.1 200101000000Z 210101000000Z
	certificate young DNS:localhost,IP:127.0.0.1 480101000000Z 490101000000Z
	certificate other DNS:other.example 200101000000Z 490101000000Z
	export SSL_CERT_FILE=$WORK/ca.crt
	serve_tls "$WORK/old.crt" "$WORK/old.key"
	refused "$HOST/docker:1" "tls: failed to verify certificate: x509: certificate has expired" \
		"check this machine's clock" "renew"
	serve_tls "$WORK/young.crt" "$WORK/young.key"
	refused "$HOST/docker:1" "x509: certificate is not yet valid" "check this machine's clock"
	serve_tls "$WORK/other.crt" "$WORK/other.key"
	refused "$HOST/docker:1" "x509: certificate is valid for other names, not this one" \
		"use the name that the certificate is for"
	refused "$REG/docker:1" "x509: certificate is valid for other names, not this one"
	moss pull -q --tls-verify=false "$HOST/docker:1"
}

@test "self-signed, unknown authority: refused; the cure that is named works" {
	certificates
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$WORK/self.key" -out "$WORK/self.crt" 2>/dev/null
	serve_tls "$WORK/server.crt" "$WORK/server.key"
	refused "$HOST/docker:1" "x509: certificate signed by unknown authority" \
		"put the certificate of its authority into ~/.config/docker/certs.d/$HOST/ca.crt"
	mkdir -p "$HOME/.config/docker/certs.d/$HOST"
	cp "$WORK/ca.crt" "$HOME/.config/docker/certs.d/$HOST/"
	moss pull -q "$HOST/docker:1"
	moss rmi -f --no-trash "$HOST/docker:1"
	serve_tls "$WORK/self.crt" "$WORK/self.key"
	refused "$HOST/docker:1" "x509: certificate signed by unknown authority"
	mkdir -p "$HOME/.config/docker/certs.d/$HOST"
	cp "$WORK/self.crt" "$HOME/.config/docker/certs.d/$HOST/registry.crt"
	moss pull -q "$HOST/docker:1"
}

@test "import from a server that is not trusted: no cure that is a registry's" {
	registry_start tls
	run moss import "https://$REG/v2/" x:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"certificate signed by unknown authority"* ]]
	[[ "$output" == *"SSL_CERT_FILE names a file"* ]]
	[[ "$output" != *certs.d* && "$output" != *--tls-verify* && "$output" != *"the registry"* ]]
	# The cure works: it is the archive that is none.
	SSL_CERT_FILE=$WORK/ca.crt run moss import "https://$REG/v2/" x:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" != *certificate* ]]
	# One without TLS, one that has expired, one that wants to know who asks.
	registry_start
	run moss import "https://$REG/v2/" x:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"server gave HTTP response to HTTPS client"* ]]
	[[ "$output" != *--tls-verify* && "$output" != *"registry"* ]]
	certificate old DNS:localhost 200101000000Z 210101000000Z
	serve_tls "$WORK/old.crt" "$WORK/old.key"
	SSL_CERT_FILE=$WORK/ca.crt run moss import "https://$HOST/v2/" x:1
	echo "$output"
	[[ "$output" == *"certificate has expired"* && "$output" != *"registry"* ]]
	serve_tls "$WORK/server.crt" "$WORK/server.key" "$(printf '    clientcas:\n      - %s' "$WORK/ca.crt")"
	SSL_CERT_FILE=$WORK/ca.crt run moss import "https://$HOST/v2/" x:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"tls: "* && "$output" != *certs.d* && "$output" != *registry* ]]
}

@test "certs.d: Docker's and Podman's folders, --cert-dir; a folder of another host does not count" {
	certificates
	serve_tls "$WORK/server.crt" "$WORK/server.key"
	for folder in .config/docker .config/containers .docker; do
		mkdir -p "$HOME/$folder/certs.d/localhost:1"
		cp "$WORK/ca.crt" "$HOME/$folder/certs.d/localhost:1/"
		refused "$HOST/docker:1" "unknown authority"
		mv "$HOME/$folder/certs.d/localhost:1" "$HOME/$folder/certs.d/$HOST"
		moss pull -q "$HOST/docker:1"
		moss rmi -f --no-trash "$HOST/docker:1"
		rm -r "${HOME:?}/$folder"
	done
	mkdir "$WORK/certs"
	cp "$WORK/ca.crt" "$WORK/certs/any.crt"
	moss pull -q --cert-dir "$WORK/certs" "$HOST/docker:1"
	run -1 moss pull -q --cert-dir "$WORK/none" "$HOST/docker:1"
	[ "$output" = "moss: open $WORK/none: no such file or directory" ]
	run -1 moss pull -q --cert-dir "$WORK/ca.crt" "$HOST/docker:1"
	[ "$output" = "moss: open $WORK/ca.crt: not a directory" ]
	SSL_CERT_FILE=$WORK/ca.crt moss pull -q "$HOST/list:1"
}

@test "client certificates: NAME.cert with NAME.key; half a pair is an error" {
	certificate client DNS:client 200101000000Z 490101000000Z
	serve_tls "$WORK/server.crt" "$WORK/server.key" "$(printf '    clientcas:\n      - %s' "$WORK/ca.crt")"
	certs=$HOME/.config/containers/certs.d/$HOST
	mkdir -p "$certs"
	cp "$WORK/ca.crt" "$certs/"
	refused "$HOST/docker:1" "tls: " "where the registry wants a client certificate: NAME.cert and its NAME.key"
	cp "$WORK/client.crt" "$certs/client.cert"
	refused "$HOST/docker:1" "missing key client.key for client certificate client.cert"
	# One that cannot be read, and one that is no key.
	mkdir "$certs/client.key"
	refused "$HOST/docker:1" "cannot use the certificates of $HOST: " "client.key: Is a directory"
	rmdir "$certs/client.key"
	echo garbage >"$certs/client.key"
	refused "$HOST/docker:1" "tls: " "NAME.key"
	cp "$WORK/client.key" "$certs/client.key"
	moss pull -q "$HOST/docker:1"
}

@test "a client's key that does not belong to its certificate" {
	certificate client DNS:client 200101000000Z 490101000000Z
	serve_tls "$WORK/server.crt" "$WORK/server.key"
	certs=$HOME/.config/containers/certs.d/$HOST
	mkdir -p "$certs"
	cp "$WORK/ca.crt" "$certs/"
	cp "$WORK/client.crt" "$certs/client.cert"
	cp "$WORK/server.key" "$certs/client.key"
	refused "$HOST/docker:1" "Get \"https://$HOST/v2/docker/manifests/1\": tls: " "NAME.key"
}

# nginx with TLS and HTTP/2 in front of $REG: $FRONT is its host and port.
nginx_start() {
	local port
	certificates
	port=$(free_port)
	mkdir -p "$WORK/nginx"
	cat >"$WORK/nginx.conf" <<-NGINX
		daemon off; pid $WORK/nginx/pid; error_log $WORK/nginx/error.log; worker_processes 1;
		events {}
		http {
			client_body_temp_path $WORK/nginx/a; proxy_temp_path $WORK/nginx/b; fastcgi_temp_path $WORK/nginx/c;
			uwsgi_temp_path $WORK/nginx/d; scgi_temp_path $WORK/nginx/e;
			log_format own '\$server_protocol \$connection \$request_method \$request_uri \$status';
			access_log $WORK/nginx/access.log own;
			server {
				listen 127.0.0.1:$port ssl http2;
				ssl_certificate $WORK/server.crt; ssl_certificate_key $WORK/server.key;
				location / { proxy_pass http://$REG; proxy_set_header Host \$http_host; $1 }
			}
		}
	NGINX
	nginx -e "$WORK/nginx/error.log" -c "$WORK/nginx.conf" 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 10 registry_answers "$port" $!
	FRONT=localhost:$port
	export SSL_CERT_FILE=$WORK/ca.crt
}

@test "HTTP/2 is spoken where the registry can; one connection carries all" {
	registry_start
	nginx_start
	moss pull -q "$FRONT/big:1"
	image_sh "$FRONT/big:1" true
	cat "$WORK/nginx/access.log"
	[ "$(grep -c '^HTTP/2.0 .* GET /v2/big/blobs/' "$WORK/nginx/access.log")" -ge 2 ]
	run grep -c '^HTTP/1' "$WORK/nginx/access.log"
	[ "$output" = 0 ]
	[ "$(cut -d' ' -f2 "$WORK/nginx/access.log" | sort -u | wc -l)" -le 2 ]
}

@test "HTTP/2: a redirect, a rate limit and an unknown image read as they do with HTTP/1.1" {
	registry_start
	nginx_start 'if ($request_uri ~ /v2/list/) { return 429; }'
	run moss pull --retry 0 "$FRONT/list:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *toomanyrequests* ]]
	run moss pull --retry 0 "$FRONT/nothing:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"manifest for $FRONT/nothing:1 not found: manifest unknown"* ]]
}

@test "IPv6: [::1]:PORT, plain and with TLS, by tag and digest" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
	registry_start
	port=$(free_port)
	socat "TCP6-LISTEN:$port,bind=[::1],reuseaddr,fork" "TCP:$REG" 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 5 socat -u OPEN:/dev/null "TCP6:[::1]:$port"
	moss pull -q "[::1]:$port/docker:1"
	[ "$(moss images --format '{{.Repository}}:{{.Tag}}')" = "[::1]:$port/docker:1" ]
	image_sh "[::1]:$port/docker:1" true
	digest=$(moss image inspect "[::1]:$port/docker:1" --format '{{index .RepoDigests 0}}')
	[[ "$digest" == "[::1]:$port/docker@sha256:"* ]]
	moss rmi -f --no-trash "[::1]:$port/docker:1"
	moss pull -q "$digest"
	run moss pull --retry 0 "[::1]:1/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"dial tcp [::1]:1: connect: connection refused"* ]]
	[[ "$output" == *"is the server running"* ]]
	registry_start tls
	port=$(free_port)
	socat "TCP6-LISTEN:$port,bind=[::1],reuseaddr,fork" "TCP:$REG" 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 5 socat -u OPEN:/dev/null "TCP6:[::1]:$port"
	mkdir -p "$HOME/.config/docker/certs.d/[::1]:$port"
	cp "$WORK/ca.crt" "$HOME/.config/docker/certs.d/[::1]:$port/"
	moss pull -q "[::1]:$port/list:1"
}
