# moss logs: what was written, when, how much of it, and what comes yet.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

log_file() { echo "$ROOT/containers/$1/$1-json.log"; }

@test "the file is Docker's json-file, byte for byte but for the time" {
	id=$(moss run -d --network none busybox sh -c 'printf "a\tb<&>\042\134\n\377\n"; printf end')
	moss wait "$id"
	sed 's/"time":"[^"]*"/"time":""/' "$(log_file "$id")" >"$WORK/got"
	printf '%s\n' '{"log":"a\u0009b\u003c\u0026\u003e\"\\\n","stream":"stdout","time":""}' \
		'{"log":"\ufffd\n","stream":"stdout","time":""}' \
		'{"log":"end","stream":"stdout","time":""}' | diff - "$WORK/got"
	grep -qE '"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z"' "$(log_file "$id")"
}

@test "streams apart; of a terminal all is stdout" {
	moss run --name one --network none busybox sh -c 'echo out; echo err >&2' >/dev/null 2>&1
	run --separate-stderr moss logs one
	[ "$output" = out ]
	[ "$stderr" = err ]
	moss run -t --name two --network none busybox sh -c 'echo out; echo err >&2' </dev/null >/dev/null
	[ "$(moss logs two 2>/dev/null)" = $'out\r\nerr\r' ]
}

@test "--tail, --timestamps, --since, --until" {
	moss run --name one --network none busybox sh -c 'seq 5; sleep 1.1; echo late' >/dev/null
	[ "$(moss logs -n 2 one | tr '\n' ' ')" = "5 late " ]
	[ "$(moss logs --tail all one | wc -l)" -eq 6 ]
	[ -z "$(moss logs --tail 0 one)" ]
	[[ "$(moss logs -t --tail 1 one)" =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z\ late$ ]]
	when=$(moss logs -t --tail 1 one | cut -d' ' -f1)
	[ "$(moss logs --since "$when" one)" = late ]
	[ "$(moss logs --until "$(date -d "$when - 1 second" +%s)" one | wc -l)" -le 5 ]
	[ "$(moss logs --since 1h one | wc -l)" -eq 6 ]
	[ -z "$(moss logs --until 1h one)" ]
	run moss logs --since xyz one
	[ "$status" -eq 1 ]
	[[ $output == *'invalid value for "since": failed to parse value as time or duration: "xyz"'* ]]
}

@test "-f shows what comes, and ends with the container" {
	moss run -d --name one --network none busybox sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.3; done' >/dev/null
	[ "$(timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f one | tr '\n' ' ')" = "1 2 3 4 " ]
	[ "$(timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f --tail 1 one)" = 4 ]
}

@test "-f ends when the container is killed with its monitor" {
	moss run -d --name one --network none busybox sh -c 'echo here; sleep 100' >/dev/null
	timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f one >"$WORK/out" 3>&- &
	pid=$!
	wait_for 5 grep -q here "$WORK/out"
	kill -9 "$(sqlite3 "$ROOT/moss.db" 'select monitor_pid from container')"
	wait $pid
}

@test "max-size and max-file: what is kept, in order, across the files" {
	id=$(moss run -d --log-opt max-size=10k --log-opt max-file=3 --network none busybox seq 1000)
	moss wait "$id"
	moss logs "$id" >"$WORK/kept"
	[ "$(tail -n 1 "$WORK/kept")" = 1000 ]
	[ "$(wc -l <"$WORK/kept")" -lt 1000 ]
	seq "$(head -n 1 "$WORK/kept")" 1000 | cmp - "$WORK/kept"
	[ -e "$(log_file "$id").2" ]
	[ ! -e "$(log_file "$id").3" ]
	[ "$(moss logs -n 150 "$id" | head -n 1)" = 851 ]
}

@test "--log-driver none: no file, and logs says so; other drivers and bad options are refused" {
	id=$(moss run -d --log-driver none --network none busybox echo x)
	moss wait "$id"
	[ ! -e "$(log_file "$id")" ]
	run moss logs "$id"
	[ "$status" -eq 1 ]
	[[ $output == *"configured logging driver does not support reading"* ]]
	run moss run --rm --log-driver journald --network none busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"journald is not enabled on this host"* ]]
	run moss run --rm --log-opt max-size=1q --network none busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"invalid size: '1q'"* ]]
	run moss run --rm --log-opt foo=1 --network none busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"unknown log opt 'foo' for json-file log driver"* ]]
	[ -z "$(moss ps -q)" ]
}

@test "lines of any length come back whole" {
	moss run --name one --network none busybox sh -c \
		'head -c 100000 /dev/zero | tr "\0" x; echo; head -c 16384 /dev/zero | tr "\0" y; echo; echo z' >"$WORK/out"
	moss logs one | cmp - "$WORK/out"
}

@test "missing container" {
	run moss logs nope
	[ "$status" -eq 1 ]
	[[ $output == *"No such container: nope"* ]]
}
