# moss ps: Podman's filters and --sort, health and restarting as they are shown.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

names() { moss ps -a "$@" --format '{{.Names}}' | paste -sd ' '; }

@test "--sort" {
	moss create --name bb busybox aaa >/dev/null
	moss create --name cc busybox bbb >/dev/null
	moss create --name aa busybox ccc >/dev/null
	[ "$(names)" = "aa cc bb" ]
	[ "$(names --sort names)" = "aa bb cc" ]
	[ "$(names --sort created)" = "bb cc aa" ]
	[ "$(names --sort command)" = "bb cc aa" ]
	[ "$(names --sort image)" = "aa cc bb" ]
	run -125 moss ps --sort age
	[[ $output = *'"age" is not a valid value.'* ]]
}

@test "--noheading leaves the headers out, of tables only" {
	moss create --name one busybox true >/dev/null
	run -0 moss ps -a --noheading
	[ "${#lines[@]}" = 1 ]
	[[ $output = *one ]]
	run -0 moss ps -a --noheading --format '{{.Names}}'
	[ "$output" = one ]
	run -0 moss ps -a --noheading --format 'table {{.Names}}'
	[ "$output" = one ]
}

@test "label!, until, stopped; what is refused" {
	moss create --name plain busybox true >/dev/null
	moss create --name labelled -l k=v busybox true >/dev/null
	moss run --name 'done' --network none busybox true
	[ "$(names --filter 'label!=k')" = "done plain" ]
	[ "$(names --filter 'label!=k=w')" = "done labelled plain" ]
	[ "$(names --filter until=1h)" = "" ]
	[ "$(names --filter until=2099-01-01)" = "done labelled plain" ]
	[ "$(names --filter status=stopped)" = "done" ]
	[ "$(names --filter restart-policy=no)" = "done labelled plain" ]
	[ "$(names --filter restart-policy=always)" = "" ]
	run -1 moss ps --filter pod=x
	[[ $output = *"no pods"* ]]
	run -1 moss ps --filter until=xx
	run -125 moss ps --pod
	[[ $output = *"not supported"* ]]
}

@test "Podman's fields, which JSON does not show" {
	moss run --name 'done' --network none busybox sh -c 'exit 3' || [ $? = 3 ]
	moss run -d --rm --name up --network none busybox sleep 100 >/dev/null
	run -0 moss ps -a --format '{{.Names}} {{.ExitCode}} {{.Exited}} {{.AutoRemove}} {{.Restarts}} {{.HealthStatus}}'
	[ "$output" = $'up 0 false true 0 none\ndone 3 true false 0 none' ]
	[ "$(moss ps --format '{{.Pid}}')" = "$(moss inspect -f '{{.State.Pid}}' up)" ]
	[ "$(moss ps --format '{{.ImageID}}')" = "$(moss images -q)" ]
	run -0 moss ps -a --format json
	[[ $output != *ExitCode* && $output != *'created ns'* ]]
}

@test "an image's containers and those of images made from it" {
	moss run --name base --network none busybox true
	moss create --name again --network none busybox touch /x >/dev/null
	[ "$(names --filter ancestor=busybox)" = "again base" ]
	moss start -a again
	moss commit again derived >/dev/null
	moss create --name child derived true >/dev/null
	[ "$(names --filter ancestor=busybox)" = "child again base" ]
	[ "$(names --filter ancestor=derived)" = "child" ]
	[ "$(names --filter ancestor=nosuch)" = "" ]
}

@test "health in the status, and as a filter" {
	moss run -d --name good --network none --health-cmd true --health-interval 200ms busybox sleep 100 >/dev/null
	moss run -d --name bad --network none --health-cmd false --health-retries 1 --health-interval 200ms busybox sleep 100 >/dev/null
	moss run -d --name new --network none --health-cmd true --health-interval 1h busybox sleep 100 >/dev/null
	moss run -d --name none --network none busybox sleep 100 >/dev/null
	tries=0
	until [ "$(names --filter health=healthy) $(names --filter health=unhealthy)" = "good bad" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ]
		sleep 0.1
	done
	[ "$(names --filter health=starting)" = new ]
	[ "$(names --filter health=none)" = none ]
	run -0 moss ps --format '{{.Names}} {{.Status}} {{.HealthStatus}}' --sort names
	[[ ${lines[0]} =~ ^'bad Up '.*' (unhealthy) unhealthy'$ ]]
	[[ ${lines[1]} =~ ^'good Up '.*' (healthy) healthy'$ ]]
	[[ ${lines[2]} =~ ^'new Up '.*' (health: starting) starting'$ ]]
	[[ ${lines[3]} =~ ^'none Up '[^\(]*' none'$ ]]
}

@test "one that restarts is listed among the running" {
	moss run -d --name rs --network none --restart always busybox sh -c 'exit 4' >/dev/null
	tries=0
	until [ "$(moss ps --filter status=restarting -q | wc -l)" = 1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ]
		sleep 0.05
	done
	[ "$(moss ps --filter restart-policy=always --format '{{.Names}}')" = rs ]
	run -0 moss ps -a --filter exited=4
	[ "${#lines[@]}" = 1 ]
}
