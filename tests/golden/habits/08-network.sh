# ports, names, shared namespaces
docker run -d --name srv -p 127.0.0.1:18999:80 -p 18998:81/udp busybox sh -c 'mkdir /w; echo page > /w/index.html; httpd -f -p 80 -h /w'
docker port srv 80
docker port srv 81/udp | head -1
docker port srv 99
docker port srv | head -1
docker inspect -f '{{json (index .NetworkSettings.Ports "80/tcp")}}' srv
docker inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' srv
docker run --rm --network container:srv busybox wget -qO- http://127.0.0.1/
docker run --rm --network container:srv busybox hostname | wc -c
docker run --rm --network container:nosuch busybox true
docker run --rm --network container:srv -p 80:80 busybox true
docker run --rm --network container:srv --hostname x busybox true
docker run --rm --network container:srv --dns 1.1.1.1 busybox true
docker run --rm --network container:srv --add-host a:1.1.1.1 busybox true
docker run --rm --pid container:srv busybox sh -c 'ps | grep -c "[h]ttpd -f"'
docker run --rm --pid container:nosuch busybox true
docker run --rm --ipc container:srv busybox true
docker run -d --name share --ipc shareable busybox sleep 1000
docker run --rm --ipc container:share busybox echo joined
docker run --rm --network none busybox sh -c 'ls /sys/class/net'
docker run --rm --network nosuchnet busybox true 2>&1 | head -1
docker run --rm --add-host foo:10.1.2.3 busybox grep foo /etc/hosts
docker run --rm --dns 9.9.9.9 busybox grep 9.9.9.9 /etc/resolv.conf
docker run --rm -p 18999:80 busybox true 2>&1 | grep -o 'already in use' | head -1
docker stop -t 0 srv
docker run --rm --network container:srv busybox true
docker rm -f srv share
docker run --rm --expose 80 -P busybox true
