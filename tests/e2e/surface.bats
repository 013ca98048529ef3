# Each flag that Docker's commands have is known to ours: it works, or is refused by name.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

# known COMMAND FLAG: the word that follows a known flag is the first that is complained about (or
# the second one, when the flag took the first as its value); nothing is run.
known() {
	local out
	# shellcheck disable=SC2086 # words
	out=$("$MOSS" $1 "$2" --zzz-one --zzz-two 2>&1 | head -1) || true
	case $out in
	"unknown flag: --zzz-"* | "moss: "*"is not supported yet" | "invalid argument \"--zzz-one\""*) ;;
	*)
		echo "$1 $2: $out"
		return 1
		;;
	esac
}

@test "every flag of Docker's is known" {
	local command flag short failed=0 n=0
	while IFS=$'\t' read -r command flag short; do
		[[ $command != '#'* ]] || continue
		known "$command" "$flag" || failed=$((failed + 1))
		[ -z "$short" ] || known "$command" "$short" || failed=$((failed + 1))
		n=$((n + 1))
	done <"$MOSS_TEST_LIB/surface.tsv"
	[ "$n" -gt 250 ]
	[ "$failed" = 0 ]
}
