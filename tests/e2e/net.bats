# The network of a container: slirp4netns, published ports, none and host, names.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# server NAME PORT-FLAGS...: a container that answers with a page on port 80.
server() {
	local name=$1
	shift
	moss run -d --name "$name" "$@" busybox httpd -f -p 80 -h /var/www >/dev/null
}

fetch() { curl -sS --max-time 5 "$@"; }

@test "a container has an address, a gateway and a name server" {
	run -0 moss run --rm busybox sh -c 'ip -4 addr show eth0; ip route; cat /etc/hosts'
	[[ $output == *10.0.2.100/24* ]]
	[[ $output == *"default via 10.0.2.2"* ]]
	[[ $output == *$'10.0.2.100\t'* ]]
}

@test "-p publishes before run -d returns" {
	local port
	port=$(free_port)
	server web -p "$port:80"
	run -0 fetch "http://127.0.0.1:$port/"
	[[ $output == *"It works"* ]]
	run -0 moss port web
	[ "$output" = "80/tcp -> 0.0.0.0:$port" ]
}

@test "a random host port, and one bound to loopback" {
	server web -p 80 -p 127.0.0.1::81
	local port
	port=$(moss port web 80 | cut -d: -f2)
	[ "$port" -gt 1023 ]
	run -0 fetch "http://127.0.0.1:$port/"
	[[ $output == *"It works"* ]]
	run -0 moss port web 81/tcp
	[[ $output == 127.0.0.1:* ]]
	run -0 moss inspect --format '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' web
	[ "$output" = "$port" ]
}

@test "each start takes a random port anew; a stopped container has none" {
	server web -p 80
	moss stop -t 0 web
	run -0 moss port web
	[ -z "$output" ]
	moss start web
	run -0 moss port web 80
	run -0 fetch "http://127.0.0.1:${output##*:}/"
	[[ $output == *"It works"* ]]
}

@test "UDP, and a range" {
	local port
	port=$(free_port)
	# busybox has no UDP server: the host's Python, read-only.
	moss run -d --name udp -p "127.0.0.1:$port:99/udp" -v /usr:/usr:ro -v /usr/lib:/lib:ro \
		-v /usr/lib64:/lib64:ro busybox python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 99))
while True:
    s.sendto(b"pong", s.recvfrom(100)[1])' >/dev/null
	run -0 moss port udp
	[ "$output" = "99/udp -> 127.0.0.1:$port" ]
	run -0 python3 - "$port" <<-'END'
		import socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(0.5)
		for i in range(20):
		    s.sendto(b"ping", ("127.0.0.1", int(sys.argv[1])))
		    try:
		        print(s.recv(100).decode().strip())
		        break
		    except OSError:
		        pass
		else:
		    sys.exit(1)
	END
	[ "$output" = pong ]
	run -0 moss create --name range -p 28000-28002:80-82 -p 28010-28015:90 busybox true
	run -0 moss inspect --format '{{json .HostConfig.PortBindings}}' range
	[ "$output" = '{"80/tcp":[{"HostIp":"","HostPort":"28000"}],"81/tcp":[{"HostIp":"","HostPort":"28001"}],"82/tcp":[{"HostIp":"","HostPort":"28002"}],"90/tcp":[{"HostIp":"","HostPort":"28010-28015"}]}' ]
}

@test "of a host range the first free port is taken" {
	local port
	port=$(free_port)
	[ "$port" -lt 65000 ] || port=40000
	server one -p "$port-$((port + 20)):80"
	server two -p "$port-$((port + 20)):80"
	run -0 moss port two 80
	[ "${output##*:}" -gt "$(moss port one 80 | cut -d: -f2)" ]
	[ "${output##*:}" -le "$((port + 20))" ]
}

@test "a port that is taken: Docker's words, and nothing is left" {
	local port
	port=$(free_port)
	server web -p "$port:80"
	for _ in 1 2 3 4 5; do
		run -125 moss run --rm -p "$port:80" busybox true
		[[ $output == *"Bind for 0.0.0.0:$port failed: port is already allocated"* ]]
	done
	[ "$(moss ps -aq | wc -l)" = 1 ]
}

@test "a port below the unprivileged ones: the cure" {
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ] || skip "port 80 is open to all"
	[ "$(id -u)" != 0 ] || skip "root may bind it"
	run -125 moss run --rm -p 80:80 busybox true
	[[ $output == *"cannot expose privileged port 80"* ]]
	[[ $output == *net.ipv4.ip_unprivileged_port_start* ]]
}

@test "ports below 1024 can be bound inside, by any user" {
	run -0 moss run --rm -u 1000 busybox timeout 1 sh -c 'httpd -p 80 && echo bound'
	[ "$output" = bound ]
}

@test "-P publishes what is exposed" {
	server web -P --expose 80 --expose 81-82/udp
	run -0 moss port web
	[ "$(wc -l <<<"$output")" = 3 ]
	[[ $output == *"80/tcp -> 0.0.0.0:"*"81/udp -> 0.0.0.0:"*"82/udp -> 0.0.0.0:"* ]]
}

@test "the host's loopback is not reachable, unless it is asked for" {
	local port
	port=$(free_port)
	mkdir "$WORK/www"
	echo page >"$WORK/www/f"
	python3 -m http.server -d "$WORK/www" --bind 127.0.0.1 "$port" >/dev/null 2>&1 3>&- &
	local server=$!
	wait_for 5 fetch "http://127.0.0.1:$port/f"
	local get="printf 'GET /f HTTP/1.0\\r\\n\\r\\n' | nc -w 3 10.0.2.2 $port"
	run moss run --rm busybox sh -c "$get"
	local closed=$output
	run moss run --rm --network slirp4netns:allow_host_loopback=true busybox sh -c "$get"
	kill $server
	[[ $closed != *page* ]]
	[[ $output == *page ]]
}

@test "--network none has loopback only" {
	run -0 moss run --rm --network none busybox sh -c 'ip -o link | wc -l; ip addr show lo; cat /etc/hosts'
	[ "${lines[0]}" = 1 ]
	[[ $output == *127.0.0.1/8* ]]
	[[ $output != *10.0.2.* ]]
	run -0 --separate-stderr moss run --rm --net=none -p 80 busybox echo fine
	[ "$output" = fine ]
}

@test "--network host is the host's network" {
	run -0 moss run --rm --network host busybox sh -c 'readlink /proc/self/ns/net; hostname'
	[ "${lines[0]}" = "$(readlink /proc/self/ns/net)" ]
	[ "${lines[1]}" = "$(hostname)" ]
	run -0 --separate-stderr moss run --rm --network host -p 80:80 busybox true
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"WARNING: Published ports are discarded when using host network mode"* ]]
}

@test "hosts: --add-host, host-gateway, domain" {
	run -0 moss run --rm -h box --domainname lan --add-host a:1.2.3.4 --add-host b:::1 --add-host c=5.6.7.8 --add-host gw:host-gateway busybox cat /etc/hosts
	[[ $output == *$'1.2.3.4\ta\n::1\tb\n5.6.7.8\tc\n10.0.2.2\tgw\n10.0.2.100\tbox.lan box'* ]]
	run -0 moss run --rm --network none -h box busybox sh -c 'hostname; cat /etc/hostname'
	[ "$output" = $'box\nbox' ]
}

@test "resolv.conf: the host's, or what is asked for" {
	run -0 moss run --rm busybox cat /etc/resolv.conf
	[[ $output == *nameserver* ]]
	[[ $output != *"nameserver 127."* ]]
	run -0 moss run --rm --dns 1.2.3.4 --dns 5.6.7.8 --dns-search a --dns-search b --dns-option ndots:3 busybox cat /etc/resolv.conf
	[ "$output" = $'nameserver 1.2.3.4\nnameserver 5.6.7.8\nsearch a b\noptions ndots:3' ]
}

@test "--mac-address" {
	run -0 moss run --rm --mac-address 02:11:22:33:44:55 busybox cat /sys/class/net/eth0/address
	[ "$output" = 02:11:22:33:44:55 ]
}

@test "a run root with a path longer than a socket's may be" {
	RUNROOT=$WORK/$(printf 'x%.0s' $(seq 100))
	mkdir -m 700 "$RUNROOT"
	local port
	port=$(free_port)
	server web -p "$port:80"
	run -0 fetch "http://127.0.0.1:$port/"
	[[ $output == *"It works"* ]]
	moss rm -f web
}

@test "slirp4netns and the UDP process are gone with their container" {
	moss run -d --name web -p "$(free_port):80" -p 99/udp busybox sleep 100
	local monitor helpers
	monitor=$(pgrep -u "$(id -u)" -f "moss-monitor.*$ROOT" | head -1)
	helpers=$(pgrep -P "$monitor" -x 'slirp4netns|moss-udp')
	[ "$(wc -w <<<"$helpers")" = 2 ]
	moss rm -f web
	# shellcheck disable=SC2086 # a list
	wait_for 5 all_gone $helpers
}
all_gone() {
	local pid
	for pid; do
		case $(ps -o stat= -p "$pid") in '' | Z*) ;; *) return 1 ;; esac
	done
}

@test "what is wrong with a port is said in Docker's words" {
	local want flags
	while IFS='|' read -r want flags; do
		[ -n "$want" ] || continue
		# shellcheck disable=SC2086 # words
		run -125 moss run --rm $flags busybox true
		[[ $output == *"$want"* ]] || { echo "$flags: $output"; return 1; }
	done <<-'END'
		Invalid containerPort: abc|-p abc
		Invalid hostPort: abc|-p abc:80
		Invalid containerPort: 99999|-p 99999
		Invalid proto: foo|-p 80/foo
		Invalid ranges specified for container and host Ports: 90-91 and 80-82|-p 80-82:90-91
		Invalid ip address: 256.1.1.1|-p 256.1.1.1:80:80
		Invalid ip address: localhost|-p localhost:80:80
		invalid port format for --expose: 80:90|--expose 80:90
		publishing SCTP ports is not supported yet|-p 80/sctp
		publishing on an IPv6 address is not supported yet|-p [::1]:8080:80
	END
	run -1 moss port nothere
	[[ $output == *"No such container: nothere"* ]]
}
