# The next boot: nobody has reset anything, moss-restart.service has started what asked for it.
setup() {
	moss=$MOSS_PREFIX/bin/moss
	export XDG_DATA_HOME=$HOME/data
}

@test "what asks for it runs again, the rest is told as ended" {
	for i in $(seq 600); do
		[ "$(systemctl --user is-active moss-restart)" = activating ] || break
		sleep 0.1
	done
	systemctl --user status --no-pager moss-restart || true
	[ "$(systemctl --user is-active moss-restart)" = active ]
	"$moss" ps -a --format '{{.Names}} {{.State}}' | sort >"$BATS_TEST_TMPDIR/states"
	cat "$BATS_TEST_TMPDIR/states"
	[ "$(cat "$BATS_TEST_TMPDIR/states")" = "$(printf 'always running\nnever exited\nstopped exited\nunless running')" ]
	[ "$("$moss" inspect -f '{{.State.ExitCode}}' never)" = 255 ]
	[ "$("$moss" logs always)" = "$(printf 'up\nup')" ]
	[ "$("$moss" exec always echo in)" = in ]
}

@test "they are ordinary containers: stopped, started, removed" {
	"$moss" stop -t 0 always
	"$moss" start always never
	[ "$("$moss" ps -q | wc -l)" -eq 3 ]
	"$moss" rm -f always never unless stopped
	[ -z "$("$moss" ps -aq)" ]
}
