# moss inspect, container inspect, image inspect, volume inspect.
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

@test "containers, images and volumes in one call" {
	moss create --name cc busybox true >/dev/null
	moss volume create vv >/dev/null
	run -0 moss inspect cc busybox vv
	python3 - "$output" <<-'EOS'
		import json, sys
		c, i, v = json.loads(sys.argv[1])
		assert c["Name"] == "/cc" and c["State"]["Status"] == "created", c
		assert i["RepoTags"] == ["busybox:latest"] and i["RootFS"]["Type"] == "layers", i
		assert v["Name"] == "vv" and v["Scope"] == "local", v
		assert c["Image"] == i["Id"]
	EOS
	[ "$(moss inspect -f json cc | wc -l)" = 1 ]
	[ "$(moss inspect -f '{{.Name}}' cc vv)" = "/cc
vv" ]
}

@test "what is missing is said after what was found" {
	moss create --name cc busybox true >/dev/null
	run -1 --separate-stderr moss inspect nobody
	[ "$output" = "[]" ]
	[[ $stderr == *"No such object: nobody"* ]]
	run -1 --separate-stderr moss inspect -f '{{.Name}}' cc nobody cc
	[ "$output" = "/cc
/cc" ]
	[[ $stderr == *"No such object: nobody"* ]]
	run -1 --separate-stderr moss inspect -f '{{.Name}}' nobody
	[ -z "$output" ]
	run -1 --separate-stderr moss container inspect busybox
	[[ $stderr == *"No such container: busybox"* ]]
	run -1 --separate-stderr moss image inspect cc
	[[ $stderr == *"No such image: cc:latest"* ]]
	run -1 --separate-stderr moss image inspect Upper
	[[ $stderr == *"repository name (library/Upper) must be lowercase"* ]]
	run -1 --separate-stderr moss volume inspect cc
	[ "$output" = "[]" ]
	[[ $stderr == *"get cc: no such volume"* ]]
}

@test "--type" {
	moss create --name busybox busybox true >/dev/null
	[ "$(moss inspect -f '{{.Name}}' busybox)" = /busybox ]
	[ "$(moss inspect --type image -f '{{.Os}}' busybox)" = linux ]
	run -1 moss inspect --type volume busybox
	[[ $output == *"get busybox: no such volume"* ]]
	run -1 moss inspect --type wrong busybox
	[[ $output == *'"wrong" is not a valid value for --type'* ]]
	run -1 moss inspect --type network busybox
	[[ $output == *"not supported yet"* ]]
}

@test "templates: Go names, JSON names, errors" {
	moss create --name cc --label a.b=c busybox true >/dev/null
	id=$(moss inspect -f '{{.ID}}' cc)
	[ "$(moss inspect -f '{{.Id}}' cc)" = "$id" ]
	[ "$(moss inspect -f '{{index .Config.Labels "a.b"}} {{.Config.Labels.none}}' cc)" = "c <no value>" ]
	[ "$(moss inspect -f '{{.Config.Entrypoint}} {{json .Config.Entrypoint}}' cc)" = "[] null" ]
	run -64 moss inspect -f '{{.Name' cc
	[[ $output == *"template parsing error: template: :1: unclosed action"* ]]
	run -1 moss inspect -f '{{.Nope}}' cc
	[[ $output == *'template parsing error: template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'* ]]
	run -1 moss volume inspect cc
	moss volume create vv >/dev/null
	run -1 moss volume inspect -f '{{.Nope}}' vv
	[[ $output == *"can't evaluate field Nope in type volume.Volume"* ]]
}

@test "-s is nothing for images and volumes, and says so" {
	moss volume create vol
	run -0 --separate-stderr moss inspect -s -f '{{.Name}}' --type volume vol
	[ "$stderr" = "WARNING: --size ignored for volume" ]
	run -0 --separate-stderr moss inspect -s -f x busybox
	[ "$stderr" = "WARNING: --size ignored for image" ]
	[ "$output" = x ]
}

@test "-s measures" {
	moss run --name cc --network none busybox sh -c 'head -c 12345 /dev/zero >/f'
	size=$(moss image inspect -f '{{.Size}}' busybox)
	[ "$(moss inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' cc)" = "12345 $((size + 12345))" ]
	[ "$(moss inspect -f '{{.SizeRw}}' cc)" = "<nil>" ]
	[[ $(moss container inspect -s cc) == *'"SizeRw": 12345'* ]]
}

@test "a running container's state, ports and mounts" {
	port=$(free_port)
	moss run -d --name cc -p "127.0.0.1:$port:80" -v vv:/data busybox sleep 1000 >/dev/null
	[ "$(moss inspect -f '{{.State.Status}} {{.State.Running}} {{gt .State.Pid 0}}' cc)" = "running true true" ]
	[ "$(moss inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' cc)" = "$port" ]
	[ "$(moss inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end}}' cc)" = "volume vv /data true" ]
	moss kill cc >/dev/null
	wait_for 5 sh -c "[ \"\$($MOSS --root $ROOT --runroot $RUNROOT inspect -f '{{.State.Status}} {{.State.ExitCode}}' cc)\" = 'exited 137' ]"
	[ "$(moss inspect -f '{{.State.Pid}}' cc)" = 0 ]
}

@test "prefixes of ids" {
	id=$(moss create busybox true)
	image=$(moss image inspect -f '{{.Id}}' busybox)
	[ "$(moss inspect -f '{{.ID}}' "${id:0:8}")" = "$id" ]
	[ "$(moss inspect -f '{{.ID}}' "${image:7:10}")" = "$image" ]
	[ "$(moss image inspect -f '{{.ID}}' "$image")" = "$image" ]
}
