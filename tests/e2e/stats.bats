# stats: the table, templates, the stream; numbers that are measured.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() {
	default_setup
	moss run -d --name idle --network none busybox sleep 1000 >/dev/null
}
teardown() { default_teardown; }

HEADER='CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT'

id12() { moss inspect -f '{{.Id}}' "$1" | cut -c1-12; }

field() { moss stats --no-stream --format "{{.$2}}" "$1"; }

@test "a table of the running ones, one line each" {
	moss create --name fresh busybox true >/dev/null
	run -0 --separate-stderr moss stats --no-stream
	[[ ${lines[0]} == "$HEADER"*"MEM %     NET I/O   BLOCK I/O "*"PIDS" ]]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[1]} == "$(id12 idle)   idle      0.00%     "*" / "*" 1" ]]
	run -0 moss stats --no-stream --all
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[1]} == "$(id12 fresh)   fresh     0.00%     0B / 0B "*" 0.00%     0B / 0B   0B / 0B "*" 0" ]]
	run -0 moss container stats --no-stream fresh
	[ "${#lines[@]}" = 2 ]
}

@test "formats: json, templates, no-trunc, statsFormat" {
	run -0 moss stats --no-stream --format json idle
	jq -e '.Name == "idle" and .Container == "idle" and .CPUPerc == "0.00%" and .PIDs == "1"' <<<"$output"
	[ "$(jq -c keys_unsorted <<<"$output")" = '["BlockIO","CPUPerc","Container","ID","MemPerc","MemUsage","Name","NetIO","PIDs"]' ]
	run -0 moss stats --no-stream --format 'table {{.ID}}\t{{.Container}}\t{{.PIDs}}'
	[ "${lines[0]}" = "CONTAINER ID   CONTAINER      PIDS" ]
	[ "${lines[1]}" = "$(id12 idle)   $(id12 idle)   1" ]
	[ "$(moss stats --no-stream --no-trunc --format '{{.ID}}')" = "$(moss inspect -f '{{.Id}}' idle)" ]
	run -1 moss stats --no-stream --format '{{.Foo}}' idle
	[[ $output == *"template parsing error: template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in type *container.statsContext"* ]]
	mkdir -p "$HOME/.docker"
	echo '{"statsFormat": "{{.Name}} xx"}' >"$HOME/.docker/config.json"
	[ "$(moss stats --no-stream)" = "idle xx" ]
}

@test "one that is not there fails before anything is shown" {
	run -1 --separate-stderr moss stats --no-stream idle nope
	[ -z "$output" ]
	[[ $stderr == *"No such container: nope"* ]]
	run -125 moss stats --all idle
	run -125 moss stats --interval 0
}

@test "a busy container takes processor time, threads count, memory is measured" {
	moss run -d --name busy --network none busybox sh -c 'sleep 1000 & while :; do :; done' >/dev/null
	local cpu
	cpu=$(field busy CPUPerc)
	[ "${cpu%%.*}" -gt 5 ]
	[ "$(field busy PIDs)" = 2 ]
	[[ $(field busy MemUsage) == *"iB / "*"GiB" ]]
	# The processor time of those that have ended counts.
	moss run -d --name forks --network none busybox sh -c 'while :; do (i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done); done' >/dev/null
	cpu=$(field forks CPUPerc)
	[ "${cpu%%.*}" -gt 2 ]
}

@test "memory grows with what a process holds" {
	moss run -d --name holds --network none busybox \
		sh -c 'x=$(head -c 30000000 /dev/zero | tr "\0" a); touch /ready; sleep 1000; :' >/dev/null
	wait_for 20 moss exec holds ls /ready
	[[ $(field holds MemUsage) =~ ^([0-9]+)(\.[0-9]+)?MiB ]]
	[ "${BASH_REMATCH[1]}" -gt 28 ]
}

@test "bytes of the network are the container's own" {
	moss run -d --name net busybox sleep 1000 >/dev/null
	moss exec net sh -c 'head -c 200000 /dev/zero >/f; nc -u -w1 10.0.2.3 9 </f' || true
	[[ $(field net NetIO) != "0B / 0B" ]]
	[ "$(field idle NetIO)" = "0B / 0B" ]
}

# A stream in the background, until it has shown what one waits for; then each frame is a file.
stream_start() {
	"$MOSS" --root "$ROOT" --runroot "$RUNROOT" stats "$@" >"$WORK/stream" 3>&- &
	STREAM=$!
}
stream_stop() {
	kill $STREAM
	wait $STREAM || true
	awk 'BEGIN { RS = "\033\\[2J" } NR > 1 { print >"'"$WORK"'/frame" NR }' "$WORK/stream"
}
frames() { grep -c $'\x1b\\[2J' "$WORK/stream"; }
last_frame() { awk 'BEGIN { RS = "\033\\[2J" } { last = $0 } END { print last }' "$WORK/stream"; }
has_frames() { [ "$(frames)" -ge "$1" ]; }
third_only() { last_frame | grep -q third && ! last_frame | grep -q second; }

@test "the stream clears the screen for each frame, and follows what comes and goes" {
	moss run -d --name second --network none busybox sleep 1000 >/dev/null
	stream_start
	wait_for 10 has_frames 3
	moss rm -f second
	moss run -d --name third --network none busybox sleep 1000
	wait_for 10 third_only
	stream_stop
	[ "$(grep -c $'\x1b\[2J\x1b\[HCONTAINER ID' "$WORK/stream")" -ge 3 ]
	grep -q second "$WORK/frame2"
}

@test "a named container that goes stays as a line without numbers" {
	moss run -d --name goes --network none busybox sleep 1000 >/dev/null
	local id
	id=$(id12 goes)
	stream_start --no-reset goes
	wait_for 10 grep -q '%' "$WORK/stream"
	moss rm -f goes
	wait_for 10 ends_in_dashes
	stream_stop
	run ! grep -q $'\x1b' "$WORK/stream"
	[[ $(tail -1 "$WORK/stream") == "$id   goes      --        -- / --             --        --        --          --" ]]
}
ends_in_dashes() { tail -1 "$WORK/stream" | grep -q -- '-- / --'; }

@test "numbers of a paused container stand still" {
	moss run -d --name busy --network none busybox sh -c 'while :; do :; done' >/dev/null
	moss pause busy
	[ "$(field busy CPUPerc)" = 0.00% ]
	[ "$(field busy PIDs)" = 1 ]
}
