# Mounts beyond -v's plain ones: volumes with a device, images, overlays (O), owners (U), subpaths,
# filling of volumes.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }
drivers() {
	printf '%s\n' overlay fuse-overlayfs vfs
}

@test "a tmpfs volume: its options, and one for all containers that have it" {
	moss volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,mode=1750 tm
	run -0 bb -v tm:/t busybox sh -c 'grep " /t " /proc/mounts; stat -c %a /t; touch /t/x'
	[[ ${lines[0]} == "tmpfs /t tmpfs rw,relatime,size=1024k,mode=1750"* ]]
	[ "${lines[1]}" = 1750 ]
	moss run -d --name aa --network none -v tm:/a busybox sleep 1000
	run -1 bb -v tm:/b:ro busybox sh -c 'touch /b/no'
	[[ $output == *"Read-only file system"* ]]
	moss run -d --name bb --network none -v tm:/b busybox sh -c 'touch /b/yes && exec sleep 1000'
	wait_for 10 moss exec aa test -e /a/yes
	moss rm -f aa
	run -0 bb -v tm:/c -v tm:/d busybox sh -c 'ls /c /d'
	[[ $output == *$'/c:\nyes'*$'/d:\nyes'* ]]
	moss rm -f bb
	run -0 bb -v tm:/c busybox ls /c
	[ -z "$output" ]
	[ -z "$(ls -A "$ROOT/volumes/tm/_data")" ]
}

@test "a bound folder as a volume: shown, filled when empty, read-only by its options" {
	mkdir "$WORK/empty" "$WORK/full"
	touch "$WORK/full/mine"
	moss volume create --opt type=none --opt device="$WORK/empty" --opt o=bind ee
	moss volume create --opt type=none --opt device="$WORK/full" --opt o=bind,ro ff
	run -0 bb -v ee:/etc busybox true
	[ -f "$WORK/empty/passwd" ]
	run -0 bb -v ff:/home busybox ls /home
	[ "$output" = mine ]
	run -1 bb -v ff:/x busybox touch /x/y
	[[ $output == *"Read-only file system"* ]]
	rm "$WORK/full/mine"
	moss volume create --opt type=none --opt device="$WORK/none" --opt o=bind nn
	run -127 bb -v nn:/x busybox true
	[[ $output == *"error while mounting volume '$ROOT/volumes/nn/_data': failed to mount local volume: mount $WORK/none:$ROOT/volumes/nn/_data"* ]]
}

@test "what a user cannot mount is refused when it is used" {
	moss volume create --opt type=nfs --opt device=:/x --opt o=addr=127.0.0.1 nfs
	run -125 bb -v nfs:/x busybox true
	[[ $output == *"failed to mount local volume: mount :/x:"*"data: addr=127.0.0.1"* ]]
	[[ $output == *"bind it"* ]]
	moss volume create --opt type=tmpfs --opt device=tmpfs --opt o=foo=1 bad
	run -125 bb -v bad:/x busybox true
	[[ $output == *"data: foo=1: Invalid argument"* ]]
	[ -z "$(moss ps -aq)" ]
	run -0 bb --mount type=volume,dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs busybox stat -f -c %T /t
	[ "$output" = tmpfs ]
	[[ $(moss volume ls -q) != *[0-9a-f][0-9a-f][0-9a-f][0-9a-f]* ]]
}

@test "type=image: read-only, rw, a part of it, with each driver" {
	local d
	for d in $(drivers); do
		run -1 moss --storage-driver "$d" run --rm --network none --mount type=image,src=busybox,dst=/i busybox \
			sh -c 'ls -d /i/bin/sh && touch /i/x'
		[[ $output == /i/bin/sh*"Read-only file system"* ]]
		run -0 moss --storage-driver "$d" run --rm --network none --mount type=image,src=busybox,dst=/i,rw=true busybox \
			sh -c 'touch /i/x && ls /i/x'
		[ "$output" = /i/x ]
	done
	run -0 bb --mount type=image,src=busybox,dst=/i,image-subpath=etc busybox ls /i
	[[ $output == *passwd* ]]
	run -125 bb --mount type=image,src=nope,dst=/i busybox true
	[[ $output == *"No such image: nope:latest"* ]]
}

@test "an image that is mounted keeps its layers when it is removed" {
	moss create --name cc --network none --mount type=image,src=busybox,dst=/i busybox test -x /i/bin/sh
	moss rmi -f busybox
	run -0 moss start -a cc
}

@test "O: the folder below stays as it was, with each driver" {
	local d
	mkdir "$WORK/d"
	echo old >"$WORK/d/f"
	chmod 750 "$WORK/d"
	for d in $(drivers); do
		run -0 moss --storage-driver "$d" run --rm --network none -v "$WORK/d:/x:O" busybox \
			sh -c 'cat /x/f; echo new >/x/f; touch /x/g; cat /x/f; stat -c %a /x'
		[ "$output" = $'old\nnew\n750' ]
		[ "$(cat "$WORK/d/f") $(ls "$WORK/d")" = "old f" ]
	done
	bb -v vol:/x busybox touch /x/kept
	bb -v vol:/x:O busybox rm /x/kept
	run -0 bb -v vol:/x busybox ls /x
	[ "$output" = kept ]
	mkdir "$WORK/up" "$WORK/work"
	bb -v "$WORK/d:/x:O,upperdir=$WORK/up,workdir=$WORK/work" busybox touch /x/stays
	[ -e "$WORK/up/stays" ]
	run -125 bb -v "$WORK/d:/x:upperdir=$WORK/up" busybox true
	[[ $output == *"invalid mode"* ]]
}

@test "U: the files are the user's who runs, and come back" {
	mkdir -p "$WORK/d/sub"
	echo x >"$WORK/d/sub/f"
	ln -s /etc/passwd "$WORK/d/link"
	run -0 bb -v "$WORK/d:/x:U" -u 1000:1001 busybox sh -c 'stat -c "%u:%g" /x /x/sub /x/sub/f; touch /x/mine'
	[ "$output" = $'1000:1001\n1000:1001\n1000:1001' ]
	[ "$(stat -c %U /etc/passwd)" = root ]
	run -0 bb -v "$WORK/d:/x:U" busybox stat -c %u /x/mine
	[ "$output" = 0 ]
	[ "$(stat -c %U "$WORK/d/mine")" = "$(id -un)" ]
	run -0 bb --mount type=volume,src=vv,dst=/v,U -u 1000 busybox touch /v/f
	run -125 bb -v /usr:/x:U busybox true
	[[ $output == *"cannot give the files of a mount with U to 0:0"* ]]
}

@test "volume-subpath shows a part of a volume" {
	bb -v vv:/v busybox sh -c 'mkdir -p /v/a/b && echo in >/v/a/b/f && ln -s a/b /v/link'
	run -0 bb --mount type=volume,src=vv,dst=/x,volume-subpath=a/b busybox cat /x/f
	[ "$output" = in ]
	run -0 bb --mount type=volume,src=vv,dst=/x,volume-subpath=link busybox cat /x/f
	run -0 bb --mount type=volume,src=vv,dst=/x,volume-subpath=a/b/f busybox cat /x
	[ "$output" = in ]
	run -127 bb --mount type=volume,src=vv,dst=/x,volume-subpath=nope busybox true
	[[ $output == *"cannot access path $ROOT/volumes/vv/_data/nope"* ]]
	[ "$(moss inspect -f '{{(index .HostConfig.Mounts 0).VolumeOptions.Subpath}}' \
		"$(moss create --mount type=volume,src=vv,dst=/x,volume-subpath=a busybox true)")" = a ]
}

@test "flags of the mount itself; ramfs, devpts, glob" {
	mkdir "$WORK/d"
	touch "$WORK/d/one" "$WORK/d/two"
	run -0 bb -v "$WORK/d:/x:noexec,nodev,nosuid" busybox grep " /x " /proc/mounts
	[[ $output == *" rw,nosuid,nodev,noexec,"* ]]
	run -0 bb --mount type=ramfs,dst=/r busybox grep -c "^ramfs /r ramfs" /proc/mounts
	run -0 bb --mount type=devpts,dst=/p,mode=620 busybox grep "^devpts /p" /proc/mounts
	[[ $output == *"mode=620"* ]]
	run -0 bb --mount "type=glob,src=$WORK/d/*,dst=/g,ro" busybox ls /g
	[ "$output" = $'one\ntwo' ]
	run -1 moss create --mount "type=glob,src=$WORK/none*,dst=/g" busybox true
	[[ $output == *"no file matches the glob"* ]]
}

@test "tmpfs filled from the image only when asked" {
	run -0 bb --tmpfs /etc busybox ls /etc
	[[ $output != *passwd* ]]
	run -0 bb --tmpfs /etc:tmpcopyup busybox ls /etc
	[[ $output == *passwd* ]]
	run -0 bb --mount type=tmpfs,dst=/etc,tmpcopyup busybox ls /etc
	[[ $output == *passwd* ]]
	run -0 bb --read-only --read-only-tmpfs busybox sh -c 'touch /tmp/a /run/b /var/tmp/c && echo yes'
	[ "$output" = yes ]
}

@test "a volume is filled with owners, modes, links, with each driver" {
	local d
	moss run --name cc --network none busybox sh -c 'mkdir /data && cd /data && echo 1 >f && ln f g && ln -s f l &&
		mkfifo p && chown 5:6 f && chmod 2711 f && mkdir -m 1700 s && chown 7:8 /data && chmod 751 /data'
	moss commit cc filled >/dev/null
	moss rm cc
	for d in $(drivers); do
		run -0 moss --storage-driver "$d" run --rm --network none -v "v-$d:/data" filled sh -c \
			'cd /data; stat -c "%a %u:%g %h" . f s; readlink l; test -p p && test f -ef g && echo same'
		[ "$output" = $'751 7:8 3\n2711 5:6 2\n1700 0:0 2\nf\nsame' ]
	done
}

@test "a volume in use when it is filled keeps its folder; an emptied one is filled for a new container only" {
	moss run -d --name holder --network none -v vol:/empty busybox sleep 1000
	bb -v vol:/etc busybox true
	run -0 moss exec holder ls /empty/passwd
	run -0 moss exec holder touch /empty/still-there
	run -0 bb -v vol:/x busybox ls /x/still-there
	moss rm -f holder
	moss run --name cc --network none -v fresh:/etc busybox sh -c 'cd /etc; rm -f passwd group; ls'
	run -0 moss start -a cc
	[[ $output != *passwd* ]]
	moss rm cc
	bb -v fresh:/x busybox sh -c 'rm -f /x/*'
	run -0 bb -v fresh:/etc busybox ls /etc/passwd
}

@test "two containers at once fill a volume once, whole" {
	local i
	for i in 1 2 3 4; do
		bb -v vol:/etc busybox sh -c 'ls /etc | wc -l' >"$WORK/out.$i" &
	done
	wait
	[ "$(sort -u "$WORK"/out.* | wc -l)" = 1 ]
	[ "$(ls "$ROOT/volumes/vol")" = _data ]
}

@test "a fill that was killed is finished by the next start" {
	bb -v vol:/none busybox true
	# As after a death with the copy whole but not moved, and with a copy half made.
	mkdir "$ROOT/volumes/vol/_data.full" "$ROOT/volumes/vol/_data.new"
	echo whole >"$ROOT/volumes/vol/_data.full/f"
	echo half >"$ROOT/volumes/vol/_data.new/h"
	run -0 bb -v vol:/none busybox ls /none
	[ "$output" = f ]
	bb -v vol:/none busybox rm /none/f
	run -0 bb -v vol:/etc busybox ls /etc
	[[ $output == *passwd* ]]
	[ "$(ls "$ROOT/volumes/vol")" = _data ]
}

@test "a source of -v that went missing is made again at start, one of --mount is an error" {
	mkdir "$WORK/m"
	moss create --name aa --network none -v "$WORK/v:/x" busybox true
	moss create --name bb --network none --mount "type=bind,src=$WORK/m,dst=/x" busybox true
	rmdir "$WORK/v" "$WORK/m"
	run -0 moss start -a aa
	[ -d "$WORK/v" ]
	run -1 moss start -a bb
	[[ $output == *"bind source path does not exist: $WORK/m"* ]]
}

@test "nameless volumes of a start that fails, and of a death before the record, are gone" {
	run -127 bb -v /anon --mount type=volume,src=vv,dst=/x,volume-subpath=none busybox true
	[ "$(moss volume ls -q)" = vv ]
	[ "$(ls "$ROOT/volumes")" = vv ]
	# A command that is killed once its container's volumes are made.
	strace -qq -o /dev/null -e trace=socketpair -e inject=socketpair:signal=KILL:when=1 \
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none -v /anon busybox true || true
	[ "$(ls "$ROOT/volumes" | wc -l)" = 2 ]
	moss ps -a >/dev/null
	[ "$(ls "$ROOT/volumes")" = vv ]
	[ "$(moss volume ls -q)" = vv ]
}

@test "a bind mount that the container's user cannot use is named, with the cure" {
	mkdir -m 700 "$WORK/mine"
	mkdir -m 755 "$WORK/open"
	run bb -v "$WORK/mine:/x" -u 1000 busybox ls /x
	[[ $output == *"the container's user (uid 1000 in it, "*") may not look into $WORK/mine, mounted on /x: it belongs to uid $(id -u) with mode 0700. -v $WORK/mine:/x:U gives it"* ]]
	run -1 bb -v "$WORK/open:/x" -u 1000 busybox touch /x/f
	[[ $output == *"may not write to $WORK/open, mounted on /x"* ]]
	# Nothing is said where it works, or where nothing failed.
	run -0 bb -v "$WORK/open:/x" -u 1000 busybox ls /x
	[ -z "$output" ]
	run -1 bb -v "$WORK/open:/x:ro" -u 1000 busybox false
	[ -z "$output" ]
	run -1 bb -v "$WORK/mine:/x" busybox false
	[ -z "$output" ]
	run -0 bb -v "$WORK/mine:/x:U" -u 1000 busybox touch /x/f
	[ -z "$output" ]
	run -1 bb -v /etc:/x busybox touch /x/moss-test
	[[ $output == *"may not write to /etc, mounted on /x: it belongs to uid 0 with mode 0755. it is not yours"* ]]
}
