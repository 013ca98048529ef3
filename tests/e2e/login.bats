#!/usr/bin/env bats
# login, logout: what is tried at the registry, what is kept and where.
# shellcheck disable=SC2030,SC2031 # a test's own environment
bats_require_minimum_version 1.5.0
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG
}

teardown() {
	registry_stop_all
	store_drop
}

login() { printf '%s' "$1" | moss login -u alice --password-stdin "${@:2}"; }

# A helper that keeps secrets in files of $WORK/secrets (the second and third: secrets.NAME) and notes
# how it is called; with $WORK/broken.NAME it fails.
credential_helper() {
	local name=${1:-trial}
	mkdir -p "$WORK/bin" "$WORK/secrets${1:+.$1}"
	sed "s/@NAME@/$name/; s/@SECRETS@/secrets${1:+.$1}/" >"$WORK/bin/docker-credential-$name" <<-'SH'
		#!/bin/sh
		input=$(cat)
		helper=@NAME@
		cd "$WORK/@SECRETS@"
		echo "$# $1" >>"$WORK/helper.log"
		echo "$helper $1 $(echo "$input" | jq -r 'if type == "object" then .ServerURL else . end' 2>/dev/null || echo "$input")" >>"$WORK/helpers.log"
		[ -e "$WORK/broken.$helper" ] && echo "it is broken" && exit 1
		name() { printf %s "$1" | tr / _; }
		case $1 in
		list) ls | jq -Rn '[inputs | {(.): "alice"}] | add // {}' ;;
		store) echo "$input" >"$(name "$(echo "$input" | jq -r .ServerURL)")" ;;
		get)
			cat "$(name "$input")" 2>/dev/null && exit 0
			echo "credentials not found in native keychain"
			exit 1
			;;
		erase) rm -f "$(name "$input")" ;;
		esac
	SH
	chmod +x "$WORK/bin/docker-credential-$name"
	[[ $PATH == "$WORK/bin:"* ]] || PATH=$WORK/bin:$PATH
}

@test "login: Docker's words and file; logout" {
	registry_start htpasswd
	run --separate-stderr login secret "$REG"
	[ "$status" -eq 0 ]
	[ "$output" = "Login Succeeded" ]
	[[ "$stderr" == "WARNING! Your password will be stored unencrypted in $HOME/.docker/config.json."* ]]
	[ "$(cat "$HOME/.docker/config.json")" = "$(printf '{\n\t"auths": {\n\t\t"%s": {\n\t\t\t"auth": "YWxpY2U6c2VjcmV0"\n\t\t}\n\t}\n}' "$REG")" ]
	[ "$(stat -c %a "$HOME/.docker/config.json")" = 600 ]
	moss pull -q "$REG/docker:1"
	run moss logout "$REG"
	[ "$status" -eq 0 ]
	[ "$output" = "Removing login credentials for $REG" ]
	[ "$(jq -c . "$HOME/.docker/config.json")" = '{"auths":{}}' ]
	run moss pull "$REG/list:1"
	[ "$status" -eq 1 ]
	run moss logout "$REG"
	[ "$status" -eq 0 ]
}

@test "wrong credentials are not kept, nor is the password shown" {
	registry_start htpasswd
	MOSS_DEBUG=1 run login wr0ng-word "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *"login attempt to http://$REG/v2/ failed with status: 401 Unauthorized"* ]]
	[[ "$output" != *wr0ng-word* ]]
	[[ "$output" != *"$(printf alice:wr0ng-word | base64)"* ]]
	[ ! -e "$HOME/.docker/config.json" ]
	login secret "$REG"
	run login wr0ng-word "$REG"
	[ "$status" -eq 1 ]
	moss pull -q "$REG/docker:1"
	run grep -rl -e wr0ng-word "$ROOT" "$RUNROOT" "$HOME"
	[ -z "$output" ]
}

@test "what is kept is tried first; no terminal, no question" {
	registry_start htpasswd
	run moss login "$REG" </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *"Cannot perform an interactive login from a non TTY device"* ]]
	login secret "$REG"
	run --separate-stderr moss login "$REG" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf 'Authenticating with existing credentials...\nLogin Succeeded')" ]
	docker_config "$REG" alice:stale
	run moss login "$REG" </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *"Login did not succeed, error: login attempt to"* ]]
	run moss login -u alice "$REG" </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" != *"existing credentials"* ]]
}

@test "options that exclude each other" {
	run moss login -u a -p b --password-stdin x.example </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *"--password and --password-stdin are mutually exclusive"* ]]
	run moss login --password-stdin x.example </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *"Must provide --username with --password-stdin"* ]]
	run moss login --authfile a --compat-auth-file b -u a -p b x.example
	[ "$status" -eq 1 ]
	[[ "$output" == *"can not be set simultaneously"* ]]
	run moss login -u a -p b 'no such/../name'
	[ "$status" -eq 1 ]
	[[ "$output" == *"is not the name of a registry"* ]]
	run moss login --secret x y.example
	[ "$status" -eq 125 ]
	[[ "$output" == *"--password-stdin"* ]]
	run moss login a b
	[ "$status" -eq 1 ]
	[[ "$output" == *'requires at most 1 argument'* ]]
	run moss logout --all x
	[ "$status" -eq 1 ]
}

@test "other keys of the file stay; a link to it stays a link; it is replaced as a whole" {
	registry_start htpasswd
	mkdir -p "$HOME/.docker" "$WORK/dotfiles"
	cat >"$WORK/dotfiles/config.json" <<-JSON
		{"detachKeys": "ctrl-e", "auths": {"other.example": {"auth": "eDp5", "email": "x@y"}},
		 "proxies": {"default": {"httpProxy": "http://p"}}, "big": 12345678901234567}
	JSON
	ln -s "$WORK/dotfiles/config.json" "$HOME/.docker/config.json"
	login secret "$REG"
	[ -L "$HOME/.docker/config.json" ]
	run jq -c 'del(.auths[$r]) | .big = 1' --arg r "$REG" "$WORK/dotfiles/config.json"
	[ "$output" = '{"detachKeys":"ctrl-e","auths":{"other.example":{"auth":"eDp5","email":"x@y"}},"proxies":{"default":{"httpProxy":"http://p"}},"big":1}' ]
	grep -q 12345678901234567 "$WORK/dotfiles/config.json"
	moss logout other.example
	[ "$(jq -r '.auths | keys[]' "$WORK/dotfiles/config.json")" = "$REG" ]
	[ "$(ls "$WORK/dotfiles")" = config.json ]
}

@test "what older clients kept under a URL is used, and forgotten" {
	registry_start htpasswd
	mkdir -p "$HOME/.docker"
	local key
	for key in "https://$REG/v1/" "http://$REG" "$REG/"; do
		echo "{\"auths\":{\"$key\":{\"auth\":\"$(printf alice:secret | base64)\"},\"other.example\":{}}}" \
			>"$HOME/.docker/config.json"
		run --separate-stderr moss login "$REG" </dev/null
		[ "$output" = "Authenticating with existing credentials...
Login Succeeded" ]
		moss logout "$REG"
		[ "$(jq -c .auths "$HOME/.docker/config.json")" = '{"other.example":{}}' ]
	done
}

@test "a file of nothing but blanks is an empty one" {
	registry_start htpasswd
	mkdir -p "$HOME/.docker"
	echo >"$HOME/.docker/config.json"
	run moss pull "$REG/docker:1"
	[[ "$output" == *"no basic auth credentials"* ]]
	login secret "$REG"
	moss pull -q "$REG/docker:1"
}

@test "logout: a file that was named and is not there is an error" {
	run -1 moss logout --authfile "$WORK/none.json" x.example
	[ "$output" = "moss: cannot open $WORK/none.json: No such file or directory" ]
	REGISTRY_AUTH_FILE=$WORK/none.json run -1 moss logout x.example
	cd "$WORK"
	run -1 moss logout --authfile none.json --all
	[ "$output" = "moss: cannot open none.json: No such file or directory" ]
	run -1 moss logout --compat-auth-file "$WORK/none.json" --all
	moss logout x.example
}

@test "a file that is no JSON is left alone" {
	registry_start htpasswd
	mkdir -p "$HOME/.docker"
	echo '{"auths": ' >"$HOME/.docker/config.json"
	run login secret "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$HOME/.docker/config.json"* ]]
	[ "$(cat "$HOME/.docker/config.json")" = '{"auths": ' ]
}

@test "a file that is no JSON: nothing of its secrets is told" {
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"r.example":{"auth":"YWxpY2U6c2VjcmV0\n"}}}' >"$HOME/.docker/config.json"
	local command
	for command in "pull --retry 0 r.example:1/a" "logout r.example" "ps"; do
		# shellcheck disable=SC2086 # words
		run moss --debug $command
		echo "$output"
		[[ "$output" == *"$HOME/.docker/config.json: not valid JSON: line 1: "* ]]
		[[ "$output" != *YWxp* ]]
	done
	rm "$HOME/.docker/config.json"
	DOCKER_AUTH_CONFIG='{"auths":{"r.example":{"auth":YWxpY2U6c2VjcmV0' run moss pull --retry 0 r.example:1/a
	[[ "$output" == *"DOCKER_AUTH_CONFIG: not valid JSON: line 1: "* ]]
	[[ "$output" != *YWxp* ]]
}

@test "twenty logins at once lose nothing of each other" {
	registry_start
	local i pids=()
	for i in $(seq 20); do
		printf x | moss --config "$WORK/c" login -u "u$i" --password-stdin --authfile "$WORK/auth.json" \
			"$REG/n$i" >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(jq '.auths | length' "$WORK/auth.json")" = 20 ]
}

@test "a kill at any moment leaves the old file or the new one" {
	registry_start
	login first "$REG"
	local i
	for i in $(seq 10); do
		login "try-$i" "$REG" >/dev/null 2>&1 3>&- &
		sleep "0.0$i"
		pkill -9 -P $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		jq -e '.auths[$r].auth' --arg r "$REG" "$HOME/.docker/config.json" >/dev/null
	done
	login last "$REG"
	[ "$(jq -r '.auths[$r].auth' --arg r "$REG" "$HOME/.docker/config.json" | base64 -d)" = alice:last ]
}

@test "--config, DOCKER_CONFIG, --authfile, REGISTRY_AUTH_FILE, --compat-auth-file" {
	registry_start htpasswd
	printf secret | moss --config "$WORK/one" login -u alice --password-stdin "$REG"
	[ -e "$WORK/one/config.json" ]
	DOCKER_CONFIG=$WORK/two login secret "$REG"
	[ -e "$WORK/two/config.json" ]
	login secret --authfile "$WORK/three.json" "$REG/team/app"
	[ "$(jq -r '.auths | keys[]' "$WORK/three.json")" = "$REG/team/app" ]
	REGISTRY_AUTH_FILE=$WORK/four.json login secret "$REG"
	[ "$(stat -c %a "$WORK/four.json")" = 600 ]
	login secret --compat-auth-file "$WORK/five.json" "$REG/team"
	[ "$(jq -r '.auths | keys[]' "$WORK/five.json")" = "$REG" ]
	[ ! -e "$HOME/.docker" ]
	REGISTRY_AUTH_FILE=$WORK/four.json moss pull -q "$REG/docker:1"
	run moss login --get-login --authfile "$WORK/four.json" "$REG"
	[ "$output" = alice ]
	run moss login --get-login "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not logged into $REG"* ]]
	run moss login -v --authfile "$WORK/four.json" "$REG" </dev/null
	[[ "$output" == *"Used:  $WORK/four.json"* ]]
	moss logout --authfile "$WORK/three.json" "$REG/team/app"
	[ "$(jq -c .auths "$WORK/three.json")" = '{}' ]
	run moss logout --all --authfile "$WORK/four.json"
	[ "$output" = "Removed login credentials for all registries" ]
	[ "$(jq -c .auths "$WORK/four.json")" = '{}' ]
}

@test "credential helpers store, get and erase; nothing is in the file" {
	registry_start htpasswd
	credential_helper
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"trial","other":1}' >"$HOME/.docker/config.json"
	run --separate-stderr login secret "$REG"
	[ "$status" -eq 0 ]
	[ "$output" = "Login Succeeded" ]
	[ -z "$stderr" ]
	[ "$(jq -c . "$HOME/.docker/config.json")" = "{\"credsStore\":\"trial\",\"other\":1,\"auths\":{\"$REG\":{}}}" ]
	[ "$(jq -r .Username "$WORK/secrets/$REG")" = alice ]
	moss pull -q "$REG/docker:1"
	run --separate-stderr moss login "$REG" </dev/null
	[[ "$output" == "Authenticating with existing credentials..."* ]]
	moss logout "$REG"
	[ -z "$(ls "$WORK/secrets")" ]
	[ "$(jq -c .auths "$HOME/.docker/config.json")" = '{}' ]
	# Its one argument is the verb.
	[ "$(grep -vc '^1 ' "$WORK/helper.log")" = 0 ]
	echo "{\"credHelpers\":{\"$REG\":\"trial\"}}" >"$HOME/.docker/config.json"
	login secret "$REG"
	[ -e "$WORK/secrets/$REG" ]
	echo '{"credsStore":"missing"}' >"$HOME/.docker/config.json"
	run login secret "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *'Error saving credentials: docker-credential-missing: executable file not found in $PATH'* ]]
	[[ "$output" == *"out of the configuration (credsStore, credHelpers, credential-helpers)"* ]]
	# Shells read lines.
	printf '#!/bin/sh\nread -r line && echo "$1 $line" >>"%s"\n' "$WORK/read.log" >"$WORK/bin/docker-credential-line"
	chmod +x "$WORK/bin/docker-credential-line"
	echo '{"credsStore":"line"}' >"$HOME/.docker/config.json"
	login secret "$REG"
	[ "$(cat "$WORK/read.log")" = "store {\"ServerURL\":\"$REG\",\"Username\":\"alice\",\"Secret\":\"secret\"}" ]
}

# credential-helpers of registries.conf, in that order.
helpers_conf() {
	mkdir -p "$HOME/.config/containers"
	printf 'credential-helpers = [%s]\n' "$1" >"$HOME/.config/containers/registries.conf"
	: >"$WORK/helpers.log"
}
asked() { sort -u "$WORK/helpers.log" | tr '\n' ';'; }

@test "credential-helpers of registries.conf: the first that works keeps it, all are asked, all forget" {
	unset XDG_CONFIG_HOME CONTAINERS_REGISTRIES_CONF
	registry_start htpasswd
	credential_helper one
	credential_helper two
	helpers_conf '"one", "containers-auth.json", "two"'
	run --separate-stderr login secret --verbose "$REG"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "Used:  credential helper: one
Login Succeeded" ]
	[ ! -e "$HOME/.docker/config.json" ]
	[ -e "$WORK/secrets.one/$REG" ]
	: >"$WORK/helpers.log"
	moss pull -q "$REG/docker:1"
	moss push -q "$REG/docker:1"
	[ "$(moss search --format '{{.Name}}' "$REG/multi")" = "$REG/multi" ]
	moss manifest inspect "$REG/multi:1" >/dev/null
	[ "$(moss login --get-login "$REG")" = alice ]
	[ "$(asked)" = "one get $REG;" ]
	run --separate-stderr moss login "$REG" </dev/null
	[[ "$output" == "Authenticating with existing credentials..."*"Login Succeeded" ]]
	# A helper that fails is passed over; where nobody else knows, it is told.
	touch "$WORK/broken.one"
	run -1 moss pull -q "$REG/docker:1"
	[[ "$output" == *"cannot look up the credentials for 127.0.0.1: docker-credential-one get failed"*"it is broken"* ||
		"$output" == *"cannot look up the credentials for $REG: docker-credential-one get failed"*"it is broken"* ]]
	run --separate-stderr login secret "$REG"
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"WARNING! Your password will be stored unencrypted in $HOME/.docker/config.json."* ]]
	moss pull -q "$REG/docker:1"
	: >"$WORK/helpers.log"
	run -1 moss logout "$REG"
	[[ "$output" == *"docker-credential-one erase failed (exit status 1): it is broken"* ]]
	[ "$(asked)" = "one erase $REG;two erase $REG;" ]
	[ "$(jq -c .auths "$HOME/.docker/config.json")" = '{}' ]
	rm "$WORK/broken.one"
	moss logout "$REG"
	[ -z "$(ls "$WORK/secrets.one")" ]
	# All forget all, in their order.
	for name in a.example b.example; do
		echo "{\"ServerURL\":\"$name\",\"Username\":\"u\",\"Secret\":\"p\"}" >"$WORK/secrets.two/$name"
	done
	moss logout --all
	[ -z "$(ls "$WORK/secrets.two")" ]
}

@test "credential-helpers: the order decides; namespaces are for files; Docker's own file is alone" {
	unset XDG_CONFIG_HOME CONTAINERS_REGISTRIES_CONF
	registry_start htpasswd
	credential_helper one
	helpers_conf '"one"'
	login wrong "$REG" && return 1
	login secret "$REG"
	helpers_conf '"containers-auth.json", "one"'
	login secret "$REG" 2>/dev/null
	[ -e "$HOME/.docker/config.json" ]
	: >"$WORK/helpers.log"
	moss pull -q "$REG/docker:1"
	[ "$(asked)" = "" ]
	# Only files know HOST/NAMESPACE.
	helpers_conf '"one", "containers-auth.json"'
	login secret --authfile "$WORK/auth.json" "$REG/team" 2>/dev/null
	jq -e --arg k "$REG/team" '.auths[$k]' "$WORK/auth.json"
	helpers_conf '"one"'
	run login secret --authfile "$WORK/auth2.json" "$REG/team"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the credential helper one keeps nothing for a namespace ($REG/team)"* ]]
	# A file of Docker's that is named.
	login secret --compat-auth-file "$WORK/compat.json" "$REG" 2>/dev/null
	[ -n "$(jq -r --arg k "$REG" '.auths[$k].auth' "$WORK/compat.json")" ]
	helpers_conf '7'
	run -1 moss pull -q "$REG/docker:1"
	[[ "$output" == *"registries.conf: credential-helpers holds something that is no string"* ]]
	# An empty list is the files alone.
	helpers_conf ''
	moss pull -q "$REG/docker:1"
	[ "$(asked)" = "" ]
}

@test "identity tokens: kept instead of the password, in the file and in a helper" {
	registry_start token
	run --separate-stderr login secret "$REG"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	run jq -c '.auths[$r]' --arg r "$REG" "$HOME/.docker/config.json"
	[ "$output" = "{\"auth\":\"$(printf alice: | base64)\",\"identitytoken\":\"refresh-alice\"}" ]
	moss pull -q "$REG/private/app:1"
	grep -q 'POST /token as=refresh' "$WORK/tokens.log"
	run --separate-stderr moss login "$REG" </dev/null
	[ "$status" -eq 0 ]
	credential_helper
	echo '{"credsStore":"trial"}' >"$HOME/.docker/config.json"
	login secret "$REG"
	[ "$(jq -r '.Username, .Secret' "$WORK/secrets/$REG" | xargs)" = "<token> refresh-alice" ]
	run login wrong "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unauthorized: incorrect username or password"* ]]
}

@test "a token server that speaks OAuth 2 only" {
	TOKENS_BY_FORM_ONLY=1 registry_start token
	login secret "$REG"
	run jq -r '.auths[$r].identitytoken' --arg r "$REG" "$HOME/.docker/config.json"
	[ "$output" = refresh-alice ]
}

@test "TLS: unknown authority, --cert-dir, --tls-verify=false" {
	registry_start tls htpasswd
	run login secret "$REG"
	[ "$status" -eq 1 ]
	[[ "$output" == *"certificate signed by unknown authority"* ]]
	mkdir -p "$WORK/certs"
	cp "$WORK/ca.crt" "$WORK/certs/"
	login secret --cert-dir "$WORK/certs" "$REG"
	login secret --tls-verify=false "$REG"
	registry_stop_all
	registry_start htpasswd
	run login secret --tls-verify "$REG"
	[ "$status" -eq 1 ]
}

@test "at a terminal: name and password are asked for, the password is not shown" {
	registry_start htpasswd
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" login "$REG" <<-'STEPS'
		expect Username:\x20
		send alice\n
		expect Password:\x20
		pause 0.3
		send secret\n
		absent secret
		exit 0
	STEPS
	docker_config "$REG" bob:stale
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" login "$REG" <<-'STEPS'
		expect Login did not succeed
		expect Username (bob):\x20
		send alice\n
		expect Password:\x20
		pause 0.3
		send secret\n
		expect Login Succeeded
		exit 0
	STEPS
	"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" login -u alice "$REG" <<-'STEPS'
		expect Password:\x20
		send \n
		expect Password Required
		exit 1
	STEPS
}

@test "an interrupt at the password leaves the terminal with its echo" {
	registry_start htpasswd
	"$MOSS_TEST_LIB/pty" sh -c "trap : INT; $(printf '%q ' "$MOSS" --root "$ROOT" --runroot "$RUNROOT" login -u alice "$REG"); stty -a | tr -s ' ;' '\n' | grep -x -e echo -e -echo" <<-'STEPS'
		expect Password:\x20
		pause 0.3
		send \x03
		expect \necho
		exit 0
	STEPS
}

@test "the password is in no command line and no environment" {
	registry_start htpasswd
	proxy_start
	fault 1 /v2/ stall 0 3
	printf unguessable-word | moss login -u alice --password-stdin "$PROXY" >"$WORK/out" 2>&1 3>&- &
	wait_for 10 pgrep -u "$(id -u)" -f 'moss-transfer fetch'
	local p
	for p in /proc/[0-9]*; do
		[ -O "$p" ] || continue
		! tr '\0' '\n' <"$p/cmdline" 2>/dev/null | grep -q unguessable-word
		! tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -q unguessable-word
	done
	wait $! || true
}
