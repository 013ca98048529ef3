# -v, --mount and --tmpfs on run: where data goes, what is made, what is refused.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }

@test "a bind mount shows the host's files, both ways" {
	mkdir "$WORK/d"
	echo host >"$WORK/d/f"
	run -0 bb -v "$WORK/d:/x" busybox sh -c 'cat /x/f; echo ct > /x/g'
	[ "$output" = host ]
	[ "$(cat "$WORK/d/g")" = ct ]
	[ "$(stat -c %U "$WORK/d/g")" = "$(id -un)" ]
}

@test "a relative source is taken from the working directory" {
	mkdir "$WORK/d"
	echo here >"$WORK/d/f"
	cd "$WORK"
	run -0 bb -v ./d:/x busybox cat /x/f
	[ "$output" = here ]
	run -0 bb -v .:/x busybox cat /x/d/f
	[ "$output" = here ]
}

@test "a file can be mounted on a file that the image does not have" {
	echo one >"$WORK/f"
	run -0 bb -v "$WORK/f:/etc/new/file.conf:ro" busybox cat /etc/new/file.conf
	[ "$output" = one ]
}

@test "-v makes a missing source folder, --mount does not" {
	run -0 bb -v "$WORK/new/sub:/x" busybox ls -ld /x
	[ -d "$WORK/new/sub" ]
	run -125 bb --mount "type=bind,src=$WORK/none,dst=/x" busybox true
	[[ $output == *"bind source path does not exist: $WORK/none"* ]]
	[ ! -e "$WORK/none" ]
}

@test "read-only mounts refuse writing" {
	mkdir "$WORK/d"
	run -1 bb -v "$WORK/d:/x:ro" busybox touch /x/f
	[[ $output == *"Read-only file system"* ]]
	run -1 bb --mount "type=bind,src=$WORK/d,dst=/x,readonly" busybox touch /x/f
	run -1 bb -v named:/x:ro busybox touch /x/f
	run -1 bb --mount type=volume,src=named,dst=/x,ro busybox touch /x/f
	[ -z "$(ls "$WORK/d")" ]
}

@test "a source the user may not reach: the path and the cure" {
	mkdir -p "$WORK/locked/d"
	chmod 000 "$WORK/locked"
	run -125 bb -v "$WORK/locked/d:/x" busybox true
	chmod 700 "$WORK/locked"
	[[ $output == *"$WORK/locked/d"*"Permission denied"* ]]
	[[ $output == *"search permission"* ]]
}

@test "a named volume keeps its data, and is filled from the image once" {
	run -0 bb -v data:/home busybox sh -c 'ls /home; echo kept > /home/f'
	[ "$output" = user ]
	run -0 bb -v data:/x busybox sh -c 'cat /x/f; ls /x'
	[[ $output == kept$'\n'* ]]
	[[ $output == *user* ]]
	[ "$(moss volume ls -q)" = data ]
	run -0 bb -v data:/etc busybox ls /etc
	[[ $output != *passwd* ]]
}

@test "nocopy leaves a new volume empty" {
	run -0 bb -v data:/home:nocopy busybox ls /home
	[ -z "$output" ]
	run -0 bb --mount type=volume,src=data2,dst=/home,volume-nocopy busybox ls /home
	[ -z "$output" ]
}

@test "an anonymous volume goes with --rm, and with rm -v" {
	run -0 bb -v /anon busybox sh -c 'echo x > /anon/f; cat /anon/f'
	[ "$output" = x ]
	[ -z "$(moss volume ls -q)" ]
	moss create --name ct -v /anon busybox true
	run -0 moss volume ls -q
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	moss rm -v ct
	[ -z "$(moss volume ls -q)" ]
}

@test "what a refused container had made is gone" {
	run -127 bb --name x1 -v /anon --device /dev/none-such busybox true
	[ -z "$(moss ps -aq)" ]
	run -125 bb -v ok:/a -v "b%d:/b" busybox true
	[[ $output == *'"b%d" includes invalid characters for a local volume name'* ]]
	run -125 bb -v z:/b busybox true
	[[ $output == *"create z: volume name is too short, names should be at least two alphanumeric characters"* ]]
}

@test "hosts, hostname and resolv.conf stay right with a volume on /etc" {
	run -0 bb -h box -v etc:/etc busybox sh -c 'cat /etc/hostname; head -1 /etc/hosts; ls /etc/passwd'
	[ "${lines[0]}" = box ]
	[ "${lines[1]}" = $'127.0.0.1\tlocalhost' ]
	[ "${lines[2]}" = /etc/passwd ]
	echo mine >"$WORK/hosts"
	run -0 bb -v "$WORK/hosts:/etc/hosts" busybox cat /etc/hosts
	[ "$output" = mine ]
}

@test "mounts are stacked by depth, whatever their order" {
	mkdir "$WORK/outer" "$WORK/inner"
	echo in >"$WORK/inner/f"
	run -0 bb -v "$WORK/inner:/a/b/c" -v "$WORK/outer:/a" --tmpfs /a/b busybox sh -c 'cat /a/b/c/f; stat -f -c %T /a/b'
	[ "${lines[0]}" = in ]
	[ "${lines[1]}" = tmpfs ]
}

@test "--tmpfs and --mount type=tmpfs: options, size, mode" {
	run -0 bb --tmpfs /t:size=64k,mode=700,uid=1000 busybox sh -c 'grep " /t " /proc/mounts; stat -c "%a %u" /t'
	[[ ${lines[0]} == *"rw,nosuid,nodev,noexec,relatime,size=64k,mode=700"* ]]
	[ "${lines[1]}" = "700 1000" ]
	run -0 bb --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1750 busybox sh -c 'df -k /t | tail -1; stat -c %a /t'
	[[ ${lines[0]} == *1024* ]]
	[ "${lines[1]}" = 1750 ]
	run -0 bb --tmpfs /t:exec busybox sh -c 'cp /bin/busybox /t/echo; /t/echo runs'
	[ "$output" = runs ]
	run -125 bb --tmpfs /t:foo busybox true
	[[ $output == *'invalid tmpfs option "foo"'* ]]
}

@test "--read-only leaves mounts writable" {
	run -1 bb --read-only busybox touch /f
	[[ $output == *"Read-only file system"* ]]
	run -0 bb --read-only --tmpfs /tmp -v data:/data busybox sh -c 'touch /tmp/f /data/f /dev/shm/f && echo yes'
	[ "$output" = yes ]
}

@test "volumes of the image are made for it" {
	load_image_with_volume
	run -0 moss create --name ct volumes true
	run -0 moss inspect --format '{{range .Mounts}}{{.Type}} {{.Destination}} {{len .Name}}{{end}} {{json .Config.Volumes}}' ct
	[ "$output" = 'volume /data 64 {"/data":{}}' ]
	moss rm -v ct
	run -0 moss create --name ct -v named:/data volumes true
	run -0 moss inspect --format '{{range .Mounts}}{{.Name}} {{.Destination}}{{end}}' ct
	[ "$output" = 'named /data' ]
}

# busybox with another config: VOLUME /data.
load_image_with_volume() {
	mkdir "$WORK/image"
	tar -C "$WORK/image" -xf "$(busybox_archive)"
	python3 - "$WORK/image" <<-'END'
		import hashlib, json, os, sys
		d = sys.argv[1]
		m = json.load(open(d + "/manifest.json"))
		c = json.load(open(d + "/" + m[0]["Config"]))
		c["config"]["Volumes"] = {"/data": {}}
		text = json.dumps(c).encode()
		name = hashlib.sha256(text).hexdigest() + ".json"
		open(d + "/" + name, "wb").write(text)
		m[0]["Config"] = name
		m[0]["RepoTags"] = ["volumes:latest"]
		json.dump(m, open(d + "/manifest.json", "w"))
	END
	tar -C "$WORK/image" -cf "$WORK/volumes.tar" .
	moss load -q -i "$WORK/volumes.tar"
}

@test "what is wrong with a mount is said in Docker's words" {
	local n=0 want text flags
	while IFS='|' read -r want text flags; do
		[ -n "$want" ] || continue
		n=$((n + 1))
		# shellcheck disable=SC2086 # words
		run moss create $flags busybox true
		# shellcheck disable=SC2154 # set by run
		if [ "$status" != "$want" ] || [[ $output != *"$text"* ]]; then
			echo "create $flags: status $status, $output"
			return 1
		fi
	done <<-'END'
		1|invalid mount path: 'b' mount path must be absolute|-v /a:b
		1|invalid mode: foo|-v /a:/b:foo
		1|invalid mode: ro,rw|-v /a:/b:ro,rw
		1|invalid volume specification: 'aa:/b:/c:d'|-v aa:/b:/c:d
		125|invalid spec: :/b: empty section between colons|-v :/b
		1|invalid specification: destination can't be '/'|-v vol:/
		1|field VolumeOptions must not be specified|-v /a:/b:nocopy
		1|field BindOptions must not be specified|-v vol:/b:rshared
		125|for "--mount" flag: target is required|--mount type=bind
		125|unexpected key 'foo' in 'foo=1'|--mount type=bind,src=/tmp,dst=/a,foo=1
		125|invalid field 'foo' must be a key=value pair|--mount type=bind,src=/tmp,dst=/a,foo
		125|invalid value for readonly: maybe|--mount type=bind,src=/tmp,dst=/a,readonly=maybe
		1|mount type unknown|--mount type=foo,src=/tmp,dst=/a
		1|field Source must not be specified|--mount type=tmpfs,src=/tmp,dst=/a
		125|invalid value for tmpfs-size: x|--mount type=tmpfs,dst=/a,tmpfs-size=x
		125|cannot mix 'volume-*' options with mount type 'tmpfs'|--mount type=tmpfs,dst=/a,volume-nocopy
		1|invalid propagation mode: foo|--mount type=bind,src=/tmp,dst=/a,bind-propagation=foo
		1|No such image: x:latest|--mount type=image,src=x,dst=/a
		1|mount type unknown|--mount type=cluster,src=x,dst=/a
		1|invalid mount path: 'a' mount path must be absolute|--tmpfs a
	END
	[ "$n" -gt 15 ]
}
