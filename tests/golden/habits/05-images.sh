# images from containers
docker run --name made busybox sh -c 'echo built > /built; rm /etc/group; mkdir -p /opt/app; ln -s /built /opt/app/link'
docker commit -m 'a message' -a 'Some One <some@one>' -c 'CMD ["cat", "/built"]' -c 'ENV X=1 Y=2' -c 'LABEL k=v' -c 'WORKDIR /opt' -c 'EXPOSE 80' -c 'USER 7' -c 'ENTRYPOINT []' made made:1
docker run --rm made:1
docker run --rm made:1 sh -c 'echo $X $Y; pwd; id -u; ls -l /opt/app/link | sed s/.*app/app/; ls /etc/group'
docker inspect -f '{{.Comment}} {{.Author}} {{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} {{.Config.WorkingDir}} {{json .Config.ExposedPorts}} {{.Config.User}} {{len .RootFS.Layers}}' made:1
docker commit -c 'NONSENSE x' made
docker commit -c 'RUN true' made
docker commit made 'Bad Name'
docker commit made
docker tag made:1 other:2
docker tag nosuch x
docker tag made:1 'Bad Name'
docker images --format '{{.Repository}}:{{.Tag}}' | grep -v app | sort
docker images -q made:1 | wc -l
docker images --filter reference='made*' --format '{{.Repository}}:{{.Tag}}'
docker images --filter dangling=true -q | wc -l
docker rmi other:2
docker run -d --name uses made:1 sleep 1000
docker rmi made:1
docker rm -f uses
docker export made | docker import - flat:1
docker export made > made.tar; docker import -m 'imported so' -c 'CMD ["ls", "/built"]' made.tar flat:2
docker run --rm flat:2
docker inspect -f '{{.Comment}} {{len .RootFS.Layers}}' flat:2
docker import nosuch.tar
docker import
docker rmi flat:1 flat:2 made:1 | grep -v Deleted
docker rmi nosuch
docker rm made
docker image inspect nosuch
docker image ls nosuch
