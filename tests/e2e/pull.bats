#!/usr/bin/env bats
# pull: images as they should be.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
}

teardown() {
	registry_stop_all
	store_drop
}

@test "pull prints Docker's lines and the image runs" {
	run moss pull "$REG/docker:1"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "1: Pulling from docker" ]
	[[ "$output" == *": Pulling fs layer"* ]]
	[[ "$output" == *": Verifying Checksum"* ]]
	[[ "$output" == *": Download complete"* ]]
	[[ "$output" == *": Pull complete"* ]]
	[ "${lines[-2]}" = "Status: Downloaded newer image for $REG/docker:1" ]
	[ "${lines[-1]}" = "$REG/docker:1" ]
	[[ "${lines[-3]}" == "Digest: sha256:"* ]]
	run image_sh "$REG/docker:1" 'cat /two'
	[ "$output" = 2 ]
}

@test "pulling again says that the image is up to date" {
	moss pull -q "$REG/docker:1"
	run moss pull "$REG/docker:1"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[ "${lines[2]}" = "Status: Image is up to date for $REG/docker:1" ]
}

@test "an image that came by load is up to date, and gets its digest" {
	skopeo copy -q --src-tls-verify=false "docker://$REG/docker:1" \
		"docker-archive:$WORK/image.tar:$REG/docker:1"
	moss load -q -i "$WORK/image.tar"
	run moss pull "$REG/docker:1"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Status: Image is up to date for $REG/docker:1"* ]]
	run moss image inspect -f '{{index .RepoDigests 0}}' "$REG/docker:1"
	[[ "$output" == "$REG/docker@sha256:"* ]]
}

@test "quiet prints the name only" {
	run moss pull -q "$REG/docker:1"
	[ "$status" -eq 0 ]
	[ "$output" = "$REG/docker:1" ]
}

@test "several are pulled one after the other, whatever becomes of one" {
	registry_start
	run --separate-stderr moss pull -q "$REG/docker:1" "$REG/none:1" "$REG/tags:a"
	[ "$status" = 1 ]
	[ "$output" = "$REG/docker:1
$REG/tags:a" ]
	[ "${stderr_lines[0]}" = "moss: manifest for $REG/none:1 not found: manifest unknown: manifest unknown" ]
	run -125 moss pull --policy nope "$REG/docker:1"
	run -1 moss pull
	[[ $output == *'requires at least 1 argument'* ]]
}

@test "a missing tag becomes latest, and says so" {
	run moss pull "$REG/docker"
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "Using default tag: latest" ]
	[[ "$output" == *"manifest for $REG/docker:latest not found: manifest unknown: manifest unknown"* ]]
}

@test "gzip, zstd and plain layers with whiteouts, links, owners" {
	moss pull -q "$REG/multi:1"
	run image_sh "$REG/multi:1" 'exec 2>&1; cat /etc/removed; ls /data/old; cat /data/two /data/three /last
		stat -c "%h %i" /data/one /data/two | sort -u | wc -l; stat -c "%u:%g %a" /data/owned
		ls /data | wc -l'
	[[ "$output" == *"can't open '/etc/removed'"* ]]
	[[ "$output" == *$'new\nlinked\nlinked\nlast\n1\n1234:4321 4750\n6' ]]
}

@test "an index gives this machine's image; --platform another's" {
	local ours other
	ours=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
	other=$([ "$ours" = amd64 ] && echo arm64 || echo amd64)
	for image in index list; do
		moss pull -q "$REG/$image:1"
		run image_sh "$REG/$image:1" 'cat /arch'
		[ "$output" = "$ours" ]
	done
	moss pull -q --platform "linux/$other" "$REG/index:1"
	run moss image inspect -f '{{.Architecture}}' "$REG/index:1"
	[ "$output" = "$other" ]
	run --separate-stderr moss pull --platform linux/s390x "$REG/index:1"
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = "moss: no matching manifest for linux/s390x in the manifest list entries" ]
	[[ "${stderr_lines[1]}" == "--platform takes what is there: "*"linux/$other"* ]]
	[[ "${stderr_lines[1]}" != *unknown* ]]
	run --separate-stderr moss pull --platform a/b/c/d "$REG/index:1"
	[ "$status" -eq 1 ]
	[ "$stderr" = 'moss: "a/b/c/d": cannot parse platform specifier: invalid argument' ]
	run --separate-stderr moss pull --platform linus "$REG/index:1"
	[ "$status" -eq 1 ]
	[ "$stderr" = 'moss: "linus": unknown operating system or architecture: invalid argument' ]
}

@test "--platform that a single manifest does not have is said after the pull" {
	run moss pull --platform linux/s390x "$REG/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"image with reference $REG/docker:1 was found but does not match the specified platform: wanted linux/s390x"* ]]
	moss image inspect "$REG/docker:1"
}

@test "by digest" {
	moss pull -q "$REG/docker:1"
	digest=$(moss image inspect -f '{{index .RepoDigests 0}}' "$REG/docker:1")
	[[ "$digest" == "$REG/docker@sha256:"* ]]
	moss rmi -f --no-trash "$REG/docker:1"
	run moss pull "$digest"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$digest: Pulling from docker" ]
	[ "${lines[-1]}" = "$digest" ]
	run moss image inspect -f '{{.RepoTags}}' "$digest"
	[ "$output" = "[]" ]
	# A tag beside it is shown, not asked for.
	[ "$(moss pull -q "${digest/@/:other@}")" = "${digest/@/:other@}" ]
	# That is how it is pinned: it is found by it everywhere, without the registry.
	local pinned=${digest/@/:other@} id
	id=$(moss image inspect -f '{{.Id}}' "$digest")
	[ "$(moss image inspect -f '{{.Id}}' "$pinned")" = "$id" ]
	moss run --rm --pull never --network none "$pinned" true
	moss create --pull never --name pinned "$pinned" true
	[ "$(moss ps -a --format '{{.Image}}')" = "$REG/docker:other" ]
	[ "$(moss ps -a --filter "ancestor=$pinned" --format '{{.Names}}')" = pinned ]
	moss rm pinned
	[ -n "$(moss history -q "$pinned")" ]
	moss tag "$pinned" mine:1
	moss rmi --no-trash mine:1
	run moss pull "$REG/docker@sha256:$(printf '0%.0s' {1..64})"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not found: manifest unknown"* ]]
}

@test "--all-tags" {
	run moss pull -a "$REG/tags"
	[ "$status" -eq 0 ]
	[ "${lines[-2]}" = "Status: Downloaded newer image for $REG/tags" ]
	[ "${lines[-1]}" = "$REG/tags" ]
	run moss images --format '{{.Tag}}' "$REG/tags"
	[ "$(sort <<<"$output" | tr '\n' ' ')" = "a b c " ]
	run moss pull -a "$REG/tags:a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"tag can't be used with --all-tags/-a"* ]]
}

@test "a layer that is there already is not fetched, one that is there twice only once" {
	moss pull -q "$REG/docker:1"
	proxy_start
	run moss pull "$PROXY/twice:1"
	[ "$status" -eq 0 ]
	[[ "$output" == *": Already exists"* ]]
	[ "$(requests 'GET .*/blobs/')" -eq 2 ]
	image_sh "$PROXY/twice:1" 'cat /same'
}

@test "a tag that moved names the new image" {
	moss pull -q "$REG/tags:a"
	old=$(moss image inspect -f '{{.Id}}' "$REG/tags:a")
	moss pull -q "$REG/docker:1"
	proxy_start
	fault 0 /tags/manifests/a redirect "http://$REG/v2/docker/manifests/1?"
	moss pull -q "$PROXY/docker:1"
	run moss image inspect -f '{{.Id}}' "$PROXY/docker:1"
	[ "$output" != "$old" ]
	[ "$output" = "$(moss image inspect -f '{{.Id}}' "$REG/docker:1")" ]
}

@test "a tag that moved to another manifest of the same config: no layer is fetched, it is pushed as that" {
	registry_start_empty two
	two_manifests two
	proxy_start
	moss pull -q "$PROXY/two:gzip"
	[ "$(requests 'GET .*/blobs/')" -eq 2 ]
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/two:zstd" "docker://$REG/two:gzip"
	run moss pull "$PROXY/two:gzip"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Digest: $ZSTD"*"Status: Image is up to date for $PROXY/two:gzip"* ]]
	[ "$(moss image inspect -f '{{len .RepoDigests}}' "$PROXY/two:gzip")" = 2 ]
	[ "$(requests "GET .*/blobs/")" -eq 3 ]
	moss push -q "$PROXY/two:gzip" "$REG/moved:1"
	[ "$(remote_digest "$REG/moved:1")" = "$ZSTD" ]
	# Known by its digest only, then by a tag that was another's.
	moss rmi -f --no-trash "$(moss images -q "$PROXY/two")" >/dev/null
	moss pull -q "$PROXY/two@$GZIP"
	moss pull -q "$PROXY/two:zstd"
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/two@$GZIP" "docker://$REG/two:zstd"
	moss pull -q "$PROXY/two:zstd"
	moss push -q "$PROXY/two:zstd" "$REG/moved:2"
	[ "$(remote_digest "$REG/moved:2")" = "$GZIP" ]
	run moss pull "$PROXY/two:zstd"
	[ "${#lines[@]}" -eq 4 ]
}

@test "bad names, and what was meant" {
	local name
	run moss pull Debian:Sid
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "moss: invalid reference format: repository name (library/Debian) must be lowercase" ]
	[ "${lines[1]}" = "did you mean debian:Sid?" ]
	for name in https://hub.docker.com/_/debian debian: http://debian/ debian@ "debian "; do
		run moss pull "$name"
		[ "$status" -eq 1 ]
		[ "$output" = $'moss: invalid reference format\ndid you mean debian?' ]
	done
	run moss pull "a b"
	[[ "$output" == $'moss: invalid reference format\na name is '* ]]
	run moss pull ""
	[ "$status" -eq 1 ]
	[ "$output" = "moss: invalid reference format" ]
	run moss pull -q scratch
	[ "$status" -eq 1 ]
	[ "$output" = "moss: 'scratch' is a reserved name" ]
	run moss pull a b
	[ "$status" -eq 1 ]
}

@test "over TLS with the authority's certificate in certs.d, or unverified" {
	registry_stop_all
	registry_start tls
	host=localhost:${REG#*:}
	run moss pull "$host/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"x509: certificate signed by unknown authority"* ]]
	[[ "$output" == *"certs.d/$host/ca.crt"* ]]
	moss pull -q --tls-verify=false "$host/docker:1"
	mkdir -p "$HOME/.config/docker/certs.d/$host"
	cp "$WORK/ca.crt" "$HOME/.config/docker/certs.d/$host/"
	moss pull -q "$host/multi:1"
	rm -r "$HOME/.config"
	SSL_CERT_FILE=$WORK/ca.crt moss pull -q "$host/index:1"
	mkdir "$WORK/certs"
	cp "$WORK/ca.crt" "$WORK/certs/"
	moss pull -q --cert-dir "$WORK/certs" "$host/list:1"
}

@test "a certificate for another name is refused" {
	registry_stop_all
	registry_start tls
	host=127.0.0.2:${REG#*:}
	SSL_CERT_FILE=$WORK/ca.crt run moss pull "$host/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"refused"* || "$output" == *"x509: certificate is valid for other names"* ]]
}

@test "a certificate that has run out is refused" {
	registry_stop_all
	certificates
	(
		cd "$WORK" && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days -1 \
			-extfile ext -out server.crt
	) 2>"$WORK/openssl.log"
	registry_start tls
	SSL_CERT_FILE=$WORK/ca.crt run moss pull "localhost:${REG#*:}/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"expired"* ]]
	[ "$(moss images -q)" = "" ]
}

@test "--tls-verify wants HTTPS" {
	run moss pull --tls-verify "$REG/docker:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"http: server gave HTTP response to HTTPS client"* ]]
	[[ "$output" == *"--tls-verify=false"* ]]
}

@test "two pulls of one image at once download it once" {
	proxy_start
	fault 0 /big/blobs/ slow 20000000
	moss_start pull -q "$PROXY/big:1"
	sleep 0.3
	moss pull "$PROXY/big:1" >"$WORK/second"
	wait "$pid"
	[ "$(requests 'GET .*/big/blobs/')" -le 4 ]
	[ "$(grep -E 'GET .*/big/blobs/' "$WORK/proxy.log" | awk '{print $2}' | sort | uniq -c | awk '$1 > 2' | wc -l)" -eq 0 ]
	[ -z "$(ls "$ROOT/parts")" ]
	moss image inspect "$PROXY/big:1"
}

@test "through a proxy of the environment, but never to loopback" {
	proxy_start
	HTTP_PROXY=http://$PROXY moss pull -q --tls-verify=false registry.test/docker:1
	[ "$(requests 'GET .*/blobs/.*host=registry.test')" -eq 3 ]
	: >"$WORK/proxy.log"
	http_proxy=http://$PROXY https_proxy=http://$PROXY moss pull -q "$REG/multi:1"
	[ "$(requests GET)" -eq 0 ]
	HTTP_PROXY=http://$PROXY NO_PROXY=.test run moss pull -q --tls-verify=false registry.test/list:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"no such host"* ]]
	[ "$(requests GET)" -eq 0 ]
}

@test "a name that the registry does not have: where was asked, what is like it here" {
	registry_start
	moss pull -q "$REG/docker:1" >/dev/null
	run --separate-stderr moss pull -q "$REG/dcoker:1"
	[ "$status" = 1 ]
	[ "${stderr_lines[0]}" = "moss: manifest for $REG/dcoker:1 not found: manifest unknown: manifest unknown" ]
	[ "${stderr_lines[1]}" = "$REG was asked; did you mean $REG/docker:1?" ]
	# What is here under the very name is not what was meant.
	moss tag "$REG/docker:1" "$REG/mine:1"
	run --separate-stderr moss pull -q "$REG/mine:1"
	[ "${stderr_lines[1]}" = "$REG was asked" ]
	run --separate-stderr moss run "$REG/nothing-like-it" true
	[ "$status" = 125 ]
	[ "${stderr_lines[2]}" = "$REG was asked" ]
}

@test "--policy: what is here is enough, or must be" {
	run -1 moss pull --policy never "$REG/docker:1"
	[[ $output == *"No such image: $REG/docker:1"* ]]
	moss pull -q --policy missing "$REG/docker:1"
	id=$(moss images -q --no-trunc)
	before=$(moss events --since 0 --until 0s --filter event=pull | wc -l)
	[ "$(moss pull -q --policy missing "$REG/docker:1")" = "$id" ]
	[ "$(moss pull -q --policy never "$REG/docker:1")" = "$id" ]
	[ "$(moss events --since 0 --until 0s --filter event=pull | wc -l)" -eq "$before" ]
	[ "$(moss pull -q --policy newer "$REG/docker:1")" = "$REG/docker:1" ]
	run -125 moss pull --policy often "$REG/docker:1"
	[[ $output == *"invalid --policy 'often'"* ]]
}
