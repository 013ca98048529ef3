#include "engine/transfer/manifest_member.h"
#include "engine/transfer/member_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/document.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/push.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

/* One registry that is read. */
struct remote {
	struct store *store;
	struct fetcher fetcher;
	struct document_reader reader;
	const struct reference *ref;
	bool with_artifacts; /* they have no platform */
};

json_t *member_entry(const char *ref, const struct document *d, json_t *platform)
{
	json_t *entry = json_object();
	json_set_str(entry, "ref", ref);
	json_set_str(entry, "mediaType", d->media_type);
	json_set_str(entry, "digest", d->digest);
	json_set_int(entry, "size", d->size);
	if (platform)
		json_set(entry, "platform", platform);
	auto_free char *raw = base64_encode(d->bytes.data ? d->bytes.data : "", d->bytes.len);
	json_set_str(entry, "raw", raw);
	json_set(entry, "document", json_incref(d->json));
	return entry;
}

json_t *member_no_platform(void) { return json_pack("{s:s, s:s}", "architecture", "", "os", ""); }

void member_annotate(json_t *entry, const json_t *listed)
{
	const json_t *annotations = json_object_get(listed, "annotations");
	if (annotations)
		json_set(entry, "annotations", json_deep_copy(annotations));
}

/* ---- from a registry ---- */

static int fetch_document(
	struct remote *r, const char *ref, struct document *d, const char **kind, struct err *e)
{
	struct fetched_manifest m;
	int result = fetcher_manifest(&r->fetcher, ref, &m, kind, e);
	if (result == 0)
		result = document_read(&r->reader, m.fd, m.media_type, m.digest, d, e);
	fetched_manifest_deinit(&m);
	return result;
}

/* By what its config says. */
static int fetch_platform(
	struct remote *r, const struct document *d, json_t **platform, struct err *e)
{
	struct err no_image;
	if (manifest_check_image(json_str_or(d->json, "config/mediaType", ""), &no_image) < 0) {
		if (r->with_artifacts)
			*platform = member_no_platform();
		else
			*e = no_image;
		return r->with_artifacts ? 0 : -e->code;
	}
	const char *digest = json_str(d->json, "config/digest"), *kind;
	int64_t size = json_int_or(d->json, "config/size", -1);
	json_t *diff_ids = NULL;
	if (!digest_valid(digest) || size < 0 || size > CONFIG_MAX)
		return err_set(e, EBADMSG, "invalid manifest: bad size of the config");
	auto_fd fd = fetcher_memory_file(e);
	const struct fetch_blob wanted = {
		.digest = digest, .size = size, .part = fd, .pipe = -1, .sums = -1};
	int result = fd < 0 ? fd : fetcher_blob(&r->fetcher, &wanted, e);
	if (result == 0)
		result = fetcher_wait(&r->fetcher, &kind, e);
	if (result == 0)
		result = document_config(&r->reader, fd, digest, size, platform, &diff_ids, e);
	json_decref(diff_ids);
	return result < 0 ? err_ctx(e, "image config") : 0;
}

static int add_image(struct remote *r, const char *ref, const struct document *d,
	const json_t *listed, json_t *entries, struct err *e)
{
	auto_free char *repository = reference_name(r->ref);
	json_t *platform = NULL;
	const json_t *told = json_object_get(listed, "platform");
	if (!told && fetch_platform(r, d, &platform, e) < 0)
		return -e->code;
	if (told)
		platform = json_deep_copy(told);
	json_t *entry = member_entry(ref, d, platform);
	json_set_str(entry, "repository", repository);
	member_annotate(entry, listed);
	json_array_append_new(entries, entry);
	return 0;
}

/* "name:tag@digest" */
static int add_members(
	struct remote *r, const struct document *index, json_t *entries, struct err *e)
{
	size_t i;
	json_t *listed;
	auto_free char *full = reference_full(r->ref);
	auto_free char *name = reference_name(r->ref);
	json_array_foreach (json_object_get(index->json, "manifests"), i, listed) {
		const char *digest = json_str_or(listed, "digest", ""), *kind;
		auto_free char *by_digest = xasprintf("%s@%s", name, digest);
		auto_free char *shown =
			r->ref->digest ? xstrdup(by_digest) : xasprintf("%s@%s", full, digest);
		auto_document d = {0};
		int result = fetch_document(r, by_digest, &d, &kind, e);
		if (result == 0)
			result = add_image(r, shown, &d, listed, entries, e);
		if (result < 0)
			return err_ctx(e, "%s", by_digest);
	}
	return 0;
}

static int read_remote(struct remote *r, const struct pull_options *o, bool with_members,
	struct document *doc, json_t *entries, const char **kind, struct err *e)
{
	auto_free char *full = reference_full(r->ref);
	*kind = "other";
	int result = fetcher_start(r->store, r->ref, o, &r->fetcher, e);
	if (result == 0)
		result = fetcher_ready(&r->fetcher, e);
	if (result == 0)
		result = fetch_document(r, full, doc, kind, e);
	if (result < 0)
		return result;
	if (doc->is_index)
		return with_members ? add_members(r, doc, entries, e) : 0;
	return add_image(r, full, doc, NULL, entries, e);
}

static int read_registry(struct store *s, const struct reference *ref, const struct pull_options *o,
	int flags, struct document *doc, json_t *entries, const char **kind, struct err *e)
{
	struct remote r = {.store = s,
		.fetcher = FETCHER_INIT,
		.reader = DOCUMENT_READER(s),
		.ref = ref,
		.with_artifacts = flags & READ_ARTIFACTS};
	*doc = (struct document){0};
	int result = read_remote(&r, o, flags & READ_MEMBERS, doc, entries, kind, e);
	fetcher_stop(&r.fetcher);
	document_reader_deinit(&r.reader);
	return result;
}

int manifest_remote_read(struct store *s, const struct reference *ref, const struct pull_options *o,
	bool with_members, struct document *doc, json_t *entries, struct err *e)
{
	const char *kind;
	int r = read_registry(s, ref, o, READ_ARTIFACTS | (with_members ? READ_MEMBERS : 0), doc,
		entries, &kind, e);
	if (r < 0 && !strcmp(kind, "not-found")) {
		auto_free char *shown = reference_familiar(ref);
		return err_set(e, ENOENT, "no such manifest: %s", shown);
	}
	return r;
}

/* ---- from the store ---- */

static int read_image(struct store *s, const struct reference *ref, struct image *image,
	json_t *entries, struct err *e)
{
	struct document_reader reader = DOCUMENT_READER(s);
	auto_document d = {0};
	auto_free char *full = reference_full(ref);
	auto_free char *repository = reference_name(ref);
	json_t *platform = NULL, *diff_ids = NULL;
	int64_t size;
	int r = push_ensure_manifest(s, image, &d, e);
	auto_fd config = r < 0 ? -1 : blob_open(s, image->id, &size, e);
	if (r == 0)
		r = config < 0 ? config
			       : document_config(
					 &reader, config, image->id, size, &platform, &diff_ids, e);
	if (r == 0) {
		json_t *entry = member_entry(full, &d, json_incref(platform));
		json_set_str(entry, "repository", repository);
		json_set_str(entry, "image", image->id);
		json_array_append_new(entries, entry);
	}
	json_decref(platform);
	json_decref(diff_ids);
	document_reader_deinit(&reader);
	return r;
}

/* ROW_OK, ROW_ABSENT. */
static int read_local(struct store *s, const struct reference *ref, json_t *entries, struct err *e)
{
	struct image image = {0};
	auto_free char *full = reference_full(ref);
	auto_free char *key = reference_key(ref);
	int r = image_find(s, full, key, &image, e);
	if (r != ROW_OK)
		return r < 0 ? r : ROW_ABSENT;
	r = read_image(s, ref, &image, entries, e);
	image_deinit(&image);
	return r < 0 ? r : ROW_OK;
}

/* ---- either ---- */

static int choose(json_t *found, const char *typed, json_t *entries, struct err *e)
{
	auto_platform want = {0};
	size_t i;
	json_t *entry;
	int r = platform_parse(NULL, &want, e);
	if (r < 0)
		return r;
	json_array_foreach (found, i, entry) {
		if (!strcmp(json_str_or(entry, "platform/os", ""), want.os) &&
			!strcmp(json_str_or(entry, "platform/architecture", ""),
				want.architecture)) {
			json_array_append(entries, entry);
			return 0;
		}
	}
	return err_set(e, ENOENT, "%s has no image for %s/%s", typed, want.os, want.architecture);
}

/* Those of what was read that are wanted. */
static int take_found(const struct document *doc, json_t *found, const char *typed, int flags,
	json_t *entries, struct err *e)
{
	if (doc->is_index && !flags) {
		(void)err_set(e, EINVAL, "%s is a manifest list", typed);
		return err_hint(e, "with --all each of its images becomes a member");
	}
	if (doc->is_index && flags == MEMBER_CHOOSE)
		return choose(found, typed, entries, e);
	return json_array_extend(entries, found) < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

static int read_transport(
	struct store *s, const char *typed, int flags, json_t *entries, struct err *e)
{
	auto_document doc = {0};
	auto_json found = json_array();
	if (manifest_transport_read(s, typed, flags ? READ_MEMBERS : 0, &doc, found, e) < 0)
		return -e->code;
	return take_found(&doc, found, typed, flags, entries, e);
}

int manifest_member_read(struct store *s, const char *typed, const struct pull_options *o,
	int flags, json_t *entries, struct err *e)
{
	auto_reference ref = {0};
	auto_document doc = {0};
	auto_json found = json_array();
	struct err cause = {0};
	const char *rest = str_after(typed, "docker://"), *kind;
	if (transport_is(typed))
		return read_transport(s, typed, flags, entries, e);
	int r = reference_parse(rest ? rest : typed, true, &ref, e);
	if (r < 0)
		return r;
	if (read_registry(s, &ref, o, flags ? READ_MEMBERS : 0, &doc, found, &kind, &cause) < 0) {
		r = rest ? ROW_ABSENT : read_local(s, &ref, entries, e);
		if (r != ROW_ABSENT)
			return r < 0 ? r : 0;
		if (!strcmp(kind, "not-found"))
			return err_set(e, ENOENT, "no such manifest: %s", rest ? rest : typed);
		*e = cause;
		return -e->code;
	}
	return take_found(&doc, found, rest ? rest : typed, flags, entries, e);
}
