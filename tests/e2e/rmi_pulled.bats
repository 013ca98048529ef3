# rmi and images with digest references, as pulls leave them.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	moss pull -q "$REG/docker:1" >/dev/null
	digest=$(moss images --digests --format '{{.Digest}}')
	id=$(moss images -q --no-trunc)
}

teardown() {
	registry_stop_all
	store_drop
}

@test "images shows the digest where it is asked for" {
	[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]
	[[ $(moss images) != *sha256* ]]
	[[ $(moss images --format json) == *'"Digest":"\u003cnone\u003e"'* ]]
	[ "$(moss images --format '{{.Digest}}')" = "$digest" ]
	[ "$(moss images --digests --format '{{.Repository}}:{{.Tag}}@{{.Digest}}')" = "$REG/docker:1@$digest" ]
}

@test "the last tag takes its repository's digests along" {
	run -0 moss rmi "$REG/docker:1"
	[ "${lines[0]}" = "Untagged: $REG/docker:1" ]
	[ "${lines[1]}" = "Untagged: $REG/docker@$digest" ]
	[ "${lines[2]}" = "Deleted: $id" ]
	moss undo --empty --force >/dev/null
	[ "$(ls "$ROOT/layers")" = "" ]
	[ "$(ls "$ROOT/blobs/sha256")" = "" ]
}

@test "by id: one repository, tag and digest, needs no force" {
	run -0 moss rmi "${id:7:12}"
	[ "${lines[0]}" = "Untagged: $REG/docker:1" ]
	[ "${lines[1]}" = "Untagged: $REG/docker@$digest" ]
	[ "$(moss images -q)" = "" ]
}

# Of the image's config and its manifests.
blobs() { find "$ROOT/blobs/sha256" -type f | wc -l; }

@test "two manifests of one config: each goes with the last of its names" {
	moss rmi --no-trash "$REG/docker:1" >/dev/null
	registry_start_empty two
	two_manifests two
	moss pull -q "$REG/two:gzip"
	moss pull -q "$REG/two:zstd"
	id=$(moss images -q --no-trunc "$REG/two:gzip")
	[ "$(blobs)" = 3 ]
	# Docker shows each tag with each digest of its repository.
	[ "$(moss images --digests --format '{{.Tag}} {{.Digest}}' | sort)" = "$(printf '%s\n' "gzip $GZIP" "gzip $ZSTD" "zstd $GZIP" "zstd $ZSTD" | sort)" ]
	[ "$(moss image inspect -f '{{join .RepoDigests "\n"}}' "$id")" = "$(printf '%s\n' "$REG/two@$GZIP" "$REG/two@$ZSTD" | sort)" ]
	[ "$(moss run --rm --network none "$REG/two@$GZIP" echo g)" = g ]
	[ "$(moss run --rm --network none "$REG/two@$ZSTD" echo z)" = z ]
	[ "$(moss images -q --filter "digest=$ZSTD")" != "" ]
	[[ $(moss images --tree) == *"├─ "*"└─ "* ]]
	run -0 moss rmi "$REG/two:gzip"
	[ "$output" = "Untagged: $REG/two:gzip" ]
	[ "$(blobs)" = 3 ]
	run -0 moss rmi "$REG/two@$GZIP"
	[ "$output" = "Untagged: $REG/two@$GZIP" ]
	[ "$(blobs)" = 2 ]
	[ -e "$ROOT/blobs/sha256/${ZSTD#sha256:}" ]
	moss push -q "$id" "$REG/by-id:1"
	[ "$(remote_digest "$REG/by-id:1")" = "$ZSTD" ]
	moss rmi "$REG/by-id@$ZSTD"
	run -0 moss rmi --no-trash "$REG/two:zstd"
	[ "${lines[0]}" = "Untagged: $REG/two:zstd" ]
	[ "${lines[1]}" = "Untagged: $REG/two@$ZSTD" ]
	[ "${lines[2]}" = "Deleted: $id" ]
	[ "$(blobs)" = 0 ]
}

@test "two manifests of one config: a tag that is given anew, untag, undo" {
	moss rmi --no-trash "$REG/docker:1" >/dev/null
	registry_start_empty two
	two_manifests two
	moss pull -q "$REG/two:gzip"
	moss pull -q "$REG/two:zstd"
	moss rmi "$REG/two@$GZIP" >/dev/null
	moss tag "$REG/two:zstd" "$REG/two:gzip"
	[ "$(blobs)" = 2 ]
	[ ! -e "$ROOT/blobs/sha256/${GZIP#sha256:}" ]
	[ "$(ls "$ROOT/trash")" = "" ]
	moss pull -q "$REG/two:gzip"
	[ "$(blobs)" = 3 ]
	# The image as a whole: undo brings both back.
	moss rmi -f "$(moss images -q --no-trunc "$REG/two:zstd")" >/dev/null
	[ "$(blobs)" = 3 ]
	run -0 moss system check
	[ -z "$output" ]
	moss undo "$REG/two:zstd"
	moss push -q "$REG/two:gzip" "$REG/back:gzip"
	moss push -q "$REG/two:zstd" "$REG/back:zstd"
	[ "$(remote_digest "$REG/back:gzip")" = "$GZIP" ]
	[ "$(remote_digest "$REG/back:zstd")" = "$ZSTD" ]
	moss untag "$REG/two:gzip" "$REG/two:gzip" "$REG/two@$GZIP" "$REG/back@$GZIP"
	[ "$(blobs)" = 2 ]
	moss rmi -f "$(moss images -q --no-trunc "$REG/two:zstd")" >/dev/null
	moss undo --empty --force >/dev/null
	[ "$(blobs)" = 0 ]
}

@test "another repository's tag keeps the image; the digest goes with its own" {
	moss tag "$REG/docker:1" other
	run -0 moss rmi "$REG/docker:1"
	[ "${lines[0]}" = "Untagged: $REG/docker:1" ]
	[ "${lines[1]}" = "Untagged: $REG/docker@$digest" ]
	[ ${#lines[@]} = 2 ]
	[ "$(moss images --format '{{.Repository}}')" = other ]
}

@test "pulled by digest only: a row without a tag, removed by digest or id" {
	moss rmi "$REG/docker:1"
	moss pull -q "$REG/docker@$digest"
	[ "$(moss images --format '{{.Repository}} {{.Tag}}')" = "$REG/docker <none>" ]
	# As with Docker: what has no tag is dangling.
	[ "$(moss images -q --no-trunc -f dangling=true)" = "$id" ]
	[ "$(moss images -q --no-trunc "$REG/docker")" = "$id" ]
	run -0 moss rmi "$REG/docker@$digest"
	[ "${lines[0]}" = "Untagged: $REG/docker@$digest" ]
	[ "${lines[1]}" = "Deleted: $id" ]
	[ "$(moss images -q)" = "" ]
}
