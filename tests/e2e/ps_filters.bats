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
