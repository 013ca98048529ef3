# A real Debian image with Python, nginx and redis: pulled from a registry, all three serve.
load ../lib/moss
load ../lib/registry

setup_file() {
	export APP_ARCHIVE=${MOSS_TEST_CACHE:-$BATS_FILE_TMPDIR}/app.tar
	[ -e "$APP_ARCHIVE" ] || "$BATS_TEST_DIRNAME/../lib/make-app-image" "$APP_ARCHIVE"
}

setup() { store_new; }
teardown() {
	registry_stop_all
	store_drop
}

@test "python, nginx and redis serve from containers of one pulled image" {
	registry_serve "$WORK/registry" "$WORK/registry.yml" "" ""
	skopeo copy -q --dest-tls-verify=false "docker-archive:$APP_ARCHIVE" "docker://$REG/app:1"
	run --separate-stderr moss pull "$REG/app:1"
	[ "$status" -eq 0 ]
	local web=$(free_port) py=$(free_port) db=$(free_port)

	moss run -d --name nginx -p "$web:80" "$REG/app:1" nginx -g 'daemon off;'
	moss run -d --name python -p "$py:8000" -w /usr/share "$REG/app:1" python3 -m http.server 8000
	moss run -d --name redis -p "$db:6379" "$REG/app:1" redis-server --protected-mode no --bind 0.0.0.0

	wait_for 20 curl -fsS "http://127.0.0.1:$web/"
	[[ "$(curl -s "http://127.0.0.1:$web/")" == *nginx* ]]
	wait_for 20 curl -fsS "http://127.0.0.1:$py/"
	[[ "$(curl -s "http://127.0.0.1:$py/")" == *"common-licenses"* ]] || curl -s "http://127.0.0.1:$py/doc/" | grep -q python3
	wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$db; echo PING >&3; read -r -t 2 answer <&3; [[ \$answer == +PONG* ]]"

	moss exec redis redis-cli set colour green
	[ "$(moss exec redis redis-cli get colour)" = green ]
	[ "$(moss run --rm "$REG/app:1" python3 -c 'print(6 * 7)')" = 42 ]
	[ "$(moss run --rm "$REG/app:1" stat -c '%a %U' /usr/bin/passwd)" = "4755 root" ]
	[ "$(moss run --rm -u www-data "$REG/app:1" id -un)" = www-data ]

	moss stop -t 10 nginx python redis
	[ "$(moss inspect -f '{{.State.ExitCode}}' nginx)" = 0 ]
	[ "$(moss inspect -f '{{.State.ExitCode}}' redis)" = 0 ]
	moss rm nginx python redis
}
