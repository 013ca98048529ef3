# The command line's grammar and the words about mistakes in it (Docker 26's).
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

# refused STATUS STDERR ARGUMENTS...: nothing on stdout, exactly this on stderr.
refused() {
	local status_wanted=$1 text=$2
	shift 2
	run --separate-stderr moss "$@"
	echo "moss $*: $status: $stderr"
	[ "$status" = "$status_wanted" ]
	[ -z "$output" ]
	[ "$stderr" = "$text" ]
}

@test "an unknown flag exits 125 and says where help is" {
	refused 125 $'unknown flag: --zzz\nSee \'moss ps --help\'.' ps --zzz
	refused 125 $'unknown flag: --zzz\nSee \'moss container run --help\'.' container run --zzz=1 image
	refused 125 $'unknown shorthand flag: \'Z\' in -Zd\nSee \'moss run --help\'.' run -itZd image
	refused 125 $'bad flag syntax: ---\nSee \'moss ps --help\'.' ps ---
	refused 125 $'unknown flag: --zzz\nSee \'moss --help\'.' --zzz ps
}

@test "a mistyped flag gets the nearest one" {
	refused 125 $'unknown flag: --intractive\nSee \'moss run --help\'.\nDid you mean \'--interactive\'?' \
		run --intractive image
}

@test "a flag that needs a value" {
	refused 125 $'flag needs an argument: --name\nSee \'moss run --help\'.' run --name
	refused 125 $'flag needs an argument: \'e\' in -e\nSee \'moss run --help\'.' run -ite
}

@test "a value that does not parse" {
	refused 125 $'invalid argument "x" for "-t, --tty" flag: strconv.ParseBool: parsing "x": invalid syntax\nSee \'moss run --help\'.' \
		run --tty=x image
	refused 125 $'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax\nSee \'moss ps --help\'.' \
		ps -nx
	refused 125 $'invalid argument "1q" for "--shm-size" flag: invalid size: \'1q\'\nSee \'moss run --help\'.' \
		run --shm-size 1q image
}

@test "an unknown command exits 1, with the nearest one" {
	refused 1 $'moss: \'zzz\' is not a moss command.\nSee \'moss --help\'' zzz
	refused 1 $'moss: \'runn\' is not a moss command.\nSee \'moss --help\'\nDid you mean \'moss run\'?' runn
	refused 1 $'moss: \'volume crate\' is not a moss command.\nSee \'moss volume --help\'\nDid you mean \'moss volume create\'?' \
		volume crate
	refused 1 $'moss: \'psuh\' is not a moss command.\nSee \'moss --help\'\nDid you mean \'moss push\'?' psuh x
	refused 1 $'moss: \'PS\' is not a moss command.\nSee \'moss --help\'\nDid you mean \'moss ps\'?' PS
	refused 1 $'moss: \'df\' is not a moss command.\nSee \'moss --help\'\nDid you mean \'moss system df\'?' df
	refused 1 $'moss: \'docker\' is not a moss command.\nSee \'moss --help\'\nDid you mean \'moss ps\'?' docker ps
	refused 1 $'moss: unknown help topic: image lss\nDid you mean \'moss image ls\'?' help image lss
	refused 1 $'moss: \'network\' is not a moss command.\nSee \'moss --help\'\nDocker\'s command of this name is not supported yet' \
		network
	refused 1 $'moss: \'builder\' is not a moss command.\nSee \'moss --help\'\nDocker\'s command of this name is not supported yet' \
		builder prune
}

@test "wrong numbers of arguments exit 1 and show the usage" {
	refused 1 $'"moss rm" requires at least 1 argument.\nSee \'moss rm --help\'.\n\nUsage:  moss rm [OPTIONS] CONTAINER [CONTAINER...]\n\nRemove one or more containers' rm
	refused 1 $'"moss container ls" accepts no arguments.\nSee \'moss container ls --help\'.\n\nUsage:  moss container ls [OPTIONS]\n\nList containers' \
		container ls extra
	refused 1 $'"moss exec" requires at least 2 arguments.\nSee \'moss exec --help\'.\n\nUsage:  moss exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nExecute a command in a running container' exec a
	refused 1 $'"moss rename" requires exactly 2 arguments.\nSee \'moss rename --help\'.\n\nUsage:  moss rename CONTAINER NEW_NAME\n\nRename a container' rename a
	refused 1 $'"moss images" requires at most 1 argument.\nSee \'moss images --help\'.\n\nUsage:  moss images [OPTIONS] [REPOSITORY[:TAG]]\n\nList images' images a b
}

@test "flags that are not there yet are refused by name" {
	run --separate-stderr moss run --gpus all image
	[ "$status" = 125 ]
	[[ $stderr == "moss: --gpus is not supported yet"* ]]
	run --separate-stderr moss -H tcp://x ps
	[ "$status" = 125 ]
	[[ $stderr == "moss: --host is not supported yet"* ]]
}

@test "a log level that does not exist" {
	refused 1 "moss: unable to parse logging level: zzz" --log-level zzz ps
}

@test "DOCKER_HOST is ignored, with a word to those who debug" {
	DOCKER_HOST=tcp://127.0.0.1:1 run --separate-stderr moss ps -q
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	DOCKER_HOST=tcp://127.0.0.1:1 run --separate-stderr moss -D ps -q
	[ "$status" = 0 ]
	[[ $stderr == *"DOCKER_HOST is ignored"* ]]
}

@test "called docker, the usage says docker and errors stay moss's" {
	ln -s "$(command -v "$MOSS")" "$WORK/docker"
	run --separate-stderr "$WORK/docker" rm
	[ "$status" = 1 ]
	[[ $stderr == '"docker rm" requires at least 1 argument.'* ]]
	run --separate-stderr "$WORK/docker" zzz
	[ "$stderr" = $'moss: \'zzz\' is not a docker command.\nSee \'docker --help\'' ]
}

@test "an output that cannot be written is an error" {
	# shellcheck disable=SC2016 # for the inner shell
	run --separate-stderr bash -c '"$MOSS" version >/dev/full'
	[ "$status" = 1 ]
	[[ $stderr == *"cannot write to standard output"* ]]
}

@test "closed standard descriptors do no harm" {
	# shellcheck disable=SC2016 # for the inner shell
	run bash -c '"$MOSS" version <&- >&- 2>&-'
	[ "$status" = 0 ]
}
