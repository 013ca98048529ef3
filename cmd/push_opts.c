#include "cmd/push_opts.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"
#include "registry/transport.h"

#define SIGNING "moss makes no signatures: sign with cosign or skopeo afterwards"

// clang-format off
const struct opt push_opt_rows[] = {
	{"quiet", 'q', OPT_BOOL, FIELD(struct push_opts, quiet), NULL, "Suppress verbose output"},
	{"compression-format", 0, OPT_STR, FIELD(struct push_opts, compression_format), "string",
		"Compress layers that the registry has not got with gzip or zstd",
		.complete = COMPLETE_CHOICES, .choices = "gzip zstd"},
	{"compression-level", 0, OPT_INT, FIELD(struct push_opts, compression_level), "int",
		"How hard layers are compressed",
		.given_offset = FIELD(struct push_opts, compression_level_given)},
	{"digestfile", 0, OPT_STR, FIELD(struct push_opts, digestfile), "string",
		"Write the digest of what was pushed to this file", .complete = COMPLETE_FILE},
	{"force-compression", 0, OPT_BOOL, FIELD(struct push_opts, force_compression), NULL,
		"Push no layer in another form than --compression-format's"},
	{"format", 'f', OPT_STR, FIELD(struct push_opts, format), "string",
		"Format of manifests: oci or v2s2 (default: what the image has)",
		.complete = COMPLETE_CHOICES, .choices = "oci v2s2"},
	{"remove-signatures", 0, OPT_BOOL, FIELD(struct push_opts, remove_signatures), NULL,
		"Push no signatures (moss keeps none, so there are none to push)"},
	{"sign-by", 0, OPT_UNSUPPORTED, 0, "string", "Sign with a GPG key", .hint = SIGNING},
	{"sign-by-sigstore", 0, OPT_UNSUPPORTED, 0, "string", "Sign with a sigstore parameter file",
		.hint = SIGNING},
	{"sign-by-sigstore-private-key", 0, OPT_UNSUPPORTED, 0, "string",
		"Sign with a sigstore private key", .hint = SIGNING},
	{"sign-by-sq-fingerprint", 0, OPT_UNSUPPORTED, 0, "string", "Sign with a Sequoia key",
		.hint = SIGNING},
	{"sign-passphrase-file", 0, OPT_UNSUPPORTED, 0, "string", "Passphrase of the signing key",
		.hint = SIGNING},
	{0},
};
// clang-format on

static int read_format(const char *text, enum manifest_format *format, struct err *e)
{
	*format = FORMAT_AS_IS;
	if (str_empty(text))
		return 0;
	if (!strcmp(text, "oci"))
		*format = FORMAT_OCI;
	else if (!strcmp(text, "v2s2") || !strcmp(text, "docker"))
		*format = FORMAT_DOCKER;
	else if (!strcmp(text, "v2s1"))
		return err_set(e, EOPNOTSUPP,
			"the old format v2s1 is not supported: use --format v2s2 or oci");
	else
		return err_set(e, EINVAL,
			"unknown format \"%s\". Choose one of the supported formats: 'oci' or "
			"'v2s2'",
			text);
	return 0;
}

static int read_compression(const struct push_opts *a, struct push_compression *c, struct err *e)
{
	const char *text = a->compression_format;
	int64_t least = 0, most = 9;
	*c = (struct push_compression){.is_forced = a->force_compression,
		.format = COMPRESSION_GZIP,
		.is_given = !str_empty(text) || a->force_compression};
	if (!str_empty(text) && !strcmp(text, "zstd")) {
		c->format = COMPRESSION_ZSTD;
		least = 1, most = 19;
	} else if (!str_empty(text) && !strcmp(text, "zstd:chunked")) {
		return err_set(
			e, EOPNOTSUPP, "the compression zstd:chunked is not supported: use zstd");
	} else if (!str_empty(text) && strcmp(text, "gzip") != 0) {
		return err_set(e, EINVAL, "cannot find compressor for \"%s\"", text);
	}
	if (!a->compression_level_given)
		return 0;
	if (a->compression_level < least || a->compression_level > most)
		return err_set(e, EINVAL, "--compression-level must be %lld to %lld for %s",
			(long long)least, (long long)most, compression_name(c->format));
	c->has_level = true;
	c->level = (int)a->compression_level;
	return 0;
}

int push_opts_read(const struct cmd_call *call, const struct push_opts *a, struct push_options *o,
	struct err *e)
{
	*o = (struct push_options){.registry = registry_pull_options(call, &a->registry)};
	o->registry.quiet = a->quiet;
	int r = read_format(a->format, &o->format, e);
	if (r == 0)
		r = read_compression(a, &o->compression, e);
	if (r == 0 && o->format == FORMAT_DOCKER && o->compression.format == COMPRESSION_ZSTD)
		r = err_set(
			e, EINVAL, "layers compressed with zstd need the OCI format: --format oci");
	return r;
}

int push_opts_write_digest(const struct push_opts *a, const char *digest, struct err *e)
{
	if (str_empty(a->digestfile))
		return 0;
	return write_file_at(AT_FDCWD, a->digestfile, digest, strlen(digest), 0644, false, e);
}

/* Whoever comes here pushes to a registry: files and folders are for whoever looked before. */
static int refuse_transport(const char *typed, struct err *e)
{
	static const char *const others[] = {"docker-daemon:", "containers-storage:", "ostree:"};
	if (transport_is(typed)) {
		(void)err_set(e, EOPNOTSUPP, "%s is no registry", typed);
		return err_hint(e, "moss push IMAGE %s writes an image there", typed);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_starts(typed, others[i])) {
			(void)err_set(e, EOPNOTSUPP,
				"cannot push to %s: another engine's store is its own to write",
				typed);
			return err_hint(
				e, "`moss save` writes what `podman load` and `docker load` read");
		}
	return 0;
}

int push_destination(const char *typed, struct reference *ref, struct err *e)
{
	const char *rest = str_after(typed, "docker://");
	int r = refuse_transport(typed, e);
	if (r == 0)
		r = reference_parse(rest ? rest : typed, true, ref, e);
	if (r == 0 && ref->digest)
		return err_set(e, EINVAL, "cannot push a digest reference");
	return r;
}
