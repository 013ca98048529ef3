# What a container must not reach: the user's files, the engine's files, descriptors of the host.
load ../lib/moss

setup() {
	store_with_busybox
	echo "sentinel of the home" >"$HOME/sentinel"
	chmod 600 "$HOME/sentinel"
}
teardown() { store_drop; }

@test "started with 100 open descriptors, a container has three" {
	for i in $(seq 10 110); do eval "exec $i<$HOME"; done
	run --separate-stderr moss run --rm --network none busybox sh -c 'ls /proc/self/fd | tr "\n" " "'
	for i in $(seq 10 110); do eval "exec $i<&-"; done
	[ "$output" = "0 1 2 3 " ] # 3 is ls reading the folder
}

@test "started with 100 open descriptors, exec and a detached container have three" {
	for i in $(seq 10 110); do eval "exec $i<$HOME"; done
	moss run -d --name ct --network none busybox sleep 100
	run --separate-stderr moss exec ct sh -c 'ls /proc/self/fd | tr "\n" " "'
	for i in $(seq 10 110); do eval "exec $i<&-"; done
	[ "$output" = "0 1 2 3 " ]
	[ "$(moss exec ct sh -c 'ls /proc/1/fd | tr "\n" " "')" = "0 1 2 " ]
	# Nor does the monitor keep one of them.
	local monitor
	monitor=$(pgrep -u "$(id -u)" -f "moss-monitor.*$ROOT" | head -1)
	run ls -l "/proc/$monitor/fd"
	[[ "$output" == *.log* ]]
	[[ "$output" != *"$HOME"* ]]
}

@test "working directories through descriptors stay inside" {
	for n in 0 3 5 7 8 9 10 15 20; do
		run moss run --rm --network none -w "/proc/self/fd/$n" busybox sh -c 'cat ../../sentinel ../sentinel sentinel; pwd -P'
		[[ "$output" != *"sentinel of the home"* ]]
		[[ "$output" != *unreachable* ]]
	done
	moss run -d --name ct --network none busybox sleep 100
	for n in 0 3 5 7 8 9 10 15 20; do
		run moss exec -w "/proc/self/fd/$n" ct sh -c 'cat ../../sentinel ../sentinel sentinel; pwd -P'
		[[ "$output" != *"sentinel of the home"* ]]
		[[ "$output" != *unreachable* ]]
	done
}

# Everything a process can try with the /proc entries it sees.
proc_search='
for p in /proc/[0-9]*; do
	cat "$p/root$1/sentinel" "$p/cwd/sentinel" 2>/dev/null
	for fd in "$p"/fd/*; do cat "$fd/sentinel" "$fd$1/sentinel" 2>/dev/null </dev/null; done
done
echo searched'

@test "a --pid=host container cannot read the home through /proc" {
	moss run -d --name other --network none busybox sleep 100
	run moss run --rm --network none --pid host busybox timeout 20 sh -c "$proc_search" sh "$HOME"
	[[ "$output" == *searched* ]]
	[[ "$output" != *"sentinel of the home"* ]]
}

@test "the engine's programs cannot be overwritten from inside, by run or exec" {
	mkdir "$WORK/bin"
	cp "$MOSS" "$MOSS_LIBEXEC"/moss-monitor "$WORK/bin/"
	cp "$MOSS_LIBEXEC"/moss-* "$WORK/bin/" 2>/dev/null || true
	local before after attack
	before=$(cat "$WORK"/bin/moss* | sha256sum)
	attack='for p in /proc/[0-9]* /proc/self; do
		[ "$(readlink $p/exe)" = /bin/busybox ] || (echo broken >$p/exe; exec 9<$p/exe && echo broken >/proc/self/fd/9)
	done 2>/dev/null; true'
	export MOSS_LIBEXEC=$WORK/bin MOSS=$WORK/bin/moss
	moss run --rm --network none --pid host busybox sh -c "$attack"
	moss run -d --name ct --network none busybox sh -c "while :; do $attack; done"
	for i in 1 2 3 4 5 6 7 8 9 10; do moss exec ct true; done
	after=$(cat "$WORK"/bin/moss* | sha256sum)
	[ "$before" = "$after" ]
	moss rm -f ct
}

@test "an entrypoint of #!/proc/self/exe runs nothing of the engine's" {
	cat >"$WORK/entry" <<-'TEXT'
	#!/proc/self/exe
	TEXT
	chmod 755 "$WORK/entry"
	run timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none -v "$WORK/entry:/entry" busybox /entry
	[ "$status" -ne 0 ]
	[[ "$output" != *"Usage:  moss"* ]]
}

@test "the container's processes have exactly Docker's capabilities, none inheritable" {
	run moss run --rm --network none busybox grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status
	[[ "$output" == *$'CapInh:\t0000000000000000'* ]]
	[[ "$output" == *$'CapPrm:\t00000000a80425fb'* ]]
	[[ "$output" == *$'CapEff:\t00000000a80425fb'* ]]
	[[ "$output" == *$'CapBnd:\t00000000a80425fb'* ]]
	[[ "$output" == *$'CapAmb:\t0000000000000000'* ]]
	[[ "$output" == *$'NoNewPrivs:\t0'* ]]
	[[ "$output" == *$'Seccomp:\t2'* ]]
}

@test "masked and read-only paths of /proc and /sys" {
	run moss run --rm --network none busybox sh -c '{ cat /proc/kcore | wc -c; ls /sys/firmware | wc -l; cat /proc/keys | wc -c; } 2>/dev/null'
	[ "$output" = $'0\n0\n0' ]
	run moss run --rm --network none busybox sh -c 'echo 1 >/proc/sys/kernel/panic; echo b >/proc/sysrq-trigger; mkdir /sys/x; true'
	[[ "$output" == *"/proc/sys/kernel/panic: Read-only file system"* ]]
	# Not every kernel has this one.
	[ ! -e /proc/sysrq-trigger ] || [[ "$output" == *"/proc/sysrq-trigger: Read-only file system"* ]]
}

@test "no abstract socket of ours is seen with --network host" {
	moss run -d --name ct busybox sleep 100
	run moss run --rm --network host busybox sh -c 'grep -a "@" /proc/net/unix'
	[[ "$output" != *moss* ]]
	[[ "$output" != *slirp* ]]
}

@test "an image whose /dev/null is a link does not get its target covered or written" {
	moss create --name evil --network none busybox sh -c 'true'
	mkdir "$WORK/dev"
	ln -s /proc/sys/kernel/core_pattern "$WORK/dev/null"
	run moss run --rm --network none -v "$WORK/dev:/dev" busybox cat /proc/kcore
	[[ "$output" != *core* ]] || [ "$status" -ne 0 ]
}
