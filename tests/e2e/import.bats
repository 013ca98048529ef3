#!/usr/bin/env bats
# import: a file system's archive becomes an image, in Docker's words and with its config.
load ../lib/moss

setup() {
	store_with_busybox
	mkdir -p "$WORK/t/etc"
	echo hi >"$WORK/t/hello"
	tar -C "$WORK/t" --mtime=@1600000000 -cf "$WORK/t.tar" .
}
teardown() { store_drop; }

nothing_left() {
	moss ps >/dev/null && [ -z "$(ls -A "$ROOT/tmp")" ] && [ -z "$(ls -A "$ROOT/trash")" ]
}

@test "import prints the id; the layer is the archive, byte for byte" {
	run -0 moss import "$WORK/t.tar" imp:1
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(moss inspect -f '{{.Id}}' imp:1)" = "$output" ]
	[ "$(moss inspect -f '{{json .RootFS.Layers}}' imp:1)" = "[\"sha256:$(sha256sum <"$WORK/t.tar" | cut -d' ' -f1)\"]" ]
	[ "$(moss inspect -f '{{.Comment}}|{{.Parent}}|{{.Size}}|{{json .Config.Cmd}}' imp:1)" = "Imported from -||3|null" ]
	nothing_left
}

@test "every compression, from a file and from a pipe" {
	local z id
	for z in gzip bzip2 xz zstd; do
		$z -kfq "$WORK/t.tar"
	done
	id=$(sha256sum <"$WORK/t.tar" | cut -d' ' -f1)
	for z in t.tar.gz t.tar.bz2 t.tar.xz t.tar.zst; do
		moss import "$WORK/$z" z:1 >/dev/null
		[ "$(moss inspect -f '{{index .RootFS.Layers 0}}' z:1)" = "sha256:$id" ]
	done
	# shellcheck disable=SC2002 # a pipe is meant
	cat "$WORK/t.tar.gz" | moss import - z:2 >/dev/null
	[ "$(moss inspect -f '{{index .RootFS.Layers 0}}' z:2)" = "sha256:$id" ]
}

@test "what is imported runs, with the command of --change" {
	local root=$WORK/bb
	mkdir -p "$root/bin"
	cp "$(readlink -f /bin/busybox)" "$root/bin/busybox"
	tar -C "$root" -c . | moss import -c 'ENTRYPOINT ["/bin/busybox"]' -c 'CMD ["echo", "from", "import"]' - bb:1 >/dev/null
	run -0 moss run --rm --network none bb:1
	[ "$output" = "from import" ]
}

@test "-m, -c, --platform and Podman's --os, --arch, --variant" {
	moss import -m 'my words' -c 'ENV a=b c="d e"' --platform linux/arm64 "$WORK/t.tar" p:1 >/dev/null
	[ "$(moss inspect -f '{{.Comment}}|{{.Os}}|{{.Architecture}}|{{json .Config.Env}}' p:1)" = 'my words|linux|arm64|["a=b","c=d e"]' ]
	moss import -q --os linux --arch arm --variant v6 "$WORK/t.tar" p:2 >/dev/null
	[ "$(moss inspect -f '{{.Os}}/{{.Architecture}}/{{.Variant}}' p:2)" = linux/arm/v6 ]
	run -1 moss import --platform windows/amd64 "$WORK/t.tar"
	[ "$output" = "moss: operating system is not supported" ]
}

@test "from a URL, redirected too; what the server says of a missing one" {
	local port
	port=$(free_port)
	mkdir "$WORK/www"
	cp "$WORK/t.tar" "$WORK/www/"
	python3 - "$port" "$WORK/www" <<'PY' 3>&- &
import http.server, sys, os
os.chdir(sys.argv[2])
class H(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302); self.send_header("Location", "/t.tar"); self.end_headers()
        elif self.path == "/cut":
            self.send_response(200); self.send_header("Content-Length", "10240"); self.end_headers()
            self.wfile.write(open("t.tar", "rb").read()[:600])
        else:
            super().do_GET()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
PY
	local server=$!
	wait_for 10 bash -c "exec 5<>/dev/tcp/127.0.0.1/$port"
	run moss import "http://127.0.0.1:$port/moved" u:1
	local first=$status lines_of_first=("${lines[@]}")
	run moss import -q "http://127.0.0.1:$port/moved" u:1
	local quiet=$output
	run moss import "http://127.0.0.1:$port/nope" u:2
	local missing=$status words=$output
	run moss import "http://127.0.0.1:1/" u:2
	local refused=${lines[0]}
	local other_words comment
	other_words=$(moss import "http://bob:geheim@127.0.0.1:$port/t.tar?sig=geheim" u:4)
	comment=$(moss inspect -f '{{.Comment}}' u:4)
	run moss import "http://bob:geheim@127.0.0.1:$port/nope?sig=geheim" u:5
	other_words+=$output
	run moss import "http://127.0.0.1:$port/cut" u:3
	local cut=$status cut_words=$output
	kill $server
	[ "$first" = 0 ]
	[ "${lines_of_first[0]}" = "Downloading from http://127.0.0.1:$port/moved" ]
	[[ ${lines_of_first[1]} =~ ^sha256:[0-9a-f]{64}$ ]]
	[[ $quiet =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$refused" = 'moss: Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused' ]
	[ "$missing" = 1 ]
	[ "$(wc -l <<<"$words")" = 1 ]
	[[ $words == *"failed to GET http://127.0.0.1:$port/nope with status 404"* ]]
	# What opens the address is kept nowhere.
	[ "$comment" = "Imported from http://127.0.0.1:$port/t.tar" ]
	[[ $other_words != *geheim* ]]
	[ "$cut" = 1 ]
	[[ $cut_words == *"Get \"http://127.0.0.1:$port/cut\""* ]]
	[ "$(moss inspect -f '{{.Comment}}' u:1)" = "Imported from http://127.0.0.1:$port/moved" ]
	run -1 moss inspect u:3
	nothing_left
}

@test "what is no archive, no file, no name" {
	run -1 moss import "$WORK/nosuch"
	[ "$output" = "moss: open $WORK/nosuch: no such file or directory" ]
	run -1 moss import "$WORK/t"
	[ "$output" = "moss: read $WORK/t: is a directory" ]
	run -1 bash -c 'echo garbage | "$1" --root "$2" --runroot "$3" import -' - "$MOSS" "$ROOT" "$RUNROOT"
	[[ $output == *"unexpected EOF"* ]]
	run -1 moss import "$WORK/t.tar" BAD
	[ "$output" = "moss: invalid reference format: repository name (library/BAD) must be lowercase" ]
	run -1 moss import "$WORK/t.tar" "x@sha256:$(printf 'a%.0s' {1..64})"
	[ "$output" = "moss: cannot import digest reference" ]
	run -1 moss import -c 'FOO x' "$WORK/t.tar"
	[ "$output" = "moss: FOO is not a valid change command" ]
	[ "$(moss images -q | wc -l)" = 1 ]
	nothing_left
}

@test "a name that another image had moves" {
	moss import "$WORK/t.tar" n:1 >/dev/null
	local old new
	old=$(moss inspect -f '{{.Id}}' n:1)
	new=$(moss import -m other "$WORK/t.tar" n:1)
	[ "$(moss inspect -f '{{.Id}}' n:1)" = "$new" ]
	[ "$(moss inspect -f '{{json .RepoTags}}' "$old")" = "[]" ]
}

@test "killed at any moment nothing stays" {
	local i
	head -c 3000000 /dev/urandom >"$WORK/t/big"
	tar -C "$WORK/t" -cf "$WORK/big.tar" .
	for i in 0.00 0.01 0.02 0.03 0.05 0.08; do
		timeout -s KILL "$i"1 "$MOSS" --root "$ROOT" --runroot "$RUNROOT" import "$WORK/big.tar" k:1 >/dev/null 2>&1 || true
	done
	moss ps >/dev/null
	wait_for 10 nothing_left
	moss import "$WORK/big.tar" k:1 >/dev/null
	[ "$(moss run --rm --network none busybox echo ok)" = ok ]
}
