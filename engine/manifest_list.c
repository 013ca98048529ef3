#include "engine/manifest_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/push_manifest.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/manifest_list.h"

enum { TRIES_MAX = 20 };

void manifest_list_deinit(struct manifest_list *l)
{
	free(l->name);
	free(l->shown);
	free(l->text);
	json_decref(l->json);
	*l = (struct manifest_list){0};
}

static void set_names(const struct reference *ref, struct manifest_list *l)
{
	*l = (struct manifest_list){.name = reference_full(ref), .shown = reference_familiar(ref)};
}

int manifest_list_open(
	struct store *s, const struct reference *ref, struct manifest_list *l, struct err *e)
{
	set_names(ref, l);
	int r = manifest_list_read(s, l->name, &l->text, e);
	if (r != ROW_OK)
		return r;
	l->json = json_parse(l->text, strlen(l->text), "manifest list", e);
	return l->json ? ROW_OK : -e->code;
}

int manifest_list_get(struct store *s, const char *typed, struct manifest_list *l, struct err *e)
{
	auto_reference ref = {0};
	*l = (struct manifest_list){0};
	int r = reference_parse(typed, true, &ref, e);
	if (r < 0)
		return r;
	r = manifest_list_open(s, &ref, l, e);
	return r == ROW_ABSENT ? err_set(e, ENOENT, "No such manifest: %s", typed) : r;
}

void manifest_list_new(const struct reference *ref, struct manifest_list *l)
{
	unsigned char bytes[32];
	char id[65];
	set_names(ref, l);
	random_bytes(bytes, sizeof(bytes));
	hex_encode(id, bytes, sizeof(bytes));
	l->json = json_object();
	json_set_str(l->json, "id", id);
	json_set(l->json, "annotations", json_object());
	json_set(l->json, "entries", json_array());
}

int manifest_list_save(struct store *s, const struct manifest_list *l, struct err *e)
{
	auto_free char *text = json_text(l->json);
	return manifest_list_write(s, l->name, l->text, text, e);
}

int manifest_list_change(struct store *s, const char *typed,
	int (*change)(struct manifest_list *l, void *arg, struct err *e), void *arg, struct err *e)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		auto_list l = {0};
		int r = manifest_list_get(s, typed, &l, e);
		if (r >= 0)
			r = change(&l, arg, e);
		if (r >= 0)
			r = manifest_list_save(s, &l, e);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return err_set(e, EAGAIN, "%s is changed by others all the time", typed);
}

const char *manifest_list_id(const struct manifest_list *l)
{
	return json_str_or(l->json, "id", "");
}

json_t *manifest_list_entries(const struct manifest_list *l)
{
	return json_object_get(l->json, "entries");
}

/* The name of Docker's file for it, which gives the order. Owned. */
static char *sort_key(const json_t *entry)
{
	char *key = xstrdup(json_str_or(entry, "ref", ""));
	for (char *p = key; *p; p++)
		*p = *p == '/' ? '_' : *p == ':' ? '-' : *p;
	return key;
}

/* Of what files and folders have, one manifest is one member, wherever it is; what has a name in a
 * registry is told apart by that, as Docker does. */
static void drop_same(struct manifest_list *l, const json_t *entry)
{
	json_t *entries = manifest_list_entries(l);
	for (size_t i = json_array_size(entries); i-- > 0;) {
		const json_t *other = json_array_get(entries, i);
		if ((json_object_get(entry, "source") || json_object_get(other, "source")) &&
			!strcmp(json_str_or(entry, "digest", ""), json_str_or(other, "digest", "")))
			json_array_remove(entries, i);
	}
}

void manifest_list_add(struct manifest_list *l, json_t *entry)
{
	json_t *entries = manifest_list_entries(l);
	drop_same(l, entry);
	auto_free char *key = sort_key(entry);
	for (size_t i = 0; i < json_array_size(entries); i++) {
		auto_free char *other = sort_key(json_array_get(entries, i));
		int order = strcmp(key, other);
		if (order > 0)
			continue;
		if (order == 0)
			json_array_set_new(entries, i, entry);
		else
			json_array_insert_new(entries, i, entry);
		return;
	}
	json_array_append_new(entries, entry);
}

static json_t *find_by(const struct manifest_list *l, const char *key, const char *value)
{
	size_t i;
	json_t *entry;
	json_array_foreach (manifest_list_entries(l), i, entry) {
		if (!strcmp(json_str_or(entry, key, ""), value))
			return entry;
	}
	return NULL;
}

static json_t *find_in_transport(const struct manifest_list *l, const char *typed)
{
	struct err ignored;
	auto_transport t = {0};
	if (!transport_is(typed) || transport_parse(typed, &t, &ignored) < 0)
		return NULL;
	auto_free char *full = transport_full(&t);
	return find_by(l, "ref", full);
}

json_t *manifest_list_find(const struct manifest_list *l, const char *typed)
{
	struct err ignored;
	auto_reference ref = {0};
	if (digest_valid(typed))
		return find_by(l, "digest", typed);
	json_t *found = find_in_transport(l, typed);
	if (found)
		return found;
	const char *rest = str_after(typed, "docker://");
	if (reference_parse(rest ? rest : typed, true, &ref, &ignored) < 0)
		return NULL;
	auto_free char *full = reference_full(&ref);
	return find_by(l, "ref", full);
}

bool manifest_list_drop(struct manifest_list *l, const char *digest)
{
	json_t *entries = manifest_list_entries(l);
	size_t before = json_array_size(entries);
	for (size_t i = before; i-- > 0;)
		if (!strcmp(json_str_or(json_array_get(entries, i), "digest", ""), digest))
			json_array_remove(entries, i);
	return json_array_size(entries) < before;
}

/* ---- the index ---- */

static bool has_annotations(const json_t *j)
{
	return json_object_size(json_object_get(j, "annotations")) > 0;
}

static const char *choose_type(const struct manifest_list *l, const char *wanted)
{
	size_t i;
	json_t *entry;
	bool all_oci = true, annotated = has_annotations(l->json);
	if (wanted)
		return strcmp(wanted, INDEX_OCI) ? INDEX_DOCKER : INDEX_OCI;
	json_array_foreach (manifest_list_entries(l), i, entry) {
		all_oci = all_oci && push_manifest_is_oci(json_str_or(entry, "mediaType", ""));
		annotated = annotated || has_annotations(entry);
	}
	return annotated || (all_oci && i) ? INDEX_OCI : INDEX_DOCKER;
}

static void copy_key(const json_t *from, json_t *to, const char *key)
{
	json_t *v = json_object_get(from, key);
	if (v && (!json_is_array(v) || json_array_size(v)))
		json_object_set(to, key, v);
}

json_t *manifest_list_platform(const json_t *entry, bool is_oci)
{
	static const char *const keys[] = {
		"architecture", "os", "os.version", "os.features", "variant"};
	const json_t *from = json_object_get(entry, "platform");
	json_t *to = json_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		copy_key(from, to, keys[i]);
	if (!is_oci)
		copy_key(from, to, "features");
	return to;
}

json_t *manifest_list_index(const struct manifest_list *l, const char *wanted, const char **type)
{
	static const char *const keys[] = {"mediaType", "size", "digest"};
	json_t *doc = json_object(), *list = json_array(), *entry;
	size_t i;
	*type = choose_type(l, wanted);
	bool is_oci = !strcmp(*type, INDEX_OCI);
	json_array_foreach (manifest_list_entries(l), i, entry) {
		json_t *d = json_object();
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			copy_key(entry, d, keys[k]);
		json_set(d, "platform", manifest_list_platform(entry, is_oci));
		if (is_oci && has_annotations(entry))
			copy_key(entry, d, "annotations");
		json_array_append_new(list, d);
	}
	json_set_int(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", *type);
	json_set(doc, "manifests", list);
	if (is_oci && has_annotations(l->json))
		copy_key(l->json, doc, "annotations");
	return doc;
}

bool manifest_platform_known(const char *os, const char *architecture)
{
	static const char *const known[] = {"aix/ppc64", "android/arm64", "darwin/386",
		"darwin/amd64", "darwin/arm", "darwin/arm64", "dragonfly/amd64", "freebsd/386",
		"freebsd/amd64", "freebsd/arm", "freebsd/arm64", "illumos/amd64", "linux/386",
		"linux/amd64", "linux/arm", "linux/arm64", "linux/loong64", "linux/mips",
		"linux/mips64", "linux/mips64le", "linux/mipsle", "linux/ppc64", "linux/ppc64le",
		"linux/riscv64", "linux/s390x", "netbsd/386", "netbsd/amd64", "netbsd/arm",
		"openbsd/386", "openbsd/amd64", "openbsd/arm", "plan9/386", "plan9/amd64",
		"solaris/amd64", "windows/386", "windows/amd64", "windows/arm", "windows/arm64"};
	auto_free char *text = xasprintf("%s/%s", os, architecture);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(text, known[i]))
			return true;
	return false;
}
