# --log-driver journald, with a real systemd-journald: what is sent, and what logs reads back.
load ../lib/moss

setup() {
	[ -x /lib/systemd/systemd-journald ] || skip "systemd-journald is not here"
	store_with_busybox
}
teardown() { store_drop; }

# inside SCRIPT: in the namespace of a journal of its own; `moss` and wait_for are there.
inside() {
	cat >"$WORK/script" <<TEXT
bats_require_minimum_version() { :; }
. "$MOSS_TEST_LIB/moss.bash"
set -e
$1
TEXT
	timeout 60 "$MOSS_TEST_LIB/with-journald" bash "$WORK/script"
}

@test "the fields are Docker's; large, binary and cut lines come back byte for byte" {
	inside '
		moss run -d --name one --label a=b --label c.d=e --log-driver journald --log-opt labels=a,c.d \
			--log-opt tag="{{.Name}}/{{.ImageName}}" --network none busybox sh -c "
				echo hello; echo wrong >&2; printf \"bin\\377\\001\\n\"; head -c 100000 /dev/zero | tr \"\\0\" x; echo; printf end" >$WORK/id
		moss wait one >/dev/null
		moss logs one >$WORK/out 2>$WORK/err
		moss logs --details -n 1 one >$WORK/details
		journalctl -q --output=json MESSAGE=wrong >$WORK/wrong.json
		journalctl -q --output=json MESSAGE=end >$WORK/end.json
		moss logs -n 2 one | head -c 3 >$WORK/tail
		moss logs --since 1h one | wc -c >$WORK/since
		moss logs --until 1h one | wc -c >$WORK/until
		moss rm one'
	{ printf 'hello\nbin\377\001\n'; head -c 100000 /dev/zero | tr '\0' x; printf '\nend'; } | cmp - "$WORK/out"
	[ "$(cat "$WORK/err")" = wrong ]
	[ "$(cat "$WORK/details")" = "A=b,C_D=e end" ]
	local id
	id=$(cat "$WORK/id")
	jq -e --arg id "$id" '.CONTAINER_ID_FULL == $id and .CONTAINER_ID == $id[:12] and .CONTAINER_NAME == "one"
		and .CONTAINER_TAG == "one/busybox" and .SYSLOG_IDENTIFIER == "one/busybox" and .IMAGE_NAME == "busybox"
		and .PRIORITY == "3" and .A == "b" and .C_D == "e" and (.SYSLOG_TIMESTAMP | startswith("20"))
		and (has("CONTAINER_PARTIAL_MESSAGE") | not)' "$WORK/wrong.json"
	jq -e '.PRIORITY == "6" and .CONTAINER_PARTIAL_MESSAGE == "true" and .CONTAINER_PARTIAL_ORDINAL == "1"
		and .CONTAINER_PARTIAL_LAST == "false" and (.CONTAINER_PARTIAL_ID | length) == 64' "$WORK/end.json"
	[ "$(cat "$WORK/tail")" = xxx ]
	[ "$(cat "$WORK/since")" -eq "$(stat -c %s "$WORK/out")" ]
	[ "$(cat "$WORK/until")" -eq 0 ]
}

@test "a record larger than any datagram goes through a memory file" {
	# One label of 300 kB makes every record that large.
	inside '
		{ printf "l="; head -c 300000 /dev/zero | tr "\0" v; echo; } >$WORK/labels
		moss run --name big --label-file $WORK/labels --log-driver journald --log-opt labels=l --network none busybox echo small >/dev/null
		moss logs --details big | wc -c >$WORK/n
		moss rm big'
	[ "$(cat "$WORK/n")" -eq $((300000 + 2 + 1 + 6)) ]
}

@test "-f follows to the container's end and shows each line once" {
	inside '
		moss run -d --name one --log-driver journald --network none busybox sh -c "
			for i in 1 2 3 4 5 6; do echo \$i; sleep 0.2; done" >/dev/null
		timeout 30 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f one >$WORK/out
		timeout 30 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" logs -f --tail 1 one >$WORK/tail
		moss rm one'
	[ "$(tr '\n' ' ' <"$WORK/out")" = "1 2 3 4 5 6 " ]
	[ "$(cat "$WORK/tail")" = 6 ]
}

@test "a journal that stands still holds its container back, and nothing is lost" {
	inside '
		printf "BEGIN { for (i = 0; i < 4000; i++) printf(\"%%099d\\\\n\", i); print \"done\" }" >$WORK/lines.awk
		moss run --name other --network none busybox true
		moss run -d --name one --log-driver journald --network none -v $WORK/lines.awk:/l busybox sh -c "echo first; awk -f /l" >/dev/null
		wait_for 10 eval "moss logs one | grep -q done"
		kill -STOP $JOURNALD_PID
		moss run -d --name two --log-driver journald --network none -v $WORK/lines.awk:/l busybox sh -c "echo first; awk -f /l" >/dev/null
		sleep 0.5
		[ "$(moss inspect -f "{{.State.Status}}" two)" = running ]
		moss start -a other
		kill -CONT $JOURNALD_PID
		[ "$(timeout 40 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" wait one two | tr "\n" " ")" = "0 0 " ]
		{ echo first; awk -f $WORK/lines.awk; } >$WORK/want
		wait_for 20 eval "moss logs two | cmp - $WORK/want"
		moss logs one | cmp - $WORK/want
		moss rm one two other'
}

@test "a journal that is gone costs its lines, and a line says so" {
	inside '
		mkfifo $WORK/go
		moss run -d --name one --log-driver journald --network none -v $WORK/go:/go busybox sh -c "
			echo before; cat /go >/dev/null; echo lost; cat /go >/dev/null; echo after" >/dev/null
		wait_for 10 eval "moss logs one | grep -q before"
		mv /run/systemd/journal/socket /run/away
		kill $JOURNALD_PID; wait_for 10 eval "! kill -0 $JOURNALD_PID"
		echo >$WORK/go
		sleep 0.3
		rm -f /run/systemd/journal/*
		/lib/systemd/systemd-journald 3>&- & second=$!
		wait_for 10 test -S /run/systemd/journal/socket
		echo >$WORK/go
		moss wait one >/dev/null
		wait_for 10 eval "moss logs one 2>/dev/null | grep -q after"
		moss logs one >$WORK/out 2>$WORK/err
		moss rm one
		kill $second; wait $second || true'
	[ "$(tail -n 1 "$WORK/out")" = after ]
	[ "$(grep -c lost "$WORK/out")" -eq 0 ]
	grep -q '^\[moss: about 5 bytes of output are missing here: ' "$WORK/err"
}

@test "without a journal a start is refused in Docker's words, and nothing is left" {
	run moss run --rm --log-driver journald --network none busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"failed to initialize logging driver: journald is not enabled on this host"* ]]
	[ -z "$(moss ps -aq)" ]
}
