#include "engine/transfer/unpack_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpack_role.h"
#include "registry/manifest.h"

#define REF_NAME "org.opencontainers.image.ref.name"

static const char *ref_of(const json_t *entry)
{
	return json_string_value(json_object_get(json_object_get(entry, "annotations"), REF_NAME));
}

/* New reference. Checked as any index that is read; its unknown keys are kept. */
static json_t *read_index(const void *bytes, size_t n, struct err *e)
{
	auto_manifest m = {0};
	if (manifest_parse(bytes, n, NULL, &m, e) < 0)
		return NULL;
	if (m.kind != MANIFEST_INDEX) {
		err_set(e, EBADMSG, "it is no index");
		return NULL;
	}
	return json_parse(bytes, n, "index.json", e);
}

static json_t *new_index(void) { return json_pack("{s:i, s:[]}", "schemaVersion", 2, "manifests"); }

static void take_name(json_t *list, const char *name)
{
	size_t i;
	json_t *other;
	json_array_foreach (list, i, other) {
		const char *its = ref_of(other);
		json_t *notes = json_object_get(other, "annotations");
		if (!its || strcmp(its, name) != 0)
			continue;
		(void)json_object_del(notes, REF_NAME);
		if (!json_object_size(notes))
			(void)json_object_del(other, "annotations");
	}
}

/* An entry of the same image without a name becomes this one. */
static void put(json_t *list, const json_t *entry)
{
	const char *digest = json_str_or(entry, "digest", "");
	size_t i;
	json_t *other;
	json_array_foreach (list, i, other)
		if (!ref_of(other) && !strcmp(json_str_or(other, "digest", ""), digest)) {
			json_array_set(list, i, (json_t *)entry);
			return;
		}
	json_array_append(list, (json_t *)entry);
}

int layout_add(const void *bytes, size_t n, const json_t *entry, struct buf *out, struct err *e)
{
	auto_json index = n ? read_index(bytes, n, e) : new_index();
	if (!index)
		return err_ctx(e, "index.json");
	json_t *list = json_object_get(index, "manifests");
	const char *name = ref_of(entry);
	if (name)
		take_name(list, name);
	put(list, entry);
	if (json_array_size(list) > INDEX_ENTRIES_MAX)
		return err_set(e, EFBIG, "index.json has %d entries already", INDEX_ENTRIES_MAX);
	auto_free char *text = json_text(index);
	buf_puts(out, text);
	return 0;
}

json_t *unpack_layout_job(const struct unpack_request *q, struct err *e)
{
	auto_buf old = BUF_INIT, text = BUF_INIT;
	char digest[72];
	const json_t *entry = json_object_get(q->job, "entry");
	if (q->n_fds < 2 || !json_is_object(entry)) {
		err_set(e, EINVAL, "no entry in the request");
		return NULL;
	}
	if (unpack_read_document(q, MANIFEST_MAX, &old, digest, e) < 0 ||
		layout_add(old.data, old.len, entry, &text, e) < 0)
		return NULL;
	int r = text.len > MANIFEST_MAX ? -EFBIG : write_all(q->fds[1], text.data, text.len);
	if (r < 0) {
		err_sysn(e, -r, "cannot write index.json");
		return NULL;
	}
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	return reply;
}
