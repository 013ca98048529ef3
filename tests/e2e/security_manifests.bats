#!/usr/bin/env bats
# Manifests that mean two things, or mean harm, as a registry sends them (docs/untrusted.md): refused
# before anything is fetched or named after them. Each document alone: tests/unit/manifest.c.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	proxy_start
	good=$(curl -sf "http://$REG/v2/docker/manifests/1" \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json')
	layer=$(layer_digest docker 1)
}

teardown() {
	registry_stop_all
	store_drop
}

# CHANGE WORDS: the good manifest changed by a jq program (or a command for "!COMMAND") is refused with
# these words; no blob is asked for, nothing is left.
refused() {
	: >"$WORK/proxy.log"
	if [[ $1 == !* ]]; then
		bash -c "${1#!}" <<<"$good" >"$WORK/manifest"
	else
		jq -c "$1" <<<"$good" >"$WORK/manifest"
	fi
	no_faults
	fault 0 /docker/manifests/ file "$WORK/manifest"
	run moss pull --retry-delay 10ms "$PROXY/docker:1"
	echo "$1: $output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$2"* ]]
	[ "$(requests 'GET .*/blobs/')" -eq 0 ]
	[ -z "$(ls -A "$ROOT/parts")$(ls -A "$ROOT/tmp")$(ls -A "$ROOT/layers")$(ls -A "$ROOT/blobs/sha256")" ]
	[ -z "$(find "$WORK" -newer "$WORK/manifest" -name 'evil*')" ]
}

@test "manifest and index in one" {
	refused '.manifests = []' both
	refused '.manifests = [{"mediaType": .mediaType, "digest": .config.digest, "size": 1}]' both
}

@test "digests that are none" {
	local digest
	for digest in 'sha256:../../../evil' '../evil' "sha256:${layer#sha256:}/../evil" 'sha256:0123' \
		"$(tr a-f A-F <<<"$layer")" "md5:$(printf '0%.0s' {1..32})" "sha512:$(printf '0%.0s' {1..64})" \
		"${layer}0" '' ' '; do
		refused ".layers[1].digest = \"$digest\"" "malformed digest"
		refused ".config.digest = \"$digest\"" "malformed digest"
	done
}

@test "sizes that are none" {
	refused '.layers[1].size = -1' size
	refused '.layers[1].size = 1.5' size
	refused '!sed "s/\"size\": *[0-9]*/\"size\":99999999999999999999/"' JSON
	refused 'del(.layers[1].size)' size
}

@test "the same key twice" {
	refused '!sed "s/\"layers\"/\"layers\":[],\"layers\"/"' duplicate
}

@test "10,000 levels of JSON, and a manifest of 5 MB" {
	refused '!python3 -c "print(\"[\" * 10000 + \"]\" * 10000)"' JSON
	refused '!python3 -c "print(\"{\\\"schemaVersion\\\":2,\\\"x\\\":\" + \"[\" * 10000 + \"]\" * 10000 + \"}\")"' JSON
	refused '!python3 -c "print(\"{\\\"x\\\":\\\"\" + \"a\" * 5000000 + \"\\\"}\")"' "larger than"
}

@test "no JSON, no object, control characters in what is shown" {
	refused '!printf "\\xff\\xfe"' ""
	refused '!echo 7' ""
	refused '.mediaType = "\u001b[31mred"' "media"
	[[ "$output" != *$'\033'* ]]
}

@test "a layer that names other addresses: they are never asked" {
	server_start thief faultproxy.py "$REG" "$WORK/none" "$WORK/thief.log"
	thief=127.0.0.1:$(cat "$WORK/thief.port")
	: >"$WORK/thief.log"
	docker_config "$PROXY" alice:secret
	jq -c ".layers[].urls = [\"http://$thief/v2/docker/blobs/$layer\"]" <<<"$good" >"$WORK/manifest"
	fault 0 /docker/manifests/ file "$WORK/manifest"
	moss pull -q "$PROXY/docker:1"
	[ ! -s "$WORK/thief.log" ]
	moss rmi -f --no-trash "$PROXY/docker:1"
	# Nor where the registry does not have the layer.
	fault 0 "$layer" status 404
	run moss pull -q --retry 0 "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[ ! -s "$WORK/thief.log" ]
}

@test "layers of kinds that may be kept elsewhere: only the registry is asked" {
	local layer
	layer=$(jq -r '.layers[1].digest' <<<"$good")
	jq -c '.layers[1] += {mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls: ["http://127.0.0.1:1/"]}' \
		<<<"$good" >"$WORK/manifest"
	fault 0 /docker/manifests/ file "$WORK/manifest"
	moss pull -q "$PROXY/docker:1"
	moss rmi -f --no-trash "$PROXY/docker:1"
	fault 0 "$layer" status 404
	run --separate-stderr moss pull -q --retry 0 "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "${stderr_lines[1]}" == "layer "*"may be kept outside of registries"*"where moss does not go"* ]]
}

@test "layers that are no layers" {
	refused '.layers[1].mediaType = "application/vnd.in-toto+json"' "unsupported layer type"
}

@test "thirty thousand layers" {
	refused '!jq -c ".layers = [range(30000) as \$i | .layers[1]]"' ""
}
