/* Members of a list from the file or folder that a transport names: their manifests are read, their
 * blobs stay where they are until the list is pushed. */
#include "engine/transfer/manifest_member.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/document.h"
#include "engine/transfer/member_source.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/transport_blobs.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "registry/transport.h"

/* The list keeps every manifest. */
enum { MEMBERS_MAX = 256, MEMBERS_SIZE_MAX = 4 * MANIFEST_MAX };

struct reading {
	const struct transport *transport;
	struct transport_stage stage;
	struct document_reader reader;
	char *full; /* as the members are called */
	int flags;
};

static json_t *new_entry(const struct reading *r, const char *ref, const struct document *d)
{
	json_t *entry = member_entry(ref, d, NULL);
	member_set_transport(entry, r->transport);
	return entry;
}

/* ---- platforms ---- */

static int check_size(const json_t *descriptor, int64_t max, struct err *e)
{
	const char *digest = json_str_or(descriptor, "digest", "");
	int64_t size = json_int_or(descriptor, "size", -1);
	if (digest_valid(digest) && size >= 0 && size <= max)
		return 0;
	return err_set(e, EBADMSG, "invalid manifest: bad size of %s", digest);
}

static int read_platform(struct reading *r, size_t k, json_t *entry, struct err *e)
{
	const json_t *d = json_at(entry, "document/config");
	json_t *platform = NULL, *diff_ids = NULL;
	auto_fd fd = transport_blob_open(&r->stage, k, e);
	int result = fd < 0 ? fd
			    : document_config(&r->reader, fd, json_str_or(d, "digest", ""),
				      json_int_or(d, "size", -1), &platform, &diff_ids, e);
	json_decref(diff_ids);
	if (result < 0)
		return err_ctx(e, "image config");
	json_set(entry, "platform", platform);
	return 0;
}

/* An artifact's config is of any kind. 1 = it is one, and may be. */
static int take_artifact(const struct reading *r, json_t *entry, struct err *e)
{
	struct err no_image;
	const char *type = json_str_or(entry, "document/config/mediaType", "");
	if (manifest_check_image(type, &no_image) == 0)
		return 0;
	if (!(r->flags & READ_ARTIFACTS)) {
		*e = no_image;
		return -e->code;
	}
	json_set(entry, "platform", member_no_platform());
	return 1;
}

/* By what their configs say, of those whose platform no index has told. */
static int read_platforms(struct reading *r, json_t *entries, struct err *e)
{
	auto_free struct transport_blob *want =
		xcalloc(json_array_size(entries) + 1, sizeof(*want));
	auto_json untold = json_array();
	size_t i;
	json_t *entry;
	json_array_foreach (entries, i, entry) {
		const json_t *d = json_at(entry, "document/config");
		if (json_object_get(entry, "platform"))
			continue;
		int artifact = take_artifact(r, entry, e);
		if (artifact < 0)
			return artifact;
		if (artifact)
			continue;
		if (check_size(d, CONFIG_MAX, e) < 0)
			return -e->code;
		want[json_array_size(untold)] = (struct transport_blob){
			.digest = json_str(d, "digest"), .size = json_int_or(d, "size", -1)};
		json_array_append(untold, entry);
	}
	if (json_array_size(untold) &&
		transport_blobs(&r->stage, r->transport, want, json_array_size(untold), e) < 0)
		return -e->code;
	json_array_foreach (untold, i, entry)
		if (read_platform(r, i, entry, e) < 0)
			return -e->code;
	return 0;
}

/* ---- manifests ---- */

static int read_member(
	struct reading *r, size_t k, const json_t *listed, json_t *entries, struct err *e)
{
	auto_document d = {0};
	const char *digest = json_str_or(listed, "digest", "");
	auto_free char *ref = xasprintf("%s@%s", r->full, digest);
	auto_fd fd = transport_blob_open(&r->stage, k, e);
	int result = fd < 0 ? fd
			    : document_read(
				      &r->reader, fd, json_str(listed, "mediaType"), digest, &d, e);
	if (result == 0 && d.is_index)
		result = err_set(e, EBADMSG, "it is an index within an index");
	if (result < 0)
		return err_ctx(e, "%s", digest);
	json_t *entry = new_entry(r, ref, &d), *platform = json_object_get(listed, "platform");
	if (platform)
		json_set(entry, "platform", json_deep_copy(platform));
	member_annotate(entry, listed);
	json_array_append_new(entries, entry);
	return 0;
}

static int read_members(
	struct reading *r, const struct document *index, json_t *entries, struct err *e)
{
	const json_t *list = json_object_get(index->json, "manifests");
	size_t n = json_array_size(list), i;
	int64_t total = 0;
	json_t *listed;
	auto_free struct transport_blob *want = xcalloc(n + 1, sizeof(*want));
	if (n > MEMBERS_MAX)
		return err_set(e, EFBIG, "it has %zu images, at most %d are read", n, MEMBERS_MAX);
	json_array_foreach ((json_t *)list, i, listed) {
		if (check_size(listed, MANIFEST_MAX, e) < 0)
			return -e->code;
		want[i] = (struct transport_blob){.digest = json_str(listed, "digest"),
			.size = json_int_or(listed, "size", -1),
			.is_manifest = true};
		total += want[i].size;
	}
	if (total > MEMBERS_SIZE_MAX)
		return err_set(e, EFBIG, "its manifests have %lld bytes, at most %d are read",
			(long long)total, MEMBERS_SIZE_MAX);
	if (n && transport_blobs(&r->stage, r->transport, want, n, e) < 0)
		return -e->code;
	json_array_foreach ((json_t *)list, i, listed)
		if (read_member(r, i, listed, entries, e) < 0)
			return -e->code;
	return 0;
}

static int read_all(struct reading *r, struct document *doc, json_t *entries, struct err *e)
{
	if (transport_top(&r->stage, r->transport, &r->reader, doc, e) < 0)
		return -e->code;
	if (!doc->is_index)
		json_array_append_new(entries, new_entry(r, r->full, doc));
	else if (r->flags & READ_MEMBERS && read_members(r, doc, entries, e) < 0)
		return -e->code;
	return read_platforms(r, entries, e);
}

/* Entries are JSON. */
static int check_text(const char *full, struct err *e)
{
	auto_json text = json_string(full);
	return text ? 0 : err_set(e, EINVAL, "the path is no UTF-8, which a list cannot keep");
}

int manifest_transport_read(struct store *s, const char *typed, int flags, struct document *doc,
	json_t *entries, struct err *e)
{
	auto_transport t;
	*doc = (struct document){0};
	if (transport_parse(typed, &t, e) < 0)
		return -e->code;
	struct reading r = {.transport = &t, .reader = DOCUMENT_READER(s), .flags = flags};
	r.full = transport_full(&t);
	int result = check_text(r.full, e);
	if (result == 0)
		result = transport_stage_open(s, &r.stage, e);
	if (result == 0)
		result = read_all(&r, doc, entries, e);
	document_reader_deinit(&r.reader);
	transport_stage_close(&r.stage);
	free(r.full);
	return result < 0 ? err_ctx(e, "%s", typed) : 0;
}
