# Many containers: nothing is refused, nothing is locked, nothing is left.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

only_store() { # no containers, no files of them, a sound database
	[ -z "$(moss ps -aq)" ] && [ -z "$(ls "$ROOT/containers")" ] && [ -z "$(ls "$RUNROOT/c" 2>/dev/null)" ] &&
		[ "$(sqlite3 "$ROOT/moss.db" 'PRAGMA integrity_check')" = ok ]
}

@test "1,000 containers: made, listed, looked up, removed" {
	seq 1000 | xargs -P 4 -I{} "$MOSS" --root "$ROOT" --runroot "$RUNROOT" create --name c{} --label n={} busybox true \
		>"$WORK/ids" 2>"$WORK/errors"
	[ ! -s "$WORK/errors" ]
	[ "$(sort -u "$WORK/ids" | wc -l)" -eq 1000 ]
	[ "$(moss ps -aq | wc -l)" -eq 1000 ]
	[ "$(moss ps -aq --filter label=n=500 | wc -l)" -eq 1 ]
	[ "$(moss inspect -f '{{.Name}}' c777)" = /c777 ]
	moss start c1000
	[ "$(moss wait c1000)" = 0 ]
	moss ps -aq | xargs "$MOSS" --root "$ROOT" --runroot "$RUNROOT" rm --no-trash >/dev/null
	only_store
}

@test "200 running at once, stopped by one command" {
	seq 200 | xargs -P 4 -I{} "$MOSS" --root "$ROOT" --runroot "$RUNROOT" run -d --name r{} --network none \
		busybox sh -c 'echo up; exec sleep 1000' >/dev/null 2>"$WORK/errors" 3>&-
	[ ! -s "$WORK/errors" ]
	[ "$(moss ps -q | wc -l)" -eq 200 ]
	[ "$(moss exec r77 echo in)" = in ]
	[ "$(moss logs r200)" = up ]
	moss ps -q | xargs "$MOSS" --root "$ROOT" --runroot "$RUNROOT" stop -t 0 >/dev/null
	[ -z "$(moss ps -q)" ]
	[ "$(moss ps -aq --filter exited=137 | wc -l)" -eq 200 ]
	moss ps -aq | xargs "$MOSS" --root "$ROOT" --runroot "$RUNROOT" rm --no-trash >/dev/null
	only_store
	! pgrep -f -- "--root $ROOT"
}

# One of fifty: starts, stops and removes a container of its own until the time is over.
worker() {
	local i=0
	while [ $SECONDS -lt "$2" ]; do
		i=$((i + 1))
		moss run -d --name "w$1-$i" --network none busybox sleep 100 >/dev/null || return 1
		moss stop -t 0 "w$1-$i" >/dev/null || return 1
		moss start "w$1-$i" >/dev/null || return 1
		moss rm -f --no-trash "w$1-$i" >/dev/null || return 1
	done
	[ $i -gt 0 ]
}

@test "50 start, stop and remove side by side for a minute" {
	local pids=() end=$((SECONDS + ${MOSS_SCALE_SECONDS:-60})) failed=0
	for i in $(seq 50); do
		worker "$i" $end 2>>"$WORK/errors" 3>&- &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || failed=$((failed + 1)); done
	cat "$WORK/errors"
	[ $failed -eq 0 ]
	[ ! -s "$WORK/errors" ]
	only_store
	! pgrep -f -- "--root $ROOT"
}
