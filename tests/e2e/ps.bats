# moss ps: columns, filters, formats.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

names() { moss ps "$@" --format '{{.Names}}' | paste -sd ' '; }

# web (running, published port, volume), db (running), done (exited 3), fresh (created); oldest first.
four() {
	PORT=$(free_port)
	moss run -d --name web --label role=web --label a=1 -p "127.0.0.1:$PORT:80" -v data:/data \
		busybox sleep 1000 >/dev/null
	moss run -d --name db --label role=db --network none -v "$WORK:/host:ro" busybox sleep 1000 \
		>/dev/null
	moss run --name 'done' --network none busybox sh -c 'exit 3' || [ $? = 3 ]
	moss create --name fresh --expose 90 busybox true 'x y' >/dev/null
}

@test "an empty list is its header" {
	run -0 moss ps -a
	[ "$output" = "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES" ]
	run -0 moss ps -aq
	[ -z "$output" ]
	run -0 moss ps -a --format json
	[ -z "$output" ]
}

@test "columns, states, newest first" {
	four
	run -0 moss ps -a
	[ "${#lines[@]}" = 5 ]
	[[ ${lines[0]} =~ ^'CONTAINER ID   IMAGE     COMMAND            CREATED'\ +'STATUS'\ +'PORTS'\ +'NAMES'$ ]]
	[[ ${lines[1]} =~ ^[0-9a-f]{12}\ +busybox\ +'"true '"'x y'"'"'\ +.*ago\ +Created\ +fresh$ ]]
	[[ ${lines[2]} =~ \"sh\ -c\ \'exit\ 3\'\".*'Exited (3) '.*' ago'\ +'done'$ ]]
	[[ ${lines[3]} =~ '"sleep 1000"'.*'Up '.*db$ ]]
	[[ ${lines[4]} =~ 'Up '.*"127.0.0.1:$PORT->80/tcp"\ +web$ ]]
	[ "$(names)" = "db web" ]
	[ "$(names -a)" = "fresh done db web" ]
	moss stop -t 0 db >/dev/null
	run -0 moss ps -a --filter name=db --format '{{.State}} {{.Status}}'
	[[ $output =~ ^exited\ Exited\ \(137\)\ .*ago$ ]]
}

@test "-q, -n, -l, --no-trunc" {
	four
	id=$(moss inspect -f '{{.Id}}' fresh)
	[ "$(moss ps -lq)" = "${id:0:12}" ]
	[ "$(moss ps -lq --no-trunc)" = "$id" ]
	[ "$(names -n 3)" = "fresh done db" ]
	[ "$(names -n 1 -f status=running)" = "db" ]
	[ "$(names -n 0)" = "db web" ]
	moss run -d --name long --network none busybox sh -c 'sleep 1000; echo a very long command' >/dev/null
	[ "$(moss ps -l --format '{{.Command}}')" = "\"sh -c 'sleep 1000; …\"" ]
	[ "$(moss ps -l --no-trunc --format '{{.Command}}')" = "\"sh -c 'sleep 1000; echo a very long command'\"" ]
}

@test "filters" {
	four
	while read -r filter want; do
		got=$(names -a -f "$filter")
		[ "$got" = "$want" ] || { echo "$filter: $got, not $want"; return 1; }
	done <<-EOS
		name=^d done db
		name=/web web
		name=e.* fresh done web
		status=running db web
		status=exited done
		status=created fresh
		exited=3 done
		exited=0
		label=role db web
		label=role=web web
		ancestor=busybox fresh done db web
		ancestor=nothing
		volume=data web
		volume=/data web
		volume=/host db
		network=none done db
		publish=$PORT web
		publish=$PORT/udp
		expose=80/tcp web
		before=db web
		since=db fresh done
		health=none fresh done db web
		health=healthy
		is-task=false fresh done db web
	EOS
	id=$(moss inspect -f '{{.Id}}' web)
	[ "$(names -f "id=${id:0:6}")" = web ]
	[ "$(names -a -f label=role=web -f label=a=1)" = web ]
	[ -z "$(names -a -f label=role=web -f label=a=2)" ]
	[ "$(names -f status=exited -f status=created)" = "fresh done" ]
	[ -z "$(names -f exited=3)" ]
}

@test "filters that are wrong" {
	run -125 moss ps -f foo
	[[ $output == *"bad format of filter (expected name=value)"* ]]
	run -1 moss ps -f foo=bar
	[[ $output == *"invalid filter 'foo'"* ]]
	run -1 moss ps -f status=bad
	[[ $output == *"invalid filter 'status=bad'"* ]]
	run -1 moss ps -f exited=bad
	[[ $output == *'strconv.Atoi: parsing "bad": invalid syntax'* ]]
	run -1 moss ps -f health=bad
	[[ $output == *"unrecognized filter value for health: bad"* ]]
	run -1 moss ps -f before=nobody
	[[ $output == *"No such container: nobody"* ]]
	run -1 moss ps -f publish=99999
	[[ $output == *"value out of range"* ]]
}

@test "formats" {
	four
	run -0 moss ps -a --format 'table {{.Names}}\t{{.Label "role"}}\t{{.Networks}}' -f label=role
	[ "${lines[0]}" = "NAMES     role      NETWORKS" ]
	[ "${lines[1]}" = "db        db        none" ]
	run -0 moss ps -a -f name=fresh --format json
	python3 - "$output" <<-'EOS'
		import json, sys
		row = json.loads(sys.argv[1])
		assert list(row) == sorted(row), row
		assert row["Names"] == "fresh" and row["Command"] == "\"true 'x y'\"", row
		assert row["State"] == "created" and row["Size"] == "0B" and row["Ports"] == "", row
	EOS
	run -1 moss ps --format '{{.Nope}}'
	[[ $output == *"can't evaluate field Nope in type *formatter.ContainerContext"* ]]
	run -1 moss ps --format '{{.Names'
	[[ $output == *"failed to parse template: template: :1: unclosed action"* ]]
	run -0 --separate-stderr moss ps -q --format x
	[ "${#lines[@]}" = 2 ]
	[[ $stderr == *"Ignoring custom format, because both --format and --quiet are set."* ]]
	mkdir -p "$HOME/.docker"
	echo '{"psFormat": "conf {{.Names}}"}' >"$HOME/.docker/config.json"
	run -0 moss ps -f name=web
	[ "$output" = "conf web" ]
	[ "$(names -f name=web)" = web ]
}

@test "sizes" {
	moss run --name big --network none busybox sh -c 'head -c 1500000 /dev/zero >/f; ln /f /g; chmod 0 /f'
	run -0 moss ps -as --format '{{.Size}}'
	[[ $output =~ ^1\.5MB\ \(virtual\ [0-9.]+MB\)$ ]]
	run -0 moss ps -as
	[[ ${lines[0]} == *"NAMES     SIZE" ]]
	[[ ${lines[1]} == *"big       1.5MB (virtual "* ]]
}

@test "an image whose name moved is shown by its id" {
	moss create --name old busybox true >/dev/null
	[ "$(moss ps -a --format '{{.Image}}')" = busybox ]
	id=$(moss inspect -f '{{.Image}}' old)
	moss tag busybox kept
	moss rmi busybox >/dev/null
	[ "$(moss ps -a --format '{{.Image}}')" = "${id:7:12}" ]
}

@test "neighbouring ports are one range" {
	PORT=$(free_port)
	moss run -d --name rr --expose 70-72 --expose 9/udp -p "127.0.0.1:$PORT:80" busybox sleep 1000 >/dev/null
	run -0 moss ps --format '{{.Ports}}'
	[ "$output" = "9/udp, 70-72/tcp, 127.0.0.1:$PORT->80/tcp" ]
	moss stop -t 0 rr
	[ -z "$(moss ps -a --format '{{.Ports}}')" ]
}

@test "a full disk under the output is an error, said once" {
	run -1 bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' ps >/dev/full"
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"No space left on device"* ]]
	run -1 bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' inspect busybox >/dev/full"
	[ "${#lines[@]}" = 1 ]
}
