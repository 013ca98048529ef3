# run: exit status, streams, user, working directory, isolation flags.
# shellcheck disable=SC2016 # the container expands
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }

@test "the exit status is the container's" {
	run -7 bb busybox sh -c 'exit 7'
	run -137 bb --init busybox sh -c 'kill -9 $$'
	run -143 bb --init busybox sh -c 'kill -TERM $$; sleep 1'
	run -0 bb busybox true
}

@test "126 and 127: cannot run, not found" {
	run -127 bb busybox nope
	[[ $output == *'exec: "nope": executable file not found in $PATH'* ]]
	run -127 bb busybox ''
	run -126 bb busybox /etc
	[[ $output == *'exec: "/etc": is a directory'* ]]
	run -126 bb busybox /etc/passwd
	[[ $output == *'exec: "/etc/passwd": permission denied'* ]]
	[ -z "$(moss ps -aq)" ]
}

@test "125: the engine's own errors" {
	run -125 moss run --rm --name x busybox true
	run -125 moss run --rm BusyBox
	run -125 moss run --nope busybox
	[[ $output == *"unknown flag: --nope"* ]]
	run -1 moss run
	[[ $output == *"requires at least 1 argument"* ]]
}

@test "stdout and stderr are apart, and binary" {
	run -0 --separate-stderr bb busybox sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	# shellcheck disable=SC2154 # set by run
	[ "$stderr" = err ]
	head -c 1000000 /dev/urandom >"$WORK/in"
	bb -i busybox cat <"$WORK/in" >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
}

@test "without -i the container's input is empty" {
	run -0 bb busybox cat <<<"not for it"
	[ -z "$output" ]
}

@test "-a chooses streams" {
	run -0 --separate-stderr bb -a stdout busybox sh -c 'echo out; echo err >&2'
	[ "$output" = out ] && [ -z "$stderr" ]
	run -0 --separate-stderr bb -a stderr busybox sh -c 'echo out; echo err >&2'
	[ -z "$output" ] && [ "$stderr" = err ]
	run -1 bb -d -a stdout busybox true
	[[ $output == *"Conflicting options: -a and -d"* ]]
}

@test "-it without a terminal is refused" {
	run -1 bb -it busybox true </dev/null
	[[ $output == *"the input device is not a TTY"* ]]
}

@test "-d prints the ID and returns" {
	run -0 moss run -d --name web --network none --cidfile "$WORK/cid" busybox sleep 100
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(cat "$WORK/cid")" = "$output" ]
	[ "$(moss inspect --format '{{.State.Status}}' web)" = running ]
}

@test "a container that could not start is there for inspect, but not with --rm" {
	run -127 moss run --name web --network none busybox nope
	[ "$(moss inspect --format '{{.State.Status}} {{.State.ExitCode}}' web)" = "created 127" ]
	run -125 moss run --name web --network none busybox true
	[[ $output == *"Conflict. The container name \"/web\" is already in use"* ]]
}

@test "--entrypoint and arguments" {
	run -0 bb --entrypoint echo busybox a 'b c'
	[ "$output" = 'a b c' ]
	run -0 bb --entrypoint '' busybox echo x
	[ "$output" = x ]
	run -125 bb --entrypoint '' busybox
	[[ $output == *"no command specified"* ]]
	run -0 bb busybox echo --rm -- -d
	[ "$output" = "--rm -- -d" ]
}

@test "-u: names, numbers, groups" {
	run -0 bb -u user busybox id
	[ "$output" = "uid=1000(user) gid=1000(user) groups=50(staff),1000(user)" ]
	run -0 bb -u 1000 busybox id -G
	[ "$output" = "1000 50" ] || [ "$output" = "50 1000" ]
	run -0 bb -u 33 busybox id
	[ "$output" = "uid=33 gid=0(root) groups=0(root)" ]
	run -0 bb -u user:nobody busybox id
	[ "$output" = "uid=1000(user) gid=65534(nobody) groups=65534(nobody)" ]
	run -0 bb -u 33:44 --group-add user --group-add 77 busybox id
	[ "$output" = "uid=33 gid=44 groups=44,77,1000(user)" ]
	run -125 bb -u nope busybox true
	[[ $output == *"unable to find user nope: no matching entries in passwd file"* ]]
	run -125 bb -u 1000:nope busybox true
	[[ $output == *"unable to find group nope: no matching entries in group file"* ]]
	run -125 bb --group-add nope busybox true
	[[ $output == *"nable to find group nope: no matching entries in group file"* ]]
}

@test "-u refuses what is no user" {
	local user
	for user in 0x0 +0 ' 0' -1 4294967295 4294967296 2147483648 u: 1:2:3; do
		run -125 bb "-u=$user" busybox id
		[[ $output != *uid=* ]]
	done
	run -125 bb -u 1000abc busybox id
	[[ $output == *"unable to find user 1000abc"* ]]
}

@test "-w: made where it is missing" {
	run -0 bb -w /tmp busybox pwd
	[ "$output" = /tmp ]
	run -0 bb -w /new/dir busybox sh -c 'pwd; stat -c "%a %u" /new/dir'
	[ "$output" = $'/new/dir\n755 0' ]
	run -125 bb -w rel busybox pwd
	[[ $output == *"the working directory 'rel' is invalid, it needs to be an absolute path"* ]]
}

caps() { bb "$@" busybox sed -n 's/^CapEff:\t//p' /proc/self/status; }

@test "capabilities" {
	[ "$(caps)" = 00000000a80425fb ]
	[ "$(caps --cap-drop all)" = 0000000000000000 ]
	[ "$(caps --cap-drop ALL --cap-add CAP_NET_RAW)" = 0000000000002000 ]
	[ "$(caps --cap-add net_admin)" = 00000000a80435fb ]
	[ "$(caps --cap-drop chown)" = 00000000a80425fa ]
	[ "$(caps -u 1000)" = 0000000000000000 ]
	[ "$(caps --privileged)" = 000001ffffffffff ] || [[ $(caps --privileged) == 000000*ff ]]
	run -0 bb -u 1000 --cap-add net_admin busybox grep -E 'CapInh|CapBnd|CapAmb' /proc/self/status
	[ "$output" = $'CapInh:\t0000000000000000\nCapBnd:\t00000000a80435fb\nCapAmb:\t0000000000000000' ]
}

status_field() { bb "${@:2}" busybox sed -n "s/^$1:\t//p" /proc/self/status; }

@test "seccomp and no-new-privileges" {
	[ "$(status_field Seccomp)" = 2 ]
	[ "$(status_field NoNewPrivs)" = 0 ]
	[ "$(status_field Seccomp --security-opt seccomp=unconfined)" = 0 ]
	[ "$(status_field NoNewPrivs --security-opt no-new-privileges)" = 1 ]
	[ "$(status_field NoNewPrivs --security-opt no-new-privileges:false)" = 0 ]
}

@test "a seccomp profile of one's own" {
	cat >"$WORK/p.json" <<-'END'
		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
		  {"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_CHOWN"]}}]}
	END
	run -0 bb --security-opt "seccomp=$WORK/p.json" busybox sh -c 'mkdir /x; rmdir /tmp && echo gone'
	[[ $output == *"No space left on device"* ]]
	[[ $output == *gone* ]]
	run -1 bb --cap-drop chown --security-opt "seccomp=$WORK/p.json" busybox rmdir /tmp
	[[ $output == *"Operation not permitted"* ]]
	echo '{' >"$WORK/p.json"
	run -125 bb --security-opt "seccomp=$WORK/p.json" busybox true
	[[ $output == *"Decoding seccomp profile failed"* ]]
}

@test "masked and read-only paths, and without them" {
	run bb busybox sh -c 'wc -c </proc/keys; ls /sys/firmware | wc -l; echo x >/proc/sys/kernel/hostname'
	[[ $output == $'0\n0\n'*"Read-only file system"* ]]
	run bb --security-opt systempaths=unconfined busybox sh -c 'grep -c " /proc/" /proc/mounts'
	[ "$output" = 0 ]
	run -0 bb --privileged busybox sh -c 'mount -t tmpfs x /tmp && echo mounted'
	[ "$output" = mounted ]
}

@test "ulimits, sysctls, shm size, oom score" {
	run -0 bb --ulimit nofile=100:200 --ulimit core=0 busybox sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
	[ "$output" = $'100\n200\n0' ]
	run -0 bb --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=12345 busybox cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax
	[ "$output" = $'1\n12345' ]
	run -0 bb --shm-size 2m busybox sh -c 'df -k /dev/shm | tail -1'
	[[ $output == *2048* ]]
	run -0 bb --oom-score-adj 500 busybox cat /proc/self/oom_score_adj
	[ "$output" = 500 ]
}

@test "--device" {
	run -0 bb --device /dev/zero:/dev/nothing busybox sh -c 'head -c 3 /dev/nothing | wc -c'
	[ "$output" = 3 ]
	run -127 bb --device /dev/none-such busybox true
	[[ $output == *"/dev/none-such"*"o such file or directory"* ]]
}

@test "--init reaps and passes signals on" {
	run bb --init busybox sh -c '(sleep 0.1 &) ; sleep 0.4; [ $$ != 1 ] && ps | grep -c "\[sleep\]"'
	[ "$output" = 0 ]
	run -3 bb --init busybox sh -c 'exit 3'
}

@test "namespaces: the host's where asked for, else own" {
	local ns
	for ns in pid ipc uts; do
		run -0 bb busybox readlink "/proc/self/ns/$ns"
		[ "$output" != "$(readlink "/proc/self/ns/$ns")" ]
		run -0 bb "--$ns" host busybox readlink "/proc/self/ns/$ns"
		[ "$output" = "$(readlink "/proc/self/ns/$ns")" ]
	done
	run bb --ipc none busybox sh -c 'mount | grep -c /dev/shm'
	[ "$output" = 0 ]
}

@test "hostname" {
	run -0 bb -h some.where busybox hostname
	[ "$output" = some.where ]
	run -0 moss run -d --name web --network none busybox sleep 100
	run -0 moss exec web hostname
	[ "$output" = "$(moss inspect --format '{{slice .Id 0 12}}' web)" ]
}

@test "an image is found by name, tag, ID and prefix" {
	local id
	id=$(moss images -q --no-trunc busybox)
	run -0 bb docker.io/library/busybox:latest echo 1
	run -0 bb "$id" echo 2
	run -0 bb "${id#sha256:}" echo 3
	id=${id#sha256:}
	run -0 bb "${id:0:12}" echo 4
	[ "$output" = 4 ]
}

@test "the missing image is named before it is pulled" {
	run -125 --separate-stderr bb 127.0.0.1:1/none echo x
	[[ $stderr == "Unable to find image '127.0.0.1:1/none:latest' locally"* ]]
	[ -z "$output" ]
	run -125 --separate-stderr moss run -q 127.0.0.1:1/none true
	[[ $stderr == "moss: "*"127.0.0.1:1"* ]]
}

@test "arguments that are no UTF-8 do not end the engine" {
	run -0 bb -e $'A=\xff' busybox printf '%s' $'x\xfey'
	[[ $output == x*y ]]
}

@test "what is wrong with --restart and --mount is said before the image is looked for" {
	for flags in '--restart bogus' '--restart always:3' '--restart on-failure:x' '--restart always --rm' '--mount type=bogus' \
		'--mount type=bind,target=/x' '--mount type=bind,source=/nosuchdir,target=/x' '--mount type=volume,foo=bar'; do
		# shellcheck disable=SC2086 # words
		run -125 moss run $flags localhost:1/nosuch true
		[[ "$output" != *"Unable to find image"* ]]
		[ "${lines[-1]}" = "See 'moss run --help'." ]
		# shellcheck disable=SC2086
		run moss create $flags localhost:1/nosuch true
		[ "$status" -ne 0 ]
		[[ "$output" != *"Unable to find image"* && "$output" != *"See 'moss"* ]]
	done
}

@test "errors before the start name the help, errors of the start do not" {
	run -125 moss run -v a:b:c:d busybox true
	[ "$output" = $'moss: invalid volume specification: \'a:b:c:d\'\nSee \'moss run --help\'.' ]
	run -125 moss container run --name '!!' busybox true
	[ "${lines[-1]}" = "See 'moss container run --help'." ]
	run -127 moss run --network none busybox nosuch
	[[ "$output" != *"See 'moss"* ]]
	run -126 moss run --network none busybox /etc/passwd
	[[ "$output" != *"See 'moss"* ]]
}

@test "--device of what is not there: Docker's exit status and words" {
	run -127 moss run --rm --device /dev/nosuch busybox true
	[ "$output" = 'moss: error gathering device information while adding custom device "/dev/nosuch": no such file or directory' ]
	run -125 moss run --rm --device /tmp busybox true
	[ "$output" = 'moss: error gathering device information while adding custom device "/tmp": not a device node' ]
	run -1 moss create --device /dev/nosuch busybox true
	[ -z "$(moss ps -aq)" ]
}
