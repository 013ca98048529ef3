# moss version: Docker's fields, answered without a server.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

@test "the text has both halves" {
	run --separate-stderr moss version
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	[[ $output == "Client:"* ]]
	[[ $output == *$'\nServer:'* ]]
	[[ $output == *"API version:"* ]]
}

@test "fields that scripts ask for" {
	local v
	v=$(moss version --format '{{.Server.Version}}')
	[[ $v =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "$(moss version -f '{{.Client.Version}}')" = "$v" ]
	[ "$(moss version -f '{{.Server.Os}}/{{.Server.Arch}}')" = "linux/$(dpkg --print-architecture)" ]
	[[ $(moss version -f '{{.Server.APIVersion}}') =~ ^1\.[0-9]+$ ]]
	[[ $(moss version -f '{{.Client.APIVersion}}') =~ ^1\.[0-9]+$ ]]
	[[ $(moss version -f '{{.Server.MinAPIVersion}}') =~ ^1\.[0-9]+$ ]]
	[ "$(moss version -f '{{(index .Server.Components 0).Name}}')" = Engine ]
	[ "$(moss version --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["Server"]["Version"])')" = "$v" ]
	moss -v | grep -qF "$v"
	moss --version | grep -qF "$v"
}

@test "a template that cannot be used" {
	run --separate-stderr moss version -f '{{.Client.Foo}}'
	[ "$status" = 1 ]
	[[ $stderr == *"can't evaluate field Foo"* ]]
	run --separate-stderr moss version -f '{{.Client'
	[ "$status" = 64 ]
	[[ $stderr == *"template parsing error"* ]]
}

@test "version opens no store" {
	moss version >/dev/null
	[ ! -e "$ROOT" ]
}
