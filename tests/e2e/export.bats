# export: the root file system as Docker's export has it, and nothing that is mounted on it.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() {
	store_with_busybox
	cd "$WORK" || exit
}
teardown() {
	cd / || exit
	store_drop
}

@test "a created, a running and a stopped container: mount points, no volumes" {
	moss create --name c1 -v vol:/vol busybox sh -c 'echo v >/vol/f; echo r >/r; sleep 1000' >/dev/null
	moss export c1 >created.tar
	local name
	for name in .dockerenv dev/console dev/pts/ dev/shm/ etc/hostname etc/hosts etc/mtab \
		etc/resolv.conf proc/ sys/; do
		tar tf created.tar | grep -qx "$name"
	done
	[ "$(tar xOf created.tar etc/hosts)" = '' ]
	moss start c1 >/dev/null
	wait_for 5 moss exec c1 test -s /r
	moss export c1 >running.tar
	[ "$(tar xOf running.tar r)" = r ]
	tar tf running.tar | grep -qx vol/
	[ -z "$(tar tf running.tar | grep -E '^(vol|proc|sys)/.')" ]
	moss kill c1 >/dev/null
	moss wait c1 >/dev/null
	moss export -o stopped.tar c1
	[ "$(tar tf running.tar)" = "$(tar tf stopped.tar)" ]
	[ "$(tar tf stopped.tar | sort | uniq -d)" = '' ]
	[ "$(stat -c %a stopped.tar)" = 600 ]
}

@test "what is exported can be imported again" {
	moss run --name c1 busybox sh -c 'echo a >/a; ln /a /b; chown 5:6 /a; chmod 4711 /a; mkfifo /p
		ln -s /a /l; dd if=/dev/zero of=/s bs=1 count=1 seek=9000000 2>/dev/null'
	moss export c1 | moss import - again >/dev/null
	run -0 moss run --rm again sh -c 'stat -c "%a %u %g %h" /a; readlink /l; stat -c %F /p; stat -c "%s" /s'
	[ "$output" = $'4711 5 6 2\n/a\nfifo\n9000001' ]
}

@test "errors" {
	moss create --name c1 busybox true >/dev/null
	run -1 --separate-stderr moss export nope
	[[ $stderr == *'No such container: nope'* ]]
	run -1 --separate-stderr moss export -o nodir/x c1
	[[ $stderr == *'invalid output path: directory "nodir" does not exist'* ]]
	run script -qec "$MOSS --root $ROOT --runroot $RUNROOT export c1" /dev/null
	[[ $output == *'cowardly refusing to save to a terminal. Use the -o flag or redirect'* ]]
	run -1 --separate-stderr moss export c1 c2
	run -1 --separate-stderr bash -c '"$0" --root "$1" --runroot "$2" export c1 >/dev/full' \
		"$MOSS" "$ROOT" "$RUNROOT"
	[[ $stderr == *'no space left on device'* ]]
	[ -z "$(find . -name '.moss.*')" ]
}
