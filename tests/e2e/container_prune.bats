# moss container prune: what goes, what stays, what it says.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

names() { moss ps -a --format '{{.Names}}' | paste -sd ' '; }

@test "what does not run goes; what it held is counted" {
	id=$(moss create --name new busybox true)
	moss run --name old --network none busybox sh -c 'dd if=/dev/zero of=/x bs=1000 count=3000 2>/dev/null'
	moss run -d --name up --network none busybox sleep 100 >/dev/null
	run -0 moss container prune -f
	[ "${lines[0]}" = "Deleted Containers:" ]
	[[ $output = *"$id"* ]]
	[ "${lines[-1]}" = "Total reclaimed space: 3MB" ]
	[ "$(names)" = up ]
	run -0 moss container prune -f
	[ "$output" = "Total reclaimed space: 0B" ]
	run -0 moss events --since 0 --until 0s --filter event=prune --format '{{.Type}} {{json .Actor}}'
	[ "${lines[0]}" = 'container {"ID":"","Attributes":{"reclaimed":"3000000"}}' ]
}

@test "it asks first" {
	moss create --name new busybox true >/dev/null
	run -0 moss container prune </dev/null
	[ "$output" = $'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ' ]
	run -0 moss container prune <<<n
	[ "$(names)" = new ]
	run -0 moss container prune <<<Y
	[[ $output = *"Deleted Containers:"* ]]
	[ -z "$(names)" ]
}

@test "filters" {
	moss create --name plain busybox true >/dev/null
	moss create --name keep -l keep busybox true >/dev/null
	moss create --name both -l keep -l a=b busybox true >/dev/null
	run -0 moss container prune -f --filter until=1h
	run -0 moss container prune -f --filter label=nosuch
	[ "$(names)" = "both keep plain" ]
	run -0 moss container prune -f --filter label=keep --filter label=a=b
	[ "$(names)" = "keep plain" ]
	run -0 moss container prune -f --filter 'label!=keep'
	[ "$(names)" = keep ]
	run -0 moss container prune -f --filter until=2099-01-01
	[ -z "$(names)" ]
	run -1 moss container prune -f --filter foo=bar
	[[ $output = *"invalid filter 'foo'"* ]]
	run -1 moss container prune -f --filter until=xx
	[[ $output = *'failed to parse value as time or duration: "xx"'* ]]
	run -1 moss container prune -f --filter until=1h --filter until=2h
	[[ $output = *"more than one until filter specified"* ]]
}

@test "pruneFilters of config.json count, unless a flag contradicts them" {
	moss create --name keep -l keep busybox true >/dev/null
	mkdir -p "$HOME/.docker"
	echo '{"pruneFilters": ["label!=keep"]}' >"$HOME/.docker/config.json"
	run -0 moss container prune -f
	[ "$(names)" = keep ]
	run -0 moss container prune -f --filter label=keep
	[ -z "$(names)" ]
}
