# Templates as scripts use them, over real objects. (tests/golden/format has the language.)
load ../lib/moss
setup() { default_setup; }
teardown() { default_teardown; }

show() { moss inspect -f "$1" cc; }

@test "idioms of scripts" {
	moss create --name cc -e A=1 -e 'B=two words' --label x=y --entrypoint /bin/sh busybox -c 'echo <hi>' >/dev/null
	[ "$(show '{{range .Config.Env}}{{println .}}{{end}}' | grep -c '^[AB]=')" = 2 ]
	[ "$(show '{{join .Config.Cmd "|"}}')" = "-c|echo <hi>" ]
	[ "$(show '{{json .Config.Cmd}}')" = '["-c","echo <hi>"]' ]
	[ "$(show '{{.Path}} {{join .Args " "}}')" = "/bin/sh -c echo <hi>" ]
	[ "$(show '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{end}}')" = "x=y" ]
	[ "$(show '{{if .State.Running}}up{{else}}down{{end}}')" = down ]
	[ "$(show '{{with index .Config.Labels "x"}}[{{.}}]{{end}}')" = "[y]" ]
	[ "$(show '{{printf "%s %5d|" (slice .Name 1) (len .Args)}}')" = "cc     2|" ]
	[ "$(show '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.ShmSize}}')" = "no 67108864" ]
	[ "$(show '{{index (split .Config.Image ":") 0 | upper}}')" = BUSYBOX ]
	[ "$(show '{{.State.StartedAt}}')" = 0001-01-01T00:00:00Z ]
	[ "$(show '{{.Created}}' | date -f - +%Y)" -ge 2020 ]
}

@test "info and version take templates" {
	[ -n "$(moss version --format '{{.Client.Version}}')" ]
	[ -n "$(moss info --format '{{.NCPU}}')" ]
	run -64 moss info --format '{{.NCPU'
	[[ $output == *"template parsing error: template: :1: unclosed action"* ]]
	moss info --format '{{json .}}' | python3 -c 'import json, sys; json.load(sys.stdin)'
}

@test "lists take templates" {
	moss volume create --label k=v vol >/dev/null
	[ "$(moss volume ls --format '{{.Name}} {{.Driver}} {{.Label "k"}}')" = "vol local v" ]
	[ "$(moss images --format '{{.Repository}}:{{.Tag}}')" = "busybox:latest" ]
	run -0 moss images --format 'table {{.Repository}}\t{{.Size}}'
	[[ ${lines[0]} =~ ^REPOSITORY\ +SIZE$ ]]
	moss images --format json | python3 -c 'import json, sys; assert json.load(sys.stdin)["Tag"] == "latest"'
}
