/* manifest push: a list and its members, to a registry or into a file or folder. */
#include "cmd/manifest_push.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/push_transport.h"
#include "engine/manifest_list.h"
#include "engine/transfer/manifest_push.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/manifest_list.h"

struct push {
	struct push_opts push;
	bool all, purge;
};

int manifest_push_list(struct cmd_call *call, const struct push_opts *a, bool list_only,
	struct manifest_list *l, const struct reference *to, struct err *e)
{
	struct push_options o;
	auto_strv lines = STRV_INIT;
	auto_free char *digest = NULL;
	int r = push_opts_read(call, a, &o, e);
	if (r < 0)
		return r;
	o.registry.progress = PROGRESS_NONE;
	struct manifest_push_options m = {.push = &o, .list_only = list_only};
	r = manifest_push(call->store, l, to, &m, &lines, &digest, e);
	for (size_t i = 0; i < lines.n && !a->quiet; i++)
		printf("%s\n", lines.v[i]);
	if (r < 0)
		return r;
	if (!a->quiet)
		printf("%s\n", digest);
	return push_opts_write_digest(a, digest, e);
}

static int push_to(struct cmd_call *call, const struct push *a, struct manifest_list *l,
	const char *destination, struct err *e)
{
	auto_reference to = {0};
	int r = push_destination(destination, &to, e);
	return r < 0 ? r : manifest_push_list(call, &a->push, !a->all, l, &to, e);
}

static int push_out(
	struct cmd_call *call, const struct push *a, struct manifest_list *l, struct err *e)
{
	const struct push_transport p = {.typed = call->argv[1], .name = call->argv[0]};
	return push_transport_list(call, &p, &a->push, l, !a->all, e);
}

static int push_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct push *a = args;
	const char *destination = call->argv[call->argc - 1];
	auto_list l = {0};
	int r = manifest_list_get(call->store, call->argv[0], &l, e);
	if (r == 0 && call->argc > 1 && transport_is(destination))
		r = push_out(call, a, &l, e);
	else if (r == 0)
		r = push_to(call, a, &l, destination, e);
	if (r == 0 && a->purge)
		r = manifest_list_remove(call->store, l.name, e);
	return r < 0 ? r : 0;
}

// clang-format off
static const struct opt opts[] = {
	{"insecure", 0, OPT_BOOL, FIELD(struct push, push.registry.insecure), NULL,
		"Allow push to an insecure registry"},
	{"purge", 'p', OPT_BOOL, FIELD(struct push, purge), NULL,
		"Remove the local manifest list after push"},
	{"rm", 0, OPT_BOOL, FIELD(struct push, purge), NULL,
		"Remove the local manifest list after push", .flags = OPTF_ALIAS},
	{"add-compression", 0, OPT_UNSUPPORTED, 0, "strings",
		"Add images with another compression",
		.hint = "push them with `moss push --compression-format` and add them to the list"},
	{"all", 0, OPT_BOOL, FIELD(struct push, all), NULL,
		"Push the images of the list, too", .def = "true"},
	OPT_SHARED(struct push, push, push_opt_rows),
	OPT_SHARED(struct push, push.registry, registry_creds_rows),
	{0},
};
// clang-format on

const struct cmd cmd_manifest_push = {
	.name = "manifest push",
	.brief = "Push a manifest list to a repository",
	.operands = "MANIFEST_LIST [DESTINATION]",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct push),
	.about = "Pushes every member into the list's repository (mounted where the registry has "
		 "it, "
		 "else from the store, its own registry, or the file or folder that it was added "
		 "from), then the list, under its own name or DESTINATION.\n\n"
		 "DESTINATION may also be oci:PATH[:REF], oci-archive:FILE[:REF] or dir:PATH, as "
		 "for `moss push`. The manifests of the two oci forms are OCI's, unless --format "
		 "says otherwise; flags of compression are for members that the store has. "
		 "--tls-verify, "
		 "--cert-dir and --authfile are then for members that are in registries, and "
		 "without effect where there are none; --creds is refused.",
	.examples = "moss manifest push --purge localhost:5000/app:1\n"
		    "moss manifest push app:1 oci-archive:app.tar:1",
	.run = push_run,
};
