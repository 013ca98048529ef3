#!/usr/bin/env bats
# pull, load: what they show while they run, as a terminal (tmux) shows it and as a log keeps it. Rows, widths
# and frames one by one: tests/unit/engine_progress.c.
load ../lib/moss
load ../lib/registry

setup() {
	store_new
	registry_start
	proxy_start
	fault 0 /big/blobs/ slow 6000000
	export TMUX_TMPDIR=$WORK
}

teardown() {
	tm kill-server 2>/dev/null || true
	registry_stop_all
	store_drop
}

tm() { tmux -L "moss-test-$$" -f /dev/null "$@" 3>&-; }

# WIDTH HEIGHT FLAGS...: a pull of big:1 on a terminal, which afterwards writes its status.
on_terminal() { command_on_terminal "$1" "$2" pull "${@:3}" "$PROXY/big:1"; }

command_on_terminal() { # WIDTH HEIGHT ARGUMENTS...
	local size=(-x "$1" -y "$2")
	shift 2
	cat >"$WORK/session" <<-SH
		trap : INT
		seq 30
		"$MOSS" --root "$ROOT" --runroot "$RUNROOT" $*
		echo "status \$?"
		exec sleep 60
	SH
	tm new-session -d "${size[@]}" "exec bash $WORK/session"
}

screen() { tm capture-pane -p | grep -v '^$'; }
shows() { screen | grep -qE -- "$1"; }
ends() { wait_for 20 shows "^status $1"; }

@test "on a terminal: a bar for each layer, a total with its rate and the time left" {
	on_terminal 130 20
	wait_for 10 shows '^d7e5b8acb264: Downloading \[=+> +\] +[0-9.]+MB/25\.17MB$'
	wait_for 10 shows '^Total: \[=+> +\] [0-9.]+MB/26\.2MB  [0-9.]+MB/s  [0-9]+s left$'
	shows '^e21b77e9b4a7: Pull complete$'
	ends 0
	screen >"$WORK/screen"
	# Docker's last lines; nothing of the total stays.
	[ "$(grep -c 'Pull complete' "$WORK/screen")" -eq 2 ]
	run grep -c Total "$WORK/screen"
	[ "$output" = 0 ]
	[ "$(sed -n '/^Digest: /,$p' "$WORK/screen" | wc -l)" -eq 4 ]
	grep -q "^Status: Downloaded newer image for $PROXY/big:1" "$WORK/screen"
	# What stood above is where it was.
	[ "$(sed -n '/^30$/,/^1: Pulling from big/p' "$WORK/screen" | wc -l)" -eq 2 ]
}

@test "20 columns: a percentage, and no row is wider" {
	on_terminal 20 12
	wait_for 10 shows '^d7e5b8acb264: [0-9]+%$'
	wait_for 10 shows '^[0-9]+% [0-9.]+MB/s [0-9]+s$'
	[ "$(screen | awk 'length > 20' | wc -l)" -eq 0 ]
	ends 0
}

@test "the terminal is made wider and narrower meanwhile" {
	on_terminal 60 20
	wait_for 10 shows '^Total: \['
	tm resize-window -x 120 -y 20
	wait_for 10 shows '^d7e5b8acb264: Downloading \[.{51}\] '
	tm resize-window -x 40 -y 20
	wait_for 10 shows '^d7e5b8acb264: Downloading [0-9]+%$'
	ends 0
	[ "$(screen | grep -c 'd7e5b8acb264: Pull complete')" -eq 1 ]
}

@test "fewer rows than layers: what moves is shown, and at the end all of it" {
	on_terminal 80 3
	wait_for 10 shows '^d7e5b8acb264: Downloading'
	ends 0
	tm capture-pane -p -S -20 >"$WORK/screen"
	[ "$(grep -c 'Pull complete' "$WORK/screen")" -eq 2 ]
}

@test "Ctrl-C ends it at once, leaves a cursor below the lines, and keeps the parts" {
	on_terminal 80 20
	wait_for 10 shows '[2-9][0-9.]+MB/25\.17MB$'
	tm send-keys C-c
	wait_for 2 shows 'status 130$'
	[ "$(tm display -p '#{cursor_flag}')" = 1 ]
	[ "$(screen | tail -1)" = "^Cstatus 130" ]
	[ "$(stat -c %s "$ROOT/parts/$(layer_digest big 1)")" -gt 1000000 ]
	no_faults
	moss pull -q "$PROXY/big:1"
}

@test "a frame is one write, and there are ten a second at most" {
	no_faults
	fault 0 "$(layer_digest big 1)" slow 12000000
	TERM=xterm ASAN_OPTIONS=detect_leaks=0 script -qec "stty cols 100
		strace -ttt -s 500 -e trace=write -o $WORK/trace $MOSS --root $ROOT --runroot $RUNROOT pull $PROXY/big:1" \
		/dev/null >"$WORK/out"
	grep 'write(1, "\\33\[' "$WORK/trace" >"$WORK/frames"
	cat "$WORK/frames"
	[ "$(wc -l <"$WORK/frames")" -ge 8 ]
	awk '{ n[int($1)]++ } END { for (s in n) if (n[s] > 11) exit 1 }' "$WORK/frames"
	# Each goes up, writes, and ends below.
	run grep -Evc '\\n(\\33\[J)?"' "$WORK/frames"
	[ "$output" = 0 ]
}

@test "in a log: Docker's lines, a line for each state, no escapes; also on a dumb terminal" {
	no_faults
	moss pull "$PROXY/big:1" >"$WORK/log"
	sed -E 's/^[0-9a-f]{12}/ID/' "$WORK/log" | sort | uniq -c | awk '{$1=$1};1' >"$WORK/counted"
	for state in "Pulling fs layer" "Verifying Checksum" "Download complete" "Pull complete"; do
		grep -q "^2 ID: $state$" "$WORK/counted"
	done
	[ "$(wc -l <"$WORK/log")" -eq 12 ]
	run grep -c $'\033' "$WORK/log"
	[ "$output" = 0 ]
	moss rmi -f --no-trash "$PROXY/big:1"
	TERM=dumb script -qec "$MOSS --root $ROOT --runroot $RUNROOT pull $PROXY/big:1" /dev/null >"$WORK/dumb"
	tr -d '\r' <"$WORK/dumb" | sort >"$WORK/dumb.sorted"
	sort "$WORK/log" | diff - "$WORK/dumb.sorted"
}

@test "--progress plain, none, tty, and what it does not know" {
	no_faults
	fault 0 "$(layer_digest big 1)" slow 2200000
	moss pull --progress plain "$PROXY/big:1" >"$WORK/log"
	grep -qE '^Total: \[=+> +\] [0-9.]+MB/26\.2MB  [0-9.]+MB/s  [0-9]+s left$' "$WORK/log"
	no_faults
	moss rmi -f --no-trash "$PROXY/big:1"
	run moss pull --progress none "$PROXY/big:1"
	[ "${#lines[@]}" -eq 4 ]
	[[ "${lines[1]}" == "Digest: sha256:"* ]]
	moss rmi -f --no-trash "$PROXY/big:1"
	moss pull --progress tty "$PROXY/big:1" >"$WORK/log"
	grep -q $'\033\\[' "$WORK/log"
	run moss pull --progress fancy "$PROXY/big:1"
	[ "$status" -eq 125 ]
	[[ "$output" == *'invalid argument "fancy" for "--progress" flag'* ]]
	[[ "$output" == *"auto, none, plain, tty"* ]]
	run moss pull -q --progress tty "$PROXY/docker:1"
	[ "$output" = "$PROXY/docker:1" ]
}

@test "load: a bar for each layer, a total; nothing of it in a log or with -q" {
	no_faults
	moss pull -q "$REG/big:1"
	moss save -o "$WORK/big.tar" "$REG/big:1"
	moss rmi --no-trash "$REG/big:1"
	mkfifo "$WORK/fifo"
	command_on_terminal 130 20 load -i "$WORK/fifo"
	exec 7>"$WORK/fifo"
	head -c 18000000 "$WORK/big.tar" >&7
	wait_for 10 shows '^d7e5b8acb264: Loading layer \[=+> +\] +[0-9.]+MB/25\.17MB$'
	wait_for 10 shows '^Total: \[=+> *\] [0-9.]+MB/2[0-9.]+MB'
	tail -c +18000001 "$WORK/big.tar" >&7
	exec 7>&-
	ends 0
	screen >"$WORK/screen"
	grep -qE '^d7e5b8acb264: Loading layer \[=+>\]  25\.17MB/25\.17MB$' "$WORK/screen"
	run grep -c Total "$WORK/screen"
	[ "$output" = 0 ]
	[ "$(tail -2 "$WORK/screen" | head -1)" = "Loaded image: $REG/big:1" ]
	moss rmi --no-trash "$REG/big:1"
	[ "$(moss load -i "$WORK/big.tar")" = "Loaded image: $REG/big:1" ]
	moss rmi --no-trash "$REG/big:1"
	run -0 env TERM=xterm script -qec "$MOSS --root $ROOT --runroot $RUNROOT load -q -i $WORK/big.tar" /dev/null
	[ "$output" = "Loaded image: $REG/big:1"$'\r' ]
}

@test "load: bars for a file that is read in place, too; Ctrl-C leaves nothing" {
	no_faults
	moss pull -q "$REG/big:1"
	moss save -o "$WORK/big.tar" "$REG/big:1"
	moss rmi --no-trash "$REG/big:1"
	run -0 env TERM=xterm script -qec "stty cols 130; $MOSS --root $ROOT --runroot $RUNROOT load -i $WORK/big.tar" /dev/null
	[[ $output == *"Loading layer "*"/25.17MB"*"Loaded image: $REG/big:1"* ]]
	moss rmi --no-trash "$REG/big:1"
	mkfifo "$WORK/fifo"
	command_on_terminal 80 20 load -i "$WORK/fifo"
	exec 7>"$WORK/fifo"
	head -c 18000000 "$WORK/big.tar" >&7
	wait_for 10 shows '^Total: \['
	tm send-keys C-c
	wait_for 5 shows 'status 130$'
	exec 7>&-
	left_nothing() { [ -z "$(moss images -q)$(ls -A "$ROOT/tmp")" ]; }
	wait_for 5 left_nothing
}
