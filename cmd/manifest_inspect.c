/* manifest inspect: a list of the store, or what a registry, a file or a folder has. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "engine/manifest_list.h"
#include "engine/transfer/document.h"
#include "engine/transfer/manifest_member.h"
#include "engine/transfer/push_manifest.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"

struct inspect {
	struct registry_opts registry;
	bool verbose;
};

static void print_json(const json_t *j, const char *indent)
{
	auto_free char *text = json_pretty(j, indent);
	printf("%s\n", text);
}

/* In the order of Docker's type. */
static json_t *descriptor(const json_t *d)
{
	static const char *const keys[] = {"mediaType", "size", "digest"};
	json_t *out = json_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_get(d, keys[i]))
			json_object_set(out, keys[i], json_object_get(d, keys[i]));
	return out;
}

/* A member as --verbose shows it. */
static json_t *entry_shown(const json_t *entry)
{
	struct err ignored;
	auto_reference ref = {0};
	const char *name = json_str_or(entry, "ref", "");
	const char *type = json_str_or(entry, "mediaType", "");
	bool is_oci = push_manifest_is_oci(type);
	json_t *out = json_object(), *d = json_object();
	auto_free char *familiar = reference_parse(name, false, &ref, &ignored) < 0
					   ? xstrdup(name)
					   : reference_full(&ref);
	json_set_str(out, "Ref", familiar);
	json_set_str(d, "mediaType", type);
	json_set_str(d, "digest", json_str_or(entry, "digest", ""));
	json_set_int(d, "size", json_int_or(entry, "size", 0));
	json_set(d, "platform", manifest_list_platform(entry, is_oci));
	json_set(out, "Descriptor", d);
	json_set_str(out, "Raw", json_str_or(entry, "raw", ""));
	json_object_set(out, is_oci ? "OCIManifest" : "SchemaV2Manifest",
		json_object_get(entry, "document"));
	return out;
}

static void print_entries(const json_t *entries)
{
	auto_json out = json_array();
	size_t i;
	json_t *entry;
	json_array_foreach (entries, i, entry)
		json_array_append_new(out, entry_shown(entry));
	print_json(out, "\t");
}

static void print_entry(const json_t *entry, bool verbose)
{
	auto_json out =
		verbose ? entry_shown(entry) : json_incref(json_object_get(entry, "document"));
	print_json(out, "\t");
}

static void print_list(const struct manifest_list *l, bool verbose)
{
	const char *type;
	if (verbose) {
		print_entries(manifest_list_entries(l));
		return;
	}
	auto_json doc = manifest_list_index(l, NULL, &type);
	print_json(doc, "   ");
}

/* An index of a registry in the same words. */
static void print_index(const struct document *doc)
{
	auto_json out = json_object();
	json_t *list = json_array(), *entry;
	size_t i;
	bool is_oci = push_manifest_is_oci(doc->media_type);
	json_array_foreach (json_object_get(doc->json, "manifests"), i, entry) {
		json_t *d = descriptor(entry);
		if (json_object_get(entry, "platform"))
			json_object_set(d, "platform", json_object_get(entry, "platform"));
		if (is_oci && json_object_get(entry, "annotations"))
			json_object_set(d, "annotations", json_object_get(entry, "annotations"));
		json_array_append_new(list, d);
	}
	json_set_int(out, "schemaVersion", 2);
	json_set_str(out, "mediaType", doc->media_type);
	json_set(out, "manifests", list);
	if (is_oci && json_object_get(doc->json, "annotations"))
		json_object_set(out, "annotations", json_object_get(doc->json, "annotations"));
	print_json(out, "   ");
}

static int print_read(const struct document *doc, const json_t *entries, bool verbose)
{
	if (!doc->is_index)
		print_entry(json_array_get(entries, 0), verbose);
	else if (verbose)
		print_entries(entries);
	else
		print_index(doc);
	return 0;
}

static int print_remote(
	struct cmd_call *call, const struct inspect *a, const struct reference *ref, struct err *e)
{
	auto_document doc = {0};
	auto_json entries = json_array();
	struct pull_options o = registry_pull_options(call, &a->registry);
	int r = manifest_remote_read(call->store, ref, &o, a->verbose, &doc, entries, e);
	return r < 0 ? r : print_read(&doc, entries, a->verbose);
}

/* What a file or folder has. */
static int print_transport(struct cmd_call *call, const struct inspect *a, struct err *e)
{
	auto_document doc = {0};
	auto_json entries = json_array();
	int flags = READ_ARTIFACTS | (a->verbose ? READ_MEMBERS : 0);
	int r = manifest_transport_read(call->store, call->argv[0], flags, &doc, entries, e);
	return r < 0 ? r : print_read(&doc, entries, a->verbose);
}

/* LIST MEMBER */
static int print_member(struct cmd_call *call, const struct inspect *a, struct err *e)
{
	auto_list l = {0};
	int r = manifest_list_get(call->store, call->argv[0], &l, e);
	const json_t *entry = r == 0 ? manifest_list_find(&l, call->argv[1]) : NULL;
	if (!entry)
		return err_set(e, ENOENT, "No such manifest: %s", call->argv[1]);
	print_entry(entry, a->verbose);
	return 0;
}

static int inspect_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct inspect *a = args;
	auto_reference ref = {0};
	auto_list l = {0};
	if (call->argc == 2)
		return print_member(call, a, e);
	const char *typed = call->argv[0], *rest = str_after(typed, "docker://");
	bool is_transport = transport_is(typed);
	int r = reference_parse(rest ? rest : typed, true, &ref, e);
	if (r == 0)
		r = rest ? ROW_ABSENT : manifest_list_open(call->store, &ref, &l, e);
	if (r == ROW_OK)
		print_list(&l, a->verbose);
	/* "oci:1" may be a list of the store, but is no name in a registry. */
	if (is_transport && r != ROW_OK)
		return print_transport(call, a, e);
	return r == ROW_ABSENT ? print_remote(call, a, &ref, e) : r;
}

// clang-format off
static const struct opt opts[] = {
	{"insecure", 0, OPT_BOOL, FIELD(struct inspect, registry.insecure), NULL,
		"Allow communication with an insecure registry"},
	{"verbose", 'v', OPT_BOOL, FIELD(struct inspect, verbose), NULL,
		"Output additional info including layers and platform"},
	OPT_SHARED(struct inspect, registry, registry_opt_rows),
	{0},
};
// clang-format on

const struct cmd cmd_manifest_inspect = {
	.name = "manifest inspect",
	.brief = "Display an image manifest, or manifest list",
	.operands = "[MANIFEST_LIST] MANIFEST",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct inspect),
	.about = "A list of the store, else what the registry has under the name; or what the file "
		 "or folder has that a transport names (oci:PATH:REF, oci-archive:FILE, dir:PATH). "
		 "With two names: a member of a list of the store.",
	.run = inspect_run,
};
