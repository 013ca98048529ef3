# What the programs that start most often may load: each library costs time at every start.
load ../lib/moss

@test "moss and moss-monitor load only what they may" {
	local program found
	for program in "$MOSS" "${MOSS_LIBEXEC:-$(dirname "$MOSS")/../libexec/moss}/moss-monitor"; do
		[ -x "$program" ]
		found=$(LC_ALL=C ldd "$program" | grep -v 'statically linked' | awk '{ print $1 }' | grep -vE \
			'^(linux-vdso|/lib.*/ld-linux|libc|libm|libsqlite3|libjansson|libseccomp|libcap|lib[a-z]*san|libgcc_s|libstdc[+]*)[-.]' || true)
		echo "$program: $found"
		[ -z "$found" ]
	done
}

@test "no network code is loaded by the unpacker" {
	run -0 ldd "${MOSS_LIBEXEC:-$(dirname "$MOSS")/../libexec/moss}/moss-unpack"
	[[ $output != *libcurl* && $output != *libssl* && $output != *libgnutls* ]]
}
