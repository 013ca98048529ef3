#!/usr/bin/env bats
# manifest: lists of images.
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	SOURCE=$REG
	registry_start_empty to
}

teardown() {
	registry_stop_all
	store_drop
}

raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
# The two platforms of the filled registry's index, as images of their own.
arch_digest() { raw "$SOURCE/list:1" | jq -r --arg a "$1" '.manifests[] | select(.platform.architecture == $a) | .digest'; }

@test "create, inspect, push, rm: Docker's words and bytes" {
	run moss manifest create "$REG/l:1" "$SOURCE/docker:1" "$SOURCE/tags:a"
	[ "$status" -eq 0 ]
	[ "$output" = "Created manifest list $REG/l:1" ]
	run moss manifest create "$REG/l:1" "$SOURCE/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"refusing to amend an existing manifest list with no --amend flag"* ]]
	moss manifest inspect "$REG/l:1" >"$WORK/shown"
	[ "$(sed -n 2,4p "$WORK/shown")" = '   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
   "manifests": [' ]
	first=$(remote_digest "$SOURCE/docker:1")
	[ "$(jq -r '.manifests[0].digest' "$WORK/shown")" = "$first" ]
	run moss manifest push "$REG/l:1"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Pushed ref $REG/l@$first with digest: $first" ]
	digest=${lines[2]}
	raw "$REG/l:1" >"$WORK/pushed"
	[ "sha256:$(sha256sum <"$WORK/pushed" | cut -c-64)" = "$digest" ]
	[ "$(cat "$WORK/pushed")" = "$(cat "$WORK/shown")" ]
	# Every member is there, with its blobs.
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/l:1" "dir:$WORK/dir"
	moss pull -q "$REG/l:1"
	run moss manifest rm "$REG/l:1"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run moss manifest rm "$REG/l:1" "$REG/m:1"
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "moss: No such manifest: $REG/l:1" ]
	[ "${lines[1]}" = "moss: No such manifest: $REG/m:1" ]
	moss manifest rm -i "$REG/l:1"
	# It is still at the registry.
	[ "$(moss manifest inspect "$REG/l:1")" = "$(cat "$WORK/pushed")" ]
}

@test "exists; a short name is Docker's" {
	run moss manifest exists app
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	run moss manifest create app "$SOURCE/docker:1"
	[ "$output" = "Created manifest list docker.io/library/app:latest" ]
	run moss manifest exists app
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "inspect of a registry: a manifest, an index, --verbose, what is missing" {
	moss manifest inspect "$SOURCE/docker:1" >"$WORK/m"
	[ "$(sed -n 2p "$WORK/m")" = $'\t"schemaVersion": 2,' ]
	[ "$(cat "$WORK/m")" = "$(raw "$SOURCE/docker:1" | jq --tab .)" ]
	moss manifest inspect -v "$SOURCE/docker:1" >"$WORK/v"
	[ "$(jq -r .Descriptor.digest "$WORK/v")" = "$(remote_digest "$SOURCE/docker:1")" ]
	jq -r .Raw "$WORK/v" | base64 -d | cmp - <(raw "$SOURCE/docker:1")
	jq -e .SchemaV2Manifest.config.digest "$WORK/v"
	moss manifest inspect "$SOURCE/index:1" >"$WORK/i"
	[ "$(jq -r .mediaType "$WORK/i")" = application/vnd.oci.image.index.v1+json ]
	[ "$(jq -c '[.manifests[].digest]' "$WORK/i")" = "$(raw "$SOURCE/index:1" | jq -c '[.manifests[].digest]')" ]
	[ "$(moss manifest inspect -v "$SOURCE/list:1" | jq -r '.[0].SchemaV2Manifest.schemaVersion')" = 2 ]
	[ "$(moss manifest inspect -v "$SOURCE/multi:1" | jq -r .OCIManifest.schemaVersion)" = 2 ]
	run moss manifest inspect "$SOURCE/nosuch:1"
	[ "$status" -eq 1 ]
	[ "$output" = "moss: no such manifest: $SOURCE/nosuch:1" ]
	moss manifest create one "$SOURCE/docker:1"
	[ "$(moss manifest inspect one "$SOURCE/docker:1")" = "$(cat "$WORK/m")" ]
	run moss manifest inspect one "$SOURCE/multi:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"No such manifest: $SOURCE/multi:1"* ]]
}

@test "inspect shows a manifest in its own order, with its subject, types and URLs" {
	registry_start_empty odd urls
	python3 - "$MOSS_TEST_LIB" "$REG" <<-'PY'
		import sys
		sys.path.insert(0, sys.argv.pop(1))
		from registry_put import push_blob, push_manifest
		layer = push_blob("odd", b"x")
		config = push_blob("odd", b'{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["%s"]}}' % layer["digest"].encode())
		subject = {"size": 9, "digest": "sha256:" + "a" * 64, "mediaType": "application/x"}
		push_manifest("odd", "1", {
		    "annotations": {"a": "<b>"}, "subject": subject, "artifactType": "application/y",
		    "layers": [{"urls": ["https://x.example/"], "mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
		    "config": {**config, "mediaType": "application/vnd.oci.image.config.v1+json", "data": "e30="},
		    "mediaType": "application/vnd.oci.image.manifest.v1+json", "schemaVersion": 2,
		}, "application/vnd.oci.image.manifest.v1+json")
	PY
	[ "$(moss manifest inspect "$REG/odd:1")" = "$(raw "$REG/odd:1" | jq --tab .)" ]
}

@test "attestations are members like others; an artifact can be looked at, not listed" {
	[ "$(moss manifest inspect -v "$SOURCE/index:1" | jq -r '.[2].OCIManifest.layers[0].mediaType')" = application/vnd.in-toto+json ]
	moss manifest create --all "$REG/all:1" "$SOURCE/index:1"
	moss manifest push "$REG/all:1"
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/all:1" "dir:$WORK/dir"
	python3 - "$MOSS_TEST_LIB" "$REG" <<-'PY'
		import sys
		sys.path.insert(0, sys.argv.pop(1))
		from registry_put import push_blob, push_manifest
		config, layer = push_blob("artifact", b"{}"), push_blob("artifact", b"x")
		push_manifest("artifact", "1", {
		    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		    "artifactType": "application/y",
		    "config": {"mediaType": "application/vnd.oci.empty.v1+json", **config},
		    "layers": [{"mediaType": "application/z", **layer}],
		}, "application/vnd.oci.image.manifest.v1+json")
	PY
	[ "$(moss manifest inspect "$REG/artifact:1")" = "$(raw "$REG/artifact:1" | jq --tab .)" ]
	[ "$(moss manifest inspect -v "$REG/artifact:1" | jq -c '[.Descriptor.platform, .OCIManifest.artifactType]')" = \
		'[{"architecture":"","os":""},"application/y"]' ]
	run -1 moss manifest create "$REG/l:1" "$REG/artifact:1"
	[[ $output == *"not an image: unsupported config type application/vnd.oci.empty.v1+json"* ]]
	run -1 moss pull -q "$REG/artifact:1"
}

@test "annotate: by name and by digest; platforms that Docker does not know" {
	moss manifest create l "$SOURCE/docker:1" "$SOURCE/tags:a"
	run moss manifest annotate --os linux --arch arm64 --variant v8 --os-version 1 --os-features a,b l "$SOURCE/tags:a"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run jq -c '.manifests[1].platform' <(moss manifest inspect l)
	[ "$output" = '{"architecture":"arm64","os":"linux","os.version":"1","os.features":["a","b"],"variant":"v8"}' ]
	moss manifest annotate --arch s390x l "$(remote_digest "$SOURCE/docker:1")"
	[ "$(moss manifest inspect l | jq -r '.manifests[0].platform.architecture')" = s390x ]
	run moss manifest annotate --arch foo l "$SOURCE/tags:a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"manifest entry for image has unsupported os/arch combination: /foo"* ]]
	[ "$(moss manifest inspect l | jq -r '.manifests[1].platform.architecture')" = arm64 ]
	run moss manifest annotate --arch arm64 l "$SOURCE/other:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"manifest for image $SOURCE/other:1 does not exist in l"* ]]
	run moss manifest annotate --arch arm64 nosuch "$SOURCE/other:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not exist in nosuch"* ]]
	run moss manifest annotate l
	[ "$status" -eq 1 ]
	# Annotations make it an OCI index.
	moss manifest annotate --annotation a=b l "$SOURCE/tags:a"
	moss manifest annotate --index --annotation idx=1 l
	moss manifest inspect l >"$WORK/l"
	[ "$(jq -r .mediaType "$WORK/l")" = application/vnd.oci.image.index.v1+json ]
	[ "$(jq -r '.manifests[1].annotations.a, .annotations.idx' "$WORK/l" | xargs)" = "b 1" ]
	moss manifest push l "docker://$REG/l:1"
	[ "$(raw "$REG/l:1" | jq -r '.annotations.idx')" = 1 ]
	moss manifest push --format v2s2 -q l "$REG/l:2"
	[ "$(raw "$REG/l:2" | jq -r .mediaType)" = application/vnd.docker.distribution.manifest.list.v2+json ]
}

@test "add and remove: Podman's; --all, the one for this machine, --creds" {
	moss manifest create l
	run moss manifest add --arch arm64 --variant v8 --annotation x=y l "$SOURCE/docker:1"
	[ "$status" -eq 0 ]
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	id=$output
	[ "$(moss manifest inspect l | jq -r '.manifests[0].platform.architecture')" = arm64 ]
	run moss manifest add --all l "$SOURCE/list:1"
	[ "$output" = "$id" ]
	[ "$(moss manifest inspect l | jq '.manifests | length')" = 3 ]
	run moss manifest remove l "$(arch_digest arm64)"
	[ "$output" = "$id" ]
	[ "$(moss manifest inspect l | jq '.manifests | length')" = 2 ]
	run moss manifest remove l "sha256:$(printf '%064d' 0)"
	[ "$status" -eq 1 ]
	[[ "$output" == *"no instance matching digest"* ]]
	run moss manifest remove l null
	[ "$status" -eq 1 ]
	[[ "$output" == *'invalid image digest "null"'* ]]
	moss manifest create one
	moss manifest add one "$SOURCE/list:1"
	[ "$(moss manifest inspect one | jq '.manifests | length')" = 1 ]
	run moss manifest create two "$SOURCE/list:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$SOURCE/list:1 is a manifest list"* ]]
	moss manifest create --all two "$SOURCE/list:1"
	[ "$(moss manifest inspect two | jq '.manifests | length')" = 2 ]
	run moss manifest create three "$SOURCE/nosuch:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"no such manifest: $SOURCE/nosuch:1"* ]]
	run moss manifest exists three
	[ "$status" -eq 1 ]
	run moss manifest add l --artifact "$WORK/x"
	[ "$status" -eq 125 ]
}

@test "members that only the store has" {
	moss load -q -i "$(busybox_archive)"
	moss tag busybox "$REG/app:amd64"
	moss manifest create "$REG/app:1" "$REG/app:amd64" "$SOURCE/docker:1"
	moss manifest push "$REG/app:1"
	moss rmi -f --no-trash "$(moss images -q | head -1)"
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/app:1" "dir:$WORK/dir"
	# A list is pushed by `push`, too.
	moss manifest create l "$SOURCE/docker:1"
	run moss push l "$REG/pushed:1"
	[ "$status" -eq 0 ]
	[ "$(raw "$REG/pushed:1" | jq -r '.manifests[0].digest')" = "$(remote_digest "$SOURCE/docker:1")" ]
}

@test "push: --purge, --rm, --all=false, --digestfile, an unknown list" {
	moss manifest create "$REG/l:1" "$SOURCE/docker:1"
	run moss manifest push --all=false --retry-delay 1 "$REG/l:1"
	[ "$status" -eq 125 ]
	run moss manifest push --all=false "$REG/l:1"
	# The registry has no such member.
	[ "$status" -eq 1 ]
	moss manifest push --digestfile "$WORK/d" --purge "$REG/l:1"
	[ "$(cat "$WORK/d")" = "$(remote_digest "$REG/l:1")" ]
	run moss manifest exists "$REG/l:1"
	[ "$status" -eq 1 ]
	run moss manifest push "$REG/l:1"
	[ "$status" -eq 1 ]
	[ "$output" = "moss: No such manifest: $REG/l:1" ]
	moss manifest create l "$SOURCE/docker:1"
	moss manifest push --rm -q l "$REG/l:2"
	run moss manifest exists l
	[ "$status" -eq 1 ]
	run moss manifest push --add-compression zstd l "$REG/l:2"
	[ "$status" -eq 125 ]
}

@test "ten changes at once: none is lost" {
	moss manifest create l "$SOURCE/docker:1" "$SOURCE/tags:a"
	local i pids=()
	for i in $(seq 10); do
		moss manifest annotate --index --annotation "k$i=v" l 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(moss manifest inspect l | jq '.annotations | length')" = 10 ]
}

@test "hostile indexes: too large, nested, no digest" {
	proxy_start
	fault 0 /manifests/ huge 6
	run moss manifest inspect "$PROXY/list:1"
	[ "$status" -eq 1 ]
	REG=$SOURCE
	registry_stop_all
	registry_start
	local image
	for image in bad-both bad-digest bad-deep; do
		run moss manifest inspect "$REG/$image:1"
		[ "$status" -eq 1 ]
	done
}
