# registry.bash: real registries on loopback, and a proxy that makes faults. `load ../lib/registry`
# after lib/moss; call registry_stop_all in teardown.
#
#   registry_start [plain|tls] [htpasswd|token]   sets REG=127.0.0.1:PORT (filled: lib/make-images)
#   registry_start_empty NAME [...]               the same with a storage of its own; "urls": it takes
#                                                 manifests whose layers have such
#   proxy_start                                   sets PROXY=127.0.0.1:PORT, in front of $REG
#   fault TIMES REGEX ACTION [ARGUMENT]           adds a rule (lib/faultproxy.py); no_faults
#   requests REGEX                                how many requests the proxy has seen
#   docker_config HOST USER:PASSWORD              ~/.docker/config.json

REGISTRY_PIDS=()

# The images are put into a storage folder once a run of the suite; every registry serves it.
registry_data() {
	local cache=${MOSS_TEST_CACHE:-${TMPDIR:-/tmp}/moss-test-cache-$(id -u)}
	mkdir -p "$cache"
	(
		flock 9
		[ -e "$cache/registry/.ready" ] && exit 0
		rm -rf "$cache/registry"
		registry_serve "$cache/registry" "$cache/registry.yml" "" "" || exit 1
		python3 "$MOSS_TEST_LIB/make-images" "$REG"
		local status=$?
		kill "${REGISTRY_PIDS[@]}"
		wait "${REGISTRY_PIDS[@]}" 2>/dev/null
		[ $status = 0 ] && touch "$cache/registry/.ready"
	) 9>"$cache/registry.lock" 3>&- || return 1
	echo "$cache/registry"
}

# DATA CONFIG-FILE TLS-LINES AUTH-LINES: starts one and waits until it answers.
registry_serve() {
	local port
	for _ in 1 2 3 4 5; do
		port=$(free_port)
		cat >"$2" <<-YAML
			version: 0.1
			log: {level: error, accesslog: {disabled: true}}
			storage: {filesystem: {rootdirectory: $1}}
			http:
			  addr: 127.0.0.1:$port
			$3
			$4
		YAML
		docker-registry serve "$2" >"$2.log" 2>&1 3>&- 9>&- &
		local pid=$!
		# It may have ended: then another has the port.
		if wait_for 10 registry_settled "$port" "$pid" && registry_answers "$port" "$pid"; then
			REGISTRY_PIDS+=("$pid")
			REG=127.0.0.1:$port
			return 0
		fi
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	cat "$2.log" >&2
	return 1
}

# PORT PID: it listens there, and not another that was given the same port meanwhile.
registry_answers() {
	local inode
	inode=$(awk -v port=":$(printf %04X "$1")$" '$2 ~ port && $4 == "0A" { print $10 }' /proc/net/tcp /proc/net/tcp6)
	[ -n "$inode" ] && find "/proc/$2/fd" -lname "socket:\[${inode%%$'\n'*}\]" 2>/dev/null | grep -q .
}
registry_settled() { ! kill -0 "$2" 2>/dev/null || registry_answers "$@"; }

registry_start() {
	local data
	data=$(registry_data) || return 1
	registry_start_on "$data" registry "$@"
}

registry_start_empty() {
	local name=$1
	shift
	mkdir -p "$WORK/$name.data"
	registry_start_on "$WORK/$name.data" "$name" "$@"
}

registry_start_on() { # DATA NAME [plain|tls] [htpasswd|token]
	local data=$1 name=$2 tls="" auth="" want
	shift 2
	for want in "$@"; do
		case $want in
		plain) ;;
		urls) auth=$(printf 'validation:\n  manifests:\n    urls:\n      allow: ["^http"]') ;;
		tls)
			certificates
			tls=$(printf '  tls:\n    certificate: %s\n    key: %s' "$WORK/server.crt" "$WORK/server.key")
			;;
		htpasswd)
			htpasswd -Bbn alice secret >"$WORK/htpasswd"
			auth=$(printf 'auth:\n  htpasswd:\n    realm: Test\n    path: %s' "$WORK/htpasswd")
			;;
		token)
			certificates
			token_server_start
			auth=$(printf 'auth:\n  token:\n    realm: http://%s/token\n    service: registry\n    issuer: moss-test\n    rootcertbundle: %s' \
				"$TOKENS" "$WORK/server.crt")
			;;
		esac
	done
	registry_serve "$data" "$WORK/$name.yml" "$tls" "$auth"
}

# A throw-away authority and a certificate of it for 127.0.0.1 and localhost.
# Further names may be given: "certificates DNS:registry.test".
# shellcheck disable=SC2120
certificates() {
	[ ! -e "$WORK/server.crt" ] || return 0
	(
		cd "$WORK" || exit 1
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=moss test authority' \
			-keyout ca.key -out ca.crt
		openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
		printf "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1%s\n" "${1:+,$1}" >ext
		openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
			-extfile ext -out server.crt
	) >"$WORK/openssl.log" 2>&1
}

# A Python server that writes its port to a file.
server_start() { # NAME SCRIPT ARGUMENTS...
	local name=$1
	shift
	rm -f "$WORK/$name.port"
	python3 "$MOSS_TEST_LIB/$1" "$WORK/$name.port" "${@:2}" >"$WORK/$name.out" 2>&1 3>&- &
	REGISTRY_PIDS+=($!)
	wait_for 10 test -e "$WORK/$name.port"
}

token_server_start() {
	server_start tokens tokenserver.py "$WORK/server.key" "$WORK/server.crt" "$WORK/tokens.log" \
		"${TOKEN_SECONDS:-60}"
	TOKENS=127.0.0.1:$(cat "$WORK/tokens.port")
}

proxy_start() {
	: >"$WORK/rules"
	: >"$WORK/proxy.log"
	server_start proxy faultproxy.py "$REG" "$WORK/rules" "$WORK/proxy.log"
	PROXY=127.0.0.1:$(cat "$WORK/proxy.port")
}

# In the background, as a process of its own (a function would be a shell around it): $pid; its
# output is in $WORK/out.
moss_start() {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@" >"$WORK/out" 2>&1 3>&- &
	pid=$!
}

# The digest of the N-th layer (from 0) of REPOSITORY:1 in $REG.
layer_digest() {
	curl -sf "http://$REG/v2/$1/manifests/1" \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		-H 'Accept: application/vnd.oci.image.manifest.v1+json' | jq -r ".layers[$2].digest"
}

fault() { echo "$*" >>"$WORK/rules"; }
no_faults() { : >"$WORK/rules"; }
requests() { grep -cE -- "$1" "$WORK/proxy.log" || true; }

docker_config() {
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$(printf %s "$2" | base64 -w0)" \
		>"$HOME/.docker/config.json"
}

registry_stop_all() {
	[ ${#REGISTRY_PIDS[@]} = 0 ] || kill "${REGISTRY_PIDS[@]}" 2>/dev/null || true
	local pid
	for pid in "${REGISTRY_PIDS[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	REGISTRY_PIDS=()
}

# The digest that a registry has under a name, by skopeo.
remote_digest() { skopeo inspect --tls-verify=false "${@:2}" --format '{{.Digest}}' "docker://$1"; }

# Puts one config with two manifests into $REG as REPOSITORY:gzip and REPOSITORY:zstd, and leaves
# nothing of it in the store: $GZIP, $ZSTD are their digests.
two_manifests() { # REPOSITORY
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss push -q --format oci busybox "$REG/$1:gzip" >/dev/null
	moss push -q --compression-format zstd --force-compression busybox "$REG/$1:zstd" >/dev/null
	moss rmi -f --no-trash "$(moss images -q busybox)" >/dev/null
	GZIP=$(remote_digest "$REG/$1:gzip")
	ZSTD=$(remote_digest "$REG/$1:zstd")
	[ "$GZIP" != "$ZSTD" ]
}

# What is in an image's file: `image_sh IMAGE COMMAND` runs busybox's shell in it.
image_sh() { moss run --rm --network none "$1" sh -c "$2"; }
