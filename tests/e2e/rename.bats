# moss rename: names that work, names that do not, what keeps the old one.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

@test "a container gets another name, whatever its state" {
	moss create --name one busybox true >/dev/null
	moss run -d --name up --network none busybox sleep 100 >/dev/null
	run -0 moss rename one two
	[ -z "$output" ]
	run -0 moss rename up /up2
	run -0 moss container rename "$(moss ps -q)" up3
	[ "$(moss ps -a --format '{{.Names}}' | paste -sd ' ')" = "up3 two" ]
	[ "$(moss inspect -f '{{.Name}}' up3)" = /up3 ]
	run -1 moss inspect up
	# The old name is free again; the host name was given at the start.
	moss create --name up busybox true >/dev/null
	[ "$(moss exec up3 hostname)" = "$(moss ps -q)" ]
	run -0 moss events --since 0 --until 0s --filter event=rename --format '{{.Actor.Attributes.oldName}} {{.Actor.Attributes.name}}'
	[ "$output" = $'/one two\n/up up2\n/up2 up3' ]
}

@test "names that are refused" {
	moss create --name one busybox true >/dev/null
	id=$(moss create --name two busybox true)
	run -1 moss rename one two
	[[ $output = *"Error when allocating new name: Conflict. The container name \"/two\" is already in use by container \"$id\". You have to remove (or rename) that container to be able to reuse that name."* ]]
	run -1 moss rename one /one
	[[ $output = *"Renaming a container with the same name as its current name"* ]]
	run -1 moss rename one 'a b'
	[[ $output = *"Error when allocating new name: Invalid container name (/a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"* ]]
	run -1 moss rename one ''
	[[ $output = *"Neither old nor new names may be empty"* ]]
	run -1 moss rename nosuch x1
	[[ $output = *"No such container: nosuch"* ]]
	run -1 moss rename one
	[[ $output = *'requires exactly 2 arguments'* ]]
	[ "$(moss ps -a --format '{{.Names}}' | paste -sd ' ')" = "two one" ]
}

@test "of many that want one name one gets it" {
	for i in 1 2 3 4; do moss create --name "c$i" busybox true >/dev/null; done
	for i in 1 2 3 4; do moss rename "c$i" prize 2>/dev/null 3>&- && echo "$i" >>"$WORK/won" & done
	wait
	[ "$(wc -l <"$WORK/won")" = 1 ]
	[ "$(moss ps -aq --filter name=prize | wc -l)" = 1 ]
}

@test "container exists tells by its exit status alone" {
	moss create --name one busybox true >/dev/null
	run -0 moss container exists one
	[ -z "$output" ]
	run -0 moss container exists "$(moss ps -aq)"
	run -1 moss container exists nosuch
	[ -z "$output" ]
	run -125 moss container exists --external one
	[[ $output = *"not supported"* ]]
}
