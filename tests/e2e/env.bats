# The environment of a container's process: -e, --env-file, what moss adds itself.
# shellcheck disable=SC2016 # the container expands
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

run_env() { moss run --rm --network none "$@" busybox env; }

@test "PATH, HOSTNAME and HOME are set, in Docker's order" {
	run -0 run_env -h box
	[ "${lines[0]}" = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ]
	[ "${lines[1]}" = HOSTNAME=box ]
	[ "${lines[2]}" = HOME=/root ]
	[ ${#lines[@]} = 3 ]
}

@test "nothing of the caller's environment comes in" {
	SECRET=1 run -0 run_env
	[[ $output != *SECRET* ]]
}

@test "-e sets, copies and removes" {
	COPIED=yes run -0 run_env -e A=1 -e COPIED -e NOT_SET_ANYWHERE -e HOSTNAME -e EMPTY= -e A=2
	[[ $output == *$'\nA=2\n'* ]]
	[[ $output == *$'\nCOPIED=yes\n'* ]]
	[[ $output == *EMPTY=* ]]
	[[ $output != *NOT_SET_ANYWHERE* ]]
	[[ $output != *HOSTNAME* ]]
}

@test "values are kept byte for byte" {
	run -0 run_env -e 'A=a "b" $c \n  d=e '
	[[ $output == *$'\nA=a "b" $c \\n  d=e \n'* ]]
}

@test "TERM is set with -t only, and can be chosen" {
	run -0 moss run --rm --network none -t busybox sh -c 'echo $TERM'
	[ "${output//$'\r'/}" = xterm ]
	run -0 moss run --rm --network none -t -e TERM=dumb busybox sh -c 'echo $TERM'
	[ "${output//$'\r'/}" = dumb ]
}

@test "--env-file: comments, blanks, bare names; -e wins over it" {
	printf '# no\n\n  A=file\nB=x y=z \r\nFROM_HOST\nNOT_SET_ANYWHERE\n' >"$WORK/env"
	FROM_HOST=h run -0 run_env --env-file "$WORK/env" -e A=flag
	[[ $output == *$'\nA=flag\n'* ]]
	[[ $output == *$'\nB=x y=z \n'* ]]
	[[ $output == *FROM_HOST=h* ]]
	[[ $output != *NOT_SET_ANYWHERE* ]]
}

@test "--env-file: what is wrong is named" {
	run -125 moss run --rm --env-file "$WORK/none" busybox true
	[[ $output == *"open $WORK/none: no such file or directory"* ]]
	printf 'A=1\nB C=2\n' >"$WORK/env"
	run -125 moss run --rm --env-file "$WORK/env" busybox true
	[[ $output == *"poorly formatted environment: variable 'B C' contains whitespaces"* ]]
	printf '=1\n' >"$WORK/env"
	run -125 moss run --rm --env-file "$WORK/env" busybox true
	[[ $output == *"no variable name on line '=1'"* ]]
}

@test "an empty name is refused" {
	run -125 moss run --rm -e =x busybox true
	[[ $output == *"invalid environment variable: =x"* ]]
	run -125 moss create -e '' busybox true
	[[ $output == *"invalid environment variable: "* ]]
}

@test "HOME follows the user, and can be set" {
	run -0 moss run --rm --network none -u 4242 busybox sh -c 'echo $HOME'
	[ "$output" = / ]
	run -0 moss run --rm --network none -e HOME=/h busybox sh -c 'echo $HOME'
	[ "$output" = /h ]
}

@test "proxies of the client configuration are set, unless -e does" {
	mkdir -p "$HOME/.docker"
	echo '{"proxies":{"default":{"httpProxy":"http://p:1","noProxy":"a,b"}}}' >"$HOME/.docker/config.json"
	run -0 run_env -e http_proxy=mine
	[[ $output == *$'\nHTTP_PROXY=http://p:1\n'* ]]
	[[ $output == *$'\nhttp_proxy=mine\n'* ]]
	[[ $output == *NO_PROXY=a,b* && $output == *no_proxy=a,b* ]]
	[[ $output != *HTTPS_PROXY* ]]
}
