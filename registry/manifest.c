#include "registry/manifest.h"
#include "registry/reference.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

enum { PLATFORMS_SHOWN_LEN = 200 };

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; s && i < n; i++)
		if (!strcmp(s, list[i]))
			return true;
	return false;
}

static const char *const config_types[] = {
	"application/vnd.docker.container.image.v1+json",
	"application/vnd.oci.image.config.v1+json",
};

static const char *const layer_types[] = {
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	/* May be kept away from the registry, at addresses that we do not go to. */
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
};

bool layer_type_is_foreign(const char *media_type)
{
	return strstr(media_type, ".foreign.") || strstr(media_type, ".nondistributable.");
}

bool layer_type_is_plain(const char *media_type)
{
	return is_one_of(media_type, layer_types, ARRAY_LEN(layer_types)) &&
	       !layer_type_is_foreign(media_type);
}

void descriptor_deinit(struct descriptor *d)
{
	free(d->media_type);
	free(d->digest);
	*d = (struct descriptor){0};
}

void manifest_deinit(struct manifest *m)
{
	int saved = errno;
	free(m->media_type);
	descriptor_deinit(&m->config);
	for (size_t i = 0; i < m->n_layers; i++)
		descriptor_deinit(&m->layers[i]);
	free(m->layers);
	for (size_t i = 0; i < m->n_entries; i++)
		descriptor_deinit(&m->entries[i]);
	free(m->entries);
	json_decref(m->platforms);
	memset(m, 0, sizeof(*m));
	errno = saved;
}

static int bad(struct err *e, const char *what)
{
	return err_set(e, EBADMSG, "invalid manifest: %s", what);
}

static int descriptor_parse(const json_t *j, struct descriptor *d, struct err *e)
{
	const char *digest = json_str(j, "digest"), *type = json_str(j, "mediaType");
	const json_t *size = json_object_get(j, "size");
	if (!json_is_object(j))
		return bad(e, "a descriptor is not an object");
	if (!digest || !digest_valid(digest))
		return err_set(e, EBADMSG,
			"invalid manifest: unsupported or malformed digest %.100s",
			digest ? digest : "(none)");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(e, EBADMSG, "invalid manifest: bad size of %s", digest);
	if (!type || strlen(type) > 255)
		return err_set(e, EBADMSG, "invalid manifest: no media type of %s", digest);
	d->digest = xstrdup(digest);
	d->media_type = xstrdup(type);
	d->size = json_integer_value(size);
	return 0;
}

/* An array of descriptors. */
static int list_parse(const json_t *array, size_t max, const char *what, struct descriptor **out,
	size_t *n_out, struct err *e)
{
	size_t n = json_array_size(array);
	if (!json_is_array(array))
		return err_set(e, EBADMSG, "invalid manifest: %s is not a list", what);
	if (n > max)
		return err_set(e, EBADMSG, "invalid manifest: %zu %s, at most %zu are possible", n,
			what, max);
	*out = xcalloc(n + 1, sizeof(**out));
	for (*n_out = 0; *n_out < n;) {
		struct descriptor *d = &(*out)[(*n_out)++];
		if (descriptor_parse(json_array_get(array, *n_out - 1), d, e) < 0)
			return -e->code;
	}
	return 0;
}

static int lists_parse(const json_t *j, struct manifest *m, struct err *e)
{
	if (descriptor_parse(json_object_get(j, "config"), &m->config, e) < 0)
		return err_ctx(e, "config");
	return list_parse(json_object_get(j, "layers"), MANIFEST_LAYERS_MAX, "layers", &m->layers,
		&m->n_layers, e);
}

int manifest_check_image(const char *config_type, struct err *e)
{
	if (is_one_of(config_type, config_types, ARRAY_LEN(config_types)))
		return 0;
	return err_set(e, ENOTSUP, "not an image: unsupported config type %s", config_type);
}

static int types_check(const struct manifest *m, struct err *e)
{
	if (manifest_check_image(m->config.media_type, e) < 0)
		return -e->code;
	for (size_t i = 0; i < m->n_layers; i++) {
		const char *type = m->layers[i].media_type;
		if (!is_one_of(type, layer_types, ARRAY_LEN(layer_types)))
			return err_set(e, ENOTSUP, "unsupported layer type %s", type);
	}
	return 0;
}

static int index_parse(const json_t *j, struct manifest *m, struct err *e)
{
	const json_t *array = json_object_get(j, "manifests");
	if (list_parse(array, INDEX_ENTRIES_MAX, "manifests", &m->entries, &m->n_entries, e) < 0)
		return -e->code;
	m->platforms = json_array();
	for (size_t i = 0; i < m->n_entries; i++) {
		json_t *p = json_object_get(json_array_get(array, i), "platform");
		json_array_append(m->platforms, json_is_object(p) ? p : json_null());
	}
	return 0;
}

/* The kind a media type stands for; -1 where it says nothing. */
static int kind_of_type(const char *type)
{
	if (!type)
		return -1;
	if (!strcmp(type, DOCKER_MANIFEST) || !strcmp(type, OCI_MANIFEST))
		return MANIFEST_IMAGE;
	if (!strcmp(type, DOCKER_INDEX) || !strcmp(type, OCI_INDEX))
		return MANIFEST_INDEX;
	return -1;
}

/* "type/x; charset=utf-8" -> "type/x" */
static char *bare_type(const char *type)
{
	char *s = xstrndup(type, strcspn(type, "; \t"));
	str_lower(s);
	return s;
}

/* What the document is: by what it holds, with which its own and the announced type must agree. */
static int find_kind(const json_t *j, const char *announced, struct manifest *m, struct err *e)
{
	bool has_index = json_object_get(j, "manifests") != NULL;
	bool has_image =
		json_object_get(j, "layers") != NULL || json_object_get(j, "config") != NULL;
	const json_t *type_field = json_object_get(j, "mediaType");
	const char *type = json_string_value(type_field);
	const json_t *version = json_object_get(j, "schemaVersion");
	if (json_object_get(j, "fsLayers") ||
		(json_is_integer(version) && json_integer_value(version) == 1))
		return err_set(e, ENOTSUP,
			"the image has a manifest of the old schema 1, which is not "
			"supported: push it again with a current tool");
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		return bad(e, "schemaVersion is not 2");
	if (has_index && has_image)
		return bad(e, "both an index and an image");
	if (!has_index && !has_image)
		return bad(e, "neither an index nor an image");
	if (type_field && !type)
		return bad(e, "mediaType is not a string");
	m->kind = has_index ? MANIFEST_INDEX : MANIFEST_IMAGE;
	if (type && kind_of_type(type) != (int)m->kind)
		return err_set(e, EBADMSG,
			"invalid manifest: content is not of its media type %.100s", type);
	auto_free char *said = announced ? bare_type(announced) : NULL;
	if (kind_of_type(said) >= 0 &&
		(kind_of_type(said) != (int)m->kind || (type && strcmp(type, said) != 0)))
		return err_set(e, EBADMSG,
			"invalid manifest: media type %.100s does not match what the registry "
			"announced "
			"(%.100s)",
			type ? type : "of its content", said);
	if (type)
		m->media_type = xstrdup(type);
	else if (kind_of_type(said) >= 0)
		m->media_type = take_ptr(said);
	else
		m->media_type = xstrdup(has_index ? OCI_INDEX : OCI_MANIFEST);
	return 0;
}

int manifest_parse_any(
	const void *bytes, size_t len, const char *media_type, struct manifest *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	auto_json j = json_parse(bytes, len, "invalid manifest", e);
	if (!j)
		return -e->code;
	if (!json_is_object(j))
		return bad(e, "not an object");
	int r = find_kind(j, media_type, out, e);
	if (r == 0)
		r = out->kind == MANIFEST_INDEX ? index_parse(j, out, e) : lists_parse(j, out, e);
	if (r < 0)
		manifest_deinit(out);
	return r;
}

int manifest_parse(
	const void *bytes, size_t len, const char *media_type, struct manifest *out, struct err *e)
{
	int r = manifest_parse_any(bytes, len, media_type, out, e);
	if (r == 0 && out->kind == MANIFEST_IMAGE)
		r = types_check(out, e);
	if (r < 0)
		manifest_deinit(out);
	return r;
}

/* ---- platforms ---- */

/* "v7" -> 7; what is no version: -1. */
static int variant_number(const char *v)
{
	uint32_t n;
	return v && v[0] == 'v' && parse_u32(v + 1, &n) && n < 100 ? (int)n : -1;
}

static const char *default_variant(const char *architecture)
{
	if (!strcmp(architecture, "arm64"))
		return "v8";
	if (!strcmp(architecture, "arm"))
		return "v7";
	return !strcmp(architecture, "amd64") ? "v1" : "";
}

static const char *plain_architecture(const char *a)
{
	if (!strcmp(a, "x86_64") || !strcmp(a, "x86-64"))
		return "amd64";
	if (!strcmp(a, "aarch64"))
		return "arm64";
	return !strcmp(a, "armhf") ? "arm" : a;
}

/* How well a platform serves a wish: 0 not at all, more is better. An older variant of the same
 * architecture will do, a newer one will not. */
static int platform_score(const json_t *p, const struct wanted_platform *want)
{
	const char *os = json_str(p, "os"), *arch = json_str(p, "architecture");
	if (!os || !arch)
		return 0;
	const char *wanted_arch = plain_architecture(want->architecture);
	arch = plain_architecture(arch);
	if (strcmp(os, want->os) != 0 || strcmp(arch, wanted_arch) != 0)
		return 0;
	const char *v = json_str(p, "variant");
	const char *have = str_empty(v) ? default_variant(arch) : v;
	const char *wanted = str_empty(want->variant) ? default_variant(arch) : want->variant;
	if (!strcmp(have, wanted))
		return 1000;
	int h = variant_number(have), w = variant_number(wanted);
	return h > 0 && w > 0 && h < w ? 100 + h : 0;
}

/* "--platform takes what is there: linux/arm64/v8, linux/s390x" */
static int hint_at_platforms(const struct manifest *index, struct err *e)
{
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < index->n_entries && list.len < PLATFORMS_SHOWN_LEN; i++) {
		const json_t *p = json_array_get(index->platforms, i);
		const char *os = json_str(p, "os"), *arch = json_str(p, "architecture");
		const char *variant = json_str_or(p, "variant", "");
		/* unknown/unknown: an attestation */
		if (!os || !arch || !strcmp(os, "unknown"))
			continue;
		buf_printf(&list, "%s%s/%s%s%s", list.len ? ", " : "", os, arch,
			*variant ? "/" : "", variant);
	}
	if (!list.len)
		return -e->code;
	return err_hint(
		e, "--platform takes what is there: %.*s", 2 * PLATFORMS_SHOWN_LEN, list.data);
}

int manifest_choose(const struct manifest *index, const struct wanted_platform *want,
	const struct descriptor **out, struct err *e)
{
	int best = 0;
	for (size_t i = 0; i < index->n_entries; i++) {
		const json_t *p = json_array_get(index->platforms, i);
		/* A lone entry that says nothing is what there is. */
		int score = json_is_null(p) ? index->n_entries == 1 : platform_score(p, want);
		if (kind_of_type(index->entries[i].media_type) < 0)
			score = 0;
		if (score > best) {
			best = score;
			*out = &index->entries[i];
		}
	}
	if (best > 0)
		return 0;
	err_set(e, ENOTSUP, "no matching manifest for %s/%s%s%s in the manifest list entries",
		want->os, want->architecture, str_empty(want->variant) ? "" : "/",
		want->variant ? want->variant : "");
	return hint_at_platforms(index, e);
}
