# Flags of run and create that are Podman's.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

bb() { moss run --rm --network none "$@"; }

@test "the environment: --env-host, --env-merge, --unsetenv, --http-proxy" {
	export FROM_HOST=yes http_proxy=http://proxy:1
	run -0 bb --env-host -e FROM_HOST2=no busybox sh -c 'echo $FROM_HOST $FROM_HOST2'
	[ "$output" = "yes no" ]
	run -0 bb --env-host -e FROM_HOST=mine busybox sh -c 'echo $FROM_HOST'
	[ "$output" = mine ]
	run -0 bb busybox sh -c 'echo .$FROM_HOST.$http_proxy.'
	[ "$output" = ... ]
	run -0 bb --env-merge 'PATH=${PATH}:/extra' --env-merge 'COST=$' busybox sh -c 'echo $PATH $COST'
	[[ $output == */sbin:/bin:/extra\ \$ ]]
	run -1 moss create --env-merge PATH busybox true
	run -0 bb --unsetenv PATH busybox /bin/env
	[[ $output != *PATH=* ]]
	run -0 bb --unsetenv-all -e KEPT=1 busybox /bin/env
	[[ $output == *KEPT=1* ]]
	[[ $output != *PATH=* ]]
	run -0 bb --http-proxy busybox sh -c 'echo $http_proxy'
	[ "$output" = http://proxy:1 ]
}

@test "files of /etc: --no-hosts, --no-hostname, --hosts-file, --dns none" {
	run -0 bb --no-hosts busybox ls /etc
	[[ $output != *hosts* && $output == *hostname* ]]
	run -0 bb --no-hostname busybox ls /etc
	[[ $output != *hostname* && $output == *hosts* ]]
	echo '10.1.1.1 special' >"$WORK/hosts"
	run -0 bb --hosts-file "$WORK/hosts" busybox cat /etc/hosts
	[[ $output == "10.1.1.1 special"* ]]
	run -125 bb --hosts-file "$WORK/none" busybox true
	[[ $output == *"cannot read the --hosts-file $WORK/none"* ]]
	run -125 bb --no-hosts --add-host a:1.2.3.4 busybox true
	[[ $output == *"--no-hosts and --add-host cannot be set together"* ]]
	run -0 bb --dns none busybox ls /etc
	[[ $output != *resolv.conf* ]]
}

@test "--tz, --umask, --entrypoint as an array" {
	export TZDIR=$WORK/zones
	mkdir "$WORK/zones"
	printf 'TZif2 the zone' >"$WORK/zones/Here"
	run -0 bb --tz Here busybox cat /etc/localtime
	[ "$output" = "TZif2 the zone" ]
	local zone
	for zone in There ../zones/Here /etc/localtime; do
		run -125 bb --tz "$zone" busybox true
		[[ $output == *"unknown time zone $zone"* ]]
	done
	run -0 bb --umask 077 busybox sh -c 'umask; touch f; stat -c %a f'
	[ "$output" = $'0077\n600' ]
	for zone in 9 08 12345 x; do
		run -125 bb --umask "$zone" busybox true
		[[ $output == *"invalid umask string $zone"* ]]
	done
	run -0 bb --entrypoint '["echo","a b"]' busybox c
	[ "$output" = "a b c" ]
	run -127 bb --entrypoint '[echo' busybox
}

@test "--timeout ends it with 255" {
	run -255 bb --timeout 1 busybox sleep 1000
	run -0 bb --timeout 100 busybox true
	moss run -d --name late --network none --timeout 1 busybox sleep 1000
	[ "$(moss wait late)" = 255 ]
}

@test "--replace takes the name over, --rmi the image away" {
	old=$(moss run -d --name taken --network none busybox sleep 1000)
	run -0 bb --replace --name taken busybox echo new
	[ "$output" = new ]
	run -1 moss inspect "$old"
	run -0 bb --replace --name fresh busybox true
	run -125 bb --replace busybox true
	[[ $output == *"cannot replace container without --name being set"* ]]
	moss create --name user --network none busybox true
	run -0 moss run --rmi --network none busybox true
	[[ $output == *"the image stays"* ]]
	moss rm user
	run -0 moss run --rmi --network none busybox echo last
	[ "$output" = last ]
	[ -z "$(moss images -q)$(moss ps -aq)" ]
	run -125 moss run --rmi -d busybox true
	[[ $output == *"--rmi works in the foreground only"* ]]
}

@test "--pidfile and --conmon-pidfile, at each start" {
	cd "$WORK"
	moss run -d --name cc --network none --pidfile pid --conmon-pidfile mon busybox sleep 1000
	[ "$(cat pid)" = "$(moss inspect -f '{{.State.Pid}}' cc)" ]
	[[ $(tr '\0' ' ' <"/proc/$(cat mon)/cmdline") == *moss-monitor* ]]
	moss stop -t 0 cc
	cd /
	moss start cc
	[ "$(cat "$WORK/pid")" = "$(moss inspect -f '{{.State.Pid}}' cc)" ]
}

@test "--os, --arch, --variant; --image-volume" {
	run -125 bb --platform linux/amd64 --arch amd64 busybox true
	[[ $output == *"--platform option can not be specified with --arch or --os"* ]]
	run -125 bb --arch nosuch --pull never busybox true
	run -0 bb --os linux --pull never busybox true
	run -125 bb --image-volume foo busybox true
	[[ $output == *'invalid image volume mode "foo" required value: anonymous, tmpfs, ignore'* ]]
	moss create --name base --network none busybox true
	moss commit -c 'VOLUME /home' base withvol >/dev/null
	run -1 bb --image-volume ignore withvol grep -c " /home " /proc/mounts
	run -0 bb --image-volume tmpfs withvol sh -c 'stat -f -c %T /home; ls /home'
	[ "$output" = $'tmpfs\nuser' ]
	run -0 bb withvol grep -c " /home " /proc/mounts
	[ -z "$(moss volume ls -q)" ]
}

@test "what moss cannot honour is refused by name" {
	local flag
	for flag in --rootfs --systemd=always --requires=x --secret=x --pod=x --preserve-fds=1 --init-path=/x \
		--sdnotify=container --shm-size-systemd=1m --chrootdirs=/x; do
		run -125 bb "$flag" busybox true
		[[ $output == *"${flag%%=*} is not supported yet"* ]]
	done
}
