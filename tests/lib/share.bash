# Images with equal files, and which inodes their layers have (share.bats, share_commit.bats).

# one and two: busybox, tar and rsync as base; over it a layer of each with the same files and one that
# differs. Only what is below /usr is shared.
share_images() {
	tar -C "$WORK" -xf "$(busybox_archive)"
	base=$WORK/$(cd "$WORK" && echo */layer.tar)
	mkdir -p "$WORK/tools/usr/bin"
	cp -L "$(command -v tar)" "$(command -v rsync)" "$WORK/tools/usr/bin/"
	ldd "$(command -v tar)" "$(command -v rsync)" | grep -o '/[^ ]*' | grep -v ':$' | sort -u |
		while read -r library; do
			mkdir -p "$WORK/tools$(dirname "$library")"
			cp -L "$library" "$WORK/tools$library"
		done
	tar -C "$WORK/tools" --owner=0 --group=0 --sort=name --mtime=@1000000000 -cf "$WORK/tools.tar" .
	cat >"$WORK/images.py" <<'PY'
import io, sys, tarfile
work = sys.argv[1]
def layer(name, mark, files):
    with tarfile.open(f"{work}/{name}.tar", "w") as tar:
        for path, data, extra in files + [("usr/share/mark", mark.encode() * 5000, {})]:
            info = tarfile.TarInfo(path)
            info.mtime, info.mode, info.size = 1000000000, 0o644, len(data)
            for key, value in extra.items():
                setattr(info, key, value)
            if info.type == tarfile.LNKTYPE:
                info.size = 0
            tar.addfile(info, io.BytesIO(data))
same = b"0123456789abcdef" * 8192
crontab = b"# a comment\n" * 2000
files = [
    ("usr/lib/one", same, {}), ("usr/lib/one-", same, {}), ("usr/lib/other", b"x" * 65536, {}),
    ("usr/lib/twice", same[1:], {}),
    ("usr/lib/again", b"", {"type": tarfile.LNKTYPE, "linkname": "usr/lib/twice"}),
    ("usr/lib/small", b"s" * 8191, {}), ("usr/lib/limit", b"s" * 8192, {}),
    ("usr/lib/setid", same, {"mode": 0o4755}), ("usr/lib/page.html", same, {}),
    ("etc/passwd-", crontab, {}), ("etc/cron.d/job", crontab, {}),
    ("var/spool/cron/crontabs/root", crontab, {"mode": 0o600}), ("var/log/big.log", same, {}),
    ("usr/bin/owned", same, {"uid": 7, "gid": 8, "mode": 0o711}),
]
layer("one", "1", files)
layer("two", "2", files)
layer("three", "3", files)
layer("later", "4", [(p, d, dict(e, mtime=1000000001)) for p, d, e in files])
layer("other", "5", [(p, d[:-1] + b"!" if d else d, e) for p, d, e in files])
PY
	python3 "$WORK/images.py" "$WORK"
	for name in one two three later other; do
		"$MOSS_TEST_LIB/make-layers-image" "$WORK/$name.image" "$name" "$base" "$WORK/tools.tar" "$WORK/$name.tar"
	done
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/plain.image" plain "$base" "$WORK/tools.tar"
}

get() { moss load -q -i "$WORK/$1.image" >/dev/null; }

# The layer of an image that is its own: where usr/share/mark is its.
layer_of() { # MARK
	local d
	for d in "$ROOT"/layers/*/; do
		[ "$(in_userns head -c1 "$d/diff/usr/share/mark" 2>/dev/null)" != "$1" ] || echo "$d/diff"
	done
}
inode() { in_userns stat -c %i "$1/$2"; }
links() { in_userns stat -c %h "$1/$2"; }
# same|differ MARK MARK FILE ("! same" would fail no test). Both must be there.
compare() {
	local a b
	a=$(inode "$(layer_of "$1")" "$3") b=$(inode "$(layer_of "$2")" "$3")
	[ -n "$a" ] && [ -n "$b" ] && test "$a" "$4" "$b"
}
same() { compare "$@" =; }
differ() { compare "$@" !=; }
