#!/usr/bin/env bats
# policy.json: which images may be used, and the signatures beside them.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	unset XDG_CONFIG_HOME CONTAINERS_REGISTRIES_CONF
	POLICY=$HOME/.config/containers/policy.json
	mkdir -p "$HOME/.config/containers"
}

teardown() {
	registry_stop_all
	store_drop
}

# A registry of this test's own that can be written to, with image:1 of one layer.
registry_of_my_own() {
	registry_serve "$WORK/data" "$WORK/own.yml" "" ""
	skopeo copy -q --dest-tls-verify=false "docker-archive:$(busybox_archive)" "docker://$REG/image:1"
	DIGEST=$(digest_of image:1)
}

digest_of() {
	curl -sfI "http://$REG/v2/${1%:*}/manifests/${1#*:}" -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		-H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.oci.image.index.v1+json' | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip'
}

# NAME KIND: $WORK/NAME.key and NAME.pub
key_new() {
	case $2 in
	ecdsa) openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/$1.key" ;;
	rsa) openssl genrsa -out "$WORK/$1.key" 2048 2>/dev/null ;;
	ed25519) openssl genpkey -algorithm ed25519 -out "$WORK/$1.key" ;;
	esac
	openssl pkey -in "$WORK/$1.key" -pubout -out "$WORK/$1.pub"
}

put_blob() { # REPOSITORY FILE: prints its digest
	local digest location
	digest=sha256:$(sha256sum "$2" | cut -d' ' -f1)
	location=$(curl -sfi -X POST "http://$REG/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //Ip')
	curl -sf -X PUT "$location&digest=$digest" --data-binary "@$2" -H 'Content-Type: application/octet-stream'
	echo "$digest"
}

# REPOSITORY DIGEST KEY NAME: signs as cosign does, beside what is signed already.
sign() {
	local payload=$WORK/payload signature config digest tag=sha256-${2#sha256:}.sig
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
		"$4" "$2" >"$payload"
	if openssl pkey -in "$3" -noout -text | grep -q ED25519; then
		openssl pkeyutl -sign -rawin -inkey "$3" -in "$payload" -out "$WORK/signature"
	else
		openssl dgst -sha256 -sign "$3" -out "$WORK/signature" "$payload"
	fi
	signature=$(base64 -w0 "$WORK/signature")
	digest=$(put_blob "$1" "$payload")
	printf '{}' >"$WORK/config"
	config=$(put_blob "$1" "$WORK/config")
	jq -nc --arg d "$digest" --arg s "$signature" --argjson n "$(stat -c %s "$payload")" \
		'{mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", size: $n, digest: $d,
		  annotations: {"dev.cosignproject.cosign/signature": $s}}' >>"$WORK/$tag"
	jq -sc --arg c "$config" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", size: 2, digest: $c}, layers: .}' \
		"$WORK/$tag" >"$WORK/manifest"
	curl -sf -X PUT "http://$REG/v2/$1/manifests/$tag" --data-binary "@$WORK/manifest" \
		-H 'Content-Type: application/vnd.oci.image.manifest.v1+json'
}

attachments() {
	mkdir -p "$HOME/.config/containers/registries.d"
	printf 'docker:\n  %s:\n    use-sigstore-attachments: true\n' "$1" >"$HOME/.config/containers/registries.d/test.yaml"
}

# SOURCE... (JSON of the key's place) [IDENTITY]: sigstoreSigned for the registry, the rest rejected.
policy_signed() {
	jq -n --arg reg "$REG" --argjson key "$1" --argjson identity "${2:-null}" \
		'{default: [{type: "reject"}], transports: {docker: {($reg): [
		  {type: "sigstoreSigned"} + $key + (if $identity then {signedIdentity: $identity} else {} end)]}}}' \
		>"$POLICY"
}

key_path() { jq -nc --arg p "$WORK/$1.pub" '{keyPath: $p}'; }

rejected() { # IMAGE TEXT
	run moss pull -q "$1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"Source image rejected: $2"* ]]
	[ -z "$(moss images -q)" ]
}

@test "reject: pull, run, create; nothing of the image is fetched" {
	registry_start
	proxy_start
	echo '{"default":[{"type":"reject"}]}' >"$POLICY"
	run moss pull "$PROXY/docker:1"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"Source image rejected: Running image docker://$PROXY/docker:1 is rejected by policy."* ]]
	[[ "$output" == *"$POLICY"* ]]
	[ "$(requests /blobs/)" -eq 0 ]
	run moss run --rm "$PROXY/docker:1" true
	[ "$status" -eq 125 ]
	[[ "$output" == *"is rejected by policy"* ]]
	run moss create "$PROXY/docker:1" true
	[ "$status" -ne 0 ]
	[[ "$output" == *"is rejected by policy"* ]]
	[ -z "$(moss images -q)" ]
}

@test "scopes: the most specific one counts; --signature-policy is read instead" {
	registry_start
	echo "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{
		\"$REG\":[{\"type\":\"insecureAcceptAnything\"}],
		\"$REG/list\":[{\"type\":\"reject\"}]}}}" >"$POLICY"
	moss pull -q "$REG/docker:1"
	rejected_list=0
	moss pull -q "$REG/list:1" || rejected_list=1
	[ "$rejected_list" -eq 1 ]
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$WORK/other.json"
	moss pull -q --signature-policy "$WORK/other.json" "$REG/list:1"
	run moss run --rm --pull always --signature-policy "$WORK/missing.json" "$REG/list:1" true
	[ "$status" -eq 125 ]
	[[ "$output" == *"open $WORK/missing.json: no such file or directory"* ]]
}

@test "a mirror does not change which rule is for the image" {
	registry_start
	printf '[[registry]]\nprefix = "registry.example.com"\nlocation = "%s"\n' "$REG" \
		>"$HOME/.config/containers/registries.conf"
	echo "{\"default\":[{\"type\":\"insecureAcceptAnything\"}],\"transports\":{\"docker\":{
		\"*.example.com\":[{\"type\":\"reject\"}]}}}" >"$POLICY"
	rejected registry.example.com/docker:1 "Running image docker://registry.example.com/docker:1 is rejected by policy."
	moss pull -q "$REG/docker:1"
}

@test "malformed policies are refused, never taken for an empty one" {
	local text
	for text in '{}' '{"default":[]}' '{"default":[{"type":"insecureAcceptAnything","x":1}]}' \
		'{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}' 'no JSON'; do
		echo "$text" >"$POLICY"
		# Nobody is asked for anything before.
		run moss pull 127.0.0.1:1/x:1
		[ "$status" -eq 1 ]
		[[ "$output" == *"$POLICY"* ]]
		[[ "$output" != *"connection refused"* ]]
	done
}

@test "signedBy, Fulcio and Rekor are refused by name" {
	registry_start
	echo '{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k"}]}' >"$POLICY"
	rejected "$REG/docker:1" "the policy asks for signedBy, which moss cannot verify"
	echo '{"default":[{"type":"sigstoreSigned","fulcio":{"caPath":"/c","oidcIssuer":"i","subjectEmail":"e"}}]}' >"$POLICY"
	rejected "$REG/docker:1" "the policy asks for fulcio, which moss cannot verify"
	echo '{"default":[{"type":"sigstoreSigned","keyPath":"/k","rekorPublicKeyPath":"/r"}]}' >"$POLICY"
	rejected "$REG/docker:1" "the policy asks for rekorPublicKeyPath, which moss cannot verify"
}

@test "sigstoreSigned: ECDSA, RSA and Ed25519, keyPath, keyPaths, keyData, keyDatas" {
	registry_of_my_own
	attachments "$REG"
	local kind
	for kind in ecdsa rsa ed25519; do
		key_new "$kind" "$kind"
		policy_signed "$(key_path "$kind")"
		rejected "$REG/image:1" "$([ $kind = ecdsa ] && echo 'A signature was required, but no signature exists' ||
			echo 'the signature was not made with a key of the policy')"
		sign image "$DIGEST" "$WORK/$kind.key" "$REG/image:1"
		moss pull -q "$REG/image:1"
		moss rmi -f --no-trash "$REG/image:1"
	done
	policy_signed "{\"keyPaths\":[\"$WORK/rsa.pub\",\"$WORK/ecdsa.pub\"]}"
	moss pull -q "$REG/image:1"
	moss rmi -f --no-trash "$REG/image:1"
	policy_signed "{\"keyData\":\"$(base64 -w0 "$WORK/rsa.pub")\"}"
	moss pull -q "$REG/image:1"
	moss rmi -f --no-trash "$REG/image:1"
	policy_signed "{\"keyDatas\":[\"$(base64 -w0 "$WORK/rsa.pub")\"]}"
	moss pull -q "$REG/image@$DIGEST"
}

@test "sigstoreSigned: other key, other image, other name, other bytes; missing keys" {
	registry_of_my_own
	attachments "$REG"
	key_new good ecdsa
	key_new bad ecdsa
	policy_signed "$(key_path good)"
	sign image "$DIGEST" "$WORK/bad.key" "$REG/image:1"
	rejected "$REG/image:1" "the signature was not made with a key of the policy"
	# Another one beside it that is good is enough.
	sign image "$DIGEST" "$WORK/good.key" "$REG/other:1"
	rejected "$REG/image:1" "the signature was not made with a key of the policy; Signature for identity $REG/other:1 is not accepted for $REG/image:1"
	# A good signature of another image under this image's tag.
	rm "$WORK/sha256-${DIGEST#sha256:}.sig"
	other=sha256:$(printf x | sha256sum | cut -d' ' -f1)
	sign image "$other" "$WORK/good.key" "$REG/image:1"
	curl -sf -X PUT "http://$REG/v2/image/manifests/sha256-${DIGEST#sha256:}.sig" --data-binary "@$WORK/manifest" \
		-H 'Content-Type: application/vnd.oci.image.manifest.v1+json'
	rejected "$REG/image:1" "a signature of another image"
	# A payload that was changed after signing.
	sign image "$DIGEST" "$WORK/good.key" "$REG/other:1"
	sed -i s/other/image/ "$WORK/payload"
	changed=$(put_blob image "$WORK/payload")
	jq -c --arg d "$changed" '.layers |= map(.digest = $d)' "$WORK/manifest" >"$WORK/forged"
	curl -sf -X PUT "http://$REG/v2/image/manifests/sha256-${DIGEST#sha256:}.sig" --data-binary "@$WORK/forged" \
		-H 'Content-Type: application/vnd.oci.image.manifest.v1+json'
	rejected "$REG/image:1" "the signature was not made with a key of the policy"
	policy_signed '{"keyPath":"/no/such/key"}'
	run moss pull "$REG/image:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/no/such/key"* ]]
	echo 'no key' >"$WORK/bad.pub"
	policy_signed "$(key_path bad)"
	run moss pull "$REG/image:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"key 1 of the signature policy is no public key in PEM"* ]]
}

@test "signedIdentity" {
	registry_of_my_own
	attachments "$REG"
	key_new k ecdsa
	sign image "$DIGEST" "$WORK/k.key" registry.example.com/app
	policy_signed "$(key_path k)" '{"type":"matchRepository"}'
	rejected "$REG/image:1" "Signature for identity registry.example.com/app is not accepted for $REG/image:1"
	policy_signed "$(key_path k)" '{"type":"exactRepository","dockerRepository":"registry.example.com/app"}'
	moss pull -q "$REG/image:1"
	moss rmi -f --no-trash "$REG/image:1"
	sign image "$DIGEST" "$WORK/k.key" registry.example.com/team/image:1
	policy_signed "$(key_path k)" "{\"type\":\"remapIdentity\",\"prefix\":\"$REG\",\"signedPrefix\":\"registry.example.com/team\"}"
	moss pull -q "$REG/image:1"
	moss rmi -f --no-trash "$REG/image:1"
	policy_signed "$(key_path k)" '{"type":"exactReference","dockerReference":"registry.example.com/team/image:1"}'
	moss pull -q "$REG/image:1"
	moss rmi -f --no-trash "$REG/image:1"
	sign image "$DIGEST" "$WORK/k.key" "$REG/image"
	policy_signed "$(key_path k)"
	rejected "$REG/image:1" "Signature for identity"
	# By digest the repository is enough; so it is for matchRepository.
	moss pull -q "$REG/image@$DIGEST"
	policy_signed "$(key_path k)" '{"type":"matchRepository"}'
	moss pull -q "$REG/image:1"
}

@test "use-sigstore-attachments: without it no signature is looked for, and it says so" {
	registry_of_my_own
	key_new k ecdsa
	sign image "$DIGEST" "$WORK/k.key" "$REG/image:1"
	policy_signed "$(key_path k)"
	rejected "$REG/image:1" "A signature was required, but no signature exists"
	[[ "$output" == *"use-sigstore-attachments: true"* ]]
	attachments other.example.com
	rejected "$REG/image:1" "A signature was required, but no signature exists"
	printf 'default-docker:\n  use-sigstore-attachments: true\n' >"$HOME/.config/containers/registries.d/test.yaml"
	moss pull -q "$REG/image:1"
	printf 'docker: [\n' >"$HOME/.config/containers/registries.d/test.yaml"
	run moss pull "$REG/image:1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"test.yaml:1: neither"* ]]
}

@test "an index: a signature of it or of the manifest counts" {
	registry_serve "$WORK/data" "$WORK/own.yml" "" ""
	own=$REG
	registry_start
	skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false "docker://$REG/index:1" "docker://$own/index:1"
	REG=$own
	attachments "$REG"
	key_new k ecdsa
	policy_signed "$(key_path k)"
	rejected "$REG/index:1" "A signature was required, but no signature exists"
	sign index "$(digest_of index:1)" "$WORK/k.key" "$REG/index:1"
	moss pull -q "$REG/index:1"
}

@test "load: docker-archive and oci-archive have scopes of their own" {
	archive=$(busybox_archive)
	skopeo copy -q "docker-archive:$archive" "oci-archive:$WORK/oci.tar:busybox:oci"
	echo '{"default":[{"type":"insecureAcceptAnything"}],"transports":{
		"docker-archive":{"":[{"type":"reject"}]}}}' >"$POLICY"
	run moss load -i "$archive"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"Source image rejected: Running image docker-archive:$archive is rejected by policy."* ]]
	[ -z "$(moss images -q)" ]
	[ -z "$(ls "$ROOT/layers")" ]
	run moss load <"$archive"
	[ "$status" -eq 1 ]
	moss load -q -i "$WORK/oci.tar"
	[ -n "$(moss images -q)" ]
	echo "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"oci-archive\":{\"$WORK\":[{\"type\":\"insecureAcceptAnything\"}]}}}" >"$POLICY"
	moss load -q -i "$WORK/oci.tar"
	mkdir "$HOME/x"
	cp "$WORK/oci.tar" "$HOME/x"
	sed -i "s|$WORK|$HOME/y|" "$POLICY"
	run moss load -i "$HOME/x/oci.tar"
	[ "$status" -eq 1 ]
	echo '{"default":[{"type":"sigstoreSigned","keyPath":"/k"}]}' >"$POLICY"
	run moss load -i "$archive"
	[ "$status" -eq 1 ]
	[[ "$output" == *"A signature was required, but no signature exists"* ]]
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$WORK/open.json"
	moss load -q --signature-policy "$WORK/open.json" -i "$archive"
}

@test "import: the transport tarball" {
	tar -cf "$WORK/fs.tar" -C "$MOSS_SOURCE/tests" lib/pty
	echo '{"default":[{"type":"reject"}]}' >"$WORK/reject.json"
	run moss import --signature-policy "$WORK/reject.json" "$WORK/fs.tar" fs:1
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"Source image rejected: Running image tarball:$WORK/fs.tar is rejected by policy."* ]]
	run moss import --signature-policy "$WORK/none.json" "$WORK/fs.tar" fs:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"$WORK/none.json"* ]]
	cp "$WORK/reject.json" "$POLICY"
	run moss import - fs:1 <"$WORK/fs.tar"
	[ "$status" -eq 1 ]
	[[ "$output" == *"tarball:- is rejected by policy."* ]]
	[ -z "$(moss images -q)" ]
	echo '{"default":[{"type":"reject"}],"transports":{"tarball":{"":[{"type":"insecureAcceptAnything"}]}}}' >"$POLICY"
	moss import "$WORK/fs.tar" fs:1
	[ -n "$(moss images -q)" ]
}

@test "without a policy file everything is accepted" {
	moss load -q -i "$(busybox_archive)"
}
