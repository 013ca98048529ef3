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
