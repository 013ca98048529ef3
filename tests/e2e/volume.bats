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

@test "inspect --all" {
	[ "$(moss volume inspect --all)" = "[]" ]
	moss volume create one
	moss volume create two
	[ "$(moss volume inspect -a -f '{{.Name}}')" = $'one\ntwo' ]
	run -125 moss volume inspect --all one
	[[ $output == *"--all cannot be used with names of volumes"* ]]
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

nothing_in_store() { [ "$(ls -A "$ROOT/trash" "$ROOT/volumes" | grep -v :)" = "" ]; }

@test "files of other ids are removed with their volume" {
	moss run --rm --network none -v vol:/data busybox sh -c \
		'mkdir -p /data/d/e && touch /data/d/e/f && chown -R 1000:1000 /data && chmod 0 /data/d/e /data/d'
	run -0 moss volume rm vol
	wait_for 10 nothing_in_store
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

@test "--opt: what the local driver takes, in Docker's words" {
	local want text options n=0
	while IFS='|' read -r want options text; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # words
		run moss volume create $options vol
		# shellcheck disable=SC2154 # set by run
		if [ "$status" != "$want" ] || [[ $output != *"$text"* ]]; then
			echo "$options: $status $output"
			return 1
		fi
	done <<-'END'
		1|--opt foo=bar|create vol: invalid option: "foo"
		1|--opt foo|create vol: invalid option: "foo"
		1|--opt type=tmpfs|create vol: missing required option: "device"
		1|--opt o=size=1|create vol: missing required option: "device"
		1|--opt device=/x|create vol: missing required option: "type"
		1|--opt size=1m|create vol: quota size requested but no quota support
		125|--label =x|invalid label '=x': empty name
		0|--opt type=tmpfs --opt device=tmpfs --opt o=size=1m|vol
	END
	[ $n = 8 ]
	[ "$(moss volume inspect -f '{{json .Options}}' vol)" = '{"device":"tmpfs","o":"size=1m","type":"tmpfs"}' ]
	run -0 moss volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=2m vol
	[ "$(moss volume inspect -f '{{.Options.o}}' vol)" = size=1m ]
}

@test "create --uid and --gid: the owner, also after a fill" {
	moss volume create --uid 1000 --gid 1001 own
	run -0 moss run --rm --network none -v own:/x busybox stat -c %u:%g /x
	[ "$output" = 1000:1001 ]
	run -0 moss run --rm --network none -v own:/etc busybox stat -c %u:%g /etc /etc/passwd
	[ "$output" = $'1000:1001\n0:0' ]
	run -1 moss volume create --uid 4000000 far
	[[ $output == *"cannot give the volume to 4000000"* ]]
	[ "$(moss volume ls -q)" = own ]
}

@test "Podman's filters, exists, mount, rm --all, ls --noheading" {
	moss volume create first --label a=1
	moss volume create second --opt type=tmpfs --opt device=tmpfs
	anon=$(moss volume create)
	names() { moss volume ls -q "$@" | sort | tr '\n' ' '; }
	[ "$(names -f since=first -f anonymous=false)" = "second " ]
	[ "$(names -f after=second)" = "$anon " ]
	[ "$(names -f opt=type)" = "second " ]
	[ "$(names -f opt=type=nfs)" = "" ]
	[ "$(names -f 'name=^fi')" = "first " ]
	[ "$(names -f name=first -f name=second)" = "first second " ]
	[ "$(names -f 'label!=a' -f anonymous=0)" = "second " ]
	[ "$(names -f until=1h)" = "" ]
	[ "$(names -f anonymous=true -f scope=local)" = "$anon " ]
	run -1 moss volume ls -f since=nope
	[[ $output == *"get nope: no such volume"* ]]
	[ "$(moss volume ls -n -f name=first)" = "local     first" ]
	run -0 moss volume exists first
	run -1 moss volume exists nope
	[ -z "$output" ]
	[ "$(moss volume mount first)" = "$ROOT/volumes/first/_data" ]
	[ "$(moss volume unmount first)" = first ]
	run -1 moss volume mount second
	[[ $output == *"cannot mount volume second: its files are not in the store but on tmpfs"* ]]
	c=$(moss create --network none -v first:/x busybox true)
	run -1 moss volume rm --all
	[[ $output == *"remove first: volume is in use - [$c]"* ]]
	[ "$(names)" = "first " ]
	run -1 moss volume reload
	run -1 moss volume update x
}

@test "prune tells what it freed, --dry-run what it would" {
	moss run --rm --network none -v data:/d busybox dd if=/dev/zero of=/d/f bs=1M count=3 2>/dev/null
	[ "$(moss volume prune -a --dry-run)" = data ]
	run -1 moss volume prune -af --filter all=1
	[[ $output == *"conflicting options: cannot specify both --all and --filter all=1"* ]]
	run -0 moss volume prune -f
	[ "$output" = "Total reclaimed space: 0B" ]
	moss volume create --opt type=tmpfs --opt device=tmpfs set-up
	run -0 moss volume prune -af
	[[ $output == *data* ]]
	[ "$(moss volume ls -q)" = set-up ]
}

@test "export: the volume's files as a tar, with their owners" {
	moss run --rm --network none -v data:/d busybox sh -c \
		'mkdir /d/sub && echo x >/d/sub/f && chown 5:6 /d/sub/f && ln -s sub/f /d/l && chmod 700 /d/sub'
	moss volume export data >"$WORK/a.tar"
	run -0 tar -tvf "$WORK/a.tar" --numeric-owner
	[[ $output == *"lrwxrwxrwx 0/0 "*" l -> sub/f"* ]]
	[[ $output == *"-rw-r--r-- 5/6 "*" sub/f"* ]]
	run -0 moss volume export -o "$WORK/b.tar" data
	cmp "$WORK/a.tar" "$WORK/b.tar"
	run -1 moss volume export nope
	[[ $output == *"get nope: no such volume"* ]]
	moss create --name cc --network none -v copy:/v busybox true
	moss cp - cc:/v <"$WORK/a.tar"
	run -0 moss run --rm --network none -v copy:/v busybox stat -c %u:%g /v/sub/f
	[ "$output" = 5:6 ]
	run -1 moss volume import data "$WORK/a.tar"
	[[ $output == *"moss cp - x:/v"* ]]
}
