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

@test "--log-driver none: no file, and logs says so" {
	id=$(moss run -d --log-driver none --network none busybox echo x)
	moss wait "$id"
	[ ! -e "$(log_file "$id")" ]
	run moss logs "$id"
	[ "$status" -eq 1 ]
	[[ $output == *"configured logging driver does not support reading"* ]]
}

# refused STATUS WORDS COMMAND...
refused() {
	local want=$1 words=$2
	shift 2
	run "$@"
	[ "$status" -eq "$want" ] && [[ $output == *"$words"* ]] || { echo "$*: $status: $output"; false; }
}

@test "bad options and other drivers are refused in Docker's words: names by create, values by start" {
	r=(moss run --rm --network none)
	refused 125 "unknown log opt 'foo' for json-file log driver" "${r[@]}" --log-opt foo=1 busybox true
	refused 125 "unknown log opt '' for json-file log driver" "${r[@]}" --log-opt =x busybox true
	refused 125 "unknown log opt 'tag' for log driver local" "${r[@]}" --log-driver local --log-opt tag=x busybox true
	refused 125 "unknown log opt 'max-size' for journald log driver" "${r[@]}" --log-driver journald --log-opt max-size=1k busybox true
	refused 125 "invalid logging opts for driver none" "${r[@]}" --log-driver none --log-opt foo=1 busybox true
	refused 125 "logging mode not supported: x" "${r[@]}" --log-opt mode=x busybox true
	refused 125 "invalid size: '1q'" "${r[@]}" --log-opt max-size=1q busybox true
	refused 125 "invalid value for max-size: 1q: invalid size: '1q'" "${r[@]}" --log-driver local --log-opt max-size=1q busybox true
	refused 125 "compress cannot be true when max-file is less than 2 or max-size is not set" "${r[@]}" --log-opt compress=true busybox true
	refused 125 "compression cannot be enabled when max file count is 1" "${r[@]}" --log-driver local --log-opt max-file=1 busybox true
	refused 125 'error parsing regexp: missing closing ): `(`' "${r[@]}" --log-opt env-regex='(' busybox true
	refused 125 'template: log-tag:1:2: executing "log-tag" at <.Foo>: can'\''t evaluate field Foo in type *logger.Info' \
		"${r[@]}" --log-opt tag='{{.Foo}}' busybox true
	refused 125 'error looking up logging plugin nope: plugin "nope" not found' "${r[@]}" --log-driver nope busybox true
	for driver in syslog gelf fluentd awslogs splunk gcplogs passthrough; do
		refused 1 "the logging driver $driver is not supported" moss create --log-driver $driver busybox true
	done
	[ -z "$(moss ps -aq)" ]
	# As in Docker: a value that is wrong is seen by the start.
	moss create --name ct --log-opt max-size=1q busybox true
	refused 1 "failed to initialize logging driver: invalid size: '1q'" moss start ct
}

@test "labels, env and tag come with each record, and --details shows them" {
	id=$(moss run -d --name one --label a=1 --label 'b.c=x y&z' --label xx=f -e K=v -e OTHER=w --network none \
		--log-opt labels=a,none --log-opt labels-regex='^(b\.|x{2}$)' --log-opt env=K --log-opt env-regex='^nothing' \
		--log-opt tag='{{.Name}}|{{.ImageName}}|{{.ID}}' busybox sh -c 'echo hi; echo wrong >&2')
	moss wait one
	want='"attrs":{"K":"v","a":"1","b.c":"x y\u0026z","tag":"one|busybox|'${id:0:12}'","xx":"f"},"time"'
	[ "$(grep -cF "$want" "$(log_file "$id")")" -eq 2 ]
	[ "$(moss logs --details one 2>/dev/null)" = "K=v,a=1,b.c=x+y%26z,tag=one%7Cbusybox%7C${id:0:12},xx=f hi" ]
	[[ "$(moss logs -t --details one 2>&1 >/dev/null)" =~ ^[0-9-]{10}T[0-9:.]+Z\ K=v,.*\ wrong$ ]]
	# After a rename and a restart the tag is the new one.
	moss rename one two
	moss start -a two >/dev/null 2>&1
	[[ "$(tail -n 1 "$(log_file "$id")")" == *'"tag":"two|'* ]]
	moss run --name plain --network none busybox echo x >/dev/null
	[ "$(moss logs --details plain)" = " x" ]
}

@test "inspect shows the driver, its options and the file; config.json has the defaults" {
	moss run --name one --log-opt max-size=1k --network none busybox true
	[ "$(moss inspect -f '{{json .HostConfig.LogConfig}}' one)" = '{"Type":"json-file","Config":{"max-size":"1k"}}' ]
	[[ "$(moss inspect -f '{{.LogPath}}' one)" == */one-json.log || "$(moss inspect -f '{{.LogPath}}' one)" == "$(log_file "$(moss inspect -f '{{.Id}}' one)")" ]]
	mkdir -p "$HOME/.config/moss"
	echo '{"log-driver":"local","log-opts":{"max-size":"1m","max-file":"3"}}' >"$HOME/.config/moss/config.json"
	moss run --name two --log-opt max-size=2m --network none busybox echo here
	[ "$(moss inspect -f '{{json .HostConfig.LogConfig}}{{.LogPath}}' two)" = '{"Type":"local","Config":{"max-file":"3","max-size":"2m"}}' ]
	[ "$(moss logs two)" = here ]
	[ "$(moss info -f '{{.LoggingDriver}} {{.Plugins.Log}}')" = "local [journald json-file local]" ]
	moss create --name three --log-driver json-file busybox true
	[ "$(moss inspect -f '{{json .HostConfig.LogConfig}}' three)" = '{"Type":"json-file","Config":{}}' ]
	echo '{"log-driver":"nope"}' >"$HOME/.config/moss/config.json"
	run moss create busybox true
	[ "$status" -eq 1 ]
	[[ $output == *'plugin "nope" not found'* ]]
}

@test "local is Docker's format: bytes as they are, and lines cut at 16 KiB" {
	id=$(moss run -d --log-driver local --network none busybox sh -c \
		'printf "a\377\0b\n"; echo wrong >&2; head -c 20000 /dev/zero | tr "\0" x; echo; echo; printf end')
	moss wait "$id"
	{ printf 'a\377\0b\n'; head -c 20000 /dev/zero | tr '\0' x; printf '\n\nend'; } >"$WORK/want"
	moss logs "$id" 2>/dev/null | cmp - "$WORK/want"
	[ "$(moss logs -n 3 "$id" 2>/dev/null | wc -c)" -eq $((20000 - 16384 + 1 + 1 + 3)) ]
	python3 - "$ROOT/containers/$id/local-logs/container.log" <<-'TEXT'
		import struct, sys
		data, at, records = open(sys.argv[1], "rb").read(), 0, []
		while at < len(data):
		    n, = struct.unpack_from(">I", data, at)
		    assert struct.unpack_from(">I", data, at + 4 + n)[0] == n
		    records.append(data[at + 4:at + 4 + n])
		    at += n + 8
		out = [r for r in records if r.startswith(b"\x0a\x06stdout\x10")]
		assert [r for r in records if r.startswith(b"\x0a\x06stderr\x10")][0].endswith(b"\x1a\x05wrong")
		assert out[0].endswith(b"\x1a\x04a\xff\x00b"), out[0]
		assert b"\x1a\x80\x80\x01xxxx" in out[1] and b"\x20\x01\x2a\x44\x12\x40" in out[1] and out[1].endswith(b"\x18\x01")
		assert b"\x20\x01\x2a\x46\x08\x01\x12\x40" in out[2] and out[2].endswith(b"\x18\x02")
		assert out[1][-66:-2] == out[2][-66:-2]
		assert len(out[3]) == 8 + 10
	TEXT
}

@test "several containers: ids, --names, --color, --latest" {
	moss run --name one --network none busybox sh -c 'echo a; echo b' >/dev/null
	moss run --name two --network none busybox echo c >/dev/null
	id=$(moss inspect -f '{{.Id}}' one) other=$(moss inspect -f '{{.Id}}' two)
	[ "$(moss logs one two | sort)" = "$(printf '%s\n' "${id:0:12} a" "${id:0:12} b" "${other:0:12} c" | sort)" ]
	[ "$(moss logs --names one two | sort)" = $'one a\none b\ntwo c' ]
	[ "$(moss logs --names one)" = $'a\nb' ]
	[ "$(moss logs --color two)" = $'\033[37mc\033[0m' ]
	[ "$(moss logs -l)" = c ]
	refused 1 "No such container: nope" moss logs one nope
	refused 1 "requires at least 1 argument" moss logs
	for name in f1 f2; do
		moss run -d --name $name --network none busybox sh -c "for i in 1 2 3; do echo $name\$i; sleep 0.2; done" >/dev/null
	done
	[ "$(timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f --names f1 f2 | sort | tr '\n' ' ')" = \
		"f1 f11 f1 f12 f1 f13 f2 f21 f2 f22 f2 f23 " ]
}

@test "-f --until ends at its time; -f ends with a run that a policy repeats, and the log goes on" {
	moss run -d --name one --network none busybox sh -c 'echo here; sleep 100' >/dev/null
	[ "$(timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f --until "$(date -d '+1 second' +%s.%N)" one)" = here ]
	moss run -d --name two --restart always --network none busybox sh -c 'echo start; sleep 0.5; echo end' >/dev/null
	timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f --tail 1 two >"$WORK/out"
	[ "$(tail -n 1 "$WORK/out")" = end ]
	wait_for 10 eval '[ "$(moss logs two | grep -c start)" -ge 2 ]'
	moss rm -f one two
}

@test "what goes in comes out: random writes, cut lines and characters, to the log and to who is attached" {
	python3 - "$WORK/data" <<-'TEXT'
		import random, sys
		random.seed(4711)
		with open(sys.argv[1], "w", encoding="utf-8") as f:
		    for _ in range(600):
		        n = random.choice([0, 1, 5, 100, 1000, 16383, 16384, 16385, 40000])
		        f.write("".join(random.choice("abc <>&\"\\\t\u00e9\u20ac\U0001f600\u2028\x7f\x01") for _ in range(n)) + "\n")
		    f.write("no newline at the end")
	TEXT
	moss run --name one --network none -v "$WORK/data:/data:ro" busybox sh -c \
		'dd if=/data bs=777 count=2000 2>/dev/null; tail -c +1554001 /data' >"$WORK/attached"
	cmp "$WORK/data" "$WORK/attached"
	moss logs one | cmp - "$WORK/data"
	head -c 3000000 /dev/urandom >"$WORK/binary"
	moss run --name two --log-driver local --log-opt max-size=1g --network none -v "$WORK/binary:/data:ro" busybox cat /data >"$WORK/attached"
	cmp "$WORK/binary" "$WORK/attached"
	moss logs two | cmp - "$WORK/binary"
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
