# volume create, ls, inspect, rm, prune; what is in them
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

@test "create, ls, inspect, rm" {
	run -0 moss volume create vol --label a=b --label c
	[ "$output" = vol ]
	run -0 moss volume create vol
	[ "$output" = vol ]
	run -0 moss volume ls
	[[ ${lines[0]} =~ ^DRIVER\ +VOLUME\ NAME$ ]]
	[[ ${lines[1]} =~ ^local\ +vol$ ]]
	[ ${#lines[@]} = 2 ]
	run -0 moss volume inspect vol
	[[ $output == *'"Driver": "local",'* ]]
	[[ $output == *"\"Mountpoint\": \"$ROOT/volumes/vol/_data\","* ]]
	[[ $output == *'"a": "b",'* ]]
	[ "$(moss volume inspect -f '{{.Labels.a}} {{.Scope}}' vol)" = "b local" ]
	run -0 moss volume rm vol
	[ "$output" = vol ]
	[ "$(moss volume ls -q)" = "" ]
	[ "$(ls "$ROOT/volumes" "$ROOT/trash" | grep -v :)" = "" ]
}

@test "an anonymous one has 64 digits and Docker's label" {
	run -0 moss volume create
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(moss volume ls --format '{{.Labels}}')" = "com.docker.volume.anonymous=" ]
}

@test "wrong names and drivers" {
	run -1 moss volume create a/b
	[[ $output == *'create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'* ]]
	run -1 moss volume create x
	[[ $output == *"create x: volume name is too short, names should be at least two alphanumeric characters"* ]]
	run -1 moss volume create ..
	run -1 moss volume create -d nfs vol
	[[ $output == *'create vol: error looking up volume plugin nfs: plugin "nfs" not found'* ]]
	run -1 moss volume rm nope
	[[ $output == *"get nope: no such volume"* ]]
	run -1 moss volume inspect nope
	[[ $output == *"get nope: no such volume"* ]]
	run -0 moss volume rm -f nope
}

@test "one in use is not removed" {
	c=$(moss create --network none -v vol:/data busybox true)
	run -1 moss volume rm vol
	[[ $output == *"remove vol: volume is in use - [$c]"* ]]
	run -1 moss volume rm -f vol
	moss rm "$c"
	run -0 moss volume rm vol
}

@test "what is written stays; a new one is filled from the image" {
	moss run --rm --network none -v vol:/etc busybox sh -c 'echo more >/etc/more'
	run -0 moss run --rm --network none -v vol:/x busybox sh -c 'cat /x/more; ls /x/passwd'
	[ "${lines[0]}" = more ]
	[ "${lines[1]}" = /x/passwd ]
	moss run --rm --network none -v vol:/x busybox rm /x/passwd
	run -0 moss run --rm --network none -v vol:/etc busybox ls /etc
	[[ $output != *passwd* ]]
	run -0 moss run --rm --network none -v empty:/etc:nocopy busybox ls /etc
	[[ $output != *passwd* ]]
}

@test "anonymous ones go with --rm and rm -v, named ones stay" {
	moss run --rm --network none -v /anon -v vol:/data busybox true
	[ "$(moss volume ls -q)" = vol ]
	c=$(moss create --network none -v /anon busybox true)
	[ "$(moss volume ls -q | wc -l)" = 2 ]
	moss rm -v "$c"
	[ "$(moss volume ls -q)" = vol ]
	c=$(moss create --network none -v /anon busybox true)
	moss rm "$c"
	[ "$(moss volume ls -q | wc -l)" = 2 ]
}

@test "files of other ids are removed with their volume" {
	moss run --rm --network none -v vol:/data busybox sh -c \
		'mkdir -p /data/d/e && touch /data/d/e/f && chown -R 1000:1000 /data && chmod 0 /data/d/e /data/d'
	run -0 moss volume rm vol
	[ "$(ls -A "$ROOT/trash" "$ROOT/volumes" | grep -v :)" = "" ]
}

@test "filters and prune" {
	moss volume create keep --label stay
	moss volume create free1
	anon=$(moss volume create)
	c=$(moss create --network none -v used:/data busybox true)
	names() { moss volume ls -q "$@" | sort | tr '\n' ' '; }
	[ "$(names -f dangling=false)" = "used " ]
	[ "$(names -f label=stay)" = "keep " ]
	[ "$(names -f name=kee)" = "keep " ]
	[ "$(names -f driver=none)" = "" ]
	run -1 moss volume ls -f x=y
	[[ $output == *"invalid filter 'x'"* ]]
	run -0 moss volume prune -f
	[ "$output" = $'Deleted Volumes:\n'"$anon"$'\n\nTotal reclaimed space: 0B' ]
	run -0 moss volume prune -af --filter 'label!=stay'
	[[ $output == *free1* ]]
	[ "$(names)" = "keep used " ]
	run -0 bash -c "echo n | '$MOSS' --root '$ROOT' --runroot '$RUNROOT' volume prune -a"
	[ "$(names)" = "keep used " ]
	moss rm "$c"
}

@test "two at once make one" {
	for i in 1 2 3 4 5 6 7 8; do moss volume create same >"$WORK/out.$i" & done
	wait
	[ "$(cat "$WORK"/out.* | sort -u)" = same ]
	[ "$(moss volume ls -q)" = same ]
}
