/* manifest annotate: what a list says of a member, or of itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/manifest_list.h"

struct annotate {
	char *arch, *os, *os_version, *variant;
	struct strv annotations, features, os_features;
	bool index;
};

struct change {
	const struct annotate *a;
	const char *list, *member; /* as typed */
};

static int add_annotations(json_t *owner, const struct strv *words, struct err *e)
{
	if (!words->n)
		return 0;
	if (!json_object_get(owner, "annotations"))
		json_set(owner, "annotations", json_object());
	for (size_t i = 0; i < words->n; i++) {
		const char *equals = strchr(words->v[i], '=');
		if (!equals || equals == words->v[i])
			return err_set(
				e, EINVAL, "no value given for annotation \"%s\"", words->v[i]);
		auto_free char *key = xstrndup(words->v[i], (size_t)(equals - words->v[i]));
		json_set_str(json_object_get(owner, "annotations"), key, equals + 1);
	}
	return 0;
}

static void set_text(json_t *platform, const char *key, const char *value)
{
	if (!str_empty(value))
		json_set_str(platform, key, value);
}

static void set_words(json_t *platform, const char *key, const struct strv *words)
{
	if (words->n)
		json_set(platform, key, json_from_strv(words));
}

/* Docker's words name what was given, not what it came to. */
static int check_platform(const json_t *platform, const struct annotate *a, struct err *e)
{
	if ((str_empty(a->os) && str_empty(a->arch)) ||
		manifest_platform_known(
			json_str_or(platform, "os", ""), json_str_or(platform, "architecture", "")))
		return 0;
	return err_set(e, EINVAL,
		"manifest entry for image has unsupported os/arch combination: %s/%s",
		a->os ? a->os : "", a->arch ? a->arch : "");
}

static int change_member(struct manifest_list *l, void *arg, struct err *e)
{
	const struct change *c = arg;
	const struct annotate *a = c->a;
	if (a->index)
		return add_annotations(l->json, &a->annotations, e);
	json_t *entry = manifest_list_find(l, c->member);
	if (!entry)
		return err_set(e, ENOENT, "manifest for image %s does not exist in %s", c->member,
			c->list);
	json_t *platform = json_object_get(entry, "platform");
	set_text(platform, "architecture", a->arch);
	set_text(platform, "os", a->os);
	set_text(platform, "os.version", a->os_version);
	set_text(platform, "variant", a->variant);
	set_words(platform, "os.features", &a->os_features);
	set_words(platform, "features", &a->features);
	int r = check_platform(platform, a, e);
	return r < 0 ? r : add_annotations(entry, &a->annotations, e);
}

static int annotate_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct annotate *a = args;
	struct change c = {.a = a, .list = call->argv[0], .member = call->argv[1]};
	if (!a->index && call->argc < 2)
		return cmd_wrong_count(call->cmd, call->program, call->typed, 2, 1) ? 1 : 0;
	int r = manifest_list_change(call->store, call->argv[0], change_member, &c, e);
	if (r == -ENOENT && call->argc > 1)
		return err_set(e, ENOENT, "manifest for image %s does not exist in %s",
			call->argv[1], call->argv[0]);
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"arch", 0, OPT_STR, FIELD(struct annotate, arch), "string", "Set architecture"},
	{"os", 0, OPT_STR, FIELD(struct annotate, os), "string", "Set operating system"},
	{"os-features", 0, OPT_CSV, FIELD(struct annotate, os_features), "strings",
		"Set operating system feature"},
	{"os-version", 0, OPT_STR, FIELD(struct annotate, os_version), "string",
		"Set operating system version"},
	{"variant", 0, OPT_STR, FIELD(struct annotate, variant), "string",
		"Set architecture variant"},
	{"annotation", 0, OPT_LIST, FIELD(struct annotate, annotations), "list",
		"Set annotation (KEY=VALUE)"},
	{"features", 0, OPT_CSV, FIELD(struct annotate, features), "strings",
		"Set processor features (Docker's format only)"},
	{"index", 0, OPT_BOOL, FIELD(struct annotate, index), NULL,
		"Annotate the list itself"},
	{"subject", 0, OPT_UNSUPPORTED, 0, "string", "Set what the list is about",
		.hint = "use oras to attach one image to another"},
	{0},
};
// clang-format on

const struct cmd cmd_manifest_annotate = {
	.name = "manifest annotate",
	.brief = "Add additional information to a local image manifest",
	.operands = "MANIFEST_LIST MANIFEST",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct annotate),
	.about =
		"The member is named as it was added, or by its digest. With --index only the list "
		"is named.",
	.run = annotate_run,
};
