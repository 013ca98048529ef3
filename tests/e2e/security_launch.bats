# The classes of holes that a container's launch and exec have had in other engines, each tried.
load ../lib/moss

setup() {
	store_with_busybox
	echo "the user's own" >"$HOME/sentinel"
	chmod 644 "$HOME/sentinel"
}
teardown() { store_drop; }

# image_with NAME SCRIPT: busybox with SCRIPT run in its root folder (as $PWD).
image_with() {
	local dir="$WORK/image-$1" layer config
	mkdir -p "$dir/in" "$dir/root" "$dir/out"
	tar -C "$dir/in" -xf "$(busybox_archive)"
	tar -C "$dir/root" -xf "$dir"/in/*/layer.tar
	(cd "$dir/root" && eval "$2")
	tar --owner=0 --group=0 --numeric-owner -C "$dir/root" -cf "$dir/out/layer.tar" .
	layer=$(sha256sum "$dir/out/layer.tar" | cut -d' ' -f1)
	sed -E "s/sha256:[0-9a-f]{64}/sha256:$layer/" "$dir"/in/*.json | grep rootfs >"$dir/out/config.json"
	config=$(sha256sum "$dir/out/config.json" | cut -d' ' -f1)
	mv "$dir/out/config.json" "$dir/out/$config.json"
	printf '[{"Config":"%s.json","RepoTags":["%s:latest"],"Layers":["layer.tar"]}]' "$config" "$1" >"$dir/out/manifest.json"
	tar -C "$dir/out" -cf "$dir.tar" .
	moss load -q -i "$dir.tar" >/dev/null
}

run_in() { run moss run --rm --network none "$@"; }

host_untouched() { [ "$(cat "$HOME/sentinel")" = "the user's own" ]; }

# ---- the engine's binary (CVE-2019-5736) ----

@test "a copy of the engine in the home is not overwritten through /bin/sh -> /proc/self/exe" {
	image_with selfexe 'rm bin/sh; ln -s /proc/self/exe bin/sh; printf "#!/proc/self/exe\n" >entry; chmod 755 entry'
	mkdir "$HOME/bin"
	cp "$MOSS" "$MOSS_LIBEXEC"/moss-monitor "$MOSS_LIBEXEC"/moss-init "$HOME/bin/"
	local before
	before=$(cat "$HOME"/bin/* | sha256sum)
	export MOSS=$HOME/bin/moss MOSS_LIBEXEC=$HOME/bin
	for entry in /entry /bin/sh /proc/self/exe; do
		run timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none selfexe "$entry" run
		[ "$status" -ne 0 ]
		[[ "$output" != *Usage* ]]
	done
	moss run -d --name ct --network none selfexe sleep 100
	for entry in /entry /bin/sh /proc/self/exe; do
		run timeout 20 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" exec ct "$entry" run
		[ "$status" -ne 0 ]
		[[ "$output" != *Usage* ]]
	done
	[ "$before" = "$(cat "$HOME"/bin/* | sha256sum)" ]
}

@test "while exec is repeated, no executable of the host is seen or written in /proc/*/exe" {
	mkdir "$HOME/bin"
	cp "$MOSS" "$MOSS_LIBEXEC"/moss-monitor "$MOSS_LIBEXEC"/moss-init "$HOME/bin/"
	local before
	before=$(cat "$HOME"/bin/* | sha256sum)
	export MOSS=$HOME/bin/moss MOSS_LIBEXEC=$HOME/bin
	moss run -d --name ct --network none --cap-add SYS_PTRACE busybox sh -c '
		while :; do for p in /proc/[0-9]*; do
			l=$(readlink $p/exe 2>/dev/null) || continue
			case $l in /bin/busybox|"/memfd:moss-init (deleted)"|"") ;; *) echo "seen $l" ;; esac
			( echo broken >$p/exe && echo written ) 2>/dev/null
		done; done'
	for i in $(seq 40); do moss exec ct true; done
	run moss logs ct
	[ "$output" = "" ]
	[ "$before" = "$(cat "$HOME"/bin/* | sha256sum)" ]
}

@test "--init's pid 1 is a sealed memory file" {
	run_in --init busybox sh -c 'readlink /proc/1/exe; ( echo x >/proc/1/exe ) 2>&1'
	[[ "${lines[0]}" == "/memfd:moss-init"* ]]
	[[ "$output" == *"can't create /proc/1/exe"* ]]
}

# ---- descriptors and working directories (CVE-2024-21626) ----

@test "no working directory leads out, through any descriptor, by run or exec" {
	moss run -d --name ct --network none busybox sleep 100
	for n in $(seq 0 40); do
		run moss run --rm --network none -w "/proc/self/fd/$n" busybox cat sentinel ../../../../etc/hostname
		[[ "$output" != *"the user's own"* ]]
		[ "$status" -ne 0 ]
		run moss exec -w "/proc/self/fd/$n" ct cat ../../../../etc/hostname
		[[ "$output" != "$(cat /etc/hostname)" ]]
		[ "$status" -eq 126 ]
	done
	run moss exec -w /proc/1/root/../.. ct pwd
	[ "$status" -ne 0 ]
}

@test "a working directory that is a link is resolved inside" {
	image_with links 'ln -s ../../../../../../../../etc out; ln -s /proc/self/root/etc magic'
	run_in -w /out links sh -c 'pwd -P; cat passwd | head -1'
	[ "${lines[0]}" = /etc ]
	[ "${lines[1]}" = "root:x:0:0:root:/root:/bin/sh" ]
	run_in -w /magic links pwd
	[ "$status" -ne 0 ]
}

# ---- an image's own links in the way of mounts (CVE-2025-31133, -52565, 2026-47766) ----

@test "an image's /dev that is a link: nothing is made outside, or the start fails" {
	image_with devlink "mkdir target; rmdir dev 2>/dev/null || true; ln -s ../../../../../..$HOME dev"
	run_in devlink sh -c 'echo ran; ls /dev'
	[ ! -e "$HOME/null" ]
	[ ! -e "$HOME/pts" ]
	host_untouched
	run find "$HOME" -newer "$HOME/sentinel" -type c
	[ "$output" = "" ]
}

@test "an image's /proc or /sys that is a link stops the start" {
	image_with proclink 'rmdir proc 2>/dev/null || true; mkdir -p tmp/p; ln -s /tmp/p proc'
	run_in proclink true
	[ "$status" -eq 125 ]
	[[ "$output" == *"/proc in the image must be a directory"* ]]
	image_with syslink 'rmdir sys 2>/dev/null || true; ln -s /tmp sys'
	run_in syslink true
	[ "$status" -eq 125 ]
	[[ "$output" == *"/sys in the image must be a directory"* ]]
}

@test "an image's /dev/null, /dev/console, /dev/ptmx that are links change nothing" {
	image_with nodes 'mkdir -p dev/pts; for n in null console ptmx pts/0 zero; do rm -f dev/$n; ln -s /proc/sys/kernel/core_pattern dev/$n; done'
	run_in -t nodes sh -c 'for n in null zero; do stat -c "%F %t:%T" /dev/$n; done; stat -c %F /dev/console; readlink /dev/ptmx; stat -c %F /proc/keys; wc -c </proc/keys'
	[[ "$output" == *"character special file 1:3"* ]]
	[[ "$output" == *"character special file 1:5"* ]]
	[[ "$output" == *"pts/ptmx"* ]]
	[[ "$output" != *"symbolic link"* ]]
}

@test "a volume with links for devices, mounted on /dev, covers nothing it should not" {
	mkdir "$WORK/dev" "$WORK/dev/pts"
	ln -s /proc/sys/kernel/core_pattern "$WORK/dev/null"
	ln -s /proc/sys/kernel/core_pattern "$WORK/dev/console"
	local before
	before=$(cat /proc/sys/kernel/core_pattern)
	run_in -v "$WORK/dev:/dev" busybox sh -c 'for f in /proc/kcore /proc/keys /proc/timer_list; do [ ! -e $f ] || stat -c %t:%T $f; done; cat /proc/keys | wc -c'
	[ "$(printf '%s\n' "${lines[@]}" | sort -u | tr '\n' ' ')" = "0 1:3 " ]
	[ "$before" = "$(cat /proc/sys/kernel/core_pattern)" ]
	[ -L "$WORK/dev/null" ]
}

@test "mount targets below links of the image stay inside its root" {
	image_with out "ln -s ../../../../../../../..$HOME out; ln -s /etc/../../..$HOME abs"
	mkdir "$WORK/vol"
	echo from-volume >"$WORK/vol/file"
	run_in -v "$WORK/vol:/out/sub" -v "$WORK/vol:/abs/other" --tmpfs /out/tmp out cat /out/sub/file
	[ ! -e "$HOME/sub" ]
	[ ! -e "$HOME/other" ]
	[ ! -e "$HOME/tmp" ]
	host_untouched
	# The links still work inside: that is Docker's way too.
	[ "$output" = from-volume ]
}

@test "a mount target that is a link to the root, or into /proc, is refused" {
	image_with toroot 'ln -s / x; ln -s /proc y; ln -s /proc/self/root m; ln -s ../../../../../.. z'
	mkdir "$WORK/vol"
	for target in /x /z /x/x /x/z; do
		run_in -v "$WORK/vol:$target" toroot true
		[ "$status" -eq 125 ]
		[[ "$output" == *"invalid mount point $target: it is the container's root"* ]]
	done
	for target in /y /y/sys /x/proc /z/proc/self/attr; do
		run_in -v "$WORK/vol:$target" toroot true
		[ "$status" -eq 125 ]
		[[ "$output" == *"cannot be mounted because it is inside /proc"* ]]
	done
	run_in --tmpfs /m/etc toroot true
	[ "$status" -eq 125 ]
}

@test "mounts inside /proc are refused, but those that programs replace" {
	for target in /proc /proc/self /proc/self/attr /proc/sys/kernel /proc/1; do
		run_in -v "$HOME:$target" busybox true
		[ "$status" -eq 125 ]
		[[ "$output" == *"cannot be mounted because it is inside /proc"* ]]
	done
	echo 7 >"$WORK/uptime"
	run_in -v "$WORK/uptime:/proc/uptime" busybox cat /proc/uptime
	[ "$output" = 7 ]
}

# ---- races (CVE-2021-30465) ----

@test "a volume whose folder is flipped to a link while others start: no mount lands outside" {
	mkdir -p "$WORK/shared/a" "$WORK/inner"
	ln -s "$HOME" "$WORK/shared/link"
	moss run -d --name flip --network none -v "$WORK/shared:/v" busybox sh -c '
		cd /v; mkdir d; while :; do mv a b; mv link a; mv a link; mv b a; done'
	for i in $(seq 30); do
		moss run --rm --network none -v "$WORK/shared:/v" -v "$WORK/inner:/v/a/deep" busybox true >/dev/null 2>&1 || true
	done
	moss rm -f flip >/dev/null
	[ ! -e "$HOME/deep" ]
	run grep "$HOME" /proc/self/mountinfo
	[ "$output" = "" ]
	host_untouched
}

# ---- procfs writes (CVE-2019-16884, -19921, 2025-52881) ----

@test "sysctls are written to the kernel's own procfs and read back as asked" {
	run_in --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmni=77 busybox sh -c 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni'
	[ "$output" = $'1\n77' ]
	[ "$(cat /proc/sys/kernel/shmmni)" != 77 ]
	run_in --sysctl kernel.core_pattern=x busybox true
	[ "$status" -eq 125 ]
	run_in --sysctl 'net.ipv4/../../kernel.panic=1' busybox true
	[ "$status" -eq 125 ]
}

@test "masked paths are covered by the null device and empty folders, read-only ones refuse" {
	run_in busybox sh -c 'for f in /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug; do
		[ ! -e $f ] || stat -c "%t:%T" $f; done | sort -u; ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v : | tr -d "\n"'
	[ "$output" = 1:3 ]
	run_in busybox sh -c 'for p in /proc/sys /proc/bus /proc/fs /proc/irq /sys; do
		grep -q " $p [a-z]* ro," /proc/mounts || echo "$p writable"; done'
	[ "$output" = "" ]
	# Root in the container cannot take the covers away. (Of two streams either may be read first.)
	run_in busybox sh -c 'umount /proc/keys; umount /sys/firmware; mount -o remount,rw /proc/sys; echo done'
	[[ "$output" == *done* ]]
	[ "$(grep -c 'Operation not permitted\|must be superuser\|ermission denied' <<<"$output")" -ge 3 ]
}

# ---- users, groups, capabilities (CVE-2022-27649, -2023-25173, -2024-9676, 2026-30892) ----

@test "-u: every odd spelling is an error or exactly what it says" {
	moss run -d --name ct --network none busybox sleep 100
	for cmd in "run --rm --network none -u %s busybox" "exec -u %s ct"; do
		for bad in 0x0 +0 -1 1000abc 4294967295 4294967296 18446744073709551616 nosuch root:nosuch 0:4294967296; do
			# shellcheck disable=SC2059,SC2046
			run moss $(printf "$cmd" "$bad") id
			[ "$status" -ge 125 ]
			[[ "$output" == *"unable to find"* || "$output" == *"must be in range"* ]]
		done
		# shellcheck disable=SC2059,SC2046
		[ "$(moss $(printf "$cmd" :0) id -u)" = 0 ]
		# shellcheck disable=SC2059,SC2046
		[ "$(moss $(printf "$cmd" user:) id -u)" = 1000 ]
		# shellcheck disable=SC2059,SC2046
		[ "$(moss $(printf "$cmd" 1234:55) sh -c 'id -u; id -g; id -G')" = $'1234\n55\n55' ]
	done
	run moss exec -u " 0" ct id
	[ "$status" -ge 125 ]
}

@test "groups are those of the image's files, and none of the host's" {
	run_in -u user busybox sh -c 'id -G; grep Groups /proc/self/status'
	[ "${lines[0]}" = "1000 50" ]
	run_in -u user:0 busybox id -G
	[ "$output" = 0 ]
	run_in --group-add 77 --group-add staff busybox id -G
	[ "$output" = "0 50 77" ]
}

@test "an image whose passwd is a FIFO, a device or huge: a quick error" {
	image_with fifo 'rm etc/passwd; mkfifo etc/passwd'
	image_with zero 'rm etc/passwd; ln -s /dev/zero etc/passwd'
	image_with huge 'truncate -s 200M etc/group'
	for image in fifo zero huge; do
		run timeout 10 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none -u user busybox:latest true
		[ "$status" -eq 0 ]
		run timeout 10 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none -u user "$image" true
		[ "$status" -eq 125 ]
	done
}

@test "an image whose passwd or group is a link out: the host's is not read" {
	local user
	user=$(id -un)
	printf 'sentinel:x:5:5::/:/bin/sh\n' >"$HOME/passwd"
	image_with passwdout "rm etc/passwd etc/group; ln -s $HOME/passwd etc/passwd; ln -s ../../../../../../../..$HOME/passwd etc/group"
	for who in sentinel 0:sentinel "$user"; do
		run_in -u "$who" passwdout id
		[ "$status" -eq 125 ]
		[[ "$output" == *"unable to find"* ]]
	done
}

@test "capabilities: none inheritable, dropped ones are gone, a user has none" {
	status_of='grep -E "Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status'
	run_in -u user busybox sh -c "$status_of"
	[ "$(awk '{print $2}' <<<"$output" | tr '\n' ' ')" = "0000000000000000 0000000000000000 0000000000000000 00000000a80425fb 0000000000000000 " ]
	run_in --cap-drop ALL busybox sh -c "$status_of"
	[ "$(awk '{print $2}' <<<"$output" | sort -u)" = 0000000000000000 ]
	run_in --cap-drop ALL --cap-add CHOWN busybox sh -c "$status_of"
	[ "$(awk '{print $2}' <<<"$output" | tr '\n' ' ')" = "0000000000000000 0000000000000001 0000000000000001 0000000000000001 0000000000000000 " ]
	run_in --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
	[[ "$output" == *1 ]]
}

@test "what an image is made to say in an error gives the terminal no orders" {
	image_with talks 'printf "x:x:1:1::/:/bin/sh\n" >etc/passwd'
	for word in $'\e[2Jnosuch' $'/\a\e]0;owned\a'; do
		run -127 moss run --rm --network none talks "$word"
		[[ "$output" == *"exec: "* ]]
		[[ "$output" != *$'\e'* && "$output" != *$'\a'* ]]
	done
}

# ---- the filter (CVE-2017-5226, 2021-41133) ----

@test "the filter: no new namespaces, no keyrings, no mounts; unconfined lifts it" {
	run_in busybox sh -c 'unshare -U true; echo $?; mount -t tmpfs x /tmp; echo $?; cat /proc/self/status | grep Seccomp:'
	[[ "$output" == *"Operation not permitted"* ]]
	[[ "$output" == *$'Seccomp:\t2'* ]]
	run_in --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status
	[[ "$output" == *0 ]]
	moss run -d --name ct --network none busybox sleep 100
	run moss exec ct grep Seccomp: /proc/self/status
	[[ "$output" == *2 ]]
	run moss exec --privileged ct grep Seccomp: /proc/self/status
	[[ "$output" == *2 ]]
}

@test "a file of the host's environment does not reach the container" {
	export MOSS_TEST_SECRET=not-for-containers
	run_in busybox env
	[[ "$output" != *not-for-containers* ]]
	moss run -d --name ct --network none busybox sleep 100
	run moss exec ct env
	[[ "$output" != *not-for-containers* ]]
	run moss exec ct sh -c 'cat /proc/*/environ'
	[[ "$output" != *not-for-containers* ]]
}

@test "nothing of a container survives its monitor" {
	moss run -d --name ct --network none busybox sleep 4321
	local monitor
	monitor=$(pgrep -u "$(id -u)" -f "moss-monitor.*$ROOT" | head -1)
	kill -9 "$monitor"
	wait_for 5 sh -c "! pgrep -u $(id -u) -f '[s]leep 4321'"
}
