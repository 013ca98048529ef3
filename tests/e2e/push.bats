#!/usr/bin/env bats
# push: what arrives, and what need not be sent.
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start_empty to
}

teardown() {
	registry_stop_all
	store_drop
}

# A filled registry besides: $SOURCE, $TO.
two_registries() {
	TO=$REG
	registry_start
	SOURCE=$REG
}

busybox() { moss load -q -i "$(busybox_archive)" >/dev/null; }
manifest() { # REFERENCE: its bytes
	skopeo inspect --raw --tls-verify=false "docker://$1"
}
same() { [ "$(remote_digest "$1")" = "$(remote_digest "$2")" ]; }

@test "an image of the store: Docker's lines, a Docker manifest, readable by all" {
	busybox
	moss tag busybox "$REG/team/app:1"
	id=$(moss image inspect -f '{{index .RootFS.Layers 0}}' busybox)
	short=${id:7:12}
	run moss push "$REG/team/app:1"
	[ "$status" -eq 0 ]
	digest=$(remote_digest "$REG/team/app:1")
	size=$(manifest "$REG/team/app:1" | wc -c)
	[ "$output" = "The push refers to repository [$REG/team/app]
$short: Preparing
$short: Pushed
1: digest: $digest size: $size" ]
	manifest "$REG/team/app:1" >"$WORK/manifest"
	[ "$(jq -r .mediaType "$WORK/manifest")" = application/vnd.docker.distribution.manifest.v2+json ]
	[ "$(sed -n 2p "$WORK/manifest")" = '   "schemaVersion": 2,' ]
	[ "$(jq -r .config.digest "$WORK/manifest")" = "$(moss image inspect -f '{{.Id}}' busybox)" ]
	# The layer is the one that the config names.
	skopeo copy -q --src-tls-verify=false "docker://$REG/team/app:1" "dir:$WORK/dir"
	blob=$(jq -r '.layers[0].digest' "$WORK/manifest")
	[ "$(gzip -dc "$WORK/dir/${blob#sha256:}" | sha256sum | cut -c-64)" = "${id#sha256:}" ]
	run moss push "$REG/team/app:1"
	[ "$output" = "The push refers to repository [$REG/team/app]
$short: Preparing
$short: Layer already exists
1: digest: $digest size: $size" ]
	run moss image inspect -f '{{json .RepoDigests}}' busybox
	[[ "$output" == *"$REG/team/app@$digest"* ]]
	moss rmi -f --no-trash "$(moss images -q | head -1)"
	moss pull -q "$REG/team/app:1"
	[ "$(image_sh "$REG/team/app:1" 'echo ok')" = ok ]
}

@test "what was pulled keeps its digests: fetched from where it came, mounted, known" {
	two_registries
	local image
	for image in multi:1 docker:1 twice:1; do
		moss pull -q "$SOURCE/$image"
		moss tag "$SOURCE/$image" "$TO/copy/$image"
		moss push "$TO/copy/$image"
		same "$SOURCE/$image" "$TO/copy/$image"
	done
	moss tag "$SOURCE/docker:1" "$TO/second/docker:1"
	run moss push "$TO/second/docker:1"
	[ "$status" -eq 0 ]
	[[ "$output" == *": Mounted from copy/docker"* ]]
	[[ "$output" != *": Pushed"* ]]
	same "$SOURCE/docker:1" "$TO/second/docker:1"
	run moss push "$TO/second/docker:1"
	[[ "$output" == *": Layer already exists"* ]]
	[[ "$output" != *": Mounted"* ]]
}

@test "a source that is gone: new layers, the config and the format as they were" {
	two_registries
	moss pull -q "$SOURCE/multi:1"
	moss pull -q "$SOURCE/docker:1"
	config=$(manifest "$SOURCE/multi:1" | jq -r .config.digest)
	kill "${REGISTRY_PIDS[1]}"
	moss tag "$SOURCE/multi:1" "$TO/multi:1"
	moss tag "$SOURCE/docker:1" "$TO/docker:1"
	moss push "$TO/multi:1"
	[ "$(manifest "$TO/multi:1" | jq -r .config.digest)" = "$config" ]
	[ "$(manifest "$TO/multi:1" | jq -r .mediaType)" = application/vnd.oci.image.manifest.v1+json ]
	moss push "$TO/docker:1"
	[ "$(manifest "$TO/docker:1" | jq -r .mediaType)" = application/vnd.docker.distribution.manifest.v2+json ]
	# Each compressed layer is the tar that the config names.
	skopeo copy -q --src-tls-verify=false "docker://$TO/multi:1" "dir:$WORK/dir"
	jq -r '.rootfs.diff_ids[]' "$WORK/dir/${config#sha256:}" | cut -c8- >"$WORK/wanted"
	manifest "$TO/multi:1" | jq -r '.layers[].digest' | cut -c8- | while read -r blob; do
		gzip -dc "$WORK/dir/$blob" | sha256sum | cut -c-64
	done >"$WORK/got"
	diff "$WORK/wanted" "$WORK/got"
	# What was made once has a name now: it is not sent again.
	run moss push "$TO/multi:1"
	[ "$status" -eq 0 ]
	[[ "$output" != *": Pushed"* ]]
	moss rmi -f --no-trash "$(moss images -q "$TO/multi:1")"
	moss pull -q "$TO/multi:1"
}

@test "commit, change, push: only what is new is sent; the same push is the same digest" {
	busybox
	moss run --name c1 --network none busybox sh -c 'echo one >/one'
	moss commit c1 "$REG/app:1"
	moss tag busybox "$REG/base:1"
	moss push -q "$REG/base:1"
	run moss push "$REG/app:1"
	[ "$status" -eq 0 ]
	[ "$(grep -c ': Pushed' <<<"$output")" = 1 ]
	[ "$(grep -c ': Mounted from base' <<<"$output")" = 1 ]
	digest=$(remote_digest "$REG/app:1")
	registry_start_empty other
	first=$(moss images --format '{{.Repository}}:{{.Tag}}' | grep '/app:1$')
	moss tag "$first" "$REG/app:1"
	moss push -q "$REG/app:1"
	[ "$(remote_digest "$REG/app:1")" = "$digest" ]
}

@test "--format and --compression-format" {
	busybox
	moss push --format oci busybox "$REG/b:oci"
	[ "$(manifest "$REG/b:oci" | jq -r .mediaType)" = application/vnd.oci.image.manifest.v1+json ]
	[ "$(manifest "$REG/b:oci" | jq -r '.layers[0].mediaType')" = application/vnd.oci.image.layer.v1.tar+gzip ]
	moss push --compression-format zstd --force-compression --compression-level 5 busybox "$REG/b:zstd"
	manifest "$REG/b:zstd" >"$WORK/zstd"
	[ "$(jq -r '.layers[0].mediaType' "$WORK/zstd")" = application/vnd.oci.image.layer.v1.tar+zstd ]
	skopeo copy -q --src-tls-verify=false "docker://$REG/b:zstd" "dir:$WORK/dir"
	blob=$(jq -r '.layers[0].digest' "$WORK/zstd")
	id=$(moss image inspect -f '{{index .RootFS.Layers 0}}' busybox)
	[ "$(zstd -dc "$WORK/dir/${blob#sha256:}" | sha256sum | cut -c-64)" = "${id#sha256:}" ]
	moss push --format v2s2 busybox "$REG/b:v2s2"
	[ "$(manifest "$REG/b:v2s2" | jq -r '.layers[0].mediaType')" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
	[ "$(manifest "$REG/b:v2s2" | jq -r .config.digest)" = "$(manifest "$REG/b:oci" | jq -r .config.digest)" ]
	run moss push --format v2s2 --compression-format zstd busybox "$REG/b:x"
	[ "$status" -eq 1 ]
	[[ "$output" == *"--format oci"* ]]
	# Without --force-compression what the registry has will do.
	run moss push --compression-format zstd busybox "$REG/b:again"
	[[ "$output" == *": Layer already exists"* ]]
	moss push --compression-level 9 --force-compression busybox "$REG/b:nine"
	run moss push --compression-format foo busybox "$REG/b:x"
	[ "$status" -eq 1 ]
	[[ "$output" == *'cannot find compressor for "foo"'* ]]
	run moss push --compression-level 99 busybox "$REG/b:x"
	[ "$status" -eq 1 ]
	run moss push --format v2s1 busybox "$REG/b:x"
	[ "$status" -eq 1 ]
}

@test "what was compressed here once is compressed the same way again: its digest stays" {
	busybox
	moss push -q --compression-level 9 --compression-format gzip busybox "$REG/b:1"
	digest=$(remote_digest "$REG/b:1")
	registry_stop_all
	registry_start_empty elsewhere
	run moss push busybox "$REG/b:1"
	[ "$status" -eq 0 ]
	[[ "$output" == *": Pushed"* ]]
	[ "$(remote_digest "$REG/b:1")" = "$digest" ]
	moss push -q --force-compression busybox "$REG/b:2"
	[ "$(remote_digest "$REG/b:2")" = "$digest" ]
	moss push -q --force-compression --compression-level 1 busybox "$REG/b:3"
	[ "$(remote_digest "$REG/b:3")" != "$digest" ]
}

@test "--all-tags, --quiet, --digestfile, --platform" {
	busybox
	moss tag busybox "$REG/many:b"
	moss tag busybox "$REG/many:a"
	run moss push -a "$REG/many"
	[ "$status" -eq 0 ]
	[ "$(grep -o '^[ab]: digest' <<<"$output" | tr -d '\n')" = "a: digestb: digest" ]
	[ "$(grep -c 'The push refers' <<<"$output")" = 1 ]
	run moss push -q -a "$REG/many"
	[ "$output" = "$REG/many" ]
	run moss push -q --digestfile "$WORK/digest" "$REG/many:a"
	[ "$output" = "$REG/many:a" ]
	[ "$(cat "$WORK/digest")" = "$(remote_digest "$REG/many:a")" ]
	[ "$(wc -c <"$WORK/digest")" = 71 ]
	run moss push -a "$REG/many:a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"tag can't be used with --all-tags/-a"* ]]
	moss push -q --platform "linux/$(moss version -f '{{.Client.Arch}}')" "$REG/many:a"
	run moss push --platform linux/mips64 "$REG/many:a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not provide the specified platform (linux/mips64)"* ]]
	run moss events --since 1h --until 0s --filter event=push --format '{{.Actor.ID}} {{.Actor.Attributes.name}}'
	[ "${lines[0]}" = "$REG/many $REG/many" ]
	[ "${lines[-1]}" = "$REG/many:a $REG/many" ]
}

@test "what cannot be pushed" {
	busybox
	run moss push nosuch/image:1
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "The push refers to repository [docker.io/nosuch/image]" ]
	[[ "$output" == *"An image does not exist locally with the tag: nosuch/image"* ]]
	moss tag busybox "$REG/app:1"
	run moss push "$REG/app"
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "Using default tag: latest" ]
	[[ "$output" == *"tag does not exist: $REG/app:latest"* ]]
	run moss push "$REG/app@sha256:$(printf '%064d' 0)"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot push a digest reference"* ]]
	run moss push INVALID
	[ "$status" -eq 1 ]
	[[ "$output" == *"must be lowercase"* ]]
	run moss push busybox containers-storage:x
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot push to containers-storage:x"*"moss save"* ]]
	run moss push --sign-by me busybox
	[ "$status" -eq 125 ]
	[[ "$output" == *"--sign-by"* ]]
	run moss push 127.0.0.1:1/x:1
	[ "$status" -eq 1 ]
	moss tag busybox 127.0.0.1:1/x:1
	run moss push --retry 0 127.0.0.1:1/x:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"connect: connection refused"* ]]
	# Nothing is prepared for a registry that is not there.
	[[ "$output" != *Preparing* ]]
	[ "${lines[0]}" = "The push refers to repository [127.0.0.1:1/x]" ]
	[[ "${lines[1]}" == "moss: "* ]]
	# One that refuses is.
	registry_start_empty closed htpasswd
	moss tag busybox "$REG/x:1"
	run moss push "$REG/x:1"
	[ "$status" -eq 1 ]
	[[ "${lines[1]}" == *": Preparing" ]]
}

@test "basic: credentials; --creds; the wrong ones" {
	registry_stop_all
	registry_start_empty closed htpasswd
	busybox
	moss tag busybox "$REG/app:1"
	run moss push "$REG/app:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"no basic auth credentials"* ]]
	run moss push --creds alice:wrong "$REG/app:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized: authentication required"* ]]
	moss push -q --creds alice:secret "$REG/app:1"
	printf secret | moss login -u alice --password-stdin "$REG"
	moss tag busybox "$REG/app:2"
	moss push -q "$REG/app:2"
}

@test "token: scopes for pushing and for mounting; a token that ends during the push" {
	registry_stop_all
	registry_start_empty closed token
	proxy_start
	busybox
	printf secret | moss login -u alice --password-stdin "$PROXY"
	: >"$WORK/tokens.log"
	moss tag busybox "$PROXY/app:1"
	fault 1 '^PUT.*/blobs/uploads' expired "http://$TOKENS/token"
	moss push -q "$PROXY/app:1"
	[ "$(wc -l <"$WORK/tokens.log")" -ge 2 ]
	no_faults
	moss tag busybox "$PROXY/private/app:2"
	run moss push "$PROXY/private/app:2"
	[ "$status" -eq 0 ]
	[[ "$output" == *": Mounted from app"* ]]
	moss logout "$PROXY"
	moss tag busybox "$PROXY/third:1"
	run moss push "$PROXY/third:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"denied: requested access to the resource is denied" ]]
}

@test "TLS: --cert-dir, certs.d, --tls-verify=false" {
	registry_stop_all
	registry_start_empty tls tls
	busybox
	moss tag busybox "$REG/app:1"
	run moss push --retry 0 "$REG/app:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"certificate signed by unknown authority"* ]]
	moss push -q --tls-verify=false "$REG/app:1"
	mkdir -p "$WORK/certs" "$HOME/.config/docker/certs.d/$REG"
	cp "$WORK/ca.crt" "$WORK/certs/"
	moss push -q --cert-dir "$WORK/certs" "$REG/app:1"
	cp "$WORK/ca.crt" "$HOME/.config/docker/certs.d/$REG/"
	moss push -q "$REG/app:1"
}

@test "a terminal gets its lines in place" {
	busybox
	moss tag busybox "$REG/app:1"
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" push "$REG/app:1" <<-'STEPS'
		expect Preparing
		expect Pushed
		expect 1: digest: sha256:
		exit 0
	STEPS
}

@test "two pushes at once, and one beside an rmi" {
	busybox
	moss tag busybox "$REG/one:1"
	moss tag busybox "$REG/two:1"
	moss push -q "$REG/one:1" 3>&- &
	first=$!
	moss push -q "$REG/two:1"
	wait "$first"
	same "$REG/one:1" "$REG/two:1"
	moss rmi "$REG/one:1"
	moss push -q "$REG/two:1"
}
