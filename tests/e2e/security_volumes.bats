# Volumes that a container has prepared against the next one: links and swaps lead nowhere else.
load ../lib/moss

setup() {
	store_with_busybox
	mkdir "$WORK/secret"
	echo secret >"$WORK/secret/f"
}
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }

@test "a subpath does not follow links out of the volume" {
	local s
	bb -v vv:/v busybox sh -c "mkdir /v/d && ln -s '$WORK/secret' /v/abs && ln -s ../../../../../.. /v/up &&
		ln -s abs /v/twice && ln -s '$WORK/secret' /v/d/abs"
	for s in abs up twice d/abs up/etc; do
		run -125 bb --mount "type=volume,src=vv,dst=/x,volume-subpath=$s" busybox cat /x/f
		[[ $output == *"path concatenation escapes the base directory"* ]]
	done
	for s in .. ../w /etc a/../../b; do
		run -125 bb --mount "type=volume,src=vv,dst=/x,volume-subpath=$s" busybox true
		[[ $output == *"subpath must be a relative path within the volume"* ]]
	done
}

@test "a subpath that flips between a folder and a link shows the folder or nothing" {
	bb -v vv:/v busybox sh -c "mkdir /v/a && echo mine >/v/a/f && ln -s '$WORK/secret' /v/b"
	moss run -d --name flip --network none -v vv:/v busybox sh -c \
		'cd /v; while :; do mv a t; mv b a; mv t b; mv a t; mv b a; mv t b; done'
	local i seen mine=0
	for i in $(seq 1 25); do
		seen=$(bb --mount type=volume,src=vv,dst=/x,volume-subpath=a busybox cat /x/f 2>&1) || true
		[[ $seen != secret ]]
		[ "$seen" != mine ] || mine=1
	done
	[ "$mine" = 1 ]
	moss rm -f flip
}

@test "U follows no link and changes nothing outside the mount" {
	bb -v vv:/v busybox sh -c "ln -s '$WORK/secret' /v/dir && ln -s '$WORK/secret/f' /v/file"
	bb -v vv:/v:U -u 1000 busybox true
	[ "$(stat -c %U "$WORK/secret" "$WORK/secret/f" | sort -u)" = "$(id -un)" ]
	run -0 bb -v vv:/v busybox stat -c %u /v/dir /v/file
	[ "$output" = $'1000\n1000' ]
}

@test "a filled volume does not follow links that wait in it" {
	# A link in the place of an entry: the volume is not empty, so nothing is written at all.
	bb -v vv:/v busybox ln -s "$WORK/secret" /v/conf
	bb -v vv:/etc busybox true
	[ "$(ls "$WORK/secret")" = f ]
	run -0 bb -v vv:/v busybox ls /v
	[[ $output != *passwd* ]]
}

@test "an image's link at the mount point does not lead out" {
	moss run --name cc --network none busybox ln -s "$WORK/secret" /out
	moss commit cc linked >/dev/null
	bb -v vv:/out linked sh -c 'echo x >/out/new; ls /out'
	[ "$(ls "$WORK/secret")" = f ]
	run -0 bb -v vv:/v busybox ls /v
	[ "$output" = new ]
}
