#!/usr/bin/env bats
# registries.conf and Docker's daemon.json: where an image comes from, and under which name it is here.
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	unset XDG_CONFIG_HOME XDG_CACHE_HOME CONTAINERS_REGISTRIES_CONF
	CONF=$HOME/.config/containers/registries.conf
	mkdir -p "$HOME/.config/containers"
}

teardown() {
	registry_stop_all
	store_drop
}

conf() { cat >"$CONF"; }

@test "location: another registry stands for the one that is named; the name stays" {
	registry_start
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com/team"
		location = "$REG"
	TOML
	run moss pull registry.example.com/team/docker:1
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Status: Downloaded newer image for registry.example.com/team/docker:1"* ]]
	[ "${lines[-1]}" = registry.example.com/team/docker:1 ]
	[ "$(moss images --format '{{.Repository}}:{{.Tag}}')" = registry.example.com/team/docker:1 ]
	moss image inspect registry.example.com/team/docker:1 --format '{{.RepoDigests}}' | grep -q '^\[registry.example.com/team/docker@sha256:'
	# By digest, too.
	digest=$(moss image inspect registry.example.com/team/docker:1 --format '{{index .RepoDigests 0}}')
	moss pull -q "$digest"
}

@test "mirrors are tried in order, then the registry; all places are named where none gives it" {
	registry_start
	proxy_start
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com"
		location = "127.0.0.1:2"
		[[registry.mirror]]
		location = "127.0.0.1:1/hub"
		[[registry.mirror]]
		location = "$PROXY"
	TOML
	moss pull -q --retry 0 registry.example.com/docker:1
	[ "$(requests '/v2/docker/manifests/1')" -ge 1 ]
	run moss pull --retry 0 registry.example.com/nothing:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot get registry.example.com/nothing:1 from any of 3 places:"* ]]
	[[ "$output" == *"  127.0.0.1:1/hub/nothing:1: Get "*"dial tcp 127.0.0.1:1: connect: connection refused"* ]]
	[[ "$output" == *"  $PROXY/nothing:1: manifest for registry.example.com/nothing:1 not found: manifest unknown"* ]]
	[[ "$output" == *"  127.0.0.1:2/nothing:1: Get "*"127.0.0.1:2: connect: connection refused"* ]]
}

@test "a mirror that fails in the middle, or sends other bytes: the next place goes on" {
	registry_start
	proxy_start
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com"
		location = "$REG"
		[[registry.mirror]]
		location = "$PROXY"
	TOML
	layer=$(layer_digest big 1)
	fault 0 "$layer" cut 5000000
	moss pull -q --retry 0 registry.example.com/big:1
	image_sh registry.example.com/big:1 true
	[ "$(requests "$layer")" -ge 1 ]
	no_faults
	fault 0 /docker/blobs/ alter
	moss pull -q --retry 0 registry.example.com/docker:1
	[ "$(requests /docker/blobs/)" -ge 1 ]
	image_sh registry.example.com/docker:1 true
}

@test "pull-from-mirror and mirror-by-digest-only" {
	registry_start
	proxy_start
	digest=$(curl -sfI "http://$REG/v2/docker/manifests/1" -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' |
		tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip')
	for setting in 'pull-from-mirror = "digest-only"' 'pull-from-mirror = "tag-only"'; do
		conf <<-TOML
			[[registry]]
			location = "$REG"
			[[registry.mirror]]
			location = "$PROXY"
			$setting
		TOML
		moss pull -q "$REG/docker:1"
		tag=$(requests GET)
		moss pull -q "$REG/docker@$digest"
		both=$(requests GET)
		case $setting in
		*digest*)
			[ "$tag" -eq 0 ]
			[ "$both" -gt 0 ]
			;;
		*)
			[ "$tag" -gt 0 ]
			[ "$both" -eq "$tag" ]
			;;
		esac
		: >"$WORK/proxy.log"
	done
	conf <<-TOML
		[[registry]]
		location = "$REG"
		mirror-by-digest-only = true
		[[registry.mirror]]
		location = "$PROXY"
	TOML
	moss pull -q "$REG/docker:1"
	[ "$(requests GET)" -eq 0 ]
	moss pull -q "$REG/docker@$digest"
	[ "$(requests GET)" -gt 0 ]
}

@test "credentials are each place's own; --creds are not for mirrors" {
	registry_start htpasswd
	proxy_start
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com"
		location = "$REG"
		[[registry.mirror]]
		location = "$PROXY"
	TOML
	# The mirror asks for credentials that only the registry's host has: it gets none.
	docker_config "$REG" alice:secret
	moss pull -q registry.example.com/docker:1
	[ "$(requests 'auth=Basic')" -eq 0 ]
	rm -r "$HOME/.docker"
	moss pull -q --creds alice:secret registry.example.com/list:1
	[ "$(requests 'auth=Basic')" -eq 0 ]
	[ "$(requests '/v2/list/manifests/1')" -ge 1 ]
	docker_config "$PROXY" alice:secret
	moss pull -q registry.example.com/multi:1
	[ "$(requests 'auth=Basic')" -gt 0 ]
}

@test "blocked" {
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com/bad"
		blocked = true
		[[registry]]
		prefix = "*.example.org"
		blocked = true
	TOML
	run moss pull registry.example.com/bad/x:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"registry registry.example.com/bad is blocked in $CONF"* ]]
	run moss run --rm a.b.example.org/x:1
	[ "$status" -eq 125 ]
	[[ "$output" == *"registry *.example.org is blocked in $CONF"* ]]
}

@test "insecure: a certificate nobody signed; --tls-verify has the last word" {
	registry_start tls
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com"
		location = "localhost:${REG#*:}"
		insecure = true
	TOML
	moss pull -q registry.example.com/docker:1
	run moss pull -q --tls-verify registry.example.com/list:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"certificate signed by unknown authority"* ]]
	sed -i s/insecure.*// "$CONF"
	run moss pull -q registry.example.com/list:1
	[ "$status" -eq 1 ]
}

@test "unqualified-search-registries: tried in order; run, inspect and rmi find it by the short name" {
	registry_start
	conf <<-TOML
		unqualified-search-registries = ["127.0.0.1:1", "$REG"]
	TOML
	run moss pull --retry 0 docker:1
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "$REG/docker:1" ]
	[ "$(moss images --format '{{.Repository}}:{{.Tag}}')" = "$REG/docker:1" ]
	run moss run --rm --network none --pull never docker:1 true
	[ "$status" -eq 0 ]
	moss image inspect docker:1 >"$WORK/inspect"
	moss rmi docker:1
	[ -z "$(moss images -q)" ]
	run moss pull --retry 0 nothing:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"127.0.0.1:1/nothing:1: Get"* ]]
	[[ "$output" == *"$REG/nothing:1: manifest for $REG/nothing:1 not found"* ]]
}

@test "an empty list of search registries; short-name-mode without a terminal" {
	echo 'unqualified-search-registries = []' | conf
	run moss pull docker:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"short-name \"docker:1\" did not resolve to an alias and no unqualified-search registries are defined in \"$CONF\""* ]]
	conf <<-TOML
		unqualified-search-registries = ["127.0.0.1:1", "127.0.0.1:2"]
		short-name-mode = "enforcing"
	TOML
	run moss pull docker:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"short-name resolution enforced but cannot prompt without a TTY"* ]]
}

# IMAGE ANSWER...: pulls on a terminal.
pull_on_terminal() {
	local image=$1 answer
	shift
	{
		echo "set timeout 20"
		echo "spawn $MOSS --root $ROOT --runroot $RUNROOT pull -q $image"
		for answer in "$@"; do
			printf 'expect "Which one (1-2)? "\nsend "%s\\r"\n' "$answer"
		done
		echo "expect eof"
		echo 'exit [lindex [wait] 3]'
	} >"$WORK/answers"
	run expect "$WORK/answers"
	echo "$output"
}

@test "short names are chosen on a terminal; the answer is remembered" {
	registry_start
	conf <<-TOML
		unqualified-search-registries = ["127.0.0.1:1", "$REG"]
		short-name-mode = "enforcing"
	TOML
	pull_on_terminal docker:1 7 2
	[ "$status" -eq 0 ]
	[[ "$output" == *"1  127.0.0.1:1/docker:1"*"2  $REG/docker:1"* ]]
	[ "$(moss images --format '{{.Repository}}')" = "$REG/docker" ]
	# Where Podman remembers it, beside what is there.
	cache=$HOME/.cache/containers/short-name-aliases.conf
	[ "$(cat "$cache")" = "$(printf '[aliases]\n  "docker" = "%s/docker"' "$REG")" ]
	[ "$(stat -c %a "$cache")" = 600 ]
	moss rmi -f --no-trash "$REG/docker:1"
	moss pull -q docker:1
	[ "$(moss images --format '{{.Repository}}')" = "$REG/docker" ]
	pull_on_terminal list:1 2
	[ "$status" -eq 0 ]
	[ "$(grep -c "$REG" "$cache")" -eq 2 ]
	# A pull that failed is no answer.
	pull_on_terminal multi:1 1
	[ "$status" -eq 1 ]
	[ "$(grep -c = "$cache")" -eq 2 ]
}

@test "aliases, and the cache of Podman's answers above them" {
	registry_start
	conf <<-TOML
		[aliases]
		"tool" = "$REG/docker"
		"two/words" = "$REG/list"
		"other" = "127.0.0.1:1/none"
	TOML
	moss pull -q tool:1
	moss pull -q two/words:1
	mkdir -p "$HOME/.cache/containers"
	printf '[aliases]\n"other" = "%s/multi"\n' "$REG" >"$HOME/.cache/containers/short-name-aliases.conf"
	moss pull -q other:1
	[ "$(moss images --format '{{.Repository}}' | sort | tr '\n' ' ')" = "$REG/docker $REG/list $REG/multi " ]
}

@test "which files count: --registries-conf, the variable, the user's, drop-ins by name" {
	registry_start
	mkdir "$CONF.d"
	printf '[aliases]\n"tool" = "127.0.0.1:1/user"\n' | conf
	printf '[aliases]\n"tool" = "127.0.0.1:1/first"\n' >"$CONF.d/10-a.conf"
	printf '[aliases]\n"tool" = "127.0.0.1:1/second"\n' >"$CONF.d/20-b.conf"
	printf 'not read' >"$CONF.d/30-c.txt"
	run moss pull --retry 0 tool:1
	[[ "$output" == *"127.0.0.1:1/v2/second/manifests"* ]]
	rm -r "$CONF.d"
	printf '[aliases]\n"tool" = "%s/docker"\n' "$REG" >"$WORK/own.conf"
	moss --registries-conf "$WORK/own.conf" pull -q tool:1
	printf '[aliases]\n"tool" = "%s/list"\n' "$REG" >"$WORK/variable.conf"
	CONTAINERS_REGISTRIES_CONF=$WORK/variable.conf moss pull -q tool:1
	XDG_CONFIG_HOME=$WORK/xdg
	mkdir -p "$XDG_CONFIG_HOME/containers"
	printf '[aliases]\n"tool" = "%s/multi"\n' "$REG" >"$XDG_CONFIG_HOME/containers/registries.conf"
	XDG_CONFIG_HOME=$XDG_CONFIG_HOME moss pull -q tool:1
	[ "$(moss images --format '{{.Repository}}' | sort | tr '\n' ' ')" = "$REG/docker $REG/list $REG/multi " ]
	run moss --registries-conf "$WORK/missing.conf" pull tool:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"open $WORK/missing.conf: no such file or directory"* ]]
}

@test "--registries-conf counts for every command that names an image or a registry" {
	registry_start
	local own=$WORK/own.conf
	printf 'unqualified-search-registries = ["%s"]\n[aliases]\n"tool" = "%s/docker"\n' "$REG" "$REG" >"$own"
	moss --registries-conf "$own" pull -q tool:1
	run moss image inspect tool:1
	[ "$status" -eq 1 ]
	for words in "image inspect tool:1" "history tool:1" "save -o $WORK/image.tar tool:1" "tag tool:1 other:1"; do
		# shellcheck disable=SC2086 # words
		moss --registries-conf "$own" $words >/dev/null
	done
	[ "$(moss --registries-conf "$own" create tool:1 true | wc -l)" = 1 ]
	CONTAINERS_REGISTRIES_CONF=$own moss image inspect tool:1 >/dev/null
	moss rm -f "$(moss ps -aq)"
	moss --registries-conf "$own" rmi -f tool:1
	# Blocked: nobody is asked.
	proxy_start
	printf '[[registry]]\nlocation = "%s"\nblocked = true\n' "$PROXY" >"$own"
	moss tag other:1 "$PROXY/other:1"
	for words in "pull $PROXY/other:1" "push $PROXY/other:1" "search $PROXY/other" "search --list-tags $PROXY/other" \
		"manifest inspect $PROXY/absent:1" "manifest create list $PROXY/absent:1" "login -u a -p b $PROXY" "run --pull always $PROXY/other:1"; do
		# shellcheck disable=SC2086 # words
		run moss --registries-conf "$own" $words
		[ "$status" -ne 0 ]
		[[ "$output" == *"registry $PROXY is blocked in $own"* ]]
	done
	[ "$(requests .)" -eq 0 ]
	run -1 env REGISTRIES_CONFIG_PATH="$own" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" search "$PROXY/other"
	[[ "$output" == *"registry $PROXY is blocked in $own"* ]]
	run -1 moss --registries-conf "$WORK/none.conf" search "$REG/x"
	[[ "$output" == *"open $WORK/none.conf: no such file or directory"* ]]
}

@test "insecure counts for push, login, search and manifests, too" {
	registry_start tls htpasswd
	local host=localhost:${REG#*:} own=$WORK/own.conf
	moss load -q -i "$(busybox_archive)"
	moss tag "$(moss images -q)" "$host/new:1"
	run moss push --creds alice:secret "$host/new:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *x509* || "$output" == *certificate* ]]
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" >"$own"
	export CONTAINERS_REGISTRIES_CONF=$own
	printf secret | moss login -u alice --password-stdin "$host" 2>/dev/null
	[ "$(moss search --format '{{.Name}}' "$host/multi")" = "$host/multi" ]
	moss manifest inspect "$host/multi:1" >/dev/null
	moss pull -q "$host/multi:1"
	run moss push --tls-verify "$host/multi:1"
	[ "$status" -eq 1 ]
	moss push -q "$host/multi:1"
	unset CONTAINERS_REGISTRIES_CONF
	# Docker's way to say it.
	mkdir -p "$HOME/.config/docker"
	echo "{\"insecure-registries\":[\"$host\"]}" >"$HOME/.config/docker/daemon.json"
	moss search "$host/multi" >/dev/null
}

@test "a malformed file is named with its line" {
	printf 'a = 1\n[[registry]]\nlocation = quay.io\n' | conf
	run moss pull debian
	[ "$status" -eq 1 ]
	[[ "$output" == *"$CONF:3: no value: a string needs quotes"* ]]
	printf '[[registry]]\nlocation = "https://quay.io"\n' | conf
	run moss pull debian
	[ "$status" -eq 1 ]
	[[ "$output" == *"$CONF: [[registry]] number 1: invalid location 'https://quay.io': URI schemes are not supported"* ]]
	# What is here needs no registries.
	moss load -q -i "$(busybox_archive)"
	moss run --rm --network none busybox true
}

@test "Docker's daemon.json: registry-mirrors for docker.io, insecure-registries" {
	registry_start
	proxy_start
	mkdir -p "$HOME/.config/docker"
	echo "{\"registry-mirrors\":[\"http://$PROXY/\"]}" >"$HOME/.config/docker/daemon.json"
	# The Hub's names of one word lie below library/ at a mirror, too.
	run moss pull --retry 0 no-such-image:1
	[ "$status" -eq 1 ]
	[ "$(requests '/v2/library/no-such-image/manifests/1')" -ge 1 ]
	[[ "$output" == *"$PROXY/library/no-such-image:1: manifest for"* ]]
	[[ "$output" == *"docker.io/library/no-such-image:1: "* ]]
	: >"$WORK/proxy.log"
	run moss pull --retry 0 127.0.0.1:1/x:1
	[ "$(requests GET)" -eq 0 ]
	registry_start tls
	run moss pull "localhost:${REG#*:}/docker:1"
	[ "$status" -eq 1 ]
	echo "{\"insecure-registries\":[\"localhost:${REG#*:}\"]}" >"$HOME/.config/docker/daemon.json"
	moss pull -q "localhost:${REG#*:}/docker:1"
	echo '{"registry-mirrors":["mirror.example"]}' >"$HOME/.config/docker/daemon.json"
	run moss pull x:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"daemon.json: invalid mirror: \"mirror.example\""* ]]
}

@test "--all-tags through a mirror" {
	registry_start
	conf <<-TOML
		[[registry]]
		prefix = "registry.example.com"
		location = "$REG"
	TOML
	moss pull -q -a registry.example.com/tags
	[ "$(moss images -q registry.example.com/tags | wc -l)" -ge 3 ]
}

@test "info shows mirrors and insecure registries as Docker does" {
	run moss info
	[[ "$output" == *$' Insecure Registries:\n  127.0.0.0/8\n Live Restore'* ]]
	[ "$(moss info -f '{{json .RegistryConfig.Mirrors}}')" = null ]
	mkdir -p "$HOME/.config/docker"
	echo '{"registry-mirrors":["https://m.example"],"insecure-registries":["i.example:5000","10.0.0.0/8"]}' \
		>"$HOME/.config/docker/daemon.json"
	conf <<-TOML
		[[registry]]
		location = "quay.io"
		insecure = true
		[[registry.mirror]]
		location = "q.example/quay"
		[[registry]]
		location = "docker.io"
		[[registry.mirror]]
		location = "h.example"
	TOML
	run moss info
	echo "$output"
	[[ "$output" == *$' Insecure Registries:\n  quay.io\n  i.example:5000\n  10.0.0.0/8\n  127.0.0.0/8\n Registry Mirrors:\n  https://h.example/\n  https://m.example/\n Live Restore'* ]]
	[ "$(moss info -f '{{json .RegistryConfig.Mirrors}}')" = '["https://h.example/","https://m.example/"]' ]
	[ "$(moss info -f '{{(index .RegistryConfig.IndexConfigs "i.example:5000").Secure}}')" = false ]
	[ "$(moss info -f '{{(index .RegistryConfig.IndexConfigs "quay.io").Mirrors}}')" = '[https://q.example/quay/]' ]
	echo 'x' | conf
	run --separate-stderr moss info
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"WARNING: $CONF:1: "* ]]
}
