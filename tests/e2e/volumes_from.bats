# --volumes-from: which mounts come along, what gives way, what stays when containers go.
load ../lib/moss

setup() {
	store_with_busybox
	mkdir "$WORK/d"
	echo host >"$WORK/d/f"
	moss create --name src --network none -v vol:/vol -v "$WORK/d:/ro:ro" -v /anon --tmpfs /tmp1 \
		--mount type=bind,src="$WORK/d",dst=/bind,bind-propagation=rslave busybox true >/dev/null
}
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }
mounts() {
	moss inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Mode}} {{.RW}} {{.Propagation}}|{{end}}' "$1" |
		tr '|' '\n' | sort | tr '\n' '|'
}

@test "volumes and binds come along, with their modes; tmpfs does not" {
	moss create --name cc --volumes-from src busybox true
	[ "$(mounts cc)" = '|bind /bind  true rslave|bind /ro  false rprivate|volume /anon  true |volume /vol  true |' ]
	[ "$(moss inspect -f '{{json .HostConfig.VolumesFrom}} {{json .HostConfig.Binds}} {{json .Config.Volumes}}' cc)" = '["src"] null null' ]
	[ "$(moss inspect -f '{{range .Mounts}}{{.Name}} {{end}}' src | tr ' ' '\n' | sort)" = \
		"$(moss inspect -f '{{range .Mounts}}{{.Name}} {{end}}' cc | tr ' ' '\n' | sort)" ]
	run -0 bb --volumes-from src busybox sh -c 'cat /bind/f; echo w >/vol/f; echo w >/anon/f; test ! -e /tmp1'
	[ "$output" = host ]
	run -0 bb --volumes-from src busybox cat /vol/f /anon/f
	[ "$output" = $'w\nw' ]
	run -1 bb --volumes-from src busybox touch /ro/x
	[[ $output == *"Read-only file system"* ]]
}

@test ":ro makes all of them read-only, :z and :rw are accepted" {
	run -1 bb --volumes-from src:ro busybox touch /vol/x
	run -1 bb --volumes-from src:ro,z busybox touch /bind/x
	run -0 bb --volumes-from src:z busybox touch /vol/x
	run -0 bb --volumes-from src:rw,Z busybox touch /vol/x
}

@test "one's own mounts come first, and the later container's" {
	moss create --name bb --network none -v other:/vol busybox true
	run -0 moss create --name c1 --volumes-from src -v mine:/vol --tmpfs /anon busybox true
	[ "$(moss inspect -f '{{range .Mounts}}{{if eq .Destination "/vol"}}{{.Name}}{{end}}{{end}}' c1)" = mine ]
	[ "$(moss inspect -f '{{json .HostConfig.Tmpfs}}' c1)" = '{"/anon":""}' ]
	run -0 moss create --name c2 --volumes-from src --volumes-from bb busybox true
	[ "$(moss inspect -f '{{range .Mounts}}{{if eq .Destination "/vol"}}{{.Name}}{{end}}{{end}}' c2)" = other ]
	run -0 bb --volumes-from src --mount type=tmpfs,dst=/vol busybox stat -f -c %T /vol
	[ "$output" = tmpfs ]
}

@test "Docker's words for what is wrong" {
	run -1 moss create --volumes-from nope busybox true
	[[ $output == *"No such container: nope"* ]]
	local text
	for text in src:foo src:nocopy src:rslave src:ro,rw src:ro:rw; do
		run -1 moss create --volumes-from "$text" busybox true
		[[ $output == *"invalid mode: ${text#src:}"* ]]
	done
	run -1 moss create --volumes-from '' busybox true
	[[ $output == *"volumes-from specification cannot be an empty string"* ]]
	run -1 moss create --volumes-from :ro busybox true
	[[ $output == *'invalid name or ID supplied: ""'* ]]
	[ "$(moss ps -aq | wc -l)" = 1 ]
}

@test "an anonymous volume stays while another container has it" {
	moss create --name cc --volumes-from src busybox true
	moss rm -v src
	[ "$(moss volume ls -q | wc -l)" = 2 ]
	moss rm -v cc
	[ "$(moss volume ls -q)" = vol ]
}
