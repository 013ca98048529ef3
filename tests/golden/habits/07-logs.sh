# logs
docker run --name ll busybox sh -c 'for i in 1 2 3 4 5; do echo line $i; done; sleep 0.3; echo oops >&2; sleep 0.3; printf unended' 2>/dev/null
docker logs ll 2>/dev/null
docker logs --tail 2 ll
docker logs -n 0 ll
docker logs --tail nonsense ll 2>/dev/null
docker logs --tail -1 ll 2>&1 | wc -l
docker logs -t ll 2>/dev/null | cut -d' ' -f1 | grep -c T
docker logs --since 1h ll 2>&1 | wc -l
docker logs --until 1h ll 2>&1 | wc -l
docker logs --since nonsense ll
docker logs -f ll 2>&1 | wc -l
docker logs ll 2>/dev/null | wc -l
docker logs ll 2>&1 >/dev/null
docker rm ll
docker run --name none --log-driver none busybox echo x
docker logs none
docker rm none
docker run --log-driver nonsense busybox true
docker run --log-opt nonsense=1 busybox true
docker run --log-opt max-size=nonsense busybox true
docker run --log-opt max-size=1k --log-opt max-file=0 busybox true
docker run -d --name rot --log-opt max-size=2k --log-opt max-file=3 busybox sh -c 'i=0; while [ $i -lt 100 ]; do echo "line number $i"; i=$((i+1)); done'
docker wait rot
docker logs rot | tail -1
docker inspect -f '{{json .HostConfig.LogConfig}}' rot
docker rm rot
docker run --name loc --log-driver local busybox sh -c 'echo a; echo b >&2' 2>&1 | sort
docker logs loc 2>&1 | sort
docker inspect -f '{{json .HostConfig.LogConfig}}' loc
docker rm loc
docker run --name tty -t busybox sh -c 'echo a; echo b >&2'
docker logs tty | od -c | head -2
docker rm tty
docker run --name lab --log-opt labels=x --log-opt env=E --label x=1 -e E=2 busybox echo hi
docker logs --details lab
docker rm lab
docker ps -aq | xargs docker rm 2>/dev/null | wc -l
