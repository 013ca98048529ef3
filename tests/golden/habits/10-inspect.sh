# inspect and templates
docker create --name ii -e A=1 -l k=v -p 8080:80 -v /anon --tmpfs /t:size=1m --cap-add NET_ADMIN --security-opt no-new-privileges --ulimit nofile=10:20 --add-host h:1.2.3.4 --dns 1.1.1.1 --init --shm-size 1m --read-only -w /w -u 5 --hostname hh --domainname dd --stop-timeout 3 --stop-signal INT --group-add 7 --sysctl net.ipv4.ip_forward=1 --annotation x=y --oom-score-adj 5 -it busybox sh -c true 2>/dev/null
docker inspect ii | grep -o '^ *"[A-Za-z]*":' | tr -d ' ' | sort | uniq -c | sed 's/^ *//'
docker inspect -f '{{json .Config.Env}} {{json .Config.Labels}} {{json .Config.Cmd}} {{.Config.Hostname}} {{.Config.Domainname}} {{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.Config.Tty}} {{.Config.OpenStdin}}' ii
docker inspect -f '{{json .HostConfig}}' ii | tr ',' '\n' | grep -v '"Runtime\|CgroupnsMode\|OomKillDisable' | sort
docker inspect -f '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}' ii
docker inspect -f '{{.Nosuch}}' ii
docker inspect -f '{{' ii
docker inspect --type image ii
docker inspect --type container busybox
docker inspect --type nonsense ii
docker inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' ii | sed 's/[0-9][0-9]*/N/g'
docker inspect --format '{{.Name}}' ii ii
docker inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.State.FinishedAt}}' ii
docker inspect -f '{{index .Config.Env 0}} {{len .Mounts}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}' ii
docker inspect -f '{{json .NetworkSettings.Ports}} {{json .HostConfig.PortBindings}}' ii
docker ps -a --format json | tr ',' '\n' | cut -d: -f1 | sort
docker ps -a --format '{{.Label "k"}} {{.Mounts}} {{.Networks}} {{.LocalVolumes}} {{.Size}}' | sed 's/[0-9a-f]\{8,\}.*//'
docker ps -as --format '{{.Size}}'
docker ps -a --no-trunc --format '{{.Command}}'
docker ps -a --format '{{.Nosuch}}'
docker ps -a --filter volume=nosuch -q
docker ps -a --filter publish=8080 --format '{{.Names}}'
docker ps -a --filter before=ii -q
docker ps -a --filter since=ii -q
docker ps -a --filter id=nosuch -q
docker ps -n 1 --format '{{.Names}}'
docker ps -l --format '{{.Names}}'
docker rm -v ii
