# How far a hostile program in a container reaches: the engine's processes, the kernel's calls, the
# folders it shares with other containers, and what it leaves behind.
load ../lib/moss

setup() {
	store_with_busybox
	echo "the user's own" >"$HOME/sentinel"
	chmod 600 "$HOME/sentinel"
}
teardown() { store_drop; }

hostile() {
	[ -e "$WORK/hostile" ] || "${CC:-cc}" -O1 -static -o "$WORK/hostile" "$MOSS_TEST_LIB/hostile.c"
}

# ---- the engine's processes ----

# Of every process but the container's own: what /proc shows that only its owner may see.
look='for p in /proc/[0-9]*; do
	read -r name <$p/comm || continue
	case $name in sh|sleep|cat) continue ;; esac
	echo "found $name"
	r=$(readlink $p/root) && echo "REACHED $name root $r"
	e=$(cat $p/environ | tr "\0" " ") && [ -n "$e" ] && echo "REACHED $name environment $e"
	for f in root cwd; do [ -z "$(ls $p/$f/)" ] || echo "REACHED $name $f"; done
	for f in $p/fd/*; do readlink $f >/dev/null && echo "REACHED $name $f"; done
	(exec 9<>$p/mem) && echo "REACHED $name memory"
done 2>/dev/null; true'

@test "a --pid=host container sees nothing of the engine's processes" {
	export MOSS_TEST_SECRET=not-for-containers
	moss run -d --name ct -p "127.0.0.1:$(free_port):80" -p "127.0.0.1:$(free_port):81/udp" busybox sleep 100
	moss run --rm --network none --pid host busybox sh -c "$look" >"$WORK/seen"
	grep -q '^found moss-monitor$' "$WORK/seen"
	grep -q '^found slirp4netns$' "$WORK/seen"
	grep -q '^found moss-udp$' "$WORK/seen"
	run grep -a -e REACHED -e not-for-containers "$WORK/seen"
	echo "$output"
	[ "$output" = "" ]
}

@test "a --pid=host container sees nothing of fuse-overlayfs and of a process that holds an exec" {
	moss --storage-driver fuse-overlayfs run -d --name ct --network none busybox sleep 100
	moss exec ct sleep 100 &
	local front=$!
	wait_for 5 pgrep -u "$(id -u)" -f "exec ct sleep"
	moss run --rm --network none --pid host busybox sh -c "$look" >"$WORK/seen"
	moss rm -f ct >/dev/null
	wait $front || true
	grep -q '^found fuse-overlayfs$' "$WORK/seen"
	grep -q '^found moss$' "$WORK/seen"
	run grep -a REACHED "$WORK/seen"
	echo "$output"
	[ "$output" = "" ]
}

@test "a --pid=host container sees nothing of the processes that pull and load" {
	local pull load
	# A registry that never answers, an archive that does not come.
	python3 - "$WORK/port" 3>&- <<-'TEXT' &
		import os, socket, sys, time
		s = socket.create_server(("127.0.0.1", 0))
		open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		time.sleep(60)
	TEXT
	local registry=$!
	wait_for 10 test -e "$WORK/port"
	mkfifo "$WORK/archive"
	sleep 60 >"$WORK/archive" 3>&- &
	local writer=$!
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" pull -q "127.0.0.1:$(cat "$WORK/port")/x:1" >/dev/null 2>&1 3>&- &
	pull=$!
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" load <"$WORK/archive" >/dev/null 2>&1 3>&- &
	load=$!
	wait_for 10 sh -c "pgrep -P $pull moss-transfer && pgrep -P $load moss-unpack"
	sleep 0.3
	moss run --rm --network none --pid host busybox sh -c "$look" >"$WORK/seen"
	kill $pull $load $registry $writer
	wait || true
	grep -q '^found moss-transfer$' "$WORK/seen"
	grep -q '^found moss-unpack$' "$WORK/seen"
	run grep -a REACHED "$WORK/seen"
	[ "$output" = "" ]
}

@test "what joins a container shows nothing of the host, also to one that may trace" {
	export MOSS_TEST_SECRET=not-for-containers
	moss run -d --name ct --network none --cap-add SYS_PTRACE busybox sh -c '
		echo begun
		while :; do for p in /proc/[0-9]*; do
			case $p in /proc/1|/proc/$$) continue ;; esac
			grep -a not-for $p/environ
			[ -z "$(ls -d $p/root/sentinel* $p/cwd/sentinel* $p/root'"$HOME"')" ] || echo reached
			for f in $p/fd/*; do l=$(readlink $f) && case $l in
				pipe:*|socket:*|/dev/null|/proc/*|/memfd:moss-init*|anon_inode:*|/) ;;
				*) echo "reached $l" ;; esac; done
		done; done 2>/dev/null'
	wait_for 5 sh -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' logs ct | grep begun"
	for i in $(seq 40); do moss exec ct true; done
	run moss logs ct
	[ "$output" = begun ]
}

@test "with 50 folders open, no helper of the engine keeps one" {
	local helpers
	for i in $(seq 10 60); do eval "exec $i<$HOME"; done
	moss run -d --name net -p "127.0.0.1:$(free_port):80" -p "127.0.0.1:$(free_port):81/udp" busybox sleep 100
	moss --storage-driver fuse-overlayfs run -d --name fuse --network none busybox sleep 100
	moss exec -d -t net sleep 100
	for i in $(seq 10 60); do eval "exec $i<&-"; done
	helpers=$(pgrep -u "$(id -u)" -f "$ROOT")
	helpers+=" $(pgrep -u "$(id -u)" slirp4netns)"
	for pid in $helpers; do
		ls -l "/proc/$pid/fd" >>"$WORK/open" || true
		cat "/proc/$pid/comm" >>"$WORK/names" || true
	done
	for name in moss-monitor slirp4netns moss-udp fuse-overlayfs moss; do grep -qx "$name" "$WORK/names"; done
	grep -q /dev/net/tun "$WORK/open"
	grep -q /dev/fuse "$WORK/open"
	run grep -F "$HOME" "$WORK/open"
	[ "$output" = "" ]
}

# ---- system calls ----

# Calls that do not exist get ENOSYS, so that programs fall back; the others EPERM.
refused() {
	[ "$(awk '$2 == "ok" {print $1}' <<<"$1" | tr '\n' ' ')" = "$2" ]
	[ "$(awk '$2 == "ENOSYS" {print $1}' <<<"$1" | tr '\n' ' ')" = "$3" ]
	[ -z "$(awk '$2 != "ok" && $2 != "ENOSYS" && $2 != "EPERM"' <<<"$1")" ]
}

@test "the filter holds for arguments with bits above the kernel's, by run, exec, exec --privileged" {
	hostile
	moss run -d --name ct --network none -v "$WORK/hostile:/hostile:ro" busybox sleep 100
	for cmd in "run --rm --network none -v $WORK/hostile:/hostile:ro busybox" "exec ct" "exec --privileged ct"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr moss $cmd /hostile calls
		[ "$status" -eq 0 ]
		refused "$output" "inet unix netlink " "clone3 newer-than-all "
	done
}

@test "the filter holds for the calls of other ABIs" {
	[ "$(uname -m)" = x86_64 ] || skip "this machine has one ABI"
	hostile
	# A kernel without 32-bit programs kills it at the first such call.
	run --separate-stderr moss run --rm --network none -v "$WORK/hostile:/hostile:ro" busybox /hostile calls32
	[[ "$output" == *"x32-clone "* ]]
	[ -z "$(awk '$2 == "ok"' <<<"$output")" ]
}

@test "the user's session keyring is not the container's, without a filter either" {
	hostile
	run "$WORK/hostile" key-add "$WORK/hostile" key-read
	[ "$status" -ne 99 ] || skip "no keyrings here"
	[[ "$output" == *not-for-containers* ]]
	moss run -d --name ct --network none --security-opt seccomp=unconfined -v "$WORK/hostile:/hostile:ro" busybox sleep 100
	for cmd in "run --rm --network none --security-opt seccomp=unconfined -v $WORK/hostile:/hostile:ro busybox" \
		"run --rm --network none --privileged -v $WORK/hostile:/hostile:ro busybox" "exec ct"; do
		# shellcheck disable=SC2086 # words
		run "$WORK/hostile" key-add "$MOSS" --root "$ROOT" --runroot "$RUNROOT" $cmd /hostile key-read
		[ "$status" -eq 0 ]
		[[ "$output" == *search* ]]
		[[ "$output" != *not-for-containers* ]]
	done
}

# ---- a folder shared with a running container (CVE-2021-30465) ----

@test "names exchanged as fast as the kernel can, while others mount below them" {
	hostile
	mkdir -p "$WORK/shared/a" "$WORK/inner" "$HOME/inside"
	ln -s "../../../../../../../../../..$HOME/inside" "$WORK/shared/b"
	moss run -d --name flip --network none -v "$WORK/hostile:/hostile:ro" -v "$WORK/shared:/v" busybox \
		/hostile flip /v/a /v/b
	for i in $(seq 60); do
		moss run --rm --network none -v "$WORK/shared:/v" -v "$WORK/inner:/v/a/deep" --tmpfs /v/a/tmp \
			-w /v/a/work busybox true >/dev/null 2>&1 || true
		moss exec -w /v/a flip cat sentinel ../sentinel >>"$WORK/out" 2>&1 || true
	done
	moss rm -f flip >/dev/null
	[ -z "$(ls -A "$HOME/inside")" ]
	run grep -F "the user's own" "$WORK/out"
	[ "$status" -ne 0 ]
	run grep -F "$WORK/inner" /proc/self/mountinfo
	[ "$output" = "" ]
}

# ---- the network (CVE-2021-20199) ----

@test "a connection to a published port does not come from 127.0.0.1" {
	local port
	port=$(free_port)
	moss run -d --name ct -p "127.0.0.1:$port:80" busybox nc -ll -p 80 -e cat /proc/net/tcp /proc/net/tcp6
	wait_for 10 python3 -c 'import socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)
text = b""
while b := c.recv(4096): text += b
open(sys.argv[2], "wb").write(text)
assert b":0050" in text' "$port" "$WORK/tcp"
	# Columns: local address, remote address, state (01 = established).
	run awk '$2 ~ /:0050$/ && $4 == "01" {print $3}' "$WORK/tcp"
	[ -n "$output" ]
	[[ "$output" != *0100007F* ]]
	[[ "$output" != *0000007F* ]]
}

# ---- what it leaves behind ----

# nest N: N folders, each in the one before.
nest='nest() { i=0; while [ $i -lt $1 ]; do mkdir d && cd d || return; i=$((i + 1)); done; }'

@test "folders deeper than a process has descriptors are removed with their container or volume" {
	ulimit -n 256
	moss run --rm --network none busybox sh -c "$nest; cd /root; nest 1500"
	moss run --name ct --network none -v vol:/vol busybox sh -c "$nest
		cd /root; mkdir .moved-0 .moved-1; touch .moved-0/x .moved-2; nest 1500; cd /vol; nest 1500; cd /; chmod 0 /root/d/d"
	moss rm ct
	moss volume rm vol
	moss ps
	in_userns sh -c "find $ROOT/trash $ROOT/tmp $ROOT/containers $ROOT/volumes -mindepth 1" >"$WORK/left"
	[ ! -s "$WORK/left" ]
}
