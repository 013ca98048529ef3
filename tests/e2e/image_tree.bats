# image tree, image exists, untag: what stands on what, and names.
# shellcheck disable=SC2154 # stderr is set by bats
load ../lib/moss

setup() { default_setup; }
teardown() { default_teardown; }

# layer NAME ON CONTENT: an image of one more layer.
layer() {
	moss run --name maker "$2" sh -c "$3"
	moss commit maker "$1" >/dev/null
	moss rm maker
}

short() { moss inspect -f '{{slice .Id 7 19}}' "$1"; }
# The last layer's diff ID and the size of its files.
top() { moss inspect -f '{{$l := .RootFS.Layers}}{{slice (index $l (len (slice $l 1))) 7 19}}' "$1"; }

# A family: base <- a <- a1 <- a11, a <- a2, base <- b.
family() {
	layer a busybox 'printf %1000s >/a'
	layer a1 a 'printf %1234s >/a1'
	layer a11 a1 'printf %2s >/a11'
	layer a2 a 'printf %3s >/a2'
	layer b busybox 'printf %4s >/b'
	moss tag a1 other/name:v1
}

@test "tree: the layers of an image, the lowest first, with the names that end there" {
	local base
	family
	base=$(top busybox)
	run -0 moss image tree a11
	[ "${lines[0]}" = "Image ID: $(short a11)" ]
	[ "${lines[1]}" = "Tags:     [a11:latest]" ]
	[[ ${lines[2]} =~ ^'Size:     '[0-9.]+MB$ ]]
	[ "${lines[3]}" = "Image Layers" ]
	[[ ${lines[4]} =~ ^"├── ID: $base Size: "[0-9.]+"MB Top Layer of: [busybox:latest]"$ ]]
	[ "${lines[5]}" = "├── ID: $(top a) Size: 1kB Top Layer of: [a:latest]" ]
	[ "${lines[6]}" = "├── ID: $(top a1) Size: 1.234kB Top Layer of: [a1:latest other/name:v1]" ]
	[ "${lines[7]}" = "└── ID: $(top a11) Size: 2B Top Layer of: [a11:latest]" ]
	[ "${#lines[@]}" -eq 8 ]
	[ "$(moss image tree a11 | tail -1)" = "" ]
	[[ $(moss image tree a1) == *"Tags:     [a1:latest other/name:v1]"* ]]
}

@test "tree --whatrequires: what stands on an image; branches hang on their line" {
	family
	run -0 moss image tree --whatrequires busybox
	[ "$(sed -n '5,$p' <<<"$output" | sed 's/Size: [^ ]*/S/; s/Top Layer of: //')" = "├── ID: $(top busybox) S [busybox:latest]
├── ID: $(top a) S [a:latest]
│   ├── ID: $(top a1) S [a1:latest other/name:v1]
│   │   └── ID: $(top a11) S [a11:latest]
│   └── ID: $(top a2) S [a2:latest]
└── ID: $(top b) S [b:latest]" ]
	run -0 moss image tree --whatrequires a
	[ "$(sed -n '5,$p' <<<"$output" | sed 's/Size: [^ ]*/S/; s/Top Layer of: //')" = "└── ID: $(top a) S [a:latest]
    ├── ID: $(top a1) S [a1:latest other/name:v1]
    │   └── ID: $(top a11) S [a11:latest]
    └── ID: $(top a2) S [a2:latest]" ]
	# An only child stands beside its parent.
	moss rmi a2 b >/dev/null
	run -0 moss image tree --whatrequires busybox
	[ "$(sed -n '5,$p' <<<"$output" | sed 's/ID: .* of: //')" = "├── [busybox:latest]
├── [a:latest]
├── [a1:latest other/name:v1]
└── [a11:latest]" ]
}

@test "tree: an image without a name, one without layers, several, none" {
	layer a busybox 'touch /a'
	local id
	id=$(moss inspect -f '{{.Id}}' a)
	moss untag a
	run -0 moss image tree "$id"
	[ "${lines[1]}" = "Tags:     []" ]
	[[ ${lines[5]} =~ Size:\ 0B$ ]]
	moss import - empty < <(tar c -T /dev/null) >/dev/null
	[[ $(moss image tree empty) == *'Image Layers'* ]]
	run -125 --separate-stderr moss image tree nosuch
	[[ $stderr == *'No such image: nosuch'* ]]
	run ! moss image tree
	run ! moss image tree a b
}

@test "exists: 0, 1, 125, and not a word" {
	run -0 moss image exists busybox
	[ -z "$output" ]
	run -0 moss image exists "$(moss images -q busybox)"
	run -1 moss image exists nosuch
	[ -z "$output" ]
	run -1 moss image exists busybox:other
	run ! moss image exists
	run ! moss image exists busybox busybox
	run -125 moss image exists 'UPPER//x'
}

@test "untag: the names that are given, or all; the image stays" {
	local id
	id=$(moss inspect -f '{{.Id}}' busybox)
	moss tag busybox one
	moss tag busybox two:2
	run -0 moss untag busybox one
	[ -z "$output" ]
	[ "$(moss images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' ')" = "busybox:latest two:2 " ]
	run -0 moss image untag busybox two:2 busybox
	[ "$(moss images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --no-trunc)" = "<none>:<none> $id" ]
	run -125 moss untag busybox
	moss tag "$id" busybox
	moss tag "$id" again
	moss untag again
	[ "$(moss image exists again; echo $?) $(moss image exists busybox; echo $?)" = "1 1" ]
	[ "$(moss run --rm --network none "$id" echo runs)" = runs ]
	[ "$(moss events --since 0 --until "$(($(date +%s) + 1))" --filter event=untag | wc -l)" -eq 5 ]
}

@test "untag: a name of another image, none, one twice" {
	layer other busybox 'touch /x'
	run -125 --separate-stderr moss untag busybox other
	[[ $stderr == *'other is no name of the image busybox'* ]]
	moss image exists other
	run -125 --separate-stderr moss untag nosuch
	[[ $stderr == *'No such image: nosuch'* ]]
	moss tag busybox b:2
	run -125 moss untag busybox b:2 b:2
	run -1 moss image exists b:2
	run ! moss untag
}
