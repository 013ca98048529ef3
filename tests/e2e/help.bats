# Help for every command: from its table, on stdout, at most 80 columns wide.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

# Every full command name that completion offers, one a line.
commands() {
	local c
	moss __complete -- '' | cut -f1 | while read -r c; do
		echo "$c"
		case $c in
		container | image | volume | system | network)
			moss __complete -- "$c" '' | cut -f1 | sed "s/^/$c /"
			;;
		esac
	done
}

@test "moss --help lists the commands" {
	run --separate-stderr moss --help
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	[[ $output == *"Usage:  moss [OPTIONS] COMMAND"* ]]
	[[ $output == *"  run         Create and run a new container from an image"* ]]
	[[ $output == *"Management Commands:"*"  volume      Manage volumes"* ]]
}

@test "moss alone shows help on stderr, as Docker" {
	run --separate-stderr "$MOSS"
	[ "$status" = 0 ]
	[ -z "$output" ]
	[[ $stderr == *"Usage:  moss [OPTIONS] COMMAND"* ]]
	run --separate-stderr "$MOSS" volume
	[ "$status" = 0 ]
	[ -z "$output" ]
	[[ $stderr == *"Usage:  moss volume COMMAND"* ]]
}

@test "every command has help on stdout, 80 columns wide at most, exit 0" {
	local c n=0
	while read -r c; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr moss $c --help
		[ "$status" = 0 ] || { echo "$c: $status"; false; }
		[ -z "$stderr" ] || { echo "$c: $stderr"; false; }
		[[ ${lines[0]} == "Usage:  moss $c"* ]] || { echo "$c: ${lines[0]}"; false; }
		awk 'length > 80 { print; wide = 1 } END { exit wide }' <<<"$output"
		n=$((n + 1))
	done < <(commands)
	[ "$n" -gt 30 ]
}

@test "every flag in help has a text" {
	local c
	while read -r c; do
		# shellcheck disable=SC2086 # words
		moss $c --help >"$WORK/help"
		if grep -nE '^ +(-., )?--[a-z-]+( [a-z-]+)?$' "$WORK/help"; then echo "$c"; false; fi
	done < <(commands)
}

@test "-h is help where no flag has the letter" {
	[ "$(moss ps -h)" = "$(moss ps --help)" ]
	[ "$(moss help ps)" = "$(moss ps --help)" ]
	run moss run -h
	[ "$status" = 125 ]
}

@test "help names the aliases and the defaults" {
	run moss ps --help
	[[ $output == *$'Aliases:\n  moss container ls, moss container list, moss container ps, moss ps\n'* ]]
	[[ $output == *"(default -1)"* ]]
	run moss run --help
	[[ $output == *$'Aliases:\n  moss container run, moss run\n'* ]]
	[[ $output == *"  -d, --detach "* ]]
}

@test "man pages have a section for each part" {
	local c
	for c in "" run ps "volume create" volume; do
		# shellcheck disable=SC2086 # words
		moss __manual $c >"$WORK/page"
		grep -q '^\.SH NAME' "$WORK/page"
		grep -q '^\.SH SYNOPSIS' "$WORK/page"
		if grep -nE "^[.']" "$WORK/page" | grep -vE ':\.(TH|SH|PP|TP|br|nf|fi)( |$)'; then false; fi
	done
	moss __manual run | grep -q 'fB.-.-detach'
	if command -v man >/dev/null; then [ -z "$(man --warnings -l "$WORK/page" 2>&1 >/dev/null)" ]; fi
}
