# history: how an image was made; what is printed is Docker's, to the byte.
load ../lib/moss

setup() { store_with_busybox; }
teardown() { store_drop; }

# image NAME HISTORY: two layers, of 1000 and 2000 bytes.
image() {
	head -c 1000 /dev/zero >"$WORK/a"
	head -c 2000 /dev/zero >"$WORK/b"
	tar -C "$WORK" --mtime=@0 -cf "$WORK/a.tar" a
	tar -C "$WORK" --mtime=@0 -cf "$WORK/b.tar" b
	"$MOSS_TEST_LIB/make-layers-image" "$WORK/image.tar" "$1" --history "$2" \
		"$WORK/a.tar" "$WORK/b.tar"
	moss load -q -i "$WORK/image.tar"
}

STEPS='[{"created_by": "a\tb"},
 {"created": "2020-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop)  ENV x=y", "empty_layer": true},
 {"created": "2020-01-02T00:00:00.5Z", "created_by": "|1 a=b /bin/sh -c éééééééééééééééééééééééééééééééééééééééééééééééééé", "comment": "c"}]'

@test "steps, sizes of their layers, empty ones, and no time" {
	image h "$STEPS"
	id=$(moss images -q h)
	years=$(($(date +%s) / 86400 / 365 - 50))
	run -0 moss history h
	[ "$output" = "IMAGE          CREATED       CREATED BY                                      SIZE      COMMENT
$id   $years years ago   |1 a=b /bin/sh -c éééééééééééééééééééééééééé…   2kB       c
<missing>      $years years ago   /bin/sh -c #(nop)  ENV x=y                      0B        
<missing>      N/A           a b                                             1kB       " ]
	run -0 moss image history -H=false h
	[ "$output" = "IMAGE          CREATED AT             CREATED BY                                      SIZE      COMMENT
$id   2020-01-02T00:00:00Z   |1 a=b /bin/sh -c éééééééééééééééééééééééééé…   2000      c
<missing>      2020-01-01T00:00:00Z   /bin/sh -c #(nop)  ENV x=y                      0         
<missing>      1970-01-01T00:00:00Z   a b                                             1000      " ]
	run -0 env TZ=Asia/Kolkata "$MOSS" --root "$ROOT" --runroot "$RUNROOT" history -H=false --format '{{.CreatedAt}}' h
	[ "${lines[0]}" = 2020-01-02T05:30:00+05:30 ]
}

@test "-q, --no-trunc, wide characters" {
	wide=$(printf '日本語%.0s' {1..20})
	image w "[{\"created\": \"2020-01-01T00:00:00Z\"}, {\"created\": \"2020-01-01T00:00:00Z\", \"created_by\": \"$wide\"}]"
	long=$(moss images -q --no-trunc w)
	[ "$(moss history -q w)" = "$(moss images -q w)"$'\n<missing>' ]
	[ "$(moss history -q --no-trunc w)" = "$long"$'\n<missing>' ]
	[ "$(moss history --format '{{.CreatedBy}}' w | head -1)" = "${wide:0:22}…" ]
	[ "$(moss history --no-trunc --format '{{.CreatedBy}}' w | head -1)" = "$wide" ]
}

@test "a step of before 1970 has no age" {
	image h '[{"created": "1969-01-01T00:00:00Z"}, {"created": "1970-01-01T00:00:00Z"}]'
	run -0 moss history --format '{{.CreatedSince}} {{.CreatedAt}}' h
	[ "${lines[0]}" = "N/A 1970-01-01T00:00:00Z" ]
	[ "${lines[1]}" = "N/A 1969-01-01T00:00:00Z" ]
}

@test "formats" {
	image h "$STEPS"
	run -0 moss history --format json h
	[ "${lines[2]}" = '{"Comment":"","CreatedAt":"1970-01-01T00:00:00Z","CreatedBy":"a b","CreatedSince":"N/A","ID":"\u003cmissing\u003e","Size":"1kB"}' ]
	run -0 moss history --format 'table {{.ID}}\t{{.CreatedBy}}' h
	[ "${lines[0]}" = "IMAGE          CREATED BY" ]
	[ "$(moss history --format table h)" = "$(moss history h)" ]
	[ "$(moss history --format raw h)" = $'raw\nraw\nraw' ]
	run -1 moss history --format '{{.Nope}}' h
	[[ $output == *"template parsing error: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type *image.historyContext"* ]]
}

@test "commits show the images they were made from, while those are there" {
	moss run --name c1 --network none busybox sh -c 'echo x > /x'
	moss commit -m "my message" c1 comm
	moss run --name c2 --network none comm true
	moss commit c2 comm3
	ids=$(moss images -q --no-trunc comm3 && moss images -q --no-trunc comm && moss images -q --no-trunc busybox)
	[ "$(moss history -q --no-trunc comm3)" = "$ids" ]
	run -0 moss history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' comm3
	[ "${lines[0]}" = "true|0B|" ]
	[ "${lines[1]}" = "sh -c echo x > /x|2B|my message" ]
	moss rm c1 c2
	moss rmi --no-prune comm
	# One that others were made from stays, without a name.
	[ "$(moss history -q --no-trunc comm3)" = "$ids" ]
}

@test "an import" {
	tar -cf "$WORK/i.tar" -T /dev/null
	moss import "$WORK/i.tar" plain
	moss import -m "a message" - said <"$WORK/i.tar"
	run -0 moss history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' said
	[ "$output" = "|0B|a message" ]
	run -0 moss history --format '{{.ID}}|{{.Comment}}' plain
	[ "$output" = "$(moss images -q plain)|Imported from -" ] || [ "$output" = "$(moss images -q plain)|Imported from $WORK/i.tar" ]
}

@test "an image without a history; a history with too many layers" {
	image none '[]'
	run -0 moss history none
	[ "$output" = "IMAGE     CREATED   CREATED BY   SIZE      COMMENT" ]
	image many '[{}, {}, {}]'
	run -1 moss history many
	[[ $output == *"too many non-empty layers in History section"* ]]
}

@test "--platform, and mistakes" {
	image h "$STEPS"
	[ "$(moss history -q --platform linux/amd64 h)" = "$(moss history -q h)" ]
	run -1 moss history --platform linux/arm64 h
	[[ $output == *"image with reference h was found but does not provide the specified platform (linux/arm64)"* ]]
	run -1 moss history nope
	[[ $output == *"No such image: nope:latest"* ]]
	run -1 moss history
	[[ $output == *'requires exactly 1 argument'* ]]
	# What a terminal would obey is not shown.
	image esc '[{"created_by": "\u001b[2Jx"}, {}]'
	[ "$(moss history --format '{{.CreatedBy}}' esc | tail -1)" = '?[2Jx' ]
}

@test "when the user last named it: inspect's LastTagTime" {
	tagged() { moss image inspect -f '{{json .Metadata.LastTagTime}}' "$1"; }
	[ "$(tagged busybox)" = '"0001-01-01T00:00:00Z"' ]
	before=$(date +%s)
	moss tag busybox b:2
	[ "$(date -d "$(tagged b:2 | tr -d '"')" +%s)" -ge "$before" ]
	moss create --name c1 --network none busybox true
	moss commit c1 comm:1
	[ "$(date -d "$(tagged comm:1 | tr -d '"')" +%s)" -ge "$before" ]
}
