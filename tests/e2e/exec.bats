# exec: one more process in a running container.
load ../lib/moss

setup() {
	store_with_busybox
	moss run -d --name ct --network none -e FROM=run -w /tmp busybox sleep 1000 >/dev/null
}
teardown() { store_drop; }

on_pty() { "$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@"; }

@test "output, error and exit code are the command's" {
	run --separate-stderr moss exec ct sh -c 'echo out; echo err >&2; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = out ]
	[ "$stderr" = err ]
	run moss exec ct sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run moss container exec ct true
	[ "$status" -eq 0 ]
}

@test "not found, not executable, a folder, a missing interpreter: Docker's words and codes" {
	run -127 moss exec ct nosuch
	[[ "$output" == *'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'* ]]
	run -127 moss exec ct ./nosuch
	[[ "$output" == *'exec: "./nosuch": stat ./nosuch: no such file or directory'* ]]
	run moss exec ct /etc/passwd
	[ "$status" -eq 126 ]
	[[ "$output" == *'exec: "/etc/passwd": permission denied'* ]]
	run moss exec ct /etc
	[ "$status" -eq 126 ]
	[[ "$output" == *'exec: "/etc": is a directory'* ]]
	run -127 moss exec ct ""
	moss exec ct sh -c 'printf "#!/nowhere\n" >/tmp/s; printf xx >/tmp/x; chmod 755 /tmp/s /tmp/x'
	run -127 moss exec ct /tmp/s
	[[ "$output" == *"exec /tmp/s: no such file or directory"* ]]
	run moss exec ct /tmp/x
	[ "$status" -eq 126 ]
	[[ "$output" == *"exec /tmp/x: exec format error"* ]]
}

@test "-w: another folder; a missing one or a file is an error" {
	[ "$(moss exec ct pwd)" = /tmp ]
	[ "$(moss exec -w /etc ct pwd)" = /etc ]
	run moss exec -w /nosuch ct true
	[ "$status" -eq 126 ]
	[[ "$output" == *'chdir to cwd ("/nosuch") set in config.json failed: no such file or directory'* ]]
	run moss exec -w /etc/passwd ct true
	[ "$status" -eq 126 ]
	[[ "$output" == *"not a directory"* ]]
}

@test "-u: user, group, HOME" {
	[ "$(moss exec -u user ct sh -c 'id -u; id -G; echo $HOME')" = $'1000\n1000 50\n/home/user' ]
	[ "$(moss exec -u 1000:7 ct sh -c 'id -u; id -G')" = $'1000\n7' ]
	[ "$(moss exec -u 4711 ct sh -c 'id -u; id -g; echo $HOME')" = $'4711\n0\n/' ]
	run moss exec -u nosuch ct true
	[ "$status" -eq 126 ]
	[[ "$output" == *"unable to find user nosuch: no matching entries in passwd file"* ]]
}

@test "the container's own user is exec's" {
	moss run -d --name other --network none -u user:staff busybox sleep 100 >/dev/null
	[ "$(moss exec other sh -c 'id -u; id -g')" = $'1000\n50' ]
	[ "$(moss exec -u root other id -u)" = 0 ]
}

@test "-e and --env-file over the container's environment" {
	export MOSS_TEST_SHELL=mine
	printf 'A=file\nB=file\n# no\n\nMOSS_TEST_SHELL\n' >"$WORK/env"
	run moss exec --env-file "$WORK/env" -e B=flag -e FROM=exec ct env
	[[ $'\n'"$output"$'\n' == *$'\nA=file\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\nB=flag\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\nFROM=exec\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\nMOSS_TEST_SHELL=mine\n'* ]]
	[ "$(moss exec ct sh -c 'echo $FROM')" = run ]
	run -127 moss exec -e PATH=/nowhere ct ls
	run moss exec --env-file "$WORK/missing" ct true
	[ "$status" -ne 0 ]
	[[ "$output" == *"$WORK/missing"* ]]
}

@test "-i passes input on to its end, without -i there is none" {
	[ "$(printf 'a\nb\n' | moss exec -i ct cat)" = $'a\nb' ]
	[ "$(echo unread | moss exec ct cat)" = "" ]
	[ "$(echo x | moss exec -i ct true; echo $?)" = 0 ]
}

@test "bytes in either direction arrive as they are" {
	head -c 5000000 /dev/urandom >"$WORK/data"
	moss exec -i ct cat <"$WORK/data" >"$WORK/back"
	cmp "$WORK/data" "$WORK/back"
	moss exec -i ct sh -c 'cat >/tmp/data; sha256sum /tmp/data' <"$WORK/data" >"$WORK/sum"
	[ "$(cut -c1-64 "$WORK/sum")" = "$(sha256sum <"$WORK/data" | cut -c1-64)" ]
}

@test "a reader that has gone, and a slow one" {
	run bash -c "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' exec ct yes | head -1"
	[ "${lines[0]}" = y ]
	# As with Docker the command lives on, its output is read and dropped.
	moss exec ct killall yes
	[ "$(moss exec ct sh -c 'head -c 3000000 /dev/zero' | { sleep 0.5; wc -c; })" = 3000000 ]
}

@test "a background process that keeps the output does not hold exec" {
	SECONDS=0
	[ "$(moss exec ct sh -c 'sleep 30 & echo started')" = started ]
	[ $SECONDS -lt 10 ]
}

@test "-d returns at once, the process lives on" {
	run moss exec -d ct sh -c 'sleep 0.5; echo done >/tmp/mark; sleep 100'
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
	wait_for 5 moss exec ct test -s /tmp/mark
	run -1 moss exec -d ct nosuch
}

@test "killed, the command leaves its process running" {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" exec ct \
		sh -c 'touch /tmp/began; until [ -e /tmp/go ]; do sleep 0.1; done; echo lived >/tmp/mark' 3>&- &
	local pid=$!
	wait_for 5 moss exec ct test -e /tmp/began
	kill -9 $pid
	wait $pid || true
	moss exec ct touch /tmp/go
	wait_for 5 moss exec ct test -s /tmp/mark
}

@test "-t: a terminal of the container's, stdout and stderr in one" {
	run moss exec -t ct sh -c 'tty; echo $TERM; echo err >&2'
	[ "$output" = $'/dev/pts/0\r\nxterm\r\nerr\r' ]
	run bash -c "echo | '$MOSS' --root '$ROOT' --runroot '$RUNROOT' exec -it ct true"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the input device is not a TTY"* ]]
}

@test "-it: typed, resized, job control, the status passed on" {
	on_pty exec -it ct sh <<-'STEPS'
		expect #
		raw
		send stty size\r
		expect 24 80
		size 40 120
		send stty size\r
		expect 40 120
		send echo go; sleep 100\r
		expect go\r\n
		pause 0.3
		send \x03
		expect #
		send echo $((6*7))\r
		expect 42
		send exit 3\r
		exit 3
		cooked
	STEPS
}

@test "-it: ctrl-p ctrl-q leaves, the process lives on" {
	on_pty exec -it ct sh -c 'echo ready; sleep 1; echo lived >/tmp/mark; sleep 100' <<-'STEPS'
		expect ready
		send \x10\x11
		expect read escape sequence
		exit 1
		cooked
	STEPS
	wait_for 5 moss exec ct test -s /tmp/mark
}

@test "--privileged: all capabilities" {
	run moss exec --privileged ct grep CapEff /proc/self/status
	[[ "$output" != *00000000a80425fb* ]]
	[[ "$output" == *ffffffff ]]
}

@test "it is in the container's namespaces, and its child" {
	moss exec ct sh -c 'for n in mnt pid net ipc uts user; do readlink /proc/self/ns/$n; done' >"$WORK/exec"
	moss exec ct sh -c 'for n in mnt pid net ipc uts user; do readlink /proc/1/ns/$n; done' >"$WORK/init"
	cmp "$WORK/exec" "$WORK/init"
	[ "$(moss exec ct hostname)" = "$(moss inspect -f '{{.Config.Hostname}}' ct)" ]
}

@test "what is not there or not running" {
	run moss exec nosuch true
	[ "$status" -eq 1 ]
	[[ "$output" == *"No such container: nosuch"* ]]
	moss stop -t 0 ct >/dev/null
	run moss exec ct true
	[ "$status" -eq 1 ]
	[[ "$output" == *"container "*" is not running"* ]]
	run moss exec ct
	[ "$status" -eq 1 ]
	[[ "$output" == *"requires at least 2 arguments"* ]]
	run moss exec --frob ct true
	[ "$status" -eq 125 ]
}

@test "exec right after run -d: never refused" {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		moss run -d --name "c$i" --network none busybox sleep 100 >/dev/null
		moss exec "c$i" true
	done
}

@test "twenty at once" {
	local pids=()
	for i in $(seq 20); do
		moss exec ct sh -c "echo $i" >"$WORK/out$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for i in $(seq 20); do [ "$(cat "$WORK/out$i")" = "$i" ]; done
}
