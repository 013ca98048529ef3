/* manifest create, add: lists and their members. */
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
#include "engine/transfer/manifest_member.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"

#define ARTIFACTS "moss lists images only: artifacts are for oras"

/* "k=v" words into the object. */
static int annotate(json_t *to, const struct strv *words, struct err *e)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *equals = strchr(words->v[i], '=');
		if (!equals || equals == words->v[i])
			return err_set(
				e, EINVAL, "no value given for annotation \"%s\"", words->v[i]);
		auto_free char *key = xstrndup(words->v[i], (size_t)(equals - words->v[i]));
		json_set_str(to, key, equals + 1);
	}
	return 0;
}

/* ---- create ---- */

struct create {
	struct registry_opts registry;
	bool all, amend;
	struct strv annotations;
};

struct creation {
	const struct create *a;
	json_t *entries; /* to add */
};

static int add_entries(struct manifest_list *l, void *arg, struct err *e)
{
	const struct creation *c = arg;
	size_t i;
	json_t *entry;
	json_array_foreach (c->entries, i, entry)
		manifest_list_add(l, json_incref(entry));
	return annotate(json_object_get(l->json, "annotations"), &c->a->annotations, e);
}

static int create_or_amend(
	struct cmd_call *call, const struct reference *ref, struct creation *c, struct err *e)
{
	auto_list l = {0};
	int r = manifest_list_open(call->store, ref, &l, e);
	if (r == ROW_OK && !c->a->amend)
		return err_set(e, EEXIST,
			"refusing to amend an existing manifest list with no --amend flag");
	if (r < 0)
		return r;
	if (r == ROW_OK)
		return manifest_list_change(call->store, call->argv[0], add_entries, c, e);
	manifest_list_deinit(&l);
	manifest_list_new(ref, &l);
	r = add_entries(&l, c, e);
	if (r == 0)
		r = manifest_list_save(call->store, &l, e);
	if (r == 0)
		return err_set(e, EAGAIN, "%s was made by somebody else meanwhile", l.shown);
	return r < 0 ? r : 0;
}

/* A list that must not be changed is told of before the registries are asked. */
static int check_absent(
	struct cmd_call *call, const struct reference *ref, const struct create *a, struct err *e)
{
	auto_list l = {0};
	int r = a->amend ? ROW_ABSENT : manifest_list_open(call->store, ref, &l, e);
	if (r == ROW_OK)
		return err_set(e, EEXIST,
			"refusing to amend an existing manifest list with no --amend flag");
	return r < 0 ? r : 0;
}

static int create_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct create *a = args;
	auto_reference ref = {0};
	auto_json entries = json_array();
	struct creation c = {.a = a, .entries = entries};
	struct pull_options o = registry_pull_options(call, &a->registry);
	int r = reference_parse(call->argv[0], true, &ref, e);
	if (r < 0)
		return err_ctx(e, "error parsing name for manifest list %s", call->argv[0]);
	r = check_absent(call, &ref, a, e);
	for (int i = 1; i < call->argc && r == 0; i++)
		r = manifest_member_read(
			call->store, call->argv[i], &o, a->all ? MEMBER_ALL : 0, entries, e);
	if (r == 0)
		r = create_or_amend(call, &ref, &c, e);
	if (r < 0)
		return r;
	auto_free char *full = reference_full(&ref);
	printf("Created manifest list %s\n", full);
	return 0;
}

// clang-format off
static const struct opt create_opts[] = {
	{"amend", 'a', OPT_BOOL, FIELD(struct create, amend), NULL,
		"Amend an existing manifest list"},
	{"insecure", 0, OPT_BOOL, FIELD(struct create, registry.insecure), NULL,
		"Allow communication with an insecure registry"},
	{"all", 0, OPT_BOOL, FIELD(struct create, all), NULL,
		"Add every image of a list"},
	{"annotation", 0, OPT_LIST, FIELD(struct create, annotations), "list",
		"Annotation (KEY=VALUE) of the new list"},
	OPT_SHARED(struct create, registry, registry_opt_rows),
	{0},
};
// clang-format on

const struct cmd cmd_manifest_create = {
	.name = "manifest create",
	.brief = "Create a local manifest list for annotating and pushing to a registry",
	.operands = "MANIFEST_LIST [MANIFEST...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.opts = create_opts,
	.args_size = sizeof(struct create),
	.about = "Members are looked for in their registry first and then in the store; with "
		 "docker:// in front in the registry only. Nothing is downloaded but manifests and "
		 "configs. A file or folder may be named, too (oci:PATH[:REF], "
		 "oci-archive:FILE[:REF], dir:PATH): it must be there still when the list is "
		 "pushed.",
	.examples = "moss manifest create app:1 localhost:5000/app:amd64 localhost:5000/app:arm64",
	.run = create_run,
};

/* ---- add ---- */

struct add {
	struct registry_opts registry;
	bool all;
	char *arch, *os, *os_version, *variant;
	struct strv annotations, features;
};

struct addition {
	json_t *entries;
	char id[65];
};

static void set_platform(json_t *platform, const char *key, const char *value)
{
	if (!str_empty(value))
		json_set_str(platform, key, value);
}

static int change_entry(json_t *entry, const struct add *a, struct err *e)
{
	json_t *platform = json_object_get(entry, "platform");
	set_platform(platform, "architecture", a->arch);
	set_platform(platform, "os", a->os);
	set_platform(platform, "os.version", a->os_version);
	set_platform(platform, "variant", a->variant);
	if (a->features.n)
		json_set(platform, "features", json_from_strv(&a->features));
	if (!a->annotations.n)
		return 0;
	if (!json_object_get(entry, "annotations"))
		json_set(entry, "annotations", json_object());
	return annotate(json_object_get(entry, "annotations"), &a->annotations, e);
}

static int add_to_list(struct manifest_list *l, void *arg, struct err *e)
{
	struct addition *d = arg;
	size_t i;
	json_t *entry;
	(void)e;
	json_array_foreach (d->entries, i, entry)
		manifest_list_add(l, json_incref(entry));
	snprintf(d->id, sizeof(d->id), "%s", manifest_list_id(l));
	return 0;
}

static int add_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct add *a = args;
	auto_list l = {0};
	auto_json entries = json_array();
	struct addition d = {.entries = entries};
	struct pull_options o = registry_pull_options(call, &a->registry);
	size_t k;
	json_t *entry;
	int r = manifest_list_get(call->store, call->argv[0], &l, e);
	for (int i = 1; i < call->argc && r == 0; i++)
		if ((r = registry_creds_fit(a->registry.creds, call->argv[i], e)) == 0)
			r = manifest_member_read(call->store, call->argv[i], &o,
				a->all ? MEMBER_ALL : MEMBER_CHOOSE, entries, e);
	json_array_foreach (entries, k, entry) {
		if (r == 0)
			r = change_entry(entry, a, e);
	}
	if (r == 0)
		r = manifest_list_change(call->store, call->argv[0], add_to_list, &d, e);
	if (r == 0)
		printf("%s\n", d.id);
	return r;
}

// clang-format off
static const struct opt add_opts[] = {
	{"all", 0, OPT_BOOL, FIELD(struct add, all), NULL,
		"Add every image of a list (else the one for this machine)"},
	{"annotation", 0, OPT_LIST, FIELD(struct add, annotations), "list",
		"Annotation (KEY=VALUE) of the member"},
	{"arch", 0, OPT_STR, FIELD(struct add, arch), "string", "Architecture of the member"},
	{"artifact", 0, OPT_UNSUPPORTED, 0, "", "Add files as an artifact", .hint = ARTIFACTS},
	{"artifact-config", 0, OPT_UNSUPPORTED, 0, "string", "Config of the artifact",
		.hint = ARTIFACTS},
	{"artifact-config-type", 0, OPT_UNSUPPORTED, 0, "string",
		"Media type of the artifact's config", .hint = ARTIFACTS},
	{"artifact-exclude-titles", 0, OPT_UNSUPPORTED, 0, "", "No titles for the artifact's files",
		.hint = ARTIFACTS},
	{"artifact-layer-type", 0, OPT_UNSUPPORTED, 0, "string", "Media type of the artifact's files",
		.hint = ARTIFACTS},
	{"artifact-subject", 0, OPT_UNSUPPORTED, 0, "string", "What the artifact is about",
		.hint = ARTIFACTS},
	{"artifact-type", 0, OPT_UNSUPPORTED, 0, "string", "Type of the artifact",
		.hint = ARTIFACTS},
	{"features", 0, OPT_CSV, FIELD(struct add, features), "strings",
		"Processor features that the member needs (Docker's format only)"},
	{"insecure", 0, OPT_BOOL, FIELD(struct add, registry.insecure), NULL,
		"Allow communication with an insecure registry", .flags = OPTF_HIDDEN},
	{"os", 0, OPT_STR, FIELD(struct add, os), "string", "Operating system of the member"},
	{"os-version", 0, OPT_STR, FIELD(struct add, os_version), "string",
		"Version of the member's operating system"},
	{"variant", 0, OPT_STR, FIELD(struct add, variant), "string",
		"Variant of the member's architecture"},
	OPT_SHARED(struct add, registry, registry_creds_rows),
	{0},
};
// clang-format on

const struct cmd cmd_manifest_add = {
	.name = "manifest add",
	.brief = "Add images to a manifest list",
	.operands = "MANIFEST_LIST MANIFEST [MANIFEST...]",
	.min = 2,
	.max = ANY,
	.needs = NEED_STORE,
	.opts = add_opts,
	.args_size = sizeof(struct add),
	.about =
		"Members are looked for in their registry first and then in the store; with "
		"docker:// in front in the registry only; or in the file or folder that a "
		"transport names (oci:PATH[:REF], oci-archive:FILE[:REF], dir:PATH), which must be "
		"there still when the list is pushed. Prints the list's id.",
	.run = add_run,
};
