/* The job "describe": a whole manifest or index as JSON of known keys and checked types, in its own
 * order, for those who make a new one from it (push) or show it (manifest inspect). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpack_role.h"
#include "registry/manifest.h"
#include "registry/reference.h"

enum { TEXT_MAX = 64 * 1024 };

static void copy_text(const json_t *from, json_t *to, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));
	if (text && strlen(text) <= TEXT_MAX)
		json_set_str(to, key, text);
}

static void copy_texts(const json_t *from, json_t *to, const char *key)
{
	const json_t *list = json_object_get(from, key);
	size_t i;
	json_t *item;
	if (!json_is_array(list))
		return;
	json_t *out = json_array();
	json_array_foreach (list, i, item) {
		if (json_is_string(item))
			json_array_append(out, item);
	}
	json_set(to, key, out);
}

static void copy_annotations(const json_t *from, json_t *to)
{
	const json_t *list = json_object_get(from, "annotations");
	const char *key;
	json_t *value;
	if (!json_is_object(list) || !json_object_size(list))
		return;
	json_t *out = json_object();
	json_object_foreach ((json_t *)list, key, value) {
		if (json_is_string(value))
			json_object_set(out, key, value);
	}
	if (json_object_size(out))
		json_set(to, "annotations", out);
	else
		json_decref(out);
}

static bool is_one_of(const char *key, const char *const *known)
{
	while (*known && strcmp(*known, key) != 0)
		known++;
	return *known != NULL;
}

/* In its own order, which manifest inspect shows. manifest_parse_any has checked what is needed. */
static json_t *descriptor_copy(const json_t *from)
{
	static const char *const texts[] = {"mediaType", "digest", "artifactType", "data", NULL};
	json_t *to = json_object(), *value;
	const char *key;
	json_object_foreach ((json_t *)from, key, value) {
		if (is_one_of(key, texts))
			copy_text(from, to, key);
		else if (!strcmp(key, "size"))
			json_set_int(to, key, json_integer_value(value));
		else if (!strcmp(key, "urls"))
			copy_texts(from, to, key);
		else if (!strcmp(key, "annotations"))
			copy_annotations(from, to);
	}
	return to;
}

static json_t *platform_copy(const json_t *from)
{
	static const char *const texts[] = {"architecture", "os", "os.version"};
	json_t *to = json_object();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		copy_text(from, to, texts[i]);
	copy_texts(from, to, "os.features");
	copy_text(from, to, "variant");
	copy_texts(from, to, "features");
	return to;
}

static json_t *entries_copy(const json_t *doc)
{
	json_t *out = json_array(), *entry;
	size_t i;
	json_array_foreach (json_object_get(doc, "manifests"), i, entry) {
		json_t *copy = descriptor_copy(entry);
		const json_t *platform = json_object_get(entry, "platform");
		if (json_is_object(platform))
			json_set(copy, "platform", platform_copy(platform));
		json_array_append_new(out, copy);
	}
	return out;
}

static json_t *layers_copy(const json_t *doc)
{
	json_t *out = json_array(), *layer;
	size_t i;
	json_array_foreach (json_object_get(doc, "layers"), i, layer)
		json_array_append_new(out, descriptor_copy(layer));
	return out;
}

/* A reference to another manifest; what is no descriptor is left out. */
static void copy_subject(const json_t *doc, json_t *to)
{
	const json_t *subject = json_object_get(doc, "subject");
	const char *digest = json_str(subject, "digest");
	if (digest && digest_valid(digest) && json_str(subject, "mediaType") &&
		json_int_or(subject, "size", -1) >= 0)
		json_set(to, "subject", descriptor_copy(subject));
}

static json_t *document_copy(const json_t *doc)
{
	static const char *const texts[] = {"mediaType", "artifactType", NULL};
	json_t *to = json_object(), *value;
	const char *key;
	json_object_foreach ((json_t *)doc, key, value) {
		if (is_one_of(key, texts))
			copy_text(doc, to, key);
		else if (!strcmp(key, "schemaVersion"))
			json_set_int(to, key, 2);
		else if (!strcmp(key, "manifests"))
			json_set(to, key, entries_copy(doc));
		else if (!strcmp(key, "config"))
			json_set(to, key, descriptor_copy(value));
		else if (!strcmp(key, "layers"))
			json_set(to, key, layers_copy(doc));
		else if (!strcmp(key, "subject"))
			copy_subject(doc, to);
		else if (!strcmp(key, "annotations"))
			copy_annotations(doc, to);
	}
	return to;
}

json_t *unpack_describe(const void *bytes, size_t n, const char *announced, char **media_type,
	bool *is_index, struct err *e)
{
	auto_manifest m = {0};
	if (manifest_parse_any(bytes, n, announced, &m, e) < 0)
		return NULL;
	auto_json doc = json_parse(bytes, n, "manifest", e);
	if (!doc)
		return NULL;
	*is_index = m.kind == MANIFEST_INDEX;
	*media_type = xstrdup(m.media_type);
	return document_copy(doc);
}

json_t *unpack_describe_job(const struct unpack_request *q, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_free char *type = NULL;
	bool is_index = false;
	char digest[72];
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no place for the description in the request");
		return NULL;
	}
	if (unpack_read_document(q, MANIFEST_MAX, &text, digest, e) < 0)
		return NULL;
	auto_json copy = unpack_describe(text.data ? text.data : "", text.len,
		json_str(q->job, "media_type"), &type, &is_index, e);
	if (!copy)
		return NULL;
	auto_free char *out = json_text(copy);
	int r = write_all(q->fds[1], out, strlen(out));
	if (r < 0) {
		err_sysn(e, -r, "cannot pass the description on");
		return NULL;
	}
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set_str(reply, "kind", is_index ? "index" : "manifest");
	json_set_str(reply, "digest", digest);
	json_set_int(reply, "size", (int64_t)text.len);
	json_set_str(reply, "media_type", type);
	return reply;
}
