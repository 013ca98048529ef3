# a container's life from create to rm, by name and by id
docker create --name life busybox sh -c 'echo out; sleep 0.3; echo err >&2; exit 3'
docker ps
docker ps -a --format '{{.Names}} {{.Status}} {{.State}} {{.Image}} {{.Command}}'
docker start life
docker wait life
(docker start -a life; echo status $?) 2>&1 | sort
docker ps -a --format '{{.Names}} {{.Status}}'
docker logs life 2>&1 | sort
docker logs --tail 1 life
docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.RestartCount}} {{.Name}}' life
docker rename life live
docker rename live live
docker rename nosuch other
docker rename live 'bad name'
docker create --name live busybox
docker stop live
docker kill live
docker exec live true
docker pause live
docker unpause live
docker restart -t 1 live
docker wait live
docker rm live
docker rm live
docker rm -f live
docker start nosuch
docker stop nosuch
docker kill nosuch
docker logs nosuch
docker wait nosuch
docker rm nosuch other
docker inspect nosuch
docker top nosuch
docker port nosuch
docker attach nosuch
docker diff nosuch
docker commit nosuch
docker export nosuch | wc -c
docker update --restart no nosuch
docker stats --no-stream nosuch
docker run --name gone --rm busybox true
docker run --name gone --rm busybox sh -c 'exit 42'
docker run --rm busybox nosuchcommand | cat
docker run --rm busybox /etc
docker run --rm nosuchimage:1 true 2>&1 | head -1
docker run
docker run --nosuchflag busybox
docker run --rm --name x/y busybox
docker run --rm -m 1k busybox true
docker run --rm --cpus nonsense busybox true
docker run --rm -p 99999:80 busybox true
docker run --rm -v relative/path:/x busybox true
docker run --rm -v /x busybox sh -c 'ls -d /x'
docker run --rm -w /made busybox pwd
docker run --rm -e A=1 -e B busybox sh -c 'echo $A-$B'
docker run --rm -u 1000:1001 busybox id
docker run --rm -u daemon busybox id -u
docker run --rm -u nosuchuser busybox id
docker run --rm --entrypoint echo busybox hello
docker run --rm --hostname box busybox hostname
docker run --rm -i busybox cat <<< 'from stdin'
docker run --rm --read-only busybox touch /x
docker run --rm --tmpfs /t busybox sh -c 'touch /t/x && ls /t'
docker run --rm --stop-signal NONSENSE busybox true
docker run --restart always --rm busybox true
docker run --restart sometimes busybox true
docker run --restart on-failure:x busybox true
docker run --restart always:3 busybox true
docker create --restart=on-failure:-1 busybox
docker ps -aq
