#!/usr/bin/env bats
# undo: what rm, rmi and volume rm removed comes back whole, for a while.
load ../lib/moss

setup() {
	store_with_busybox
	export XDG_CONFIG_HOME=$WORK/config
	mkdir -p "$XDG_CONFIG_HOME/moss"
}
teardown() { store_drop; }

# A monitor empties the trash of its container after `run --rm` has returned.
nothing_kept() { wait_for 10 is_empty_again; }
is_empty_again() {
	[ -z "$(moss undo -q)" ] && [ -z "$(ls -A "$ROOT/undo" 2>/dev/null)" ] &&
		[ -z "$(ls -A "$ROOT/tmp")" ] && [ -z "$(ls -A "$ROOT/trash")" ]
}

config() { echo "$1" >"$XDG_CONFIG_HOME/moss/config.json"; }

@test "a container: files, log, exit code, name" {
	moss run --name cc --network none -e A=b busybox sh -c 'echo hi >/f; echo said; exit 3' || true
	local id before
	id=$(moss ps -aq --no-trunc)
	before=$(moss inspect cc | grep -v '"Status"')
	[ "$(moss rm cc)" = cc ]
	run -1 moss inspect cc
	[ -z "$(moss ps -aq)" ]
	[ "$(moss undo --format '{{.Kind}} {{.Name}} {{.ID}}' --no-trunc)" = "container cc $id" ]
	[ "$(moss undo cc)" = cc ]
	[ "$(moss inspect cc | grep -v '"Status"')" = "$before" ]
	[ "$(moss inspect -f '{{.State.Status}} {{.State.ExitCode}}' cc)" = "exited 3" ]
	[ "$(moss logs cc)" = said ]
	run -3 moss start -a cc
	[ "$output" = said ]
	nothing_kept
}

@test "an image: names, layers and config; its layers are held meanwhile" {
	moss tag busybox other/name:2
	local id layers
	id=$(moss inspect -f '{{.Id}}' busybox)
	layers=$(ls "$ROOT/layers")
	moss rmi -f "$id" >/dev/null
	[ -z "$(moss images -q)" ]
	[ "$(ls "$ROOT/layers")" = "$layers" ]
	[ "$(moss undo --format '{{.Kind}} {{.Name}}')" = "image busybox:latest" ]
	[ "$(moss undo other/name:2)" = busybox:latest ]
	[ "$(moss inspect -f '{{.Id}}' other/name:2)" = "$id" ]
	[ "$(moss run --rm --network none busybox echo ok)" = ok ]
	nothing_kept
}

@test "a volume: data, labels, options" {
	moss volume create --label a=b vol >/dev/null
	moss run --rm --network none -v vol:/d busybox sh -c 'echo data >/d/x; chown 5:6 /d/x'
	local before
	before=$(moss volume inspect vol)
	[ "$(moss volume rm vol)" = vol ]
	run -1 moss volume inspect vol
	[ "$(moss undo vol)" = vol ]
	[ "$(moss volume inspect vol)" = "$before" ]
	[ "$(moss run --rm --network none -v vol:/d busybox stat -c '%u:%g %s' /d/x)" = "5:6 5" ]
	nothing_kept
}

@test "a container brings its volume and stands on layers of an image that is gone" {
	moss run --name cc --network none -v vol:/d busybox sh -c 'echo data >/d/x'
	moss rm cc >/dev/null
	moss volume rm vol >/dev/null
	moss rmi busybox >/dev/null
	run -0 moss undo cc
	[ "$output" = "vol
cc" ]
	run -0 moss start -a cc
	[ "$(moss undo --format '{{.Kind}}')" = image ]
	moss undo --empty --force >/dev/null
	run -0 moss start -a cc
	nothing_kept
}

@test "the name is taken: said so, and another can be given" {
	moss create --name cc busybox true >/dev/null
	moss volume create vol >/dev/null
	moss tag busybox t:1
	moss rm cc >/dev/null
	moss volume rm vol >/dev/null
	local id
	id=$(moss create --name cc busybox true)
	moss volume create vol >/dev/null
	run -1 moss undo cc
	[ "${lines[0]}" = "moss: cannot bring container cc back: the name cc is in use by container ${id:0:12}" ]
	[[ ${lines[1]} == *"moss undo --name NEW"* ]]
	[ "$(moss undo --name dd cc)" = dd ]
	run -1 moss undo vol
	[[ $output == *"there is a volume vol"* ]]
	[ "$(moss undo --name vol2 vol)" = vol2 ]
	[ "$(moss ps -a --format '{{.Names}}' | sort | paste -sd' ')" = "cc dd" ]
	[ "$(moss volume ls -q | paste -sd' ')" = "vol vol2" ]
	moss rm cc dd >/dev/null
	moss rmi t:1 >/dev/null
	moss rmi busybox >/dev/null
	echo 'FROM x' | moss import - busybox </dev/null >/dev/null
	run -1 moss undo busybox
	[[ $output == *"in use by another image"* ]]
	[ "$(moss undo --name old busybox)" = old:latest ]
	run -1 moss undo --name x
	[[ $output == *"--name needs one thing"* ]]
}

@test "what is made or loaded again meanwhile is no conflict" {
	moss rmi busybox >/dev/null
	moss load -q -i "$(busybox_archive)" >/dev/null
	[ "$(moss undo busybox)" = busybox:latest ]
	[ "$(moss images -q | wc -l)" = 1 ]
	moss rmi busybox >/dev/null
	moss load -q -i "$(busybox_archive)" >/dev/null
	moss rmi busybox >/dev/null
	[ "$(moss undo -q | wc -l)" = 1 ]
	[ "$(moss undo busybox)" = busybox:latest ]
	[ "$(moss run --rm --network none busybox echo ok)" = ok ]
	nothing_kept
}

@test "not kept: --rm, --no-trash, nameless volumes of rm -v, prunes; volumes with data are" {
	moss run --rm --network none busybox true
	moss create --name cc busybox true >/dev/null
	moss rm --no-trash cc >/dev/null
	moss volume create vol >/dev/null
	moss volume rm --no-trash vol >/dev/null
	moss tag busybox t:1
	moss rmi t:1 >/dev/null
	nothing_kept
	moss run --name cc --network none -v /d busybox sh -c 'echo 1 >/d/x'
	moss rm -v cc >/dev/null
	[ "$(moss undo --format '{{.Kind}}')" = container ]
	run -0 moss undo cc
	[[ $output == *"it has a new, empty one"* ]]
	run -0 moss start -a cc
	moss rm -v --no-trash cc >/dev/null
	moss volume create empty >/dev/null
	moss volume create full >/dev/null
	moss run --rm --network none -v full:/d busybox sh -c 'echo 12345 >/d/x'
	run -0 moss volume prune -af
	[ "$(tail -n1 <<<"$output")" = "Total reclaimed space: 0B" ]
	[ "$(moss undo --format '{{.Name}} {{.Size}}')" = "full 6B" ]
	moss undo full >/dev/null
	run -0 moss volume prune -af --no-trash
	[ "$(tail -n1 <<<"$output")" = "Total reclaimed space: 6B" ]
	moss rmi --no-trash busybox >/dev/null
	[ -z "$(ls "$ROOT/layers")" ]
	nothing_kept
}

@test "--empty: all, one, by kind; asks first" {
	moss create --name cc busybox true >/dev/null
	moss create --name dd busybox true >/dev/null
	moss volume create vol >/dev/null
	moss rm cc dd >/dev/null
	moss volume rm vol >/dev/null
	run -0 bash -c 'echo n | "$1" --root "$2" --runroot "$3" undo --empty' - "$MOSS" "$ROOT" "$RUNROOT"
	[ "$(moss undo -q | wc -l)" = 3 ]
	run -0 moss undo --empty --force cc
	[[ $output == "Total reclaimed space: "* ]]
	[ "$(moss undo --format '{{.Name}}' | sort | paste -sd' ')" = "dd vol" ]
	moss undo --empty --force --filter kind=volume >/dev/null
	[ "$(moss undo --format '{{.Name}}')" = dd ]
	run -1 moss undo --empty --force nosuch
	[[ $output == *"nothing in the trash is called nosuch"* ]]
	run -1 moss undo nosuch
	[ "${lines[0]}" = "moss: nothing in the trash is called nosuch" ]
	moss undo --empty --force >/dev/null
	nothing_kept
}

@test "limits: by age, and where the disk is short" {
	moss create --name cc busybox true >/dev/null
	moss rm cc >/dev/null
	config '{"trash-age": "1h"}'
	[ "$(moss undo --format '{{.Until}}')" = "in About an hour" ] || [ "$(moss undo --format '{{.Until}}')" = "in 59 minutes" ]
	config '{"trash-age": "1ms"}'
	moss ps >/dev/null
	nothing_kept
	config '{}'
	moss create --name cc busybox true >/dev/null
	moss rm cc >/dev/null
	moss ps >/dev/null
	[ "$(moss undo -q | wc -l)" = 1 ]
	config '{"trash-free": 4611686018427387904}'
	moss ps >/dev/null
	nothing_kept
}

@test "the note is for people: none without a terminal, one with, none where it is not wanted" {
	moss create --name cc busybox true >/dev/null
	run -0 moss rm cc
	[ "$output" = cc ]
	moss create --name cc busybox true >/dev/null
	run -0 script -qec "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' rm cc" /dev/null
	[[ $output == *"kept in the trash until "*"moss undo"* ]]
	config '{"trash-note": false}'
	moss create --name cc busybox true >/dev/null
	run -0 script -qec "'$MOSS' --root '$ROOT' --runroot '$RUNROOT' rm cc" /dev/null
	[[ $output != *trash* ]]
}

# $1: strace's injection. Whatever was killed, the thing is there, or is in the trash and comes back.
killed() { strace -qq -o /dev/null -e "inject=$1:signal=KILL:when=$2" "$MOSS" --root "$ROOT" --runroot "$RUNROOT" "${@:3}" >/dev/null 2>&1 || true; }

@test "killed at any call: a container is there or can be brought back" {
	moss run --name cc --network none busybox sh -c 'echo 1 >/f'
	local call
	for call in renameat:1 renameat:2 fdatasync:1 fdatasync:2 fdatasync:3 unlinkat:1 unlinkat:2 pwrite64:3 pwrite64:9; do
		killed "${call%:*}" "${call#*:}" rm cc
		moss ps -aq >/dev/null
		[ -n "$(moss ps -aq)" ] || moss undo cc
		killed "${call%:*}" "${call#*:}" rm cc
		killed "${call%:*}" "${call#*:}" undo cc
		[ -n "$(moss ps -aq)" ] || moss undo cc
		run -0 moss start -a cc
	done
	wait_for 20 nothing_kept
}

@test "killed at any call: a volume is there or can be brought back" {
	moss run --rm --network none -v vol:/d busybox sh -c 'echo 1 >/d/f'
	local call
	for call in renameat:1 renameat:2 renameat:3 fdatasync:1 fdatasync:2 fdatasync:3 unlinkat:1 unlinkat:2 fsync:1 pwrite64:3 pwrite64:9; do
		killed "${call%:*}" "${call#*:}" volume rm vol
		[ -n "$(moss volume ls -q)" ] || moss undo vol
		killed "${call%:*}" "${call#*:}" volume rm vol
		killed "${call%:*}" "${call#*:}" undo vol
		[ -n "$(moss volume ls -q)" ] || moss undo vol
		[ "$(moss run --rm --network none -v vol:/d busybox cat /d/f)" = 1 ]
	done
	wait_for 10 nothing_kept
}
