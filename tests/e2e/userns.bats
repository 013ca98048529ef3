# --userns, --uidmap, --gidmap: containers with ids of their own.
load ../lib/moss

setup() {
	[ "$(id -u)" != 0 ] || skip "root's ids are all there are"
	[ "$(own_ids)" -gt 10000 ] || skip "too few subordinate ids"
	fuse-overlayfs --version >/dev/null && [ -w /dev/fuse ] || skip "no fuse-overlayfs"
	store_with_busybox
	me=$(id -u) mine=$(id -g)
}
teardown() { store_drop; }

own_ids() { awk -F: -v n="$(id -un)" '$1 == n {s += $3} END {print s + 1}' /etc/subuid; }
maps='awk "{print \$1 \":\" \$2 \":\" \$3}" /proc/self/uid_map'
# One map a line, sorted by the id inside.
map() { moss run --rm --network none "$@" busybox sh -c "$maps" | sort -n; }
refused() {
	local what=$1
	shift
	run -125 --separate-stderr moss run --rm --network none "$@" busybox true
	echo "$stderr"
	[[ $stderr == *"$what"* ]]
}

@test "keep-id: the user is itself inside, and its files are its own" {
	mkdir "$WORK/mine"
	echo secret >"$WORK/mine/file"
	chmod 600 "$WORK/mine/file"
	moss run --rm --network none --userns=keep-id -v "$WORK/mine:/m" busybox sh -c '
		id -u; id -g; whoami; stat -c %u:%g:%a /m/file; cat /m/file; echo new >/m/new; tail -1 /etc/passwd; tail -1 /etc/group' >"$WORK/out"
	diff - "$WORK/out" <<-END
		$me
		$mine
		$(id -un)
		$me:$mine:600
		secret
		$(id -un):*:$me:$mine::/:/bin/sh
		$(id -un):x:$mine:$(id -un)
	END
	[ "$(stat -c %u:%g "$WORK/mine/new")" = "$me:$mine" ]
}

@test "keep-id: the image's files have the image's owners, and so have changed and new ones" {
	moss run --name ct --network none busybox sh -c '
		mkdir /d; echo 1 >/d/five; echo 2 >/d/root; chown 5:6 /d/five; chown 7:8 /d; chmod 4755 /d/root'
	moss commit ct owners
	moss run -d --name kk --network none --userns=keep-id -u 0 owners sleep 1000
	[ "$(moss exec kk stat -c %u:%g:%a /d /d/five /d/root /bin/busybox | tr '\n' ' ')" = "7:8:755 5:6:644 0:0:4755 0:0:755 " ]
	moss exec kk sh -c 'echo more >>/d/five; chown 9:10 /d/root; touch /d/new; ln /d/five /d/link; mv /d/root /d/moved'
	[ "$(moss exec kk stat -c %u:%g /d/five /d/moved /d/new /d/link | tr '\n' ' ')" = "5:6 9:10 0:0 5:6 " ]
	moss exec -u "$me" kk touch /tmp/of-mine
	# On disk they have the ids that any container sees: no other map is in them.
	moss stop -t 0 kk
	moss commit kk again
	[ "$(moss run --rm --network none again stat -c %u:%g /d/five /d/moved /d/new /tmp/of-mine | tr '\n' ' ')" = "5:6 9:10 0:0 $me:$mine " ]
	[ "$(moss inspect -f '{{.Driver}}' kk)" = fuse-overlayfs ]
}

@test "the maps are Podman's" {
	local t
	t=$(own_ids)
	diff <(map --userns=keep-id) <(printf '%s\n' "0:1:$me" "$me:0:1" "$((me + 1)):$((me + 1)):$((t - me - 1))")
	diff <(map --userns=keep-id:uid=200,gid=210) <(printf '%s\n' 0:1:200 200:0:1 "201:201:$((t - 201))")
	diff <(map --userns=keep-id:uid=0) <(printf '%s\n' 0:0:1 "1:1:$((t - 1))")
	diff <(map --userns=keep-id:size=100) <(printf '%s\n' 0:1:99 "$me:0:1")
	diff <(map --userns=nomap) <(printf '%s\n' "0:1:$((t - 1))")
	diff <(map --userns=auto) <(printf '%s\n' 0:1:1024)
	diff <(map --userns=auto:size=3000) <(printf '%s\n' 0:1:3000)
	diff <(map --userns=auto:size=2000,uidmapping=0:1:1,gidmapping=0:1:1) <(printf '%s\n' 0:1:1 1:2:1999)
	diff <(map --userns=auto -u 5000) <(printf '%s\n' 0:1:5001)
	diff <(map --uidmap 0:1:100) <(printf '%s\n' 0:1:100)
	diff <(map --gidmap 0:1:100) <(printf '%s\n' 0:1:100)
	diff <(map --uidmap 0:1:50 --gidmap g0:1:100) <(printf '%s\n' 0:1:50)
	diff <(map --uidmap 0:0:1,1:5:10) <(printf '%s\n' 0:0:1 1:5:10)
	diff <(map --uidmap "+7:@$me:1") <(printf '%s\n' 0:1:7 7:0:1 "8:8:$((t - 8))")
	diff <(map --uidmap "+g7:@$me:1") <(printf '%s\n' 0:0:1 "1:1:$((t - 1))")
	diff <(map --userns=host) <(awk '{print $1 ":" $2 ":" $3}' <(moss run --rm --network none busybox cat /proc/self/uid_map))
}

@test "what is wrong is said in Podman's words" {
	refused 'unknown option specified: "foo"' --userns=keep-id:foo=1
	refused 'strconv.ParseUint: parsing "x": invalid syntax' --userns=keep-id:uid=x
	refused 'strconv.ParseUint: parsing "-1": invalid syntax' --userns=auto:size=-1
	refused "not enough unused IDs in user namespace" --userns=auto:size=99999999
	refused "parent ID UID 0 is not mapped/delegated" --userns=auto:uidmapping=0:@0:1
	refused "invalid USER mode" --userns=bogus
	refused "must provide at least one UID or GID mapping" --userns=private
	refused "--userns ns:/x is not supported" --userns=ns:/x
	refused "mutually exclusive" --userns=keep-id --uidmap 0:1:1
	refused "UID setting is malformed" --uidmap 0
	refused "Unknown flag 97" --uidmap a:b:c
	refused "must provide at least one UID or GID mapping" --uidmap 0:1:0
	refused "conflicts with other mappings" --uidmap 0:1:10 --uidmap 5:20:10
	refused "conflicts with other mappings" --uidmap 0:1:10 --uidmap 20:5:10
	refused "doesn't map UID 0" --uidmap 7:0:1
	refused "doesn't map UID 50" --userns=auto:size=10 -u 50
	refused "potentially insufficient UIDs" --uidmap 0:4000000:1
	refused "UID setting is malformed" --uidmap 0:4294967290:10
	refused "invalid umask string 9" --umask 9
	refused "unknown user nobody-of-this-name" --hostuser nobody-of-this-name
	[ -z "$(moss ps -aq)" ]
}

@test "the storage driver is fuse-overlayfs, whatever the others have; vfs is refused" {
	moss --storage-driver overlay run --name oo --network none --userns=keep-id busybox true
	[ "$(moss inspect -f '{{.Driver}}' oo)" = fuse-overlayfs ]
	run -125 --separate-stderr moss --storage-driver vfs run --rm --network none --userns=keep-id busybox true
	[[ $stderr == *"the storage driver vfs cannot show files with other owners"* ]]
}

@test "auto: no two containers have an id in common, and what was removed is free again" {
	for i in 1 2 3 4 5; do
		moss run -d --network none --userns=auto:size=500 --name "auto$i" busybox sleep 1000 &
	done
	wait
	for i in 1 2 3 4 5; do moss exec "auto$i" awk '{print $2}' /proc/self/uid_map; done | sort -n >"$WORK/first"
	diff - "$WORK/first" <<<$'1\n501\n1001\n1501\n2001'
	# Which has which is a race; these two are in the middle.
	for i in 1 2 3 4 5; do
		first=$(moss exec "auto$i" awk '{print $2}' /proc/self/uid_map)
		[ "$first" != 1001 ] || third=auto$i
		[ "$first" != 1501 ] || fourth=auto$i
	done
	moss restart -t 0 "$third"
	[ "$(moss exec "$third" awk '{print $2}' /proc/self/uid_map)" = 1001 ]
	# What can come back keeps its own.
	moss rm -f "$fourth"
	[ "$(map --userns=auto:size=500)" = 0:2501:500 ]
	moss rm -f --no-trash "$third"
	[ "$(moss run --rm --network none --userns=auto:size=500 busybox awk '{print $2}' /proc/self/uid_map)" = 1001 ]
	[ "$(map --userns=auto:size=501)" = 0:2501:501 ]
}

@test "exec, cp, top, inspect, logs and a restart" {
	moss run -d --name kk --network none --userns=keep-id busybox sh -c 'id -u; touch /tmp/of-init; sleep 1000'
	[ "$(moss exec kk id -u) $(moss exec kk whoami) $(moss exec -u 0 kk id -u)" = "$me $(id -un) 0" ]
	[ "$(moss exec --privileged -u 0 kk sh -c 'chown 3:4 /tmp/of-init; stat -c %u:%g /tmp/of-init')" = 3:4 ]
	run --separate-stderr moss exec -u 9999999 kk true
	[ "$status" -eq 126 ]
	[[ $stderr == *"not in the container's user namespace"* ]]
	[[ $(moss top kk) == *"sleep 1000"* ]]
	[ "$(moss logs kk)" = "$me" ]
	[ "$(moss inspect -f '{{.HostConfig.UsernsMode}} {{.Config.User}}' kk)" = "keep-id $me:$mine" ]
	[ "$(moss inspect -f '{{index .HostConfig.IDMappings.UidMap 1}}' kk)" = "$me:0:1" ]
	moss restart -t 0 kk
	[ "$(moss exec kk whoami)" = "$(id -un)" ]
	# Named once, not at each start.
	[ "$(moss exec kk grep -c "^$(id -un):" /etc/passwd)" = 1 ]
}

@test "volumes: the owners are the volume's; a new one is the container's user's" {
	moss run --rm --network none --userns=keep-id -v vol:/v busybox sh -c 'stat -c %u /v; echo x >/v/f; stat -c %u /v/f' >"$WORK/out"
	[ "$(tr '\n' ' ' <"$WORK/out")" = "$me $me " ]
	# The user is root of a container without a map.
	[ "$(moss run --rm --network none -v vol:/v busybox stat -c %u /v/f)" = 0 ]
	# Filled from the image: with the image's owners.
	[ "$(moss run --rm --network none --userns=keep-id -v copy:/home busybox stat -c %u:%a /home)" = \
		"$(moss run --rm --network none busybox stat -c %u:%a /home)" ]
	moss run --rm --network none --userns=auto -v auto:/v busybox sh -c 'echo x >/v/f; stat -c %u /v/f' >"$WORK/out"
	[ "$(cat "$WORK/out")" = 0 ]
	[ "$(moss run --rm --network none -v auto:/v busybox stat -c %u /v/f)" = 1 ]
	# What holds something keeps its owner.
	[ "$(moss run --rm --network none --userns=auto -v vol:/v busybox stat -c %u /v/f)" = 65534 ]
	[ "$(moss run --rm --network none --userns=auto -v vol:/v:U busybox stat -c %u /v/f)" = 0 ]
}

@test "its network, terminal, tmpfs and devices are its own" {
	moss run --rm --userns=auto busybox sh -c 'ping -c1 127.0.0.1 >/dev/null && ls /sys/class/net | tr "\n" " "' >"$WORK/net"
	[ "$(cat "$WORK/net")" = "eth0 lo " ]
	moss run --rm --network none --userns=auto --tmpfs /t busybox sh -c '
		stat -c %u:%g /t /dev /dev/shm /dev/mqueue; touch /t/x; chown 5:5 /t/x; echo hi >/dev/null; stat -c %u /t/x' >"$WORK/out"
	[ "$(tr '\n' ' ' <"$WORK/out")" = "0:0 0:0 0:0 0:0 5 " ]
	printf '%s\n' 'expect tty=/dev/pts/0' 'exit 3' |
		"$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none --userns=keep-id -it busybox \
			sh -c 'echo tty=$(tty); exit 3'
	[ "$(moss run --rm --network none --userns=keep-id -u 0 --privileged busybox sh -c 'mount -t tmpfs x /tmp && echo mounted')" = mounted ]
}

@test "beside shared namespaces: X with ids of its own, the other, both" {
	moss run -d --name kk --ipc shareable --userns=keep-id busybox sleep 1000
	moss run -d --name plain --ipc shareable busybox sleep 1000
	for x in kk plain; do
		for mode in "" --userns=keep-id --userns=auto; do
			# shellcheck disable=SC2086 # a word or none
			moss run --rm $mode --network container:$x --pid container:$x --ipc container:$x busybox sh -c '
				ls /sys/class/net | tr "\n" " "; ps | grep -c "sleep 1000$"; for n in net pid ipc; do readlink /proc/self/ns/$n; done' >"$WORK/out"
			pid=$(moss inspect -f '{{.State.Pid}}' $x)
			diff - "$WORK/out" <<-END
				eth0 lo 1
				$(for n in net pid ipc; do readlink "/proc/$pid/ns/$n"; done)
			END
		done
	done
}

@test "names: --passwd, --passwd-entry, --group-entry, --hostuser, --umask" {
	local r="moss run --rm --network none"
	[ "$($r --userns=keep-id --passwd=false busybox tail -1 /etc/passwd)" = "$($r busybox tail -1 /etc/passwd)" ]
	[ "$($r --userns=keep-id --passwd-entry '$USERNAME:x:$UID:$GID:me:/tmp:/bin/false' busybox sh -c 'tail -1 /etc/passwd; echo $HOME')" = \
		"$(id -un):x:$me:$mine:me:/tmp:/bin/false"$'\n'/tmp ]
	[ "$($r --userns=keep-id --group-entry 'g-$GROUPNAME:x:$GID:$USERLIST' busybox tail -1 /etc/group)" = "g-$(id -un):x:$mine:$(id -un)" ]
	[ "$($r --hostuser "$(id -un)" busybox tail -1 /etc/passwd)" = "$(id -un):*:$me:$mine::/:/bin/sh" ]
	[ "$($r --userns=keep-id:uid=200,gid=210 busybox sh -c 'tail -1 /etc/passwd; tail -1 /etc/group')" = \
		$'200:*:200:210:container user:/:/bin/sh\n210:x:210:200' ]
	[ "$($r --userns=keep-id -u 0 busybox id -G)" = "0 $mine" ] || [ "$($r --userns=keep-id -u 0 busybox id -G)" = "$mine 0" ]
	[ "$($r --umask 077 busybox sh -c umask)" = 0077 ]
	# A file of the user's own is not touched.
	echo 'root:x:0:0::/:/bin/sh' >"$WORK/passwd"
	$r --userns=keep-id -v "$WORK/passwd:/etc/passwd" busybox true
	[ "$(wc -l <"$WORK/passwd")" = 1 ]
}
