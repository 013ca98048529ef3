# Each folder of tests/golden/cli is a case: `args` (shell words), what it prints (`out`, `err`, where
# there is any) and `status` (where it is not 0). A new case needs no code: make the folder with
# args, then `make golden-update`, and read what it wrote.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

content() { if [ -e "$1" ]; then cat "$1"; fi; }

@test "golden cases" {
	local dir failed=0 n=0
	for dir in "$BATS_TEST_DIRNAME"/../golden/cli/*/; do
		eval "set -- $(cat "$dir/args")"
		run --separate-stderr moss "$@"
		if [ "$output" != "$(content "$dir/out")" ] || [ "$stderr" != "$(content "$dir/err")" ] ||
			[ "$status" != "$(content "$dir/status" | grep . || echo 0)" ]; then
			echo "moss $* ($dir): $status"
			diff -u <(content "$dir/out") - <<<"$output" || true
			diff -u <(content "$dir/err") - <<<"$stderr" || true
			failed=1
		fi
		n=$((n + 1))
	done
	[ "$n" -gt 5 ]
	[ $failed = 0 ]
}
