# inspect of containers: Docker's fields, in Docker's order, with what was asked for.
# shellcheck disable=SC2016 # the container expands
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# keys NAME [PART]: the keys of the object, or of one of its parts, in order.
keys() {
	moss inspect "$1" | python3 -c 'import json, sys
d = json.load(sys.stdin)[0]
for part in sys.argv[1:]:
    d = d[part]
print(*d)' "${@:2}"
}

show() { moss inspect --format "$2" "$1"; }

@test "the fields and their order are Docker's" {
	moss create --name ct busybox true
	run -0 keys ct
	[ "$output" = "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver Mounts Config NetworkSettings" ]
	run -0 keys ct State
	[ "$output" = "Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt" ]
	run -0 keys ct Config
	[ "$output" = "Hostname Domainname User AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Env Cmd Image Volumes WorkingDir Entrypoint OnBuild Labels" ]
	run -0 keys ct HostConfig
	[ "$output" = "Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver VolumesFrom ConsoleSize CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt UTSMode UsernsMode ShmSize Runtime Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests MemoryReservation MemorySwap MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth MaskedPaths ReadonlyPaths" ]
	run -0 keys ct NetworkSettings
	[ "$output" = "Bridge SandboxID SandboxKey Ports HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen SecondaryIPAddresses SecondaryIPv6Addresses EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway MacAddress Networks" ]
	run -0 keys ct NetworkSettings Networks bridge
	[ "$output" = "IPAMConfig Links Aliases MacAddress NetworkID EndpointID Gateway IPAddress IPPrefixLen IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen DriverOpts DNSNames" ]
}

@test "a container that was never started" {
	moss create --name ct busybox echo a 'b c'
	run -0 show ct '{{.Name}} {{.Path}} {{json .Args}} {{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.StartedAt}} {{.State.FinishedAt}} [{{.LogPath}}] {{.Platform}} {{.Config.Image}}'
	[ "$output" = '/ct echo ["a","b c"] created false 0 0001-01-01T00:00:00Z 0001-01-01T00:00:00Z [] linux busybox' ]
	run -0 show ct '{{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}} {{json .NetworkSettings.Ports}} [{{.NetworkSettings.IPAddress}}]'
	[ "$output" = 'bridge private 67108864 {} []' ]
	run -0 show ct '{{.Image}}'
	[ "$output" = "$(moss images -q --no-trunc busybox)" ]
}

@test "a running one, and after its end" {
	moss run -d --name ct -p 80 --expose 99 busybox sleep 100
	run -0 show ct '{{.State.Status}} {{.State.Running}} {{gt .State.Pid 1}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.Networks.bridge.IPAddress}} {{.NetworkSettings.Gateway}}'
	[ "$output" = "running true true 10.0.2.100 10.0.2.100 10.0.2.2" ]
	[ "$(show ct '{{json (index .NetworkSettings.Ports "99/tcp")}}')" = null ]
	kill -0 "$(show ct '{{.State.Pid}}')" || [ -d "/proc/$(show ct '{{.State.Pid}}')" ]
	[ -f "$(show ct '{{.HostsPath}}')" ]
	[ -f "$(show ct '{{.LogPath}}')" ]
	moss stop -t 0 ct
	run -0 show ct '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{json .NetworkSettings.Ports}} [{{.NetworkSettings.IPAddress}}]'
	[ "$output" = "exited false 0 137 {} []" ]
	[[ $(show ct '{{.State.FinishedAt}}') == 20*Z ]]
}

@test "mounts" {
	mkdir "$WORK/d"
	moss create --name ct -v "$WORK/d:/x:ro" -v nv:/nv -v /anon --mount type=tmpfs,dst=/tm --mount type=volume,src=nv2,dst=/nv2,readonly --mount "type=bind,src=$WORK/d,dst=/tt,bind-propagation=rslave" --tmpfs /run:size=1m busybox true
	run -0 show ct '{{range .Mounts}}{{.Type}}|{{.Destination}}|{{.Mode}}|{{.RW}}|{{.Propagation}}
{{end}}'
	[ "$output" = $'bind|/x|ro|false|rprivate\nvolume|/nv|z|true|\nvolume|/anon||true|\ntmpfs|/tm||true|\nvolume|/nv2|z|false|\nbind|/tt||true|rslave' ]
	run -0 show ct '{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}} {{json .Config.Volumes}}'
	[ "$output" = "[\"$WORK/d:/x:ro\",\"nv:/nv\"] {\"/run\":\"size=1m\"} {\"/anon\":{}}" ]
	run -0 keys ct HostConfig
	[[ $output == *"IOMaximumBandwidth Mounts MaskedPaths"* ]]
	run -0 show ct '{{range .HostConfig.Mounts}}{{.Type}}|{{.Target}} {{end}}'
	[ "$output" = 'tmpfs|/tm volume|/nv2 bind|/tt ' ]
	run -0 show ct '{{range .Mounts}}{{if eq .Destination "/nv"}}{{.Name}} {{.Driver}} {{.Source}}{{end}}{{end}}'
	[ "$output" = "nv local $(moss volume inspect --format '{{.Mountpoint}}' nv)" ]
}

@test "ports and what is exposed" {
	moss create --name ct -p 8080:80 -p 127.0.0.1:9000-9001:90-91/udp -p 77 --expose 99 busybox true
	run -0 show ct '{{json .HostConfig.PortBindings}}'
	[ "$output" = '{"77/tcp":[{"HostIp":"","HostPort":""}],"80/tcp":[{"HostIp":"","HostPort":"8080"}],"90/udp":[{"HostIp":"127.0.0.1","HostPort":"9000"}],"91/udp":[{"HostIp":"127.0.0.1","HostPort":"9001"}]}' ]
	run -0 show ct '{{json .Config.ExposedPorts}}'
	[ "$output" = '{"77/tcp":{},"80/tcp":{},"90/udp":{},"91/udp":{},"99/tcp":{}}' ]
}

@test "streams: what is attached" {
	moss create --name aa busybox true
	moss create --name bb -i -t busybox true
	moss run -d --name cc -i --network none busybox cat
	moss create --name dd -a stdin busybox true
	local f='{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}} {{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.StdinOnce}}'
	[ "$(show aa "$f")" = "false true true false false false" ]
	[ "$(show bb "$f")" = "true true true true true true" ]
	[ "$(show cc "$f")" = "false false false false true false" ]
	[ "$(show dd "$f")" = "true false false false false false" ]
}

@test "--privileged, host namespaces, unmasked paths" {
	moss create --name ct --privileged --network host --pid host --ipc host --uts host busybox true
	run -0 show ct '{{.HostConfig.Privileged}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{.HostConfig.IpcMode}} {{.HostConfig.UTSMode}} {{json .HostConfig.SecurityOpt}} {{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}'
	[ "$output" = 'true host host host host ["label=disable"] null null' ]
	[ "$(show ct '{{.Config.Hostname}}')" = "$(hostname)" ]
	moss create --name ct2 --security-opt systempaths=unconfined --security-opt seccomp=unconfined busybox true
	run -0 show ct2 '{{json .HostConfig.SecurityOpt}} {{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}'
	[ "$output" = '["seccomp=unconfined"] [] []' ]
}

@test "what could not start keeps its error" {
	run -127 moss run --name ct --network none busybox nope
	[ "$(show ct '{{.State.Status}} {{.State.ExitCode}}')" = "created 127" ]
	[[ $(show ct '{{.State.Error}}') == *'exec: "nope": executable file not found in $PATH'* ]]
	run -3 moss run --name ct2 --network none busybox sh -c 'exit 3'
	[ "$(show ct2 '{{.State.Status}} {{.State.ExitCode}} [{{.State.Error}}]')" = "exited 3 []" ]
}
