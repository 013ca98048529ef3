# moss events: what is told, filters, formats, following.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

# "type action name" of what has happened.
told() { moss events --since 0 --until 0s --format '{{.Type}} {{.Action}}' "$@" | paste -sd ','; }

# Waits until the file has a line that fits the pattern.
await() {
	local tries=0
	until grep -q -- "$2" "$1"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { cat "$1" >&2; return 1; }
		sleep 0.1
	done
}

# Until it reads a mark: only then it is there.
follow() {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" events "$@" \
		>"$WORK/followed" 2>"$WORK/followed.err" 3>&- &
	FOLLOWER=$!
	local tries=0
	until [ -s "$WORK/followed" ]; do
		moss run --rm --name mark --network none busybox true
		tries=$((tries + 1))
		[ $tries -lt 50 ]
	done
}

@test "a container's life, with its attributes, in order" {
	moss run --name one -l k=v -l a.b=c --network none busybox sh -c 'exit 3' || [ $? = 3 ]
	moss start -a one || [ $? = 3 ]
	id=$(moss inspect -f '{{.Id}}' one)
	moss rm one >/dev/null
	[ "$(told --filter type=container)" = "container create,container attach,container start,container die,container attach,container start,container die,container destroy" ]
	run -0 moss events --since 0 --until 0s --filter event=die
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5})' container die '$id' (a.b=c, execDuration=0, exitCode=3, image=busybox, k=v, name=one)'$ ]]
}

@test "signals, stop, failures to start" {
	moss run -d --name sig --network none busybox sleep 100 >/dev/null
	moss kill -s USR1 sig >/dev/null
	moss stop -t 0 sig >/dev/null
	run -0 moss events --since 0 --until 0s --filter event=kill --format '{{.Actor.Attributes.signal}}'
	[ "$output" = $'10\n15\n9' ]
	[[ $(told) = *"container die,"* && $(told) = *"container stop"* ]]
	run -127 moss run --name no --network none busybox nosuch
	run -0 moss events --since 0 --until 0s --filter container=no --format '{{.Action}} {{.Actor.Attributes.exitCode}}'
	[ "${lines[0]}" = "create <no value>" ]
	[ "${lines[-1]}" = "die 127" ]
}

@test "volumes are mounted and unmounted around a run" {
	moss run --rm --name vol -v data:/d -v "$WORK:/h:ro" --network none busybox true
	run -0 moss events --since 0 --until 0s --filter type=volume --format '{{.Action}} {{.Actor.ID}} {{json .Actor.Attributes}}'
	[[ $output = *'mount data {"container":"'*'","destination":"/d","driver":"local","propagation":"","read/write":"true"}'* ]]
	[[ $output = *'unmount data {"container":"'*'","driver":"local"}'* ]]
	[[ $output != *"$WORK"* ]]
}

@test "filters" {
	moss create --name web1 -l k=v busybox true >/dev/null
	moss create --name web2 busybox true >/dev/null
	count() { moss events --since 0 --until 0s "$@" | wc -l; }
	[ "$(count --filter container=web)" = 2 ]
	[ "$(count --filter container=web1)" = 1 ]
	[ "$(count --filter "container=$(moss ps -aq --filter name=web2)")" = 1 ]
	[ "$(count --filter container=web1 --filter container=web2 --filter event=create)" = 2 ]
	[ "$(count --filter label=k)" = 1 ]
	[ "$(count --filter label=k=v --filter label=z)" = 0 ]
	[ "$(count --filter image=busybox --filter type=container)" = 2 ]
	[ "$(count --filter image=busybox:latest --filter type=container)" = 0 ]
	[ "$(count --filter type=container --filter event=destroy)" = 0 ]
	[ "$(count --filter scope=swarm)" = 0 ]
	moss rm web1 >/dev/null
	[ "$(count --filter event=remove)" = 1 ]
	run -1 moss events --filter foo=bar
	[[ $output = *"invalid filter 'foo'"* ]]
	run -125 moss events --filter container
	[[ $output = *"bad format of filter"* ]]
}

@test "formats" {
	moss create --name one busybox true >/dev/null
	run -0 moss events --since 0 --until 0s --filter type=container --format json
	[[ $output =~ ^'{"status":"create","id":"'([0-9a-f]{64})'","from":"busybox","Type":"container","Action":"create","Actor":{"ID":"'[0-9a-f]{64}'","Attributes":{"image":"busybox","name":"one"}},"scope":"local","time":'[0-9]{10}',"timeNano":'[0-9]{19}'}'$ ]]
	run -0 moss events --since 0 --until 0s --filter type=container --format '{{.Actor.Attributes.name}} {{.Scope}} {{.From}}'
	[ "$output" = "one local busybox" ]
	run -64 moss events --format '{{.Nope}}'
	[[ $output = *"Error parsing format: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type *events.Message"* ]]
	run -64 moss events --format '{{.Type'
	TZ=Asia/Kolkata run -0 moss events --since 0 --until 0s --filter type=container
	[[ $output = *"+05:30 container create"* ]]
}

@test "times" {
	moss create --name one busybox true >/dev/null
	at=$(moss events --since 0 --until 0s --filter type=container --format '{{.TimeNano}}')
	at=${at:0:10}.${at:10}
	[ "$(told --since "$at" --filter type=container)" = "container create" ]
	run -0 moss events --since 1h --until "$at" --filter type=container
	[ "${#lines[@]}" = 1 ]
	run -0 moss events --since 2001-01-01 --until 2001-01-02T03:04:05Z
	[ -z "$output" ]
	run -0 moss events --stream=false --filter type=container
	[ "${#lines[@]}" = 1 ]
	# An end without a beginning: all there is up to it, and no waiting.
	run -0 timeout 5 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" events --until 0s --filter type=container
	[ "${#lines[@]}" = 1 ]
	run -1 moss events --since xx
	[[ $output = *'failed to parse value as time or duration: "xx"'* ]]
	run -1 moss events --since 5 --until 2
	[[ $output = *'`since` time (5) cannot be after `until` time (2)'* ]]
}

@test "an end that is yet to come ends it" {
	run -0 timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" events --until "$(($(date +%s) + 2))"
	[[ $output != *"container create"* ]]
}

@test "followers see each event once, in order, also of others that write at the same time" {
	follow --filter event=create --filter container=x --filter container=mark --format '{{.Actor.Attributes.name}}'
	for w in 1 2 3; do
		(for i in 1 2 3 4 5 6 7 8; do moss create --name "x$w-$i" busybox true >/dev/null; done) 3>&- &
		writers+=($!)
	done
	wait "${writers[@]}"
	moss create --name xlast busybox true >/dev/null
	await "$WORK/followed" '^xlast$'
	kill $FOLLOWER
	[ "$(grep -c '^x[123]' "$WORK/followed")" = 24 ]
	[ "$(grep '^x[123]' "$WORK/followed" | sort -u | wc -l)" = 24 ]
	# As the database has them.
	grep '^x' "$WORK/followed" >"$WORK/live"
	moss events --since 0 --until 0s --filter event=create --filter container=x \
		--format '{{.Actor.Attributes.name}}' | cmp - "$WORK/live"
	[ ! -s "$WORK/followed.err" ]
}

@test "a follower with a past goes on into the present without a gap" {
	moss create --name past busybox true >/dev/null
	follow --since 0 --filter event=create --format '{{.Actor.Attributes.name}}'
	moss create --name present busybox true >/dev/null
	await "$WORK/followed" '^present$'
	kill $FOLLOWER
	[ "$(grep -c '^past$' "$WORK/followed")" = 1 ]
	[ "$(grep -c '^present$' "$WORK/followed")" = 1 ]
}

@test "a follower whose reader has gone ends" {
	mkfifo "$WORK/pipe"
	moss events >"$WORK/pipe" 3>&- &
	follower=$!
	exec 9<"$WORK/pipe"
	exec 9<&-
	tries=0
	while kill -0 $follower 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 50 ]
		sleep 0.1
	done
}

@test "a follower sleeps while nothing happens" {
	follow
	before=$(awk '{print $14 + $15}' /proc/$FOLLOWER/stat)
	switches=$(awk '/^voluntary/{print $2}' /proc/$FOLLOWER/status)
	sleep 1
	[ "$(awk '/^voluntary/{print $2}' /proc/$FOLLOWER/status)" -le $((switches + 1)) ]
	[ "$(awk '{print $14 + $15}' /proc/$FOLLOWER/stat)" -le $((before + 1)) ]
	kill $FOLLOWER
}

@test "images: load, tag, untag, delete; volumes: create, destroy" {
	id=$(moss images -q --no-trunc)
	moss tag busybox other:2
	moss rmi other:2 >/dev/null
	moss rmi busybox >/dev/null
	run -0 moss events --since 0 --until 0s --filter type=image --format '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
	[ "$output" = "load $id $id
tag $id other:2
untag $id $id
untag $id $id
delete $id $id" ]
	moss volume create data >/dev/null
	moss volume rm data >/dev/null
	run -0 moss events --since 0 --until 0s --filter type=volume --format '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}}'
	[ "$output" = $'create data local\ndestroy data local' ]
}

@test "rm -f tells of the end it makes; prunes tell of themselves" {
	moss run -d --name up --network none busybox sleep 100 >/dev/null
	moss rm -f up >/dev/null
	run -0 moss events --since 0 --until 0s --filter container=up --format '{{.Action}} {{.Actor.Attributes.signal}} {{.Actor.Attributes.exitCode}}'
	[ "$output" = $'create <no value> <no value>\nstart <no value> <no value>\nkill 9 <no value>\ndie <no value> 137\ndestroy <no value> <no value>' ]
	moss volume prune -f >/dev/null
	[ "$(told --filter event=prune)" = "volume prune" ]
}
