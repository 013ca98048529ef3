# images: Docker's columns, filters and formats.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# image NAMES [make-layers-image options]: one more image, of a layer with one file.
image() {
	local names=$1
	shift
	echo "$names $*" >"$WORK/file"
	tar -C "$WORK" --mtime=@0 -cf "$WORK/layer.tar" file
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "$names" "$@" "$WORK/layer.tar"
	moss load -q -i "$WORK/image.tar" >/dev/null
}

@test "the table has Docker's columns" {
	run -0 moss images
	[[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
	[[ ${lines[1]} =~ ^busybox\ +latest\ +[0-9a-f]{12}\ +[0-9]+\ years?\ ago\ +[0-9.]+MB$ ]]
	[ ${#lines[@]} = 2 ]
}

@test "--digests adds a column" {
	run -0 moss images --digests
	[[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +DIGEST\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
	[[ ${lines[1]} =~ \<none\> ]]
}

@test "-q and --no-trunc" {
	run -0 moss images -q
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	short=$output
	run -0 moss images -q --no-trunc
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[[ $output == sha256:$short* ]]
	run -0 moss image ls -q
	[ "$output" = "$short" ]
}

@test "a row for each name" {
	moss tag busybox localhost:5000/team/box:1
	moss tag busybox b
	run -0 moss images --format '{{.Repository}}:{{.Tag}}'
	[ "$(sort <<<"$output")" = $'b:latest\nbusybox:latest\nlocalhost:5000/team/box:1' ]
	[ "$(moss images -q | sort -u | wc -l)" = 1 ]
}

@test "formats: json, a template, table with a template" {
	run -0 moss images --format json
	for field in Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag UniqueSize; do
		[[ $output == *"\"$field\":"* ]]
	done
	[[ $output == *'"CreatedAt":"2024-01-01 00:00:00 +0000 UTC"'* ]]
	run -0 moss images --format 'table {{.Tag}}\t{{.ID}}'
	[[ ${lines[0]} =~ ^TAG\ +IMAGE\ ID$ ]]
}

@test "filters: reference, label, before, since, dangling" {
	image a:1 --label kind=x --created 2020-01-01T00:00:00Z
	image b:1 --label kind=y --created 2022-01-01T00:00:00Z
	names() { moss images --format '{{.Repository}}' "$@" | tr '\n' ' '; }
	[ "$(names)" = "busybox b a " ]
	[ "$(names b)" = "b " ]
	[ "$(names 'b*')" = "busybox b " ]
	[ "$(names 'b*:1')" = "b " ]
	[ "$(names -f reference='a:*')" = "a " ]
	[ "$(names -f label=kind)" = "b a " ]
	[ "$(names -f label=kind=y)" = "b " ]
	[ "$(names -f 'label!=kind')" = "busybox " ]
	[ "$(names -f before=b:1)" = "a " ]
	[ "$(names -f since=a:1)" = "busybox b " ]
	[ "$(names -f until=2021-01-01)" = "a " ]
	[ "$(names -f dangling=true)" = "" ]
	image a:1 --label kind=z
	run -0 moss images -f dangling=true
	[[ ${lines[1]} =~ ^\<none\>\ +\<none\>\ +[0-9a-f]{12} ]]
	[ ${#lines[@]} = 2 ]
}

@test "several before= and since=: the narrowest; an image of 1970 is one to compare with, too" {
	image a:1 --created 1970-01-01T00:00:00Z
	image b:1 --created 2020-01-01T00:00:00Z
	image c:1 --created 2022-01-01T00:00:00Z
	names() { moss images --format '{{.Repository}}' "$@" | tr '\n' ' '; }
	[ "$(names -f before=c:1 -f before=b:1)" = "a " ]
	[ "$(names -f before=b:1 -f before=c:1)" = "a " ]
	[ "$(names -f before=c:1 -f until=2021-01-01)" = "b a " ]
	[ "$(names -f since=a:1 -f since=c:1)" = "busybox " ]
	[ "$(names -f since=c:1 -f since=a:1)" = "busybox " ]
	[ "$(names -f before=a:1)" = "" ]
	[ "$(names -f since=a:1)" = "busybox c b " ]
	[ "$(names -f until=0)" = "" ]
}

@test "the year 1, as builders write it who tell no time, and no time at all" {
	local steps='[{"created": "0001-01-01T00:00:00Z", "created_by": "x"}]'
	image zero:1 --created 0001-01-01T00:00:00Z --history "$steps"
	image epoch:1 --created 1970-01-01T00:00:00Z
	[[ "$(moss images zero | tail -1)" =~ ^zero\ +1\ +[0-9a-f]{12}\ +N/A\ +[0-9]+B$ ]]
	[ "$(moss images --format '{{.CreatedSince}}|{{.CreatedAt}}' zero)" = "|0001-01-01 00:00:00 +0000 UTC" ]
	[[ "$(moss images --format '{{.CreatedSince}}|{{.CreatedAt}}' epoch)" = *" years ago|1970-01-01 00:00:00 +0000 UTC" ]]
	[ "$(moss images --format '{{.Repository}}' -f before=epoch:1)" = zero ]
	[ "$(moss image inspect -f '{{.Created}}' zero:1)" = 0001-01-01T00:00:00Z ]
	[ "$(moss history --format '{{.CreatedSince}} {{.CreatedAt}}' zero:1)" = "N/A 0001-01-01T00:00:00Z" ]
	moss save -o "$WORK/zero.tar" zero:1
	[ "$(tar -tvf "$WORK/zero.tar" --utc | grep -vc ' 1970-01-01 ')" = 0 ]
	image none:1 --created -
	[ "$(moss image inspect -f '[{{.Created}}]' none:1)" = "[]" ]
	[ "$(moss image inspect none:1 | jq '.[0] | has("Created")')" = false ]
}

@test "wrong filters are named" {
	run -1 moss images -f foo=bar
	[[ $output == *"invalid filter 'foo'"* ]]
	run -1 moss images -f dangling=x
	[[ $output == *"invalid filter 'dangling=[x]'"* ]]
	run -125 moss images -f foo
	[ "${lines[0]}" = 'invalid argument "foo" for "-f, --filter" flag: bad format of filter (expected name=value)' ]
	[ "${lines[1]}" = "See 'moss images --help'." ]
	run -125 moss image prune --filter foo
	[ "${lines[0]}" = 'invalid argument "foo" for "--filter" flag: bad format of filter (expected name=value)' ]
	[ "$(moss images -q -f "")" = "$(moss images -q)" ]
	run -1 moss images -f until=x
	[[ $output == *"failed to parse value as time or duration: \"x\""* ]]
	run -1 moss images -f before=nope
	[[ $output == *"No such image: nope:latest"* ]]
	run -1 moss images a b
	[[ $output == *"requires at most 1 argument"* ]]
}

@test "tag: names are normalised and move" {
	image a:1
	moss tag busybox docker.io/library/x
	[ "$(moss images -q x)" = "$(moss images -q busybox)" ]
	moss tag a:1 x:latest
	[ "$(moss images -q x)" = "$(moss images -q a:1)" ]
	moss tag busybox t1 t2:x localhost:5000/t3
	[ "$(moss images -q -f reference=t1 -f reference=t2:x -f reference=localhost:5000/t3 | sort -u)" = "$(moss images -q busybox)" ]
	run -1 moss tag busybox good A:b
	[ "$(moss images -q good)" = "" ]
	run -1 moss tag nope x
	[[ $output == *"No such image: nope:latest"* ]]
	run -1 moss tag busybox sha256:1
	[[ $output == *"refusing to create an ambiguous tag using digest algorithm as name"* ]]
	run -1 moss tag busybox A:b
	[[ $output == *"Error parsing reference: \"A:b\" is not a valid repository/tag: invalid reference format: repository name (library/A) must be lowercase"* ]]
}

@test "imagesFormat and volumesFormat of Docker's config.json" {
	mkdir -p "$HOME/.docker"
	echo '{"imagesFormat": "{{.Tag}}!", "volumesFormat": "v {{.Name}}"}' >"$HOME/.docker/config.json"
	moss volume create vol
	[ "$(moss images)" = "latest!" ]
	[ "$(moss images --format '{{.Repository}}')" = busybox ]
	[[ "$(moss images -q)" =~ ^[0-9a-f]{12}$ ]]
	[ "$(moss volume ls)" = "v vol" ]
}

@test "a wrong name: Docker's words, then what is like it" {
	hint() { run --separate-stderr moss "$@"; [ "$status" != 0 ]; [ "${stderr_lines[1]:-}" = "${HINT:-}" ]; [ ${#stderr_lines[@]} -le "${LINES_MAX:-2}" ]; }
	moss tag busybox debian:12
	moss tag busybox registry.example:5000/team/app:2
	HINT="did you mean debian:12?" hint rmi debain
	[ "${stderr_lines[0]}" = "moss: No such image: debain:latest" ]
	HINT="did you mean debian:12?" hint tag debian:11 x
	HINT="did you mean debian:12?" hint inspect --type image debian
	HINT="did you mean debian:12?" hint inspect dbian
	[ "${stderr_lines[0]}" = "moss: Error: No such object: dbian" ]
	HINT="did you mean registry.example:5000/team/app:2?" hint history app
	LINES_MAX=3 HINT="did you mean registry.example:5000/team/app:2?" hint run --pull never registry.example:5000/team/apps:2 true
	[ "${stderr_lines[0]}" = "moss: No such image: registry.example:5000/team/apps:2" ]
	HINT="did you mean debian:12?" hint push debain:12
	HINT="" hint rmi nothing/like/it
	HINT="" hint rmi 0123456789ab
	# A name whose registry is not there: which one, and what is here.
	run --separate-stderr moss run localhost:1/debian true
	[ "$status" = 125 ]
	[[ $stderr == *"localhost:1"*"did you mean debian:12?"* ]]
}

@test "intermediate images, -a, --sort, --noheading, --history" {
	image a:1 --created 2020-01-01T00:00:00Z
	moss run --name c1 --network none busybox sh -c 'echo 1 >/one'
	moss commit c1 one >/dev/null
	moss run --name c2 --network none one true
	moss commit c2 two >/dev/null
	moss rm c1 c2 >/dev/null
	moss rmi one >/dev/null
	names() { moss images --format '{{.Repository}}' "$@" | tr '\n' ' '; }
	[ "$(names)" = "two busybox a " ]
	[ "$(names -a)" = "two <none> busybox a " ]
	[ "$(names -f intermediate=true)" = "<none> " ]
	[ "$(names -f intermediate=false)" = "two busybox a " ]
	[ "$(names -f dangling=true)" = "" ]
	[ "$(names --sort repository)" = "a busybox two " ]
	[ "$(names --sort size | cut -c1)" = a ]
	run -125 moss images --sort nope
	[[ $output == *'"nope" is not a valid field for sorting. Choose from: created, id, repository, size, tag'* ]]
	run -0 moss images -n
	[[ $output != *REPOSITORY* ]]
	[ ${#lines[@]} = 3 ]
	moss tag a:1 b:2
	moss rmi b:2 >/dev/null
	run -0 moss images --history a
	[[ ${lines[0]} =~ \ HISTORY$ ]]
	[[ ${lines[1]} =~ \ a:1,\ b:2$ ]]
}

@test "Podman's filters: containers, id, digest, readonly, manifest, after; negated ones" {
	image a:1 --created 2020-01-01T00:00:00Z
	moss create --name user --network none busybox true
	names() { moss images --format '{{.Repository}}' "$@" | tr '\n' ' '; }
	a=$(moss images -q a)
	[ "$(names -f containers=true)" = "busybox " ]
	[ "$(names -f containers=false)" = "a " ]
	[ "$(names -f "id=$a")" = "a " ]
	[ "$(names -f "id=sha256:${a:0:5}")" = "a " ]
	[ "$(names -f "id!=$a")" = "busybox " ]
	[ "$(names -f 'reference!=a*')" = "busybox " ]
	[ "$(names -f after=a:1)" = "busybox " ]
	[ "$(names -f digest=sha256:0000)" = "" ]
	[ "$(names -f readonly=true)" = "" ]
	[ "$(names -f readonly=false)" = "busybox a " ]
	[ "$(names -f manifest=true)" = "" ]
	[ "$(names 'bus[a-z]*[^x]:latest')" = "" ]
	[ "$(names 'bus[a-z]*[^y]:latest')" = "busybox " ] || [ "$(names 'bus*x:latest')" = "busybox " ]
	run -1 moss images '['
	[[ $output == *"syntax error in pattern"* ]]
	run -1 moss images -f containers=x
	run -125 moss images -f containers=external
	[[ $output == *"no other tool keeps containers in a store of moss"* ]]
}

@test "--tree: names, the platform, who uses it" {
	image a:1,b:2
	moss create --name user --network none busybox true
	run -0 moss images --tree
	[ "${lines[0]}" = "IMAGE            ID             DISK USAGE   CONTENT SIZE   USED" ]
	id=$(moss images -q busybox)
	[[ $output =~ busybox:latest\ \ \ "$id"\ +1.98MB\ +[0-9]+B\ +✔ ]]
	[[ $output == *"└─ linux/amd64"* ]]
	[[ $output =~ a:1\ *$'\n'b:2\ +"$(moss images -q a)" ]]
	run -0 moss images --tree a
	[[ $output != *b:2* ]]
	run -1 moss images --tree -q
	[[ $output == *"--quiet is not yet supported with --tree"* ]]
}
