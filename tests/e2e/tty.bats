# -t is a real terminal: raw mode, size, keys, job control, and our own put back on every way out.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# on_pty ARGS... <<steps: moss with its store, on a terminal.
on_pty() { "$MOSS_TEST_LIB/pty" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "$@"; }
run_it() { on_pty run --rm --network none -it --name tt busybox "$@"; }

@test "a shell: typed, echoed, its status passed on" {
	run_it sh <<-'STEPS'
		expect #
		raw
		send echo $((6*7))\r
		expect 42\r\n
		send tty\r
		expect /dev/pts/0
		send exit 5\r
		exit 5
		cooked
	STEPS
}

@test "the size of the window, and its changes" {
	run_it sh -c 'stty size; trap "stty size" WINCH; echo go; while :; do sleep 0.1; done' <<-'STEPS'
		expect 24 80
		expect go
		size 33 101
		expect 33 101
		send \x10\x11
		exit 0
	STEPS
	moss kill tt
}

@test "Ctrl-C is the container's, and reaches only its foreground job" {
	run_it sh <<-'STEPS'
		expect #
		send echo go; sleep 1000\r
		expect go\r\n
		pause 0.3
		send \x03
		expect #
		send echo still $((1+1))\r
		expect still 2
		expect #
		pause 0.2
		send \x04
		exit 0
	STEPS
}

@test "job control in the container's shell: Ctrl-Z, jobs, fg" {
	run_it sh <<-'STEPS'
		expect #
		send echo go; sleep 1000\r
		expect go\r\n
		pause 0.3
		send \x1a
		expect Stopped
		expect #
		send fg\r
		expect sleep 1000
		pause 0.3
		send \x03
		expect #
		send exit 0\r
		exit 0
	STEPS
}

@test "Ctrl-P Ctrl-Q leaves it running; attach comes back; what is typed between is not lost" {
	run_it sh <<-'STEPS'
		expect #
		send a=seven\r
		expect #
		send \x10\x11
		exit 0
		cooked
	STEPS
	[ "$(moss inspect -f '{{.State.Running}}' tt)" = true ]
	on_pty attach tt <<-'STEPS'
		send \r
		expect #
		send \x10\x11
		expect read escape sequence
		exit 1
		cooked
	STEPS
	on_pty attach tt <<-'STEPS'
		raw
		send echo is-$a\r
		expect is-seven
		send \x10x\x7f\r
		send exit 3\r
		exit 3
		cooked
	STEPS
}

@test "other detach keys" {
	on_pty run --rm --network none -it --name tt --detach-keys ctrl-a,d busybox sh <<-'STEPS'
		expect #
		send \x10\x11
		send echo here\r
		expect here\r\n
		send \x01d
		exit 0
	STEPS
	moss rm -f tt
}

@test "the terminal is put back: command not found, the container killed, our own death by a signal" {
	on_pty run --rm --network none -it busybox nosuch <<-'STEPS'
		expect executable file not found
		exit 127
		cooked
	STEPS
	run_it sh -c 'echo ready; kill -9 $$; sleep 100' <<-'STEPS' || true
		expect ready
		send \x10\x11
		exit 0
		cooked
	STEPS
	moss rm -f tt 2>/dev/null || true
	on_pty run --rm --network none -it --sig-proxy=false --name tt busybox sh <<-'STEPS'
		expect #
		raw
		signal TERM
		exit 143
		cooked
	STEPS
	moss kill tt
}

@test "a stop by job control gives the terminal back and takes it again" {
	run_it sh <<-'STEPS'
		expect #
		raw
		signal TSTP
		stopped
		cooked
		cont
		raw
		send echo again\r
		expect again\r\n
		send exit 0\r
		exit 0
		cooked
	STEPS
}

@test "an editor that draws: vi writes a file" {
	run_it sh <<-'STEPS'
		expect #
		send vi /tmp/f\r
		expect \e[
		send ihello
		expect hello
		send \e
		pause 0.3
		send :wq\r
		expect #
		send cat /tmp/f; exit 0\r
		expect hello
		exit 0
		cooked
	STEPS
}

@test "-t without -i: output through a terminal, ours left alone" {
	on_pty run --rm --network none -t busybox sh -c 'test -t 1 && echo yes; sleep 0.3' <<-'STEPS'
		expect yes
		cooked
		exit 0
	STEPS
	out=$(moss run --rm --network none -t busybox sh -c 'echo out; echo err >&2' </dev/null)
	[ "$out" = $'out\r\nerr\r' ]
}

@test "-it without a terminal on stdin is refused in Docker's words" {
	run moss run --rm --network none -it busybox true </dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"the input device is not a TTY"* ]]
	[ -z "$(moss ps -aq)" ]
}

@test "much output through a terminal arrives whole" {
	moss run --rm --network none -t busybox seq 200000 </dev/null >"$WORK/out"
	[ "$(tr -d '\r' <"$WORK/out" | sha256sum)" = "$(seq 200000 | sha256sum)" ]
}

@test "the terminal is closed, as when ssh drops: moss ends, the container goes on, attach finds it" {
	cat >"$WORK/dropped.py" <<-'TEXT'
		import os, pty, sys, time
		pid, master = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		seen = b""
		while b"# " not in seen:
		    seen += os.read(master, 1000)
		os.write(master, b"echo typed >/seen\n")
		time.sleep(0.3)
		os.close(master)
		for i in range(100):
		    if os.waitpid(pid, os.WNOHANG)[0]:
		        print("moss has ended")
		        break
		    time.sleep(0.1)
	TEXT
	run python3 "$WORK/dropped.py" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run -it --name dropped --network none busybox sh
	[[ "$output" == *"moss has ended"* ]]
	[ "$(moss inspect -f '{{.State.Running}}' dropped)" = true ]
	[ "$(moss exec dropped cat /seen)" = typed ]
	run python3 "$WORK/dropped.py" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" exec -it dropped sh
	[[ "$output" == *"moss has ended"* ]]
	[ "$(moss inspect -f '{{.State.Running}}' dropped)" = true ]
	moss rm -f dropped
}

@test "resize, attach and detach are told of" {
	moss run -dit --name tt --network none busybox sh >/dev/null
	on_pty attach tt <<-'STEPS'
		raw
		size 33 101
		send echo $((6*7))\r
		expect 42
		send \x10\x11
		expect read escape sequence
		exit 1
	STEPS
	run -0 moss events --since 0 --until 0s --filter container=tt --format '{{.Action}} {{.Actor.Attributes.height}} {{.Actor.Attributes.width}}'
	[[ $output = *$'\nattach '*$'\nresize 24 80'*$'\nresize 33 101'*$'\ndetach '* ]]
	moss rm -f tt >/dev/null
}
