# cp: Docker's table of cases and its words, in every state of a container, both directions.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() {
	store_with_busybox
	cd "$WORK" || exit
	moss create --name c1 busybox sleep 1000 >/dev/null
	echo hello >f
	mkdir -p d/sub
	echo x >d/a
	echo y >d/sub/y
	ln -s a d/l
	ln -s f lf
	ln -s d ld
}
teardown() {
	cd / || exit
	store_drop
}

# says TEXT COMMAND...: the command fails with exit status 1 and the text on stderr.
says() {
	local text=$1
	shift
	run --separate-stderr -1 "$@"
	[[ $stderr == *"$text"* ]] || {
		echo "said: $stderr"
		return 1
	}
}

# in_c PATH: what stands there, as a listing of a tar archive without dates.
in_c() { moss cp "c1:$1" - | tar tvf - --numeric-owner | awk '{ $4 = $5 = ""; print }' | tr -s ' '; }

@test "a file into a container: new, over a file, into a folder" {
	moss cp f c1:/new
	moss cp d/a c1:/new
	moss cp f c1:/tmp
	moss cp f c1:/tmp/
	moss cp f c1:relative
	[ "$(moss cp c1:/new - | tar xO)" = x ]
	[ "$(moss cp c1:/tmp/f - | tar xO)" = hello ]
	[ "$(moss cp c1:/relative - | tar xO)" = hello ]
}

@test "a file into a container: what cannot be" {
	moss cp f c1:/file
	says 'Could not find the file /nodir in container c1' moss cp f c1:/nodir/f
	says 'no such directory' moss cp f c1:/nodir/
	says 'no such directory' moss cp f c1:/file/
	says 'extraction point is not a directory' moss cp f c1:/file/x
	says 'no such directory' moss cp f c1:
	says 'must specify at least one container source' moss cp f g
	says 'No such container: nope' moss cp f nope:/
	says "lstat $WORK/none: no such file or directory" moss cp none c1:/
	says 'not a directory' moss cp f/ c1:/
	says 'source can not be empty' moss cp '' c1:/
}

@test "a folder into a container" {
	moss cp d c1:/d1
	moss cp d c1:/d1
	moss cp d/. c1:/d1
	moss cp d/ c1:/d2/
	[ "$(moss cp c1:/d1/d/sub/y - | tar xO)" = y ]
	[ "$(moss cp c1:/d1/sub/y - | tar xO)" = y ]
	[ "$(moss cp c1:/d2/a - | tar xO)" = x ]
	moss cp f c1:/file
	says 'cannot copy directory' moss cp d c1:/file
	says 'cannot overwrite non-directory "/file" with directory "/"' moss cp d c1:/file/
	says 'Could not find the file /no in container c1' moss cp d c1:/no/d
}

@test "out of a container" {
	moss cp d c1:/d
	moss cp c1:/d out
	moss cp c1:/d out
	moss cp c1:/d/. out
	[ "$(cat out/d/sub/y)$(cat out/sub/y)" = yy ]
	[ "$(readlink out/l)" = a ]
	moss cp c1:/d/a new
	moss cp c1:/d/a out/sub
	[ "$(cat new out/sub/a)" = $'x\nx' ]
	says "invalid output path: directory \"$WORK/nodir\" does not exist" moss cp c1:/d/a nodir/x
	says 'no such directory' moss cp c1:/d/a nodir/
	says "stat $WORK/f/: not a directory" moss cp c1:/d/a f/
	says 'cannot copy directory' moss cp c1:/d f
	says 'Could not find the file /none in container c1' moss cp c1:/none .
	says 'lstat /d/a/: not a directory' moss cp c1:/d/a/ .
	says 'must be a directory or a regular file: got a device' moss cp c1:/d/a /dev/null
}

@test "kinds are not exchanged, unless --overwrite" {
	mkdir -p here/group
	says "cannot overwrite directory \"$WORK/here/group\" with non-directory" \
		moss cp c1:/etc/group here
	touch here/etc
	says "cannot overwrite non-directory \"$WORK/here/etc\" with directory" moss cp c1:/etc here
	[ -d here/group ] && [ -f here/etc ]
	moss cp --overwrite c1:/etc/group here
	moss cp --overwrite c1:/etc here
	[ -f here/group ] && [ -f here/etc/group ]
}

@test "links: as links, followed by -L and by a slash behind them" {
	moss cp lf c1:/lf
	moss cp -L lf c1:/file
	moss cp ld/ c1:/
	[[ $(in_c /lf) == l*'lf -> f' ]]
	[[ $(in_c /file) == -* ]]
	[[ $(in_c /ld) == d* ]]
	moss start c1 >/dev/null
	moss exec c1 sh -c 'ln -s /etc /le; ln -s le/passwd /lp; ln -s ../../../../etc/group /up
		ln -s loop /loop; ln -s /nowhere /hole'
	moss cp -L c1:/lp . && grep -q root lp
	moss cp -L c1:/up . && grep -q root up && [ ! -L up ]
	moss cp c1:/le/ . && [ -f le/passwd ]
	moss cp c1:/hole . && [ "$(readlink hole)" = /nowhere ]
	says 'too many links in /loop' moss cp c1:/loop .
	moss cp f c1:/le
	moss cp f c1:/hole
	[ "$(moss exec c1 cat /etc/f /nowhere)" = $'hello\nhello' ]
	says 'cannot copy directory' moss cp d c1:/lp
	says 'Could not find the file /nowhere2 in container c1' \
		sh -c 'ln -s nowhere2 x; "$1" --root "$2" --runroot "$3" cp x c1:/x
		"$1" --root "$2" --runroot "$3" cp -L c1:/x y' sh "$MOSS" "$ROOT" "$RUNROOT"
}

@test "a link that leads out of the destination by its letters is refused, as Docker does" {
	moss start c1 >/dev/null
	moss exec c1 sh -c 'mkdir /s; ln -s ../../f /s/l'
	says "invalid symlink \"$WORK/s/l\" -> \"../../f\"" moss cp c1:/s .
}

@test "owners, modes, times, hard links, fifos, xattrs" {
	chmod 4755 f
	chmod 700 d/sub
	ln d/a d/hard
	mkfifo d/fifo
	touch -d '2001-02-03 04:05:06' d/a d/sub f
	setfattr -n user.note -v hi d/a
	moss cp f c1:/
	moss cp d c1:/
	local id
	id=$(id -u)/$(id -g)
	[ "$(in_c /f)" = "-rwsr-xr-x $id 6 f" ]
	run in_c /d
	[ "${lines[1]}" = "-rw-r--r-- $id 2 d/a" ]
	[ "${lines[2]}" = "prw-r--r-- $id 0 d/fifo" ]
	[ "${lines[3]}" = "hrw-r--r-- $id 0 d/hard link to d/a" ]
	[ "${lines[5]}" = "drwx------ $id 0 d/sub/" ]
	umask 077
	moss cp c1:/d out
	moss cp c1:/f g
	[ "$(stat -c '%a %u %Y' g)" = "4755 $(id -u) $(date -d '2001-02-03 04:05:06' +%s)" ]
	[ "$(stat -c '%a %Y' out/sub)" = "700 $(date -d '2001-02-03 04:05:06' +%s)" ]
	[ "$(stat -c %h out/a)" = 2 ]
	[ -p out/fifo ]
	[ "$(getfattr --only-values -n user.note out/a)" = hi ]
}

@test "-a: what goes in belongs to the container's user" {
	moss create --name us -u 1000:1001 busybox true >/dev/null
	moss create --name bad -u nosuch busybox true >/dev/null
	moss cp -a f us:/f
	moss cp f us:/g
	moss cp us:/f - | tar tv --numeric-owner | grep -q ' 1000/1001 '
	moss cp us:/g - | tar tv --numeric-owner | grep -q " $(id -u)/$(id -g) "
	says 'unable to find user nosuch' moss cp -a f bad:/f
}

@test "holes stay holes, whatever the size" {
	truncate -s 300M big
	echo end >>big
	moss cp big c1:/
	moss cp c1:/big back
	cmp big back
	[ "$(stat -c %b back)" -lt 1000 ]
}

@test "in every state: created, running, paused, exited" {
	moss cp f c1:/created
	moss start c1 >/dev/null
	moss cp f c1:/running
	moss exec c1 test -f /created
	moss exec c1 sh -c 'echo in >/tmp/t'
	moss cp c1:/tmp/t .
	[ "$(cat t)" = in ]
	moss pause c1 >/dev/null
	moss cp f c1:/paused
	moss cp c1:/tmp/t t2
	moss unpause c1 >/dev/null
	moss exec c1 test -f /paused
	moss kill c1 >/dev/null
	moss wait c1 >/dev/null
	moss cp f c1:/exited
	moss cp c1:/paused p
	[ "$(cat p)" = hello ]
}

@test "volumes and binds, also of a container that does not run" {
	mkdir bind
	echo one >one
	moss create --name vv -v vol:/vol -v "$WORK/bind:/b" -v "$WORK/bind:/ro:ro" \
		-v "$WORK/one:/one" busybox sleep 1000 >/dev/null
	moss cp d vv:/vol
	moss cp f vv:/b/f
	[ "$(cat bind/f)" = hello ]
	[ "$(moss run --rm -v vol:/x busybox cat /x/d/a)" = x ]
	says 'mounted volume is marked read-only' moss cp f vv:/ro
	says 'mounted volume is marked read-only' moss cp f vv:/ro/x
	says 'device or resource busy' moss cp f vv:/one
	[ "$(cat one)" = one ]
	moss start vv >/dev/null
	moss cp vv:/vol/d/sub .
	[ "$(cat sub/y)" = y ]
	says 'mounted volume is marked read-only' moss cp f vv:/ro
	run -0 moss diff vv
	[[ $output != *d/a* ]]
}

@test "--read-only" {
	moss create --name ro --read-only -v vol:/vol busybox sleep 1000 >/dev/null
	says 'container rootfs is marked read-only' moss cp f ro:/f
	moss cp f ro:/vol/f
	moss start ro >/dev/null
	says 'container rootfs is marked read-only' moss cp f ro:/f
	moss cp f ro:/vol/g
	moss cp ro:/etc/group .
	grep -q root group
}

@test "- : tar archives" {
	tar cf t.tar f d
	moss cp - c1:/tmp <t.tar
	[ "$(moss cp c1:/tmp/d/sub/y - | tar xO)" = y ]
	moss cp - c1:/root <<<'' 2>/dev/null || true
	moss cp - c1:/root </dev/null
	local z
	for z in gzip xz bzip2 zstd; do
		$z -c t.tar >t.z
		moss cp - c1:/opt <t.z 2>err && return 1
		grep -q 'must be a directory' err
		moss cp - c1:/root <t.z
		cat t.z | moss cp - c1:/root
		[ "$(moss cp c1:/root/f - | tar xO)" = hello ]
	done
	says 'destination "c1:/none" must be a directory' moss cp - c1:/none
	run -1 --separate-stderr sh -c 'head -c 1000 t.tar | "$0" --root "$1" --runroot "$2" cp - c1:/root' \
		"$MOSS" "$ROOT" "$RUNROOT"
	[[ $stderr == *"unexpected EOF"* ]]
	run -1 --separate-stderr sh -c 'head -c 60 t.z | "$0" --root "$1" --runroot "$2" cp - c1:/root' \
		"$MOSS" "$ROOT" "$RUNROOT"
	[ -n "$stderr" ]
}

@test "- : names of the archive that comes out" {
	moss cp d c1:/
	[ "$(moss cp c1:/d - | tar t | head -2)" = $'d/\nd/a' ]
	[ "$(moss cp c1:/d/. - | tar t | head -2)" = $'./\n./a' ]
	[ "$(moss cp c1:/d/a - | tar t)" = a ]
	moss cp c1:/ - | tar tP | grep -qx /etc/group
}

@test "hostile archives stay inside" {
	python3 - <<-'END'
		import io, tarfile
		def make(name, *entries):
		    with tarfile.open(name, 'w') as t:
		        for path, kind, link in entries:
		            i = tarfile.TarInfo(path)
		            i.type, i.linkname = kind, link
		            i.size = 2 if kind == tarfile.REGTYPE else 0
		            t.addfile(i, io.BytesIO(b'hi'))
		R, S, L = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
		make('up.tar', ('../up', R, ''))
		make('abs.tar', ('/abs', R, ''))
		make('sym.tar', ('l', S, '../../../..'), ('l/x', R, ''))
		make('hard.tar', ('h', L, '../etc/passwd'))
		make('deep.tar', ('p/q/r', R, ''))
	END
	says 'is outside of' moss cp - c1:/tmp <up.tar
	says 'invalid symlink' moss cp - c1:/tmp <sym.tar
	says 'invalid hardlink' moss cp - c1:/tmp <hard.tar
	moss cp - c1:/tmp <abs.tar
	moss cp - c1:/tmp <deep.tar
	[ "$(moss cp c1:/tmp - | tar t | tr '\n' ' ')" = 'tmp/ tmp/abs tmp/p/ tmp/p/q/ tmp/p/q/r ' ]
}

@test "between containers, and within one" {
	moss create --name c2 busybox sleep 1000 >/dev/null
	moss cp d c1:/d
	moss cp c1:/d c2:/copy
	[ "$(moss cp c2:/copy/sub/y - | tar xO)" = y ]
	moss cp c1:/d c1:/again
	moss start c1 >/dev/null
	moss cp c1:/again/a c2:/tmp
	moss cp c1:/again c1:/tmp
	[ "$(moss exec c1 cat /tmp/again/sub/y)" = y ]
	[ "$(moss cp c2:/tmp/a - | tar xO)" = x ]
}

@test "the line at the end: only on a terminal, or with --quiet=false" {
	run -0 --separate-stderr moss cp f c1:/f
	[ -z "$output$stderr" ]
	run -0 --separate-stderr moss cp -q=false f c1:/f
	[ "$stderr" = 'Successfully copied 2.05kB to c1:/f' ]
	run -0 --separate-stderr moss cp --quiet=false c1:/f g
	[ "$stderr" = "Successfully copied 2.05kB to $WORK/g" ]
	run -0 script -qec "$MOSS --root $ROOT --runroot $RUNROOT cp d c1:/dd" /dev/null
	[[ $output == *'Successfully copied '*' to c1:/dd'* ]]
	run -0 script -qec "$MOSS --root $ROOT --runroot $RUNROOT cp -q d c1:/dd" /dev/null
	[ -z "$output" ]
}

@test "events" {
	local since
	since=$(date +%s.%N)
	moss cp f c1:/f
	moss cp c1:/f g
	run -0 moss events --since "$since" --until "$(date +%s.%N)" --format '{{.Action}}'
	[ "$output" = $'extract-to-dir\narchive-path' ]
}

@test "a full disk: an error, and what was there is there still" {
	[ "$(id -u)" = 0 ] || [ -n "$(command -v unshare)" ]
	echo old >keep
	run -1 --separate-stderr in_userns sh -c '
		mkdir small && unshare -m sh -c "
			mount -t tmpfs -o size=64k none small && cp keep small/big && cd small &&
			ulimit -f 8 && trap \"\" XFSZ
			\"$0\" --root \"$1\" --runroot \"$2\" cp c1:/bin/busybox big
			r=\$?; cat big; ls -A; exit \$r"' "$MOSS" "$ROOT" "$RUNROOT"
	[[ $output == $'old\nbig' ]]
}

@test "a killed cp leaves no process and no mount" {
	truncate -s 1M hole
	mkfifo pipe
	moss cp - c1:/tmp <pipe &
	local pid=$!
	exec 7>pipe
	wait_for 5 pgrep -P "$(pgrep -P $pid | head -1)" || wait_for 5 pgrep -P $pid
	kill -9 "$(pgrep -P $pid -f 'cp - c1:/tmp' || echo $pid)"
	wait $pid || true
	exec 7>&-
	left_over "cp - c1:/tmp"
	moss cp f c1:/f
}

@test "drivers: fuse-overlayfs and vfs" {
	local driver
	for driver in fuse-overlayfs vfs; do
		moss --storage-driver $driver create --name "$driver" -v "$driver-v:/vol" busybox \
			sleep 1000 >/dev/null
		moss cp d "$driver:/d"
		moss cp f "$driver:/vol/f"
		[ "$(moss cp "$driver:/d/sub/y" - | tar xO)" = y ]
		moss start "$driver" >/dev/null
		[ "$(moss exec "$driver" cat /d/a /vol/f)" = $'x\nhello' ]
		moss cp "$driver:/d" "out-$driver"
		[ "$(cat "out-$driver/sub/y")" = y ]
	done
}

@test "into a created --rm container, which then starts" {
	echo text >"$WORK/f"
	moss create --rm --name vic --network none busybox cat /f >/dev/null
	moss cp "$WORK/f" vic:/f
	[ "$(moss start -a vic)" = text ]
	run ! moss inspect vic
}
