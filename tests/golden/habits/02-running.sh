# one that runs: exec, top, pause, stats, update, signals
docker run -d --name web --label tier=front --label app=shop -e MODE=test busybox sh -c 'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
-wait_for 'docker logs web' ready
docker ps --format 'table {{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Ports}}'
docker ps --filter label=tier=front -q | wc -l
docker ps --filter label=tier=back -q | wc -l
docker ps --filter name=we --format '{{.Names}}'
docker ps --filter status=running --format '{{.Names}}'
docker ps --filter status=nonsense
docker ps --filter nonsense=1
docker ps --filter ancestor=busybox --format '{{.Names}}'
docker ps --filter health=none --format '{{.Names}}'
docker exec web echo hello
docker exec -e X=1 web sh -c 'echo $X $MODE'
docker exec -w /tmp web pwd
docker exec -u 33 web id -u
docker exec web sh -c 'exit 9'
docker exec -d web touch /marked
-wait_for 'docker exec web ls /' marked
docker exec web ls /marked
docker exec -i web cat <<< 'through exec'
docker exec web nosuchcommand; echo
docker exec -t web echo tty
docker exec -it web true
docker exec
docker exec web
docker exec --nosuch web true
docker top web -o comm | sort -u
docker top web | head -1
docker stats --no-stream --format '{{.Name}} {{.PIDs}}' web | sed 's/[0-9][0-9]*$/N/'
docker stats --no-stream --format 'table {{.Container}}\t{{.Name}}' web
docker pause web
docker ps --format '{{.Names}} {{.Status}} {{.State}}'
docker pause web
docker exec web true
docker attach web
docker restart nosuch
docker rm web
docker unpause web
docker unpause web
docker inspect -f '{{.State.Status}} {{.State.Paused}}' web
docker rm web
docker kill -s HUP nosuch
docker kill -s NONSENSE web
docker kill -s 0 web; true
docker stop web
docker wait web
docker logs web
docker inspect -f '{{.State.ExitCode}}' web
docker start web
-wait_for 'docker logs --since 1s web' ready
docker kill web
docker wait web
docker ps -a --filter exited=137 --format '{{.Names}} {{.Status}}'
docker restart web
docker inspect -f '{{.State.Running}}' web
docker rm -f web
docker run -d --name sleeper busybox sleep 1000
docker stop -t 0 sleeper
docker inspect -f '{{.State.ExitCode}}' sleeper
docker start sleeper
docker kill -s KILL sleeper
docker rm sleeper
docker run -d --name aa busybox sleep 1000
docker run -d --name bb busybox sleep 1000
docker stop -t 0 aa bb nosuch
docker rm aa bb
