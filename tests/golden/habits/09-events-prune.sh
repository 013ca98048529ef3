# events and prunes
-sleep 1.1; T0=$(date +%s)
docker run --name ev --label l=1 busybox sh -c 'exit 4'
docker rename ev ev2
docker rm ev2
-T1=$(($(date +%s) + 1)); sleep 1.1
docker events --since $T0 --until $T1 --filter type=container --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'
docker events --since $T0 --until $T1 --filter event=die | sed 's/^[^ ]* //' | sed 's/execDuration=[0-9]*/execDuration=N/'
docker events --since $T0 --until $T1 --filter container=nosuch
docker events --since $T0 --until $T1 --filter label=l=1 --filter event=start --format '{{json .Actor.Attributes}}'
docker events --since nonsense
docker create --name p1 busybox
docker run --name p2 busybox true
docker run -d --name p3 busybox sleep 1000
docker container prune --filter label=nosuch -f
docker container prune < /dev/null
docker container prune -f
docker ps -a --format '{{.Names}}'
docker container prune --filter nonsense=1 -f
docker rm -f p3
docker container ls -a
docker nonsense 2>&1 | head -1
