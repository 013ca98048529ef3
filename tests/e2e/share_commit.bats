# Equal files of what containers wrote and of other layers are one, too.
load ../lib/moss
load ../lib/share

DRIVERS="overlay fuse-overlayfs vfs"

setup() {
	store_new
	share_images
}
teardown() { store_drop; }

# A container of the image `plain` with the files of a layer, as a package manager would put them there.
install_in() { # CONTAINER LAYER [RUN-OPTION...]
	local container=$1 layer=$2
	shift 2
	moss "$@" run --name "$container" --network none -v "$WORK:/work:ro" plain \
		/usr/bin/tar -C / -xf "/work/$layer.tar"
}

shared_files="usr/lib/one usr/lib/one- usr/lib/other usr/lib/limit usr/bin/owned"
own_files="usr/lib/twice usr/lib/again usr/lib/small usr/lib/setid usr/lib/page.html etc/passwd- etc/cron.d/job
	var/spool/cron/crontabs/root var/log/big.log"

all_same() { # MARK MARK
	local file
	for file in $shared_files; do
		same "$1" "$2" "$file" || { echo "$file is not shared"; return 1; }
	done
	for file in $own_files; do
		differ "$1" "$2" "$file" || { echo "$file is shared"; return 1; }
	done
	[ "$(links "$(layer_of "$2")" usr/lib/twice)" = 2 ]
	[ "$(in_userns stat -c %Y:%u:%g:%a "$(layer_of "$2")/usr/bin/owned")" = 1000000000:7:8:711 ]
}

# Folders with their times.
folders() { in_userns find "$1/usr" -type d -printf '%P %T@\n' | sort; }

upper_of() { echo "$ROOT/containers/$(moss inspect -f '{{.Id}}' "$1")/upper"; }

# What a join that was killed leaves goes at the next purge.
no_join_left() {
	moss rmi --no-trash nosuch >/dev/null 2>&1 || true
	[ -z "$(in_userns find "$ROOT/tmp" "$ROOT/trash" "$ROOT/layers" -mindepth 1 -maxdepth 2 \
		\( -name joining -o -name link.tmp -o -name joins \))" ]
}

@test "two containers in which the same was installed: their commits share it, on all drivers" {
	get plain
	for driver in $DRIVERS; do
		install_in first one --storage-driver $driver
		install_in second two --storage-driver $driver
		before=$(folders "$(upper_of second)")
		moss commit first first >/dev/null
		moss commit second second >/dev/null
		all_same 1 2 || { echo "$driver"; return 1; }
		[ $driver = vfs ] || [ "$(folders "$(layer_of 2)")" = "$before" ]
		moss system check
		# Each layer is hashed while it is saved.
		moss save -o "$WORK/saved.tar" first second
		[ "$(moss diff second | grep -c '^A /usr/lib/o')" = 3 ]
		# What is written in place is the container's own.
		moss rm --no-trash second >/dev/null
		[ "$(moss --storage-driver $driver run --name second --network none second sh -c '
			echo more >>/usr/lib/one; stat -c %s:%h /usr/lib/one')" = 131077:1 ]
		[ "$(moss run --rm --network none first stat -c %s /usr/lib/one)" = 131072 ]
		moss commit second third >/dev/null
		[ "$(moss run --rm --network none second stat -c %s /usr/lib/one)" = 131072 ]
		[ "$(moss run --rm --network none third stat -c %s /usr/lib/one)" = 131077 ]
		moss rm --no-trash first second >/dev/null
		moss rmi --no-trash first second third >/dev/null
		no_join_left
	done
}

@test "a container goes on with the folder that its commit has shared" {
	get plain
	get one
	install_in made two
	moss commit made two >/dev/null
	all_same 1 2
	# The files are now in a layer below the container's new, empty folder.
	moss start -a made # unpacks again: rm and create
	[ "$(moss export made | tar -xO usr/lib/one | wc -c)" = 131072 ]
	[ "$(links "$(upper_of made)" usr/lib/one)" = 1 ]
	[ "$(links "$(layer_of 1)" usr/lib/one)" = 2 ]
	moss system check
}

@test "a commit shares with an image that was there, an image that comes with a commit" {
	get plain
	get one
	install_in made two
	moss commit made two >/dev/null
	all_same 1 2
	moss rm made >/dev/null
	moss rmi --no-trash one >/dev/null
	get three
	same 2 3 usr/lib/one
	same 2 3 usr/bin/owned
	differ 2 3 usr/lib/twice
	get later
	differ 2 4 usr/lib/one
	moss system check
	# The images' own sizes are the files', what the disk has is each inode once.
	disk=$(in_userns find "$ROOT/layers" -path '*/diff/*' -printf '%i %b\n' | sort -u | awk '{ n += $2 * 512 } END { print n }')
	said=$(moss system df --format '{{if eq .Type "Images"}}{{.Size}}{{end}}' | numfmt --from=si --suffix=B | tr -d B)
	[ "$said" -gt $((disk * 9 / 10)) ]
	[ "$said" -lt $((disk * 11 / 10 + 200000)) ]
}

@test "a running container: its copy is shared, what it has is left alone" {
	get plain
	get one
	install_in made two
	moss commit made two >/dev/null
	all_same 1 2
	# Runs on the layer of two, which is one with that of one, and has written one of the files itself.
	moss run -d --name runs --network none -v "$WORK:/work:ro" two sh -c '
		/usr/bin/tar -C / -xf /work/three.tar; touch /ready; sleep 1000' >/dev/null
	wait_for 20 moss exec runs test -e /ready
	before=$(moss exec runs stat -c '%n %Z %h %i' /usr/lib/one /usr/lib/other /usr/bin/owned /usr/bin/tar)
	below=$(in_userns stat -c '%n %Z %h' "$(layer_of 2)/usr/lib/one" "$(layer_of 1)/usr/lib/one")
	moss commit runs three >/dev/null
	differ 2 3 usr/lib/one
	[ "$(moss exec runs stat -c '%n %Z %h %i' /usr/lib/one /usr/lib/other /usr/bin/owned /usr/bin/tar)" = "$before" ]
	[ "$(in_userns stat -c '%n %Z %h' "$(layer_of 2)/usr/lib/one" "$(layer_of 1)/usr/lib/one")" = "$below" ]
	moss exec runs sh -c 'echo more >>/usr/lib/one'
	[ "$(moss run --rm --network none three stat -c %s /usr/lib/one)" = 131072 ]
	# The next one shares with the copy, which nobody has.
	moss rm -f -t 0 runs >/dev/null
	moss rm made >/dev/null
	install_in other three
	moss commit -c 'LABEL x=y' other again >/dev/null
	moss system check
}

@test "a commit's layer is left alone where a container runs on it already" {
	get plain
	install_in made one
	moss commit made first >/dev/null
	moss run -d --name runs --network none first sleep 1000 >/dev/null
	before=$(moss exec runs stat -c '%n %Z %h' /usr/lib /usr/lib/one)
	install_in second two
	moss commit second second >/dev/null
	differ 1 2 usr/lib/one
	[ "$(moss exec runs stat -c '%n %Z %h' /usr/lib /usr/lib/one)" = "$before" ]
	moss rm -f -t 0 runs >/dev/null
	install_in third three
	moss commit third third >/dev/null
	same 1 3 usr/lib/one || same 2 3 usr/lib/one
	moss system check
}

@test "a check of the store beside a commit that is putting files in place finds no damage" {
	get plain
	install_in made one
	moss commit made one >/dev/null
	moss system check
	layer=$(layer_of 1)
	in_userns touch -d @1000000001 "$layer/usr/lib" # not in the second in which it was made
	run -125 moss system check
	[[ $output == *"usr/lib"*"another modification time"* ]]
	in_userns touch "$layer/../joining"
	moss system check
	in_userns touch "$layer/usr/lib/other"
	run -125 moss system check
}

# Commits `made` by a command that is killed; what is then there is what should be.
killed_commit() { # COMMAND-PREFIX...
	install_in made two
	local before
	before=$(folders "$(upper_of made)")
	"$@" "$MOSS" --debug --root "$ROOT" --runroot "$RUNROOT" commit made two >/dev/null 2>"$WORK/debug" || true
	! grep -q 'cannot share files of layer' "$WORK/debug" || failed_joins=$((failed_joins + 1))
	[ -z "$(in_userns find "$ROOT/layers" -name joining)" ] || left_joins=$((left_joins + 1))
	moss ps >/dev/null
	moss image inspect two >/dev/null 2>&1 || moss commit made two >/dev/null
	wait_for 20 no_join_left
	[ "$(folders "$(layer_of 2)")" = "$before" ]
	[ "$(moss run --rm --network none two sh -c 'cd /usr/lib; cat again limit one one- other twice | wc -c')" = 598014 ]
	moss system check
	moss rm --no-trash made >/dev/null
	moss rmi --no-trash two >/dev/null
}

# A container keeps the user namespace: what is traced cannot make one. What it has is not shared with.
killed_commits() {
	local stops at call
	"${CC:-cc}" -O1 -o "$WORK/strike" "$MOSS_TEST_LIB/strike.c"
	get plain
	get one
	moss run -d --name keeps --network none plain sleep 1000 >/dev/null
	left_joins=0 failed_joins=0
	install_in made two
	stops=$("$WORK/strike" moss-unpack 0 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" commit made two 2>&1 >/dev/null |
		sed -n 's/^moss-unpack: \([0-9]*\) stops$/\1/p')
	moss rm --no-trash made >/dev/null
	moss rmi --no-trash two >/dev/null
	"$@"
	install_in made two
	moss commit made two >/dev/null
	same 1 2 usr/lib/limit
}

strike_front() {
	for call in symlink:1 symlink:2 fsync:5 sendmsg:3 sendmsg:4; do
		echo "$call" # seen where it fails
		killed_commit strace -qq -o /dev/null -e "inject=${call%:*}:signal=KILL:when=${call#*:}"
	done
	[ $left_joins -gt 0 ]
}

strike_helper() {
	for at in $(seq $((stops - 99)) 7 "$stops"); do
		echo "$at of $stops"
		killed_commit "$WORK/strike" moss-unpack "$at"
	done
	[ $failed_joins -gt 4 ]
}

@test "the command is killed while a commit shares: the layer is whole and its folders have their times" {
	killed_commits strike_front
}

@test "the linker is killed while a commit shares: the layer is whole and its folders have their times" {
	killed_commits strike_helper
}
