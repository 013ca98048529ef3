# Health checks: run by the monitor, shown by ps, inspect and events, acted upon where asked.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

health() { moss inspect -f "{{.State.Health.$2}}" "$1"; }
health_is() { [ "$(health "$1" Status)" = "$2" ]; }
streak_is() { [ "$(health "$1" FailingStreak)" -ge "$2" ]; }
state_is() { [ "$(moss inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
count_is() { [ "$(moss inspect -f '{{.RestartCount}}' "$1")" -ge "$2" ]; }
checked() { # checked NAME CMD FLAGS...: a container that is checked often
	local name=$1 command=$2
	shift 2
	moss run -d --name "$name" --network none --health-cmd "$command" --health-interval 100ms \
		"$@" busybox sleep 100 >/dev/null
}

@test "starting, healthy, unhealthy and back, as ps and events tell it" {
	checked one 'echo said; test -e /ok' --health-interval 1s --health-retries 2
	[ "$(moss inspect -f '{{json .State.Health}}' one)" = \
		'{"Status":"starting","FailingStreak":0,"Log":[]}' ]
	[[ $(moss ps --format '{{.Status}}|{{.HealthStatus}}') == \
		"Up Less than a second (health: starting)|starting" ]]
	wait_for 15 streak_is one 1
	health_is one starting
	wait_for 15 health_is one unhealthy
	[[ $(moss ps --format '{{.Status}}') == "Up "*" (unhealthy)" ]]
	[ "$(moss ps --filter health=unhealthy --format '{{.Names}}')" = one ]
	[ -z "$(moss ps --filter health=healthy -q)" ]
	[ "$(moss inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' one)" = \
		"1 said" ]
	moss exec one touch /ok
	wait_for 15 health_is one healthy
	[ "$(health one FailingStreak)" -eq 0 ]
	[[ $(moss ps --format '{{.Status}}') == "Up "*" (healthy)" ]]
	run sqlite3 "$ROOT/moss.db" "SELECT group_concat(action, ',') FROM event
		WHERE action LIKE 'health%'"
	[ "$output" = "health_status: unhealthy,health_status: healthy" ]
	run sqlite3 "$ROOT/moss.db" "SELECT action FROM event WHERE action LIKE 'exec%' LIMIT 3"
	[ "${lines[0]}" = "exec_create: /bin/sh -c echo said; test -e /ok" ]
	[ "${lines[1]}" = "exec_start: /bin/sh -c echo said; test -e /ok" ]
	[ "${lines[2]}" = exec_die ]
	moss stop -t 0 one
	health_is one unhealthy # nothing answers any more
	moss start one
	health_is one starting
	[ "$(moss inspect -f '{{len .State.Health.Log}}' one)" -ge 3 ] # what was known is kept
}

@test "the log: five results, 4096 bytes of each, exit codes as they are" {
	checked one 'head -c 5000 /dev/zero | tr "\0" x; exit 3' --health-retries 7
	wait_for 10 health_is one unhealthy
	[ "$(moss inspect -f '{{len .State.Health.Log}}' one)" -eq 5 ]
	output=$(moss inspect -f '{{with index .State.Health.Log 4}}{{.Output}}{{end}}' one)
	[ ${#output} -eq 4099 ]
	[[ $output == *xxx... ]]
	[ "$(moss inspect -f '{{with index .State.Health.Log 4}}{{.ExitCode}}{{end}}' one)" -eq 3 ]
	checked two 'echo 123456' --health-max-log-count 2 --health-max-log-size 3
	wait_for 15 health_is two healthy
	three() { [ "$(sqlite3 "$ROOT/moss.db" "SELECT count(*) FROM event WHERE action = 'exec_die'
		AND attributes LIKE '%two%'")" -ge 3 ]; }
	wait_for 15 three
	[ "$(moss inspect -f '{{len .State.Health.Log}} {{with index .State.Health.Log 0}}{{.Output}}{{end}}' two)" = \
		"2 123..." ]
}

@test "a check that takes too long is killed, with what it started" {
	checked one 'echo begin; sleep 77; true' --health-timeout 300ms --health-interval 1s \
		--health-retries 1
	wait_for 15 health_is one unhealthy
	[ "$(moss inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' one)" = \
		"-1 Health check exceeded timeout (300ms): begin" ]
	none_sleeps() { ! moss exec one ps -o args | grep -q 'sleep 77'; }
	wait_for 15 none_sleeps
}

@test "one that cannot be run, one of another user, folder and environment" {
	checked one nothing --health-retries 1
	wait_for 15 health_is one unhealthy
	[[ $(moss inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' one) == \
		"127 "*"nothing: not found"* ]]
	checked two 'id -u; pwd; echo $A; readlink /proc/self/fd/0' -u 1000 -w /tmp -e A=b -t
	wait_for 15 health_is two healthy
	[ "$(moss inspect -f '{{with index .State.Health.Log 0}}{{.Output}}{{end}}' two)" = \
		"1000
/tmp
b
/dev/null" ]
}

@test "within the start period failures do not count, and checks come at the other pace" {
	checked one 'test -e /ok' --health-interval 60s --health-start-interval 100ms \
		--health-start-period 60s --health-retries 1
	four() { [ "$(moss inspect -f '{{len .State.Health.Log}}' one)" -ge 4 ]; }
	wait_for 15 four
	health_is one starting
	[ "$(health one FailingStreak)" -eq 0 ]
	moss exec one touch /ok
	wait_for 15 health_is one healthy
}

@test "a pause: nothing is run, and the state is lost until the next answer" {
	checked one true
	wait_for 15 health_is one healthy
	moss pause one
	wait_for 15 health_is one unhealthy
	[[ $(moss ps --format '{{.Status}}') == "Up "*" (Paused)" ]]
	moss unpause one
	wait_for 15 health_is one healthy
}

@test "HEALTHCHECK of the image, other settings, and none of it" {
	mkdir -p "$WORK/tree/bin"
	cp "$(command -v busybox)" "$WORK/tree/bin/busybox"
	ln -s busybox "$WORK/tree/bin/true"
	tar -C "$WORK/tree" -cf "$WORK/tree.tar" .
	moss import -c 'HEALTHCHECK --interval=200ms --retries=2 CMD ["/bin/true", "a"]' \
		"$WORK/tree.tar" img:cmd >/dev/null
	moss run -d --name img --network none img:cmd busybox sleep 100 >/dev/null
	wait_for 15 health_is img healthy
	moss rm -f img
	id=$(moss create --network none --health-retries 5 img:cmd x)
	[ "$(moss inspect -f '{{json .Config.Healthcheck}}' "$id")" = \
		'{"Test":["CMD","/bin/true","a"],"Interval":200000000,"Retries":5}' ]
	id=$(moss create --network none --no-healthcheck img:cmd x)
	[ "$(moss inspect -f '{{json .Config.Healthcheck.Test}}' "$id")" = '["NONE"]' ]
	moss run -d --name one --network none --no-healthcheck busybox sleep 100 >/dev/null
	[ "$(moss inspect -f '{{json .State.Health}}' one)" = null ]
	[ "$(moss ps --filter health=none --format '{{.Names}}')" = one ]
	run moss create --no-healthcheck --health-cmd x busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"--no-healthcheck conflicts with --health-* options"* ]]
	run moss create --health-interval 1us busybox true
	[ "$status" -eq 1 ]
	[[ $output == *"Interval in Healthcheck cannot be less than 1ms"* ]]
	run moss create --health-timeout=-1s busybox true
	[ "$status" -eq 125 ]
	[[ $output == *"--health-timeout cannot be negative"* ]]
}

@test "once unhealthy: kill, stop, restart" {
	checked kills false --health-retries 2 --health-on-failure kill
	checked stops false --health-retries 2 --health-on-failure stop --restart always \
		--stop-timeout 0
	checked again false --health-retries 2 --health-on-failure restart --stop-timeout 0
	wait_for 10 state_is kills exited
	[ "$(moss inspect -f '{{.State.ExitCode}}' kills)" -eq 137 ]
	wait_for 10 state_is stops exited
	[ "$(moss inspect -f '{{.RestartCount}}' stops)" -eq 0 ]
	wait_for 10 count_is again 1
	run moss create --health-on-failure sing --health-cmd x busybox true
	[ "$status" -eq 125 ]
	[[ $output == *'invalid on-failure action "sing"'* ]]
	run moss create --health-on-failure kill busybox true
	[[ $output == *"cannot set on-failure action to kill without a health check"* ]]
	run moss create --health-log-destination /x --health-cmd x busybox true
	[ "$status" -eq 125 ]
}

@test "healthcheck run" {
	checked one 'test -e /ok' --health-interval 1h
	run -1 moss healthcheck run one
	[ "$output" = unhealthy ]
	[ "$(moss healthcheck run --ignore-result one)" = unhealthy ]
	moss exec one touch /ok
	run -0 moss healthcheck run one
	[ -z "$output" ]
	health_is one healthy
	[ "$(moss inspect -f '{{len .State.Health.Log}}' one)" -eq 3 ]
	moss run -d --name two --network none busybox sleep 100 >/dev/null
	run -125 moss healthcheck run two
	[[ $output == *"has no defined healthcheck"* ]]
	moss stop -t 0 one
	run -125 moss healthcheck run one
	[[ $output == *"is not running"* ]]
	run -125 moss healthcheck run nope
}

@test "with restarts: each life is checked, and an ended one leaves no checker" {
	moss run -d --name one --network none --restart always --health-cmd true \
		--health-interval 100ms busybox sleep 1 >/dev/null
	wait_for 15 health_is one healthy
	wait_for 15 count_is one 1
	wait_for 15 health_is one healthy
	moss rm -f one
	left_over "$ROOT"
}

@test "a monitor that checks stays small, and one without a check sleeps" {
	checked one true
	moss run -d --name two --network none busybox sleep 100 >/dev/null
	wait_for 15 health_is one healthy
	one=$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container WHERE name = 'one'")
	two=$(sqlite3 "$ROOT/moss.db" "SELECT monitor_pid FROM container WHERE name = 'two'")
	switches() { awk '/ctxt/ {n += $2} END {print n}' "/proc/$two/status"; }
	sleep 0.8 # half a second after its start it gives memory back, once
	before=$(switches)
	sleep 1
	[ "$(switches)" -eq "$before" ]
	inside() { nsenter -U --preserve-credentials -t "$one" "$@"; }
	if inside grep -q __asan_init "/proc/$one/exe"; then
		skip "built with sanitizers, whose memory says nothing"
	fi
	dirty=$(inside awk '/^Private_Dirty/ { print $2 }' "/proc/$one/smaps_rollup")
	[ "$dirty" -le 512 ]
}
