#!/usr/bin/env bats
# container clone: the same configuration, none of the files.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

@test "configuration and volumes, not files; a name of its own" {
	moss run --name cc --network none -e A=b -v vol:/d --label x=y -w /srv busybox sh -c 'echo f >>/f; echo d >>/d/x; cat /f; hostname; pwd'
	run -0 moss container clone cc
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	local id=$output
	[ "$(moss inspect -f '{{.Name}} {{.State.Status}}' "$id")" = "/cc-clone created" ]
	[ "$(moss inspect -f '{{json .Config.Env}}{{json .Config.Labels}}{{json .Mounts}}' cc)" = \
		"$(moss inspect -f '{{json .Config.Env}}{{json .Config.Labels}}{{json .Mounts}}' cc-clone)" ]
	run -0 moss start -a cc-clone
	[ "$output" = "f
${id:0:12}
/srv" ]
	[ "$(moss run --rm --network none -v vol:/d busybox wc -l /d/x)" = "2 /d/x" ]
	moss container clone cc >/dev/null
	[ "$(moss ps -a --format '{{.Names}}' | sort | paste -sd' ')" = "cc cc-clone cc-clone1" ]
	run -1 moss container clone --name cc-clone cc
	[[ $output == *"already in use"* ]]
}

@test "one whose files were committed, another image, --run" {
	moss run --name cc --network none busybox sh -c 'cat /n; echo 1 >/n; sleep 0.1' || true
	moss commit cc with:1 >/dev/null
	moss container clone cc plain >/dev/null
	run -0 moss start -a plain
	[[ $output == *"No such file"* ]]
	moss container clone cc other with:1 >/dev/null
	[ "$(moss inspect -f '{{.Config.Image}}' other)" = with:1 ] || [ "$(moss ps -a --filter name=other --format '{{.Image}}')" = with:1 ]
	run -0 moss start -a other
	[ "$output" = 1 ]
	moss container clone --run cc ran >/dev/null
	[ "$(moss wait ran)" = 0 ]
}

@test "--destroy removes the original, which can come back; --force where it runs" {
	moss run -d --name cc --network none busybox sleep 100 >/dev/null
	run -1 moss container clone --destroy cc dd
	[[ $output == *"cannot remove container"* ]]
	moss rm dd >/dev/null
	moss container clone --destroy --force cc dd >/dev/null
	[ "$(moss ps -a --format '{{.Names}}')" = dd ]
	[ "$(moss undo cc)" = cc ]
	run -1 moss container clone --force cc ee
	run -125 moss container clone --pod p cc
}
