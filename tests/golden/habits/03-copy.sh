# cp in all its forms
docker create --name box busybox sh -c 'sleep 1000'
-mkdir -p dir/sub; echo one > one; echo two > dir/two; echo three > dir/sub/three; ln -s two dir/link; chmod 640 one
docker cp one box:/one
docker cp one box:/tmp
docker cp one box:/tmp/renamed
docker cp one box:/nosuch/x
docker cp one box:/nosuch/
docker cp dir box:/newdir
docker cp dir box:/newdir
docker cp dir/. box:/newdir
docker cp dir box:/one
docker cp nosuch box:/x
docker cp one nosuch:/x
docker cp box:/nosuch .
docker cp box:/one out
cat out
docker cp box:/one nosuchdir/
docker cp box:/newdir back
find back | sort
docker cp box:/newdir/. back2
find back2 | sort
docker cp -L box:/newdir/link follow
cat follow
docker cp box:/newdir/link nofollow
readlink nofollow
docker cp box:/newdir - | tar tf - | sort
docker cp box:/one - | tar tf -
tar cf - one | docker cp - box:/tmp
tar cf - one | docker cp - box:/one
tar cf - one | docker cp - box:/nosuch
docker cp one two
docker cp 2>&1 | head -1
docker cp one 2>&1 | head -1
docker start box
docker exec box find /one /tmp/one /tmp/renamed /newdir
docker exec box stat -c '%u:%g %a' /one | sed "s/$(id -u):$(id -g)/mine/"
docker cp one box:/live
docker exec box cat /live
docker exec box sh -c 'echo changed > /live; rm /one; mkdir /etc/new'
docker cp box:/live - | tar xOf -
docker cp box:/etc/hostname - | tar tf -
docker cp box:/proc/version - 2>&1 | head -c 0
docker diff box | grep -v /two | sort
docker export box | tar tf - | grep -c newdir
docker export box -o box.tar; tar tf box.tar | grep live
docker export -o /nosuch/x box
docker rm -f box
docker run --name vol -v data:/data busybox sh -c 'echo v > /data/v'
docker cp vol:/data/v - | tar xOf -
docker cp one vol:/data/
docker run --rm -v data:/data busybox ls /data
docker rm vol
docker volume rm data
