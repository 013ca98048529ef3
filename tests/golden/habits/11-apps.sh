# real programs in a real image: a script, a web server, a database, files between them
docker run --rm app:1 python3 -c 'print(sum(range(10)))'
docker run --rm app:1 cat /etc/debian_version | cut -d. -f1
docker run -d --name redis app:1 redis-server --save '' --protected-mode no
-wait_for 'docker exec redis redis-cli ping' PONG
docker exec redis redis-cli set key value
docker run --rm --network container:redis app:1 redis-cli get key
docker exec redis sh -c 'id -u; cat /proc/1/comm'
docker top redis -o args | tail -1 | cut -d' ' -f1
docker stop redis
docker inspect -f '{{.State.ExitCode}}' redis
docker logs redis 2>&1 | grep -c 'bye bye'
docker start redis
-wait_for 'docker exec redis redis-cli ping' PONG
docker exec redis redis-cli get key
docker rm -f redis
docker run -d --name web -v www:/var/www/html app:1 nginx -g 'daemon off;'
-wait_for 'docker exec web cat /run/nginx.pid' '[0-9]'
-echo '<p>from the host</p>' > index.html
docker cp index.html web:/var/www/html/index.html
docker exec web python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1/").read().decode().strip())'
docker exec web nginx -t
docker kill -s HUP web
docker exec web sh -c 'ps >/dev/null 2>&1; kill -0 1 && echo alive'
docker exec -u www-data web id
docker exec web apt-get --version | head -1 | cut -d' ' -f1
docker diff web | grep -c nginx
docker stop web
docker logs web
docker commit web web:2
docker run --rm web:2 nginx -v
docker run --rm -v www:/w:ro app:1 cat /w/index.html
docker run --rm --user nobody app:1 sh -c 'touch /x; id -un' 2>&1 | sort
docker run --rm app:1 sh -c 'chown daemon:games /tmp && stat -c %U:%G /tmp'
docker run --rm app:1 dpkg --verify coreutils | grep -v ' /usr/share/'; true
docker run --rm app:1 sh -c 'ls -l /proc/self/fd | wc -l'
docker run --rm -e LANG=C.UTF-8 app:1 python3 -c 'import os,sys; print(os.getpid(), sys.stdin.isatty(), os.environ["HOME"])'
docker run --rm -i app:1 python3 - <<< 'print("piped")'
docker run --rm app:1 bash -c 'exit 300'
docker run --rm app:1 bash -c 'kill -9 $$'
docker run --rm app:1 bash -c 'kill -SEGV $$'
docker run --rm --ulimit nofile=100:200 app:1 bash -c 'ulimit -n; ulimit -Hn'
docker run --rm --tmpfs /t:size=1m app:1 sh -c 'head -c 2000000 /dev/zero > /t/x'
docker rm -v web
docker rmi web:2 | grep Untagged
docker volume rm www
