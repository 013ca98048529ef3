# What `make install` puts where, by an ordinary user, and that `make uninstall` takes it away.
load ../lib/moss

setup() { store_new; }
teardown() { store_drop; }

@test "install and uninstall" {
	[ -e "${MOSS_BUILD:-}/Makefile" ] || skip "not run from a build tree"
	local d=$WORK/dest p=$WORK/prefix name
	make -s -C "$MOSS_BUILD" install DESTDIR="$d" prefix="$p" >/dev/null
	for name in bin/moss libexec/moss/moss-monitor libexec/moss/moss-log libexec/moss/moss-transfer \
		libexec/moss/moss-init share/man/man1/moss.1 share/man/man1/moss-run.1 \
		share/man/man1/moss-volume-create.1 share/bash-completion/completions/moss \
		share/systemd/user/moss-restart.service share/zsh/site-functions/_moss share/fish/vendor_completions.d/moss.fish; do
		[ -s "$d$p/$name" ] || { echo "no $name"; false; }
	done
	[ -z "$(find "$d" -type f -perm /6022)" ]
	"$d$p/bin/moss" version >/dev/null
	grep -Eq '^ExecStart=-/[^@]*/bin/moss system boot$' "$d$p/share/systemd/user/moss-restart.service"
	make -s -C "$MOSS_BUILD" uninstall DESTDIR="$d" prefix="$p" >/dev/null
	[ -z "$(find "$d" -type f -o -type l)" ]
}
