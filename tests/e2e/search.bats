# search: Docker Hub's index, other indexes, registries that only list what they have.
load ../lib/moss
load ../lib/registry

setup() { store_new; }
teardown() {
	[ -z "${HUB_PID:-}" ] || kill "$HUB_PID"
	registry_stop_all
	store_drop
}

# Sets HUB=127.0.0.1:PORT, and what makes it the way to index.docker.io.
hub_start() {
	local port
	port=$(free_port)
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hub -keyout "$WORK/hub.key" -out "$WORK/hub.crt" \
		-addext subjectAltName=DNS:index.docker.io 2>/dev/null
	"$MOSS_TEST_LIB/fakehub.py" "$port" "$WORK/hub.log" "$WORK/hub.crt" "$WORK/hub.key" 3>&- &
	HUB_PID=$!
	HUB=127.0.0.1:$port
	wait_for 10 registry_answers "$port" "$HUB_PID"
}

on_hub() { env HTTPS_PROXY="http://$HUB" SSL_CERT_FILE="$WORK/hub.crt" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@"; }

@test "Docker Hub: its own host, Docker's table" {
	hub_start
	run -0 on_hub search --limit 3 debian
	[ "$output" = "NAME              DESCRIPTION                                     STARS     OFFICIAL
debian            Debian is a Linux distribution that's compos…   5000      [OK]
someone/debian1   number 1 é                                      4900      
someone/debian2   number 2 é                                      4800      " ]
	[ "$(tail -1 "$WORK/hub.log")" = "/v1/search?q=debian&n=3" ]
	[ "$(grep -c CONNECT "$WORK/hub.log")" -ge 1 ]
	run -0 on_hub search library/debian
	[ ${#lines[@]} = 26 ]
	[ "$(tail -1 "$WORK/hub.log")" = "/v1/search?q=debian&n=25" ]
	run -0 on_hub search docker.io/some/thing
	[ "$(tail -1 "$WORK/hub.log")" = "/v1/search?q=some%2Fthing&n=25" ]
	run -0 on_hub search none
	[ "$output" = "NAME      DESCRIPTION   STARS     OFFICIAL" ]
	# Not trusted: not asked.
	run -1 env HTTPS_PROXY="http://$HUB" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" search debian
	[[ $output == *certificate* ]]
}

@test "--no-trunc, formats, --compatible" {
	hub_start
	run -0 moss search --no-trunc --limit 1 "$HUB/debian"
	[ "${lines[1]}" = "debian    Debian is a Linux distribution that's composed entirely of free and open-source software. Second line   5000      [OK]" ]
	run -0 moss search --limit 2 --format json "$HUB/debian"
	[ "${lines[0]}" = '{"Description":"Debian is a Linux distribution that'"'"'s compos…","IsAutomated":"false","IsOfficial":"true","Name":"debian","StarCount":"5000"}' ]
	[ "${lines[1]}" = '{"Description":"number 1 é","IsAutomated":"false","IsOfficial":"false","Name":"someone/debian1","StarCount":"4900"}' ]
	run -0 moss search --limit 2 --format '{{.Name}}|{{.StarCount}}|{{.IsOfficial}}|{{.IsAutomated}}|{{.Index}}' "$HUB/debian"
	[ "$output" = "debian|5000|[OK]||$HUB"$'\n'"someone/debian1|4900|||$HUB" ]
	run -0 moss search --limit 3 --format 'table {{.Name}}\t{{.IsOfficial}}' "$HUB/debian"
	[[ ${lines[0]} =~ ^NAME\ +OFFICIAL$ ]]
	run -0 moss search --limit 3 --compatible "$HUB/debian"
	[[ ${lines[0]} =~ ^NAME\ +DESCRIPTION\ +STARS\ +OFFICIAL\ +AUTOMATED$ ]]
	[[ ${lines[3]} =~ ^someone/debian2\ +.*4800\ +\[OK\]$ ]]
	run -1 moss search --format '{{.Nope}}' "$HUB/debian"
	[[ $output == *"can't evaluate field Nope in type *registry.searchContext"* ]]
}

@test "filters, limits" {
	hub_start
	names() { moss search --format '{{.Name}}' "$@" 2>/dev/null | tr '\n' ' '; }
	[ "$(names --limit 4 -f is-official=true "$HUB/debian")" = "debian " ]
	[ "$(names --limit 3 -f is-official=false "$HUB/debian")" = "someone/debian1 someone/debian2 " ]
	[ "$(names --limit 5 -f stars=4800 "$HUB/debian")" = "debian someone/debian1 someone/debian2 " ]
	[ "$(names --limit 2 -f is-automated=false "$HUB/debian")" = "debian someone/debian1 " ]
	: >"$WORK/hub.log"
	run -0 --separate-stderr moss search -f is-automated=true "$HUB/debian"
	[ "$output" = "NAME      DESCRIPTION   STARS     OFFICIAL" ]
	[[ $stderr == 'WARNING: the "is-automated" filter is deprecated'* ]]
	[ ! -s "$WORK/hub.log" ]
	[ "$(names --limit 100 "$HUB/debian" | wc -w)" = 100 ]
	[ "$(names --limit 0 "$HUB/debian" | wc -w)" = 25 ]
	[ "$(names --limit -1 "$HUB/debian" | wc -w)" = 25 ]
	run -1 moss search --limit 101 "$HUB/debian"
	[[ $output == *"limit 101 is outside the range of [1, 100]"* ]]
	run -1 moss search -f stars=x "$HUB/debian"
	[[ $output == *"invalid filter 'stars=x': strconv.Atoi: parsing \"x\": invalid syntax"* ]]
	run -1 moss search -f is-official=x "$HUB/debian"
	[[ $output == *"invalid filter 'is-official=[x]'"* ]]
	run -1 moss search -f nope=x "$HUB/debian"
	[[ $output == *"invalid filter 'nope'"* ]]
	run -125 moss search -f nope "$HUB/debian"
	run -1 moss search
	[[ $output == *"requires exactly 1 argument"* ]]
	run -1 moss search http://x/y
	[[ $output == *"repository name (http://x/y) should not have a scheme"* ]]
}

@test "answers that are broken, too large, hostile" {
	hub_start
	run -1 moss search "$HUB/broken"
	[[ $output == *"error decoding registry search results"* ]]
	run -1 moss search "$HUB/wrong"
	[[ $output == *"error decoding registry search results"* ]]
	run -1 moss search "$HUB/down"
	[[ $output == *"500"* ]]
	run -1 moss search "$HUB/huge"
	[[ $output == *"larger than"* ]]
	run -0 moss search --format '{{.Name}}|{{.Description}}' "$HUB/hostile"
	[ "$output" = 'ok/name|a?[31mb? c' ]
}

@test "a registry lists its repositories, page by page" {
	registry_start
	run -0 moss search "$REG/"
	[[ ${lines[0]} =~ ^NAME\ +DESCRIPTION\ +STARS\ +OFFICIAL$ ]]
	[[ $output == *"$REG/multi "* ]]
	[[ $output == *"$REG/private/app "* ]]
	[ "$(moss search --format '{{.Name}}' "$REG/app")" = "$REG/private/app" ]
	[ "$(moss search --limit 2 --format '{{.Name}}' "$REG/" | wc -l)" = 2 ]
	# More repositories than a page has: the registry gives 100 at a time.
	for i in $(seq 1 130); do
		mkdir -p "$WORK/many/docker/registry/v2/repositories/many/r$i/_manifests/revisions" \
			"$WORK/many/docker/registry/v2/repositories/many/r$i/_layers"
	done
	registry_serve "$WORK/many" "$WORK/many.yml" "" ""
	run -0 moss search --format '{{.Name}}' --limit 100 "$REG/r99"
	[ "$output" = "$REG/many/r99" ]
	[ "$(moss search --format '{{.Name}}' --limit 100 "$REG/many/" | wc -l)" = 100 ]
}

@test "--list-tags" {
	registry_start
	run -0 moss search --list-tags "$REG/tags"
	[[ ${lines[0]} =~ ^NAME\ +TAG$ ]]
	[ "$(tail -n +2 <<<"$output" | sort)" = "$(printf "$REG/tags   %s\n" a b c)" ]
	run -0 moss search --list-tags --limit 2 --format '{{.Name}}:{{.Tag}}' "$REG/tags"
	[ ${#lines[@]} = 2 ]
	[[ ${lines[0]} == "$REG/tags:"[abc] ]]
	run -0 moss search --list-tags --format json "$REG/tags"
	python3 -c 'import json, sys; d = json.loads(sys.argv[1]); assert sorted(d[0]["Tags"]) == ["a", "b", "c"], d' "$output"
	run -1 moss search --list-tags "$REG/nope"
	[[ $output == *"repository $REG/nope not found"* ]]
	run -125 moss search --list-tags -f stars=1 "$REG/tags"
	[[ $output == *"filters are not applicable to list tags result"* ]]
}

@test "credentials, TLS" {
	registry_start htpasswd
	run -1 moss search "$REG/multi"
	[[ $output == *"nauthorized"* || $output == *"no basic auth credentials"* || $output == *"authentication required"* ]]
	[ "$(moss search --creds alice:secret --format '{{.Name}}' "$REG/multi")" = "$REG/multi" ]
	mkdir "$WORK/auth"
	echo '{"auths": {"'"$REG"'": {"auth": "'"$(printf alice:secret | base64)"'"}}}' >"$WORK/auth/file"
	[ "$(moss search --authfile "$WORK/auth/file" --format '{{.Name}}' "$REG/multi")" = "$REG/multi" ]
	registry_start tls
	run -1 moss search "$REG/multi"
	[[ $output == *certificate* ]]
	[ "$(moss search --tls-verify=false --format '{{.Name}}' "$REG/multi")" = "$REG/multi" ]
	mkdir "$WORK/certs"
	cp "$WORK/ca.crt" "$WORK/certs/ca.crt"
	[ "$(moss search --cert-dir "$WORK/certs" --format '{{.Name}}' "$REG/multi")" = "$REG/multi" ]
}
