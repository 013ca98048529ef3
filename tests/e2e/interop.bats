#!/usr/bin/env bats
# Images of others that are right but not as one expects them (lib/make-odd-images): pulled, pushed and
# saved they stay what they are, byte for byte, for skopeo as for us.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start_empty odd urls
}

teardown() {
	registry_stop_all
	store_drop
}

# HOST/REPOSITORY:TAG: the manifest's bytes.
raw() {
	local path=${1#*/}
	curl -sf "http://${1%%/*}/v2/${path%:*}/manifests/${path##*:}" \
		-H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json'
}

config_of() { jq -r .config.digest; }

@test "odd images: the id is the config's digest, and a push keeps every byte of the manifest" {
	local name id
	python3 "$MOSS_TEST_LIB/make-odd-images" "$REG" >"$WORK/images"
	[ "$(wc -l <"$WORK/images")" -gt 35 ]
	# All are here before the first is pushed: many have a layer in common, each in another form.
	while read -r name id; do
		echo "pull $name"
		moss pull -q "$REG/$name:1"
		[ "$(moss image inspect -f '{{.Id}}' "$REG/$name:1")" = "$id" ]
		moss history -q "$REG/$name:1" >"$WORK/history"
	done <"$WORK/images"
	while read -r name id; do
		echo "push $name"
		moss push -q "$REG/$name:1" "$REG/pushed/$name:1"
		raw "$REG/$name:1" >"$WORK/theirs"
		raw "$REG/pushed/$name:1" >"$WORK/ours"
		cmp "$WORK/theirs" "$WORK/ours"
	done <"$WORK/images"
	moss system check
}

@test "odd images: saved, skopeo reads them; loaded again, they are the same" {
	local name id names=() n=0 archive
	python3 "$MOSS_TEST_LIB/make-odd-images" "$REG" >"$WORK/images"
	while read -r name id; do
		moss pull -q "$REG/$name:1"
		moss tag "$REG/$name:1" "$name:1"
		names+=("$name:1")
	done <"$WORK/images"
	moss save -o "$WORK/docker.tar" "${names[@]}"
	moss save --format oci-archive -o "$WORK/oci.tar" "${names[@]}"
	# Each start of skopeo reads the whole archive: every fourth in one form, every fourth in the other.
	while read -r name id; do
		n=$((n + 1))
		echo "$name"
		case $((n % 4)) in
		0) [ "$(skopeo inspect --raw "docker-archive:$WORK/docker.tar:$name:1" | config_of)" = "$id" ] ;;
		2) [ "$(skopeo inspect --raw "oci-archive:$WORK/oci.tar:docker.io/library/$name:1" | config_of)" = "$id" ] ;;
		esac
	done <"$WORK/images"
	moss rmi -af --no-trash >/dev/null
	for archive in docker oci; do
		moss load -q -i "$WORK/$archive.tar" >/dev/null
		moss images --no-trunc --format '{{.Repository}} {{.ID}}' | sort >"$WORK/loaded"
		sort "$WORK/images" | diff - "$WORK/loaded"
		moss rmi -af --no-trash >/dev/null
	done
}

@test "what skopeo makes of an image: other formats and compressions, one id" {
	local from id form
	from=docker-archive:$(busybox_archive)
	moss load -q -i "$(busybox_archive)" >/dev/null
	id=$(moss image inspect -f '{{.Id}}' busybox)
	copy() { skopeo --insecure-policy copy -q --dest-tls-verify=false "${@:2}" "$from" "docker://$REG/$1"; }
	copy v2s2:1 --format v2s2
	copy oci:1 --format oci
	copy zstd:1 --format oci --dest-compress-format zstd
	copy level:1 --format oci --dest-compress-format gzip --dest-compress-level 1
	for form in v2s2 oci zstd level; do
		moss pull -q "$REG/$form:1"
		# In OCI's form skopeo writes the config anew.
		[ "$(moss image inspect -f '{{.Id}}' "$REG/$form:1")" = "$(raw "$REG/$form:1" | config_of)" ]
		[ "$(moss image inspect -f '{{.RootFS.Layers}}' "$REG/$form:1")" = \
			"$(moss image inspect -f '{{.RootFS.Layers}}' busybox)" ]
	done
	[ "$(moss image inspect -f '{{.Id}}' "$REG/v2s2:1")" = "$id" ]
}

@test "one config in several manifests: each name is pushed as what it was pulled as" {
	local from form to
	two_manifests two
	from=$REG
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss push -q --format v2s2 busybox "$from/form:v2s2"
	moss push -q --format oci busybox "$from/form:oci"
	moss rmi -f --no-trash "$(moss images -q busybox)" >/dev/null
	for form in two:gzip two:zstd form:oci form:v2s2; do moss pull -q "$from/$form"; done
	[ "$(moss images -q | sort -u | wc -l)" = 1 ]
	moss tag "$from/two:zstd" again:1
	for to in "$from/other" to; do
		if [ "$to" = to ]; then
			registry_start_empty elsewhere
			to=$REG/x
		fi
		for form in two:zstd two:gzip form:v2s2 form:oci; do
			moss push -q "$from/$form" "$to/$form"
			[ "$(raw "$to/$form" | sha256sum)" = "$(raw "$from/$form" | sha256sum)" ]
		done
		moss push -q again:1 "$to/again:1"
		[ "$(remote_digest "$to/again:1")" = "$ZSTD" ]
		moss push -q "$from/two@$GZIP" "$to/digest:1"
		[ "$(remote_digest "$to/digest:1")" = "$GZIP" ]
	done
	run -0 moss system check
	[ -z "$output" ]
}

@test "one config in several manifests: in a list, in a folder" {
	two_manifests two
	moss pull -q "$REG/two:gzip"
	moss pull -q "$REG/two:zstd"
	# A list has the one that it was given.
	moss tag "$REG/two:zstd" "$REG/local:zstd"
	moss manifest create "$REG/list:1" "$REG/local:zstd" >/dev/null
	moss manifest push "$REG/list:1" >/dev/null
	skopeo inspect --raw --tls-verify=false "docker://$REG/list:1" >"$WORK/list"
	[ "$(jq -r '.manifests[0].digest' "$WORK/list")" = "$ZSTD" ]
	# In a folder the member is of that one's format.
	local form
	moss load -q -i "$(busybox_archive)" >/dev/null
	for form in oci v2s2; do
		moss push -q --format $form busybox "$REG/form:$form"
	done
	moss rmi -f --no-trash "$(moss images -q busybox)" >/dev/null
	for form in oci v2s2; do
		moss pull -q "$REG/form:$form"
		moss tag "$REG/form:$form" "$REG/local:$form"
	done
	for form in oci v2s2; do
		moss manifest create "$form" "$REG/local:$form" >/dev/null
		moss manifest push "$form" "dir:$WORK/$form"
		[ "$(jq -r '.manifests[0].mediaType' "$WORK/$form/manifest.json")" = \
			"$(raw "$REG/form:$form" | jq -r .mediaType)" ]
	done
	# skopeo's layout has both; what is loaded of it is pushed as it was.
	moss rmi -af --no-trash >/dev/null
	skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$REG/two:gzip" "oci:$WORK/layout:a:gzip"
	skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$REG/two:zstd" "oci:$WORK/layout:a:zstd"
	moss load -q -i "$WORK/layout"
	[ "$(moss images -q | sort -u | wc -l)" = 1 ]
	moss push -q a:zstd "$REG/two:loaded-zstd"
	[ "$(remote_digest "$REG/two:loaded-zstd")" = "$ZSTD" ]
	moss push -q a:gzip "$REG/two:loaded-gzip"
	[ "$(remote_digest "$REG/two:loaded-gzip")" = "$GZIP" ]
}

@test "the repository that has the image's forms is asked, however many others have the layer" {
	local n
	MOSS_TEST_LIB=$MOSS_TEST_LIB python3 - "$REG" <<-'PYTHON'
		import gzip, json, os, sys
		sys.path.insert(0, os.environ["MOSS_TEST_LIB"])
		from archive import sha, tar
		from registry_put import push_blob, push_manifest
		layer = tar(("f", os.urandom(4000)))
		D = "application/vnd.docker."
		for n, name in enumerate(["a", "b", "c", "d", "e", "f"]):
		    c = {"os": "linux", "architecture": "amd64", "author": name,
		         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(layer)]}}
		    push_manifest(name, "1", {
		        "schemaVersion": 2, "mediaType": D + "distribution.manifest.v2+json",
		        "config": {"mediaType": D + "container.image.v1+json",
		                   **push_blob(name, json.dumps(c).encode())},
		        "layers": [{"mediaType": D + "image.rootfs.diff.tar.gzip",
		                    **push_blob(name, gzip.compress(layer, mtime=n))}]},
		        D + "distribution.manifest.v2+json")
	PYTHON
	for n in a b c d e f; do moss pull -q "$REG/$n:1"; done
	for n in a b c d e f; do
		moss push "$REG/$n:1" "$REG/to/$n:1" >"$WORK/out"
		grep -q ": Mounted from $n$" "$WORK/out"
		[ "$(raw "$REG/$n:1")" = "$(raw "$REG/to/$n:1")" ]
	done
}
