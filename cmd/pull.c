/* pull: from a registry an image or every tag of a repository; an image from a file or folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/platform.h"
#include "cmd/pull_choose.h"
#include "cmd/registry_opts.h"
#include "engine/image_like.h"
#include "engine/inspect_object.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/pull_transport.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

struct pull {
	struct registry_opts registry;
	bool all_tags, quiet;
	char *platform, *os, *arch, *variant, *progress, *policy;
};

/* A tag beside a digest was not asked for, but it was typed. */
static void tell_name(const char *full, const struct reference *typed)
{
	const char *at = typed->tag ? strchr(full, '@') : NULL;
	if (at)
		printf("%.*s:%s%s\n", (int)(at - full), full, typed->tag, at);
	else
		printf("%s\n", full);
}

static int pull_name(struct cmd_call *call, const struct pull *a, const char *typed,
	const struct pull_options *o, struct err *e)
{
	auto_reference ref = {0};
	int r = reference_parse(typed, false, &ref, e);
	if (r < 0)
		return image_name_hint(typed, e);
	if (a->all_tags && (ref.tag || ref.digest))
		return err_set(e, EINVAL, "tag can't be used with --all-tags/-a");
	if (!a->all_tags && !ref.tag && !ref.digest) {
		ref.tag = xstrdup("latest");
		if (!a->quiet)
			printf("Using default tag: latest\n");
	}
	fflush(stdout);
	auto_free char *full = NULL;
	struct pull_options with_name = *o;
	with_name.pulled = &full;
	r = a->all_tags ? image_pull_all(call->store, typed, &with_name, e)
			: image_pull(call->store, typed, &with_name, NULL, NULL, e);
	if (r < 0)
		return image_like_pull_hint(call->store, typed, e);
	tell_name(full, &ref);
	return 0;
}

/* A file or folder: the image's ID is told, as it need not get a name. */
static int pull_transport(struct cmd_call *call, const struct pull *a, const char *typed,
	const struct pull_options *o, struct err *e)
{
	struct image image = {0};
	if (a->all_tags)
		return err_set(e, EINVAL, "pulling all tags is not supported for %.*s transport",
			(int)strcspn(typed, ":"), typed);
	int r = image_pull_transport(call->store, typed, o, &image, e);
	if (r == 0)
		printf("%s\n", image.id + strlen("sha256:"));
	image_deinit(&image);
	return r;
}

/* 1: what is here already is enough, and is named; 0: the registry is to be asked. */
static int is_done(struct cmd_call *call, const struct pull *a, const char *typed, struct err *e)
{
	const char *policy = str_empty(a->policy) ? "always" : a->policy;
	struct image image = {0};
	struct err absent = {0};
	if (!strcmp(policy, "always") ||
		!strcmp(policy, "newer")) /* both look, and fetch what is new */
		return 0;
	if (strcmp(policy, "missing") != 0 && strcmp(policy, "never") != 0) {
		err_set(e, EINVAL,
			"invalid --policy '%s': must be one of always, missing, never, newer",
			policy);
		return err_status(e, 125);
	}
	int r = image_lookup(call->store, typed, &image, &absent);
	if (r == ROW_OK)
		printf("%s\n", image.id);
	image_deinit(&image);
	if (r == ROW_OK)
		return 1;
	if (r == ROW_ABSENT && !strcmp(policy, "missing"))
		return 0;
	*e = absent;
	return -e->code;
}

static int pull_one(struct cmd_call *call, const struct pull *a, const char *typed,
	const struct pull_options *o, struct err *e)
{
	int r = is_done(call, a, typed, e);
	if (r)
		return r < 0 ? r : 0;
	return transport_is(typed) ? pull_transport(call, a, typed, o, e)
				   : pull_name(call, a, typed, o, e);
}

static int pull_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct pull *a = args;
	auto_free char *platform = platform_text(a->platform, a->os, a->arch, a->variant);
	struct pull_options o = registry_pull_options(call, &a->registry);
	o.platform = platform;
	o.quiet = a->quiet;
	o.choose = pull_choose;
	int r = progress_style_parse(a->progress, &o.progress, e);
	if (r < 0 || call->argc == 1)
		return r < 0 ? r : pull_one(call, a, call->argv[0], &o, e);
	for (int i = 0; i < (int)call->argc; i++) {
		struct err one = {0};
		if (pull_one(call, a, call->argv[i], &o, &one) < 0)
			cmd_report(call, &one);
	}
	return call->failures ? 1 : 0;
}

static const char *const aliases[] = {"image pull", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all-tags", 'a', OPT_BOOL, FIELD(struct pull, all_tags), NULL,
		"Download all tagged images in the repository"},
	{"disable-content-trust", 0, OPT_IGNORED_BOOL, 0, NULL,
		"Skip image verification (kept for scripts: there is no content trust)",
		.def = "true"},
	{"platform", 0, OPT_STR, FIELD(struct pull, platform), "string",
		"Set platform if server is multi-platform capable"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct pull, quiet), NULL, "Suppress verbose output"},
	{"arch", 0, OPT_STR, FIELD(struct pull, arch), "string",
		"Choose an image for this architecture instead of this machine's"},
	{"os", 0, OPT_STR, FIELD(struct pull, os), "string",
		"Choose an image for this operating system instead of this machine's"},
	{"policy", 0, OPT_STR, FIELD(struct pull, policy), "string",
		"When the registry is asked: always, missing (not here), never, newer (as always)",
		.def = "always", .complete = COMPLETE_CHOICES, .choices = "always missing never newer"},
	{"progress", 0, OPT_STR, FIELD(struct pull, progress), "string",
		"How progress is shown (" PROGRESS_CHOICES ")", .def = "auto",
		.complete = COMPLETE_CHOICES, .choices = "auto none plain tty"},
	{"variant", 0, OPT_STR, FIELD(struct pull, variant), "string",
		"Choose an image for this variant of the processor"},
	OPT_SHARED(struct pull, registry, registry_pull_rows),
	{0},
};
// clang-format on

const struct cmd cmd_pull = {
	.name = "pull",
	.aliases = aliases,
	.brief = "Download an image from a registry",
	.operands = "NAME[:TAG|@DIGEST]...",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct pull),
	.about =
		"Downloads an image and unpacks its layers, which become visible together once all "
		"are verified. What has arrived of an interrupted pull is used by the next. Of "
		"several each is tried.\n\n"
		"Registries are asked over HTTPS. A registry on this machine's loopback may also "
		"speak plain HTTP, and so may any with --tls-verify=false. Certificates of "
		"authorities are taken from the system and from certs.d/HOST[:PORT]/ in "
		"~/.config/docker, ~/.config/containers, ~/.docker, /etc/docker and "
		"/etc/containers. "
		"Credentials come from ~/.docker/config.json, its credential helpers, and "
		"${XDG_RUNTIME_DIR}/containers/auth.json. Proxies are those of http_proxy, "
		"https_proxy, all_proxy and no_proxy.\n\n"
		"Where an image comes from is said by registries.conf(5) in "
		"~/.config/containers or /etc/containers (short names, mirrors, blocked and "
		"insecure registries; --registries-conf) and by registry-mirrors and "
		"insecure-registries of Docker's daemon.json. Places are tried in turn. Whether it "
		"may be used is said by policy.json(5) in the same folders (--signature-policy); "
		"without it every image is accepted.\n\n"
		"On a terminal each layer has a line with a bar, and below them stand the total, "
		"its "
		"rate and the time left; elsewhere, and with --progress plain, each new state of a "
		"layer is a line. --progress none leaves the layers out, --quiet everything but "
		"the "
		"name.\n\n"
		"NAME may also be an image in a file or folder: dir:PATH, oci:PATH[:REF], "
		"oci-archive:FILE[:REF] or docker-archive:FILE[:NAME[:TAG]]; of several images "
		"there, :@N takes one by its number from 0. It gets the names that the archive "
		"gives it, from a folder the name REF, and its ID is printed. docker://NAME is "
		"NAME. An image called dir, oci or like the others is docker://dir.\n\n"
		"A transfer that moves nothing for a minute ($MOSS_STALL_SECONDS) is taken up "
		"again, "
		"as often as --retry says; a slow one may take as long as it needs.",
	.run = pull_run,
};
