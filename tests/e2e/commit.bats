#!/usr/bin/env bats
# commit: what a container wrote becomes a layer, by every driver; configuration as Docker makes it.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# A monitor removes the files of its container after `run --rm` has returned.
nothing_left() {
	local tries
	for tries in $(seq 100); do
		moss ps >/dev/null
		[ -n "$(ls -A "$ROOT/tmp" "$ROOT/trash" | grep -v :)" ] || return 0
		sleep 0.1
	done
	return 1
}

is_running() { [ "$(moss inspect -f '{{.State.Status}}' "$1")" = running ]; }

layers_of() { moss inspect -f '{{len .RootFS.Layers}}' "$1"; }

# What is in an image, with owners, modes, times and sizes.
listing() {
	moss run --rm --network none -v "$WORK/empty:/mnt" --entrypoint sh "$1" -c \
		"cd / && find $2 | sort | xargs stat -c '%n %F %a %u:%g %s %Y %h'"
}

# A container with one of each: links, holes, attributes, owners, whiteouts, an opaque folder.
make_work() {
	moss run --name ww --network none "$@" busybox sh -c '
		mkdir -p /srv/sub && cd /srv
		echo one >file && ln file second && ln -s file soft && mkfifo pipe
		truncate -s 20M hole && echo end >>hole
		chown 12:34 file && chmod 4755 file && chmod 1777 sub && chown 7:8 sub
		touch -d "2001-02-03 04:05:06" file sub
		long=$(printf "x%.0s" $(seq 1 90)); mkdir -p "$long/$long" && echo deep >"$long/$long/$long"
		echo ü >"/srv/grüße"
		rm /bin/yes; rm -rf /usr/share; mkdir -p /usr/share; echo new >/usr/share/new
		rm -rf /var && mkdir /var && echo v >/var/v
		echo line >>/etc/passwd'
}

@test "commit prints the id; the container's changes are in the image" {
	make_work
	moss commit ww img:1 >"$WORK/id"
	[[ $(cat "$WORK/id") =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(moss inspect -f '{{.Id}}' img:1)" = "$(cat "$WORK/id")" ]
	[ "$(layers_of img:1)" = 2 ]
	mkdir "$WORK/empty"
	run -0 listing img:1 '/srv /bin/yes /usr/share /var' 2>/dev/null
	[[ $output == *"/srv/file regular file 4755 12:34 4 981173106 2"* ]]
	[[ $output == *"/srv/second regular file 4755 12:34 4 981173106 2"* ]]
	[[ $output == *"/srv/soft symbolic link"* ]]
	[[ $output == *"/srv/pipe fifo"* ]]
	[[ $output == *"/srv/sub directory 1777 7:8"* ]]
	[[ $output == *"/srv/hole regular file 644 0:0 20971524"* ]]
	[[ $output == *"/var/v regular file"* ]]
	[ -z "$(grep "^/bin/yes " <<<"$output" || true)" ]
	run -0 moss run --rm --network none img:1 sh -c 'ls /usr/share /var; cat /srv/grüße; du -k /srv/hole | cut -f1; tail -n1 /etc/passwd; cat /srv/x*/x*/x*'
	[[ $output == *"new"*"v"*"ü"*"line"*"deep"* ]]
	# holes take no room
	[ "$(grep -xE '[0-9]+' <<<"$output")" -lt 100 ]
	nothing_left
}

@test "a stopped container's folder is moved, not copied; the container goes on above it" {
	moss run --name ww --network none busybox sh -c 'head -c 3000000 /dev/urandom >/big; echo 1 >/n'
	local id inode sum
	id=$(moss ps -aq --no-trunc)
	inode=$(stat -c %i "$ROOT/containers/$id/upper/big")
	sum=$(sha256sum <"$ROOT/containers/$id/upper/big")
	moss commit ww one >/dev/null
	[ "$(find "$ROOT/layers" -name big -printf '%i')" = "$inode" ]
	[ ! -e "$ROOT/containers/$id/upper/big" ]
	[ ! -e "$ROOT/containers/$id/commit" ]
	# its files are still its own, and count as such
	[[ $(moss ps -as --format '{{.Size}}') == 3MB* ]]
	run -0 moss start -a ww
	run -0 moss commit ww two
	[ "$(moss run --rm --network none two cat /n)" = 1 ]
	[ "$(moss run --rm --network none one sha256sum /big | cut -c1-64)" = "${sum:0:64}" ]
	# and the images outlive it
	moss rm ww >/dev/null
	[ "$(moss run --rm --network none one cat /n)" = 1 ]
	nothing_left
}

@test "nothing written: no layer, and the history says so" {
	moss create --name ww busybox true >/dev/null
	moss commit ww e:1 >/dev/null
	[ "$(layers_of e:1)" = "$(layers_of busybox)" ]
	moss start -a ww
	moss commit ww e:2 >/dev/null
	[ "$(layers_of e:2)" = "$(layers_of busybox)" ]
	run -0 cat "$ROOT/blobs/sha256/$(moss inspect -f '{{slice .Id 7}}' e:2)"
	[[ $output == *'"created_by":"true","empty_layer":true'* ]]
}

@test "what moss made to mount on is not committed; mount points that were asked for are" {
	moss run --name ww --network none -v vol:/data --tmpfs /scratch busybox sh -c 'echo x >/data/x; echo y >/scratch/y; echo z >/z'
	moss commit ww m:1 >/dev/null
	local top
	top=$(moss inspect -f '{{.GraphDriver.Data.UpperDir}}' m:1)
	run -0 in_userns find "$top" -mindepth 1 -printf '%P\n'
	[ "$(sort <<<"$output" | paste -sd' ')" = "data scratch z" ]
}

@test "a changed /etc stays changed" {
	moss run --name ww --network none busybox chmod 700 /etc
	moss commit ww m:1 >/dev/null
	[ "$(moss run --rm --network none m:1 stat -c %a /etc)" = 700 ]
	local top
	top=$(moss inspect -f '{{.GraphDriver.Data.UpperDir}}' m:1)
	[ ! -e "$top/etc/hosts" ]
}

@test "configuration: merged as Docker does" {
	moss run --name ww --network none -e FOO=bar -w /srv --hostname hh busybox true
	moss commit -m 'my msg' -a 'Me <me@x>' -c 'CMD ["a","b"]' -c 'ENV X=1 Y="2 3" P=$FOO' \
		-c 'LABEL l=v "k k"="v v"' -c 'EXPOSE 80 90/udp' -c 'USER nobody' -c 'WORKDIR sub' \
		-c 'VOLUME /v1 ["/v2"]' -c 'ONBUILD RUN true' -c 'STOPSIGNAL SIGINT' \
		-c 'HEALTHCHECK --interval=5s --retries=3 CMD echo hi' -c 'ENTRYPOINT top -b' ww img:1 >/dev/null
	run -0 moss inspect -f '{{.Author}}|{{.Comment}}|{{.Config.User}}|{{.Config.WorkingDir}}|{{json .Config.Cmd}}|{{json .Config.Entrypoint}}|{{json .Config.ExposedPorts}}|{{json .Config.Labels}}|{{.Config.StopSignal}}|{{json .Config.OnBuild}}|{{json .Config.Healthcheck}}|{{.Config.Hostname}}|{{.Config.Image}}' img:1
	[ "$output" = 'Me <me@x>|my msg|nobody|/srv/sub|["a","b"]|["/bin/sh","-c","top -b"]|{"80/tcp":{},"90/udp":{}}|{"k k":"v v","l":"v"}|SIGINT|["RUN true"]|{"Test":["CMD-SHELL","echo hi"],"Interval":5000000000,"Retries":3}|hh|busybox' ]
	[[ $(moss inspect -f '{{json .Config.Env}}' img:1) == *'"FOO=bar"'*'"X=1","Y=2 3","P=bar"'* ]]
	[ "$(moss inspect -f '{{.Parent}}' img:1)" = "$(moss inspect -f '{{.Id}}' busybox)" ]
	run -0 cat "$ROOT/blobs/sha256/$(moss inspect -f '{{slice .Id 7}}' img:1)"
	[[ $output == *'"container_config":{'*'"created_by":"true","author":"Me <me@x>","comment":"my msg"'* ]]
}

@test "a running container: copied while it stands still, and goes on" {
	moss run -d --name ww --network none busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i >/.a; mv /.a /a; echo $i >/.b; mv /.b /b; done' >/dev/null
	wait_for 10 moss exec ww test -s /b
	local i
	for i in 1 2 3; do
		moss commit ww "live:$i" >/dev/null
		[ "$(moss inspect -f '{{.State.Status}}' ww)" = running ]
		# /a is written first: never behind /b, never two ahead
		run -0 moss run --rm --network none "live:$i" sh -c 'echo $(( $(cat /a || echo 0) - $(cat /b || echo 0) ))'
		[ "$output" = 0 ] || [ "$output" = 1 ] || [[ $output == -* ]]
	done
	[ ! -e "$ROOT/containers/$(moss ps -q --no-trunc)/commit-pause" ]
	for i in 1 2 3 4 5 6; do moss commit --pause=false ww live:n >/dev/null; done
	moss pause ww >/dev/null
	moss commit ww live:p >/dev/null
	[ "$(moss inspect -f '{{.State.Status}}' ww)" = paused ]
	moss unpause ww >/dev/null
	moss rm -f ww >/dev/null
	nothing_left
}

@test "a commit that was killed leaves no container paused" {
	moss run -d --name ww --network none busybox sh -c 'head -c 30000000 /dev/urandom >/big; touch /ready; sleep 100' >/dev/null
	wait_for 20 moss exec ww test -e /ready
	local i
	for i in 02 04 06 08 10 15; do
		timeout -s KILL "0.$i" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" commit ww k:1 >/dev/null 2>&1 || true
		# what it had started dies with it, a moment later
		wait_for 5 is_running ww
	done
	moss rm -f ww >/dev/null
	moss ps >/dev/null
	wait_for 10 nothing_left
}

@test "killed at any call a stopped container has its files, and commits again" {
	moss run --name ww --network none busybox sh -c '[ -e /big ] || head -c 300000 /dev/urandom >/big; rm -f /bin/yes'
	local sum call n
	sum=$(sha256sum <"$ROOT/containers/$(moss ps -aq --no-trunc)/upper/big" | cut -c1-64)
	for call in renameat2:1 renameat2:2 renameat:1 renameat:2 renameat:3 fsync:1 fsync:3 fsync:5 syncfs:1 fdatasync:1 fdatasync:2 fdatasync:4 unlinkat:1 unlinkat:3; do
		n=${call#*:}
		strace -qq -o /dev/null -e "inject=${call%:*}:signal=KILL:when=$n" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" commit ww k:1 >/dev/null 2>&1 || true
		moss ps >/dev/null
		run -0 moss start -a ww
		run -0 moss commit ww "after:$n"
		[ "$(moss run --rm --network none "after:$n" sha256sum /big | cut -c1-64)" = "$sum" ]
		run -1 moss run --rm --network none "after:$n" test -e /bin/yes
		[ ! -e "$ROOT/containers/$(moss ps -aq --no-trunc)/commit" ]
	done
	moss ps >/dev/null
	wait_for 10 nothing_left
}

@test "names, formats and mistakes" {
	moss create --name ww busybox true >/dev/null
	run -1 moss commit nosuch
	[ "$output" = "moss: No such container: nosuch" ]
	run -1 moss commit ww BAD:x
	[ "$output" = "moss: invalid reference format: repository name (library/BAD) must be lowercase" ]
	run -1 moss commit ww "x@sha256:$(printf 'a%.0s' {1..64})"
	[ "$output" = "moss: refusing to create a tag with a digest reference" ]
	run -1 moss commit
	[[ $output == *'"moss commit" requires at least 1'* ]]
	run -1 moss commit -c 'FROM x' ww
	[ "$output" = "moss: FROM is not a valid change command" ]
	run -1 moss commit -f tar ww
	[[ $output == *'unrecognized image format "tar"'* ]]
	run -125 moss commit --squash ww
	[[ $output == *"--squash"* ]]
	run -0 moss container commit -q --format oci --iidfile "$WORK/iid" ww q:1
	[ "$(cat "$WORK/iid")" = "$output" ]
	[ "$(moss images -q | wc -l)" = 2 ]
}

@test "the image of a container may be gone" {
	moss run --name ww --network none busybox sh -c 'echo 1 >/n'
	moss rmi -f busybox >/dev/null
	moss commit -c 'CMD ["cat","/n"]' ww orphan:1 >/dev/null
	[ "$(moss run --rm --network none orphan:1)" = 1 ]
}

@test "a root that its owner may not write to" {
	mkdir -p "$WORK/r/bin"
	cp "$(readlink -f /bin/busybox)" "$WORK/r/bin/busybox"
	chmod 555 "$WORK/r"
	tar -C "$WORK/r" -c . | moss import - ro:1 >/dev/null
	chmod 755 "$WORK/r"
	moss run --name ww --network none ro:1 /bin/busybox sh -c 'echo 1 >/n'
	moss commit ww ro:2 >/dev/null
	[ "$(moss run --rm --network none ro:2 /bin/busybox cat /n)" = 1 ]
	[ "$(moss run --rm --network none ro:2 /bin/busybox stat -c %a /)" = 555 ]
}

@test "fuse-overlayfs: its marks become a layer's" {
	MOSS_STORAGE_DRIVER=fuse-overlayfs make_work
	moss commit ww f:1 >/dev/null
	local top
	top=$(moss inspect -f '{{.GraphDriver.Data.UpperDir}}' f:1)
	run -0 in_userns find "$top" -name '.wh.*'
	[ -z "$output" ]
	mkdir "$WORK/empty"
	run -0 listing f:1 '/srv /usr/share /var'
	[[ $output == *"/srv/file regular file 4755 12:34 4 981173106 2"* ]]
	run -0 moss run --rm --network none f:1 sh -c 'ls /usr/share /var; ls /bin/yes || true'
	[[ $output == *"new"*"v"* ]]
	[[ $output == *"/bin/yes: No such file"* ]]
	run -0 env MOSS_STORAGE_DRIVER=fuse-overlayfs "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none f:1 sh -c 'ls /usr/share /var; ls /bin/yes || true'
	[[ $output == *"new"*"v"* ]]
	[[ $output == *"/bin/yes: No such file"* ]]
}

@test "vfs: what differs from the layers" {
	MOSS_STORAGE_DRIVER=vfs make_work
	moss commit ww v:1 >/dev/null
	[ "$(layers_of v:1)" = 2 ]
	local top
	top=$(moss inspect -f '{{.GraphDriver.Data.UpperDir}}' v:1)
	run -0 in_userns find "$top" -name busybox
	[ -z "$output" ]
	mkdir "$WORK/empty"
	run -0 listing v:1 '/srv /usr/share /var'
	[[ $output == *"/srv/file regular file 4755 12:34 4 981173106 2"* ]]
	run -0 moss run --rm --network none v:1 sh -c 'ls /usr/share /var; ls /bin/yes || true'
	[[ $output == *"new"*"v"* ]]
	[[ $output == *"/bin/yes: No such file"* ]]
	MOSS_STORAGE_DRIVER=vfs moss create --name never busybox true >/dev/null
	moss commit never v:2 >/dev/null
	[ "$(layers_of v:2)" = 1 ]
	nothing_left
}
