# moss info: what an engine without a daemon knows, in Docker's fields.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

@test "counts" {
	[ "$(moss info -f '{{.Containers}} {{.ContainersRunning}} {{.Images}}')" = "0 0 1" ]
	moss create busybox >/dev/null
	moss run -d --network none busybox sleep 100 >/dev/null
	[ "$(moss info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}}')" = "2 1 1" ]
	moss info 2>/dev/null | grep -qx ' Containers: 2'
	moss info 2>/dev/null | grep -qx '  Running: 1'
}

@test "the machine" {
	[ "$(moss info -f '{{.NCPU}}')" = "$(nproc --all)" ] || [ "$(moss info -f '{{.NCPU}}')" = "$(nproc)" ]
	[ "$(moss info -f '{{.KernelVersion}}')" = "$(uname -r)" ]
	[ "$(moss info -f '{{.Architecture}}')" = "$(uname -m)" ]
	[ "$(moss info -f '{{.OSType}}')" = linux ]
	[ "$(moss info -f '{{.MemTotal}}')" -gt 100000000 ]
	[ "$(moss info -f '{{.Name}}')" = "$(uname -n)" ]
	[[ $(moss info -f '{{.CgroupVersion}}') =~ ^[12]$ ]]
}

@test "the engine" {
	[ "$(moss info -f '{{.DockerRootDir}}')" = "$ROOT" ]
	[ "$(moss info -f '{{.ServerVersion}}')" = "$(moss version -f '{{.Server.Version}}')" ]
	[[ $(moss info -f '{{.Driver}}') =~ ^(overlay|fuse-overlayfs|vfs)$ ]]
	[ "$(moss --storage-driver vfs info -f '{{.Driver}}')" = vfs ]
	moss info -f '{{json .SecurityOptions}}' | grep -q 'name=seccomp,profile=builtin'
	if [ "$(id -u)" != 0 ]; then moss info -f '{{.SecurityOptions}}' | grep -q name=rootless; fi
	[ "$(moss info -f '{{.Swarm.LocalNodeState}}')" = inactive ]
	[ "$(moss system info -f '{{.Images}}')" = 1 ]
	moss info --format json | python3 -c 'import json, sys; assert json.load(sys.stdin)["Images"] == 1'
}

@test "the proxies, without their passwords" {
	export HTTP_PROXY=http://bob:geheim@proxy.test:3128 https_proxy=http://bob:geheim@proxy.test:3129/ NO_PROXY=a,b
	run moss info -f '{{.HttpProxy}} {{.HttpsProxy}} {{.NoProxy}}'
	echo "$output"
	[ "$output" = "http://xxxxx:xxxxx@proxy.test:3128 http://xxxxx:xxxxx@proxy.test:3129/ a,b" ]
	HTTP_PROXY=bob:geheim@proxy.test:3128 run moss info -f '{{.HttpProxy}}'
	[ "$output" = "xxxxx:xxxxx@proxy.test:3128" ]
	HTTP_PROXY=http://bob:ge/heim@proxy.test:3128 run moss info -f '{{.HttpProxy}}'
	[ "$output" = "http://xxxxx:xxxxx@proxy.test:3128" ]
	for format in '{{json .}}' ''; do
		run moss info --format "$format"
		[ "$status" = 0 ]
		[[ $output != *geheim* ]]
	done
}

@test "an unknown field" {
	run --separate-stderr moss info -f '{{.Foo}}'
	[ "$status" = 1 ]
	[[ $stderr == *"can't evaluate field Foo"* ]]
}
