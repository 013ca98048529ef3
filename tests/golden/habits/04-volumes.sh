# volumes
docker volume create --label a=1 --label b store
docker volume create store
docker volume ls
docker volume ls -q
docker volume ls --filter label=a=1 -q
docker volume ls --filter label=nosuch -q
docker volume ls --filter dangling=true -q
docker volume ls --filter name=sto -q
docker volume ls --filter nonsense=1
docker volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}'
docker volume inspect store -f '{{.Name}} {{.Driver}} {{json .Labels}} {{json .Options}} {{.Scope}}'
docker volume inspect nosuch
docker volume create 'bad/name'
docker volume create --driver nosuch x
docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m mem
docker run --rm -v mem:/m busybox sh -c 'grep " /m " /proc/mounts | cut -d" " -f2,3'
docker volume create -o nonsense=1 odd
docker run --name ww -v store:/s busybox sh -c 'echo kept > /s/f'
docker run --rm -v store:/s:ro busybox sh -c 'cat /s/f; touch /s/g' 2>&1 | sort
docker volume rm store
docker inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}} {{.Propagation}}{{"\n"}}{{end}}' ww
docker run --rm --volumes-from ww busybox cat /s/f
docker run --rm --volumes-from ww:ro busybox touch /s/h
docker run --rm --volumes-from nosuch busybox true
docker run --rm --mount type=volume,src=store,dst=/x,ro busybox cat /x/f
docker run --rm --mount type=bind,src=/nosuch,dst=/x busybox true
docker run --rm --mount type=nonsense,dst=/x busybox true
docker run --rm --mount src=store busybox true
docker run --rm --mount type=tmpfs,dst=/x,tmpfs-size=1m busybox sh -c 'df -k /x | tail -1 | tr -s " " | cut -d" " -f2'
docker run --rm -v store:/x -v store:/x busybox true
docker run --rm -v store:/x:nonsense busybox true
docker run --rm -v store:relative busybox true
docker run --rm -v store:/ busybox true
docker run --name anon -v /anon busybox true
docker volume ls -q --filter dangling=false | wc -l
docker rm -v anon
docker volume ls -q | wc -l
docker volume rm store
docker rm ww
docker volume rm store nosuch
docker volume rm -f nosuch
docker volume create named
docker volume prune -f
docker volume prune -af
docker volume prune --filter nonsense=1 -f
docker run --rm -v etc:/etc busybox sh -c 'ls /etc | head -3'
docker run --rm -v etc:/e busybox sh -c 'ls /e | head -3'
docker run --rm -v empty:/etc:nocopy busybox sh -c 'ls /etc'
docker volume rm mem etc empty
docker volume ls
