#!/usr/bin/env bats
# A day's worth of Docker habits: each script of tests/golden/habits is run by moss under the name of
# docker and must say what Docker 26 said (FILE.docker, recorded with tests/lib/habit).
load ../lib/moss

setup() {
	HABITS=$BATS_TEST_DIRNAME/../golden/habits
	store_with_busybox
	mkdir "$WORK/bin"
	printf '#!/bin/bash\nexec -a docker "%s" --root "%s" --runroot "%s" "$@"\n' "$MOSS" "$ROOT" "$RUNROOT" >"$WORK/bin/docker"
	chmod +x "$WORK/bin/docker"
	PATH=$WORK/bin:$PATH
}
teardown() { store_drop; }

habit() { # NAME
	"$BATS_TEST_DIRNAME/../lib/habit" "$HABITS/$1.sh" >"$WORK/said" 2>&1 || return
	diff "$HABITS/$1.docker" "$WORK/said"
}

@test "a container's life, from create to rm" { habit 01-life; }
@test "one that runs: exec, pause, signals, stop" { habit 02-running; }
@test "files in and out" { habit 03-copy; }
@test "volumes" { habit 04-volumes; }
@test "images made from containers" { habit 05-images; }
@test "restart policies and health" { habit 06-restart-health; }
@test "logs" { habit 07-logs; }
@test "ports and shared namespaces" { habit 08-network; }
@test "events and prunes" { habit 09-events-prune; }
@test "inspect and templates" { habit 10-inspect; }

@test "real programs: Python, nginx, redis" {
	local app=${MOSS_TEST_CACHE:-$BATS_FILE_TMPDIR}/app.tar
	[ -e "$app" ] || "$BATS_TEST_DIRNAME/../lib/make-app-image" "$app"
	moss load -q -i "$app"
	habit 11-apps
}
