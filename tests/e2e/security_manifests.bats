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

# CONFIG-CHANGE WORDS: the good image with a config changed by a jq program, and right digests, is refused.
config_refused() {
	local id size
	curl -sf "http://$REG/v2/docker/blobs/$(jq -r .config.digest <<<"$good")" | jq -c "$1" >"$WORK/config"
	id=sha256:$(sha256sum <"$WORK/config" | cut -d' ' -f1) size=$(stat -c %s "$WORK/config")
	jq -c ".config.digest = \"$id\" | .config.size = $size" <<<"$good" >"$WORK/manifest"
	no_faults
	fault 0 /docker/manifests/ file "$WORK/manifest"
	fault 0 "$id" page "$WORK/config"
	run moss pull --retry-delay 10ms "$PROXY/docker:1"
	echo "$1: $output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$2"* ]]
	[ -z "$(ls -A "$ROOT/tmp")$(ls -A "$ROOT/layers")$(ls -A "$ROOT/blobs/sha256")" ]
	[ -z "$(moss images -q)" ]
}

@test "configs that do not go with their manifest" {
	config_refused '.rootfs.diff_ids = []' "0 diff IDs for 2 layers"
	config_refused '.rootfs.diff_ids += .rootfs.diff_ids' "4 diff IDs for 2 layers"
	config_refused '.rootfs.diff_ids = [limit(5000; repeat("sha256:" + "0" * 64))]' "5000 diff IDs, at most"
	config_refused '.config.Env = [limit(9000; repeat("A=1"))]' "9000 entries in Env, at most"
	config_refused '.config.Volumes = (reduce range(9000) as $i ({}; .["/\($i)"] = {}))' "9000 entries in Volumes, at most"
	config_refused '.rootfs.diff_ids |= reverse' "layer"
	config_refused '.rootfs.diff_ids[0] = "sha256:../../../evil"' "malformed diff ID"
	config_refused 'del(.rootfs)' "rootfs"
	config_refused '.config.Env = ["A=b", 7]' "Env"
	config_refused '.config.Volumes = []' "Volumes"
	config_refused '[.]' "config"
}

# JQ-PROGRAM WORDS: the index that it makes of the good manifest, which is served under its digest.
index_refused() {
	jq -nc --arg digest "sha256:$(printf %s "$good" | sha256sum | cut -d' ' -f1)" \
		--argjson size "$(printf %s "$good" | wc -c)" "$1" >"$WORK/index"
	printf %s "$good" >"$WORK/member"
	no_faults
	fault 0 /docker/manifests/1 page "$WORK/index"
	fault 0 /docker/manifests/sha256: page "$WORK/member"
	run moss pull --retry-delay 10ms "$PROXY/docker:1"
	echo "$1: $output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$2"* ]]
	[ "$(requests 'GET .*/blobs/')" -eq 0 ]
}

@test "indexes that lie, and indexes inside indexes" {
	local index='{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.index.v1+json", digest: $digest, size: $size}]}'
	local image='{schemaVersion: 2, manifests: [{mediaType: "application/vnd.docker.distribution.manifest.v2+json", digest: $digest, size: $size}]}'
	index_refused "$image | .manifests[0].digest = \"sha256:\" + \"1\" * 64" "manifest verification failed"
	index_refused "$image | .manifests[0].size = -1" "size"
	index_refused "$image | .manifests[0].digest = \"sha512:\" + \"1\" * 128" "malformed digest"
	index_refused "$image | .manifests[0].mediaType = \"application/x\"" "no matching manifest"
	index_refused "$image | .manifests = []" "no matching manifest"
	index_refused "$image | .layers = []" "both"
	index_refused "$image | .manifests[0].platform = {os: \"\u001b[31m\", architecture: \"x\"}" "no matching manifest"
	[[ $output != *$'\033'* ]]
	index_refused "$image | .annotations = {a: (\"x\" * 5000000)}" "larger than"
	# A chain of indexes, each of which names the next one by its digest.
	local i
	cp "$WORK/member" "$WORK/chain"
	no_faults
	for i in 1 2 3 4 5; do
		jq -nc --arg digest "sha256:$(sha256sum <"$WORK/chain" | cut -d' ' -f1)" \
			--argjson size "$(stat -c %s "$WORK/chain")" "$index" >"$WORK/chain.new"
		cp "$WORK/chain" "$WORK/chain.$i"
		fault 0 "/docker/manifests/sha256:$(sha256sum <"$WORK/chain.$i" | cut -d' ' -f1)" page "$WORK/chain.$i"
		mv "$WORK/chain.new" "$WORK/chain"
	done
	fault 0 /docker/manifests/1 page "$WORK/chain"
	run moss pull --retry-delay 10ms "$PROXY/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"indexes inside indexes inside indexes"* ]]
}

@test "thirty thousand layers" {
	refused '!jq -c ".layers = [range(30000) as \$i | .layers[1]]"' ""
}
