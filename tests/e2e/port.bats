# moss port: all, one, none; Podman's --all and --latest.
load ../lib/moss
setup() {
	default_setup
	A=$(free_port)
	B=$(free_port)
	moss run -d --name web -p "127.0.0.1:$A:80" -p "127.0.0.1:$B:53/udp" --expose 99 busybox sleep 1000 \
		>/dev/null
}
teardown() { default_teardown; }

@test "every port, in order; one of them" {
	run -0 moss port web
	[ "$output" = $'53/udp -> 127.0.0.1:'"$B"$'\n80/tcp -> 127.0.0.1:'"$A" ]
	run -0 moss container port web 80
	[ "$output" = "127.0.0.1:$A" ]
	run -0 moss port web 53/udp
	[ "$output" = "127.0.0.1:$B" ]
}

@test "what is not published, and what is no port" {
	for p in 53 99 80/udp 80/TCP; do
		run -1 moss port web "$p"
		[[ $output = *"Error: No public port '$p' published for web"* ]]
	done
	run -1 moss port web 99999
	[[ $output = *'invalid port (99999): strconv.ParseUint: parsing "99999": value out of range'* ]]
	run -1 moss port web 80-81
	[[ $output = *'parsing "80-81": invalid syntax'* ]]
	run -1 moss port nosuch
	[[ $output = *"No such container: nosuch"* ]]
	run -1 moss port
	moss stop -t 0 web >/dev/null
	run -0 moss port web
	[ -z "$output" ]
}

@test "--all and --latest" {
	id=$(moss ps -q)
	run -0 moss port -a
	[ "$output" = "$id"$'\t53/udp -> 127.0.0.1:'"$B"$'\n'"$id"$'\t80/tcp -> 127.0.0.1:'"$A" ]
	run -0 moss port -l 80
	[ "$output" = "127.0.0.1:$A" ]
	moss create --name newer busybox true >/dev/null
	run -0 moss port -l
	[ -z "$output" ]
	run -125 moss port -a web
}
