# restart policies and health
docker run --restart on-failure:2 --name again busybox sh -c 'echo try; exit 5'
-wait_for 'docker inspect -f "{{.RestartCount}} {{.State.Status}}" again' '2 exited'
docker inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{.State.Status}} {{json .HostConfig.RestartPolicy}}' again
docker logs again
docker rm again
docker run -d --restart always --name ever busybox sh -c 'echo up; sleep 0.3; exit 1'
-wait_for 'docker inspect -f "{{.RestartCount}}" ever' '[2-9]'
docker stop ever
docker inspect -f '{{.State.Status}} {{json .HostConfig.RestartPolicy}}' ever
docker update --restart no ever
docker inspect -f '{{json .HostConfig.RestartPolicy}}' ever
docker rm ever
docker run -d --restart unless-stopped --name un busybox sleep 1000
docker inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.RestartCount}}' un
docker kill un
docker wait un
docker rm -f un
docker run -d --name well --health-cmd 'test -e /ok' --health-interval 300ms --health-retries 2 --health-timeout 5s busybox sh -c 'touch /ok; sleep 1000'
-wait_for 'docker inspect -f {{.State.Health.Status}} well' '^healthy'
docker ps --format '{{.Names}} {{.Status}}'
docker ps --filter health=healthy --format '{{.Names}}'
docker inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}} {{(index .State.Health.Log 0).ExitCode}}' well
docker inspect -f '{{json .Config.Healthcheck}}' well
docker exec well rm /ok
-wait_for 'docker inspect -f {{.State.Health.Status}} well' 'unhealthy'
docker ps --format '{{.Names}} {{.Status}}'
docker rm -f well
docker run -d --name slow --health-cmd 'sleep 5' --health-interval 200ms --health-timeout 200ms --health-retries 1 busybox sleep 1000
-wait_for 'docker inspect -f {{.State.Health.Status}} slow' 'unhealthy'
docker inspect -f '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' slow
docker rm -f slow
docker run --rm --no-healthcheck busybox true
docker run --rm --no-healthcheck --health-cmd true busybox true
docker run --rm --health-interval -1s busybox true
docker run --rm --health-interval 1us --health-cmd true busybox true
docker run --rm --health-retries -1 --health-cmd true busybox true
