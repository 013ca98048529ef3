# Completion: the program says what may stand at a place; the shells' scripts pass it on.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

offers() { moss __complete -- "$@" | cut -f1; }

@test "commands and their groups" {
	offers ru | grep -qx run
	[ "$(offers vol)" = volume ]
	[ "$(offers volume cr)" = create ]
	if offers '' | grep '^_'; then false; fi
	[ -z "$(offers zzz '')" ]
}

@test "flags, with their texts" {
	[ "$(offers run --interac)" = --interactive ]
	moss __complete -- run --interac | grep -q $'\tKeep STDIN open'
	offers ps -- | grep -qx -- --all
	[ -z "$(offers run busybox -)" ]
	offers --r | grep -qx -- --root
	if offers run --gp | grep gpus; then false; fi
}

@test "names of images, containers and volumes" {
	[ "$(offers run '')" = busybox:latest ]
	[ "$(offers run -it --name x busy)" = busybox:latest ]
	[ -z "$(offers run busybox '')" ]
	moss create --name web busybox >/dev/null
	moss volume create data1 >/dev/null
	[ "$(offers rm '')" = web ]
	[ "$(offers rm -f w)" = web ]
	[ -z "$(offers exec '')" ]
	[ "$(offers volume rm '')" = data1 ]
}

@test "values of flags" {
	[ "$(offers --log-level de)" = debug ]
	[ "$(offers --log-level=de)" = --log-level=debug ]
	[ "$(offers --storage-driver v)" = vfs ]
	[ "$(offers load -i '')" = :file ]
	[ "$(offers run --env-file '')" = :file ]
}

@test "errors are silent" {
	run --separate-stderr moss __complete -- rm --zzz x ''
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	run --separate-stderr "$MOSS" __complete -- --root /proc/nowhere rm ''
	[ "$status" = 0 ]
	[ -z "$stderr$output" ]
}

script() { echo "${BATS_TEST_DIRNAME}/../../completions/$1"; }

@test "bash" {
	ln -s "$(command -v "$MOSS")" "$WORK/moss"
	# shellcheck disable=SC2016 # for the inner shell
	run env PATH="$WORK:$PATH" bash -c '. "$1"
		COMP_WORDS=(moss run --interac) COMP_CWORD=2 COMP_LINE="moss run --interac" COMP_POINT=18
		_moss; echo "${COMPREPLY[*]}"
		COMP_WORDS=(moss volum) COMP_CWORD=1 COMP_LINE="moss volum" COMP_POINT=10
		_moss; echo "${COMPREPLY[*]}"' _ "$(script moss.bash)"
	[ "$output" = $'--interactive\nvolume' ]
}

@test "zsh and fish scripts parse" {
	if command -v zsh >/dev/null; then zsh -n "$(script _moss)"; fi
	if command -v fish >/dev/null; then
		ln -s "$(command -v "$MOSS")" "$WORK/moss"
		run env PATH="$WORK:$PATH" fish -c "source $(script moss.fish); complete -C 'moss volum'"
		[[ $output == volume* ]]
	fi
}
