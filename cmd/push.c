/* push: to a registry an image or every tag of a repository; an image into a file or folder. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "cmd/manifest_push.h"
#include "cmd/push_opts.h"
#include "cmd/push_transport.h"
#include "engine/event.h"
#include "engine/image_like.h"
#include "engine/manifest_list.h"
#include "engine/transfer/platform.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/image_manifest.h"

struct push {
	struct push_opts push;
	bool all_tags, compress;
	char *platform;
};

/* The names of a repository's images that are tags ("domain/path:tag"). */
struct tagged {
	struct image *images;
	size_t n;
	struct push_job *jobs;
	struct reference *refs;
	size_t n_jobs;
};

static void tagged_deinit(struct tagged *t)
{
	for (size_t i = 0; i < t->n; i++)
		image_deinit(&t->images[i]);
	for (size_t i = 0; i < t->n_jobs; i++) {
		reference_deinit(&t->refs[i]);
		free(t->jobs[i].digest);
	}
	free(t->images);
	free(t->jobs);
	free(t->refs);
}

static int by_tag(const void *a, const void *b)
{
	return strcmp(((const struct push_job *)a)->to->tag, ((const struct push_job *)b)->to->tag);
}

static void add_job(struct tagged *t, const struct image *image, const char *name)
{
	struct err ignored;
	if (reference_parse(name, true, &t->refs[t->n_jobs], &ignored) < 0)
		return;
	t->jobs[t->n_jobs] = (struct push_job){.image = image,
		.manifest = image_manifest_of(image, name),
		.to = &t->refs[t->n_jobs]};
	t->n_jobs++;
}

/* Those of the repository, sorted; only the one tag where it is given. */
static int find_tagged(struct store *s, const struct reference *ref, const char *tag,
	struct tagged *t, struct err *e)
{
	auto_free char *name = reference_name(ref);
	auto_free char *prefix = xasprintf("%s:", name);
	size_t names = 0;
	int r = image_list(s, &t->images, &t->n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n; i++)
		for (char **p = t->images[i].names; p && *p; p++)
			names++;
	t->jobs = xcalloc(names + 1, sizeof(*t->jobs));
	t->refs = xcalloc(names + 1, sizeof(*t->refs));
	bool any = false;
	for (size_t i = 0; i < t->n; i++)
		for (char **p = t->images[i].names; p && *p; p++) {
			const char *own = str_after(*p, prefix);
			any = any || own;
			if (own && (!tag || !strcmp(own, tag)))
				add_job(t, &t->images[i], *p);
		}
	qsort(t->jobs, t->n_jobs, sizeof(*t->jobs), by_tag);
	auto_free char *shown = reference_familiar_name(ref);
	if (!any)
		return err_set(
			e, ENOENT, "An image does not exist locally with the tag: %s", shown);
	if (!t->n_jobs)
		return err_set(e, ENOENT, "tag does not exist: %s:%s", shown, tag);
	return 0;
}

static int tell(struct cmd_call *call, const struct push *a, const struct reference *to,
	const struct image *image, struct err *e)
{
	auto_free char *name = reference_familiar_name(to);
	auto_free char *full = reference_familiar(to);
	return event_image(call->store, "push", a->all_tags ? name : full, name, image->config, e);
}

/* An image of this store has one platform: it is the one, or the push is refused. */
static int check_platform(
	const struct push *a, const struct image *image, const char *shown, struct err *e)
{
	auto_platform want = {0};
	struct err ignored;
	if (str_empty(a->platform))
		return 0;
	int r = platform_parse(a->platform, &want, e);
	if (r < 0)
		return r;
	auto_json config = json_parse(image->config, strlen(image->config), "config", &ignored);
	const char *variant = json_str_or(config, "variant", "");
	if (!strcmp(json_str_or(config, "os", "linux"), want.os) &&
		!strcmp(json_str_or(config, "architecture", ""), want.architecture) &&
		(str_empty(want.variant) || !*variant || !strcmp(variant, want.variant)))
		return 0;
	return err_set(e, ENOENT,
		"image with reference %s was found but does not provide the specified platform "
		"(%s)",
		shown, a->platform);
}

static int push_all(struct cmd_call *call, const struct push *a, struct push_job *jobs, size_t n,
	const struct push_options *o, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		auto_free char *shown = reference_familiar(jobs[i].to);
		r = check_platform(a, jobs[i].image, shown, e);
	}
	if (r == 0)
		r = image_push(call->store, jobs, n, o, e);
	if (r == 0)
		r = push_opts_write_digest(&a->push, jobs[n - 1].digest, e);
	return r < 0 ? r : tell(call, a, jobs[0].to, jobs[0].image, e);
}

/* The destination is a name of its own; the image is any that `moss images` shows. */
static int push_to(struct cmd_call *call, const struct push *a, const struct reference *to,
	const struct push_options *o, struct err *e)
{
	struct image image = {0};
	struct push_job job = {.image = &image, .to = (struct reference *)to};
	int r = image_named(call->store, call->argv[0], &image, e);
	job.manifest = image.manifest_digest;
	if (r == 0)
		r = push_all(call, a, &job, 1, o, e);
	free(job.digest);
	image_deinit(&image);
	return r;
}

static int push_named(struct cmd_call *call, const struct push *a, const struct reference *to,
	const struct push_options *o, struct err *e)
{
	struct tagged t = {0};
	int r = find_tagged(call->store, to, a->all_tags ? NULL : to->tag, &t, e);
	if (r == -ENOENT)
		r = image_like_hint(call->store, call->argv[0], e);
	if (r == 0)
		r = push_all(call, a, t.jobs, t.n_jobs, o, e);
	tagged_deinit(&t);
	return r;
}

static int check_whole(const struct push *a, const char *name, struct err *e)
{
	if (str_empty(a->platform))
		return 0;
	return err_set(e, EINVAL,
		"%s is a manifest list, which is pushed whole: leave --platform out", name);
}

/* A list of `moss manifest` is pushed as a whole. 1 = it was one. */
static int push_as_list(
	struct cmd_call *call, const struct push *a, const struct reference *to, struct err *e)
{
	auto_reference ref = {0};
	auto_list l = {0};
	struct err ignored;
	struct image image = {0};
	if (a->all_tags || reference_parse(call->argv[0], true, &ref, &ignored) < 0)
		return 0;
	int r = manifest_list_open(call->store, &ref, &l, e);
	if (r != ROW_OK)
		return r < 0 ? r : 0;
	/* An image of that name comes first. */
	r = image_find(call->store, l.name, l.name, &image, e);
	image_deinit(&image);
	if (r != ROW_ABSENT)
		return r < 0 ? r : 0;
	r = check_whole(a, call->argv[0], e);
	if (r == 0)
		r = manifest_push_list(call, &a->push, false, &l, to, e);
	return r < 0 ? r : 1;
}

/* Into a file or folder. */
static int push_out(struct cmd_call *call, const struct push *a, struct err *e)
{
	struct push_options o;
	struct image image = {0};
	auto_list l = {0};
	auto_reference ref = {0};
	struct err ignored;
	const struct push_transport p = {
		.typed = call->argv[1], .name = call->argv[0], .compress = a->compress};
	int r = push_opts_read(call, &a->push, &o, e);
	if (r == 0 && a->all_tags)
		return err_set(e, EINVAL, "tag can't be used with --all-tags/-a");
	if (r == 0)
		r = image_named(call->store, p.name, &image, e);
	if (r == -ENOENT && reference_parse(p.name, true, &ref, &ignored) == 0 &&
		manifest_list_open(call->store, &ref, &l, &ignored) == ROW_OK) {
		r = check_whole(a, p.name, e);
		return r < 0 ? r : push_transport_list(call, &p, &a->push, &l, false, e);
	}
	if (r < 0)
		return r;
	r = check_platform(a, &image, p.name, e);
	if (r == 0)
		r = push_transport(call, &p, &a->push, &o, &image, e);
	image_deinit(&image);
	return r;
}

static int push_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct push *a = args;
	struct push_options o;
	auto_reference typed = {0}, to = {0};
	const char *destination = call->argv[call->argc - 1];
	if (call->argc > 1 && transport_is(destination))
		return push_out(call, a, e);
	int r = push_destination(destination, &to, e);
	if (r == 0 && call->argc == 1)
		r = reference_parse(str_after(destination, "docker://")
					    ? str_after(destination, "docker://")
					    : destination,
			false, &typed, e);
	if (r == 0 && a->all_tags && (typed.tag || call->argc > 1))
		r = err_set(e, EINVAL, "tag can't be used with --all-tags/-a");
	if (r == 0)
		r = push_opts_read(call, &a->push, &o, e);
	if (r == 0)
		r = push_as_list(call, a, &to, e);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!a->push.quiet && call->argc == 1 && !a->all_tags && !typed.tag)
		printf("Using default tag: latest\n");
	auto_free char *name = reference_familiar_name(&to);
	auto_free char *shown = reference_familiar(&to);
	if (!a->push.quiet)
		printf("The push refers to repository [%s/%s]\n", to.domain, to.path);
	fflush(stdout);
	r = call->argc > 1 ? push_to(call, a, &to, &o, e) : push_named(call, a, &to, &o, e);
	if (r == 0 && a->push.quiet)
		printf("%s\n", a->all_tags ? name : shown);
	return r;
}

static const char *const aliases[] = {"image push", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all-tags", 'a', OPT_BOOL, FIELD(struct push, all_tags), NULL,
		"Push all tags of an image to the repository"},
	{"disable-content-trust", 0, OPT_IGNORED_BOOL, 0, NULL,
		"Skip image signing (kept for scripts: there is no content trust)", .def = "true"},
	{"platform", 0, OPT_STR, FIELD(struct push, platform), "string",
		"Push only where the image is for this platform"},
	{"compress", 0, OPT_BOOL, FIELD(struct push, compress), NULL,
		"Compress the layers in a dir: folder (elsewhere they are in any case)"},
	{"encrypt-layer", 0, OPT_UNSUPPORTED, 0, "ints", "Layers to encrypt"},
	{"encryption-key", 0, OPT_UNSUPPORTED, 0, "list", "Keys to encrypt layers with"},
	{"signature-policy", 0, OPT_UNSUPPORTED, 0, "string", "Signature policy file",
		.flags = OPTF_HIDDEN},
	OPT_SHARED(struct push, push, push_opt_rows),
	OPT_SHARED(struct push, push.registry, registry_push_rows),
	{0},
};
// clang-format on

const struct cmd cmd_push = {
	.name = "push",
	.aliases = aliases,
	.brief = "Upload an image to a registry",
	.operands = "NAME[:TAG] [DESTINATION]",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct push),
	.about =
		"Uploads an image under its own name, or any image under the name DESTINATION. "
		"What "
		"the registry has is not sent; what another of its repositories has is mounted "
		"from "
		"there. A layer that was pulled keeps its digest: it is mounted, or fetched where "
		"it "
		"came from and passed on; only where it is not to be had any more is its exact tar "
		"compressed again, under a new digest, and the manifest made anew in its "
		"format. Names of one image that were pulled as different manifests (in other "
		"formats or compressions) are each pushed as that.\n\n"
		"An interrupted upload goes on where the registry left off. Images without a "
		"manifest (made by commit, build, import, load) get one of Docker's schema 2, or "
		"of "
		"OCI's format with --format oci and --compression-format zstd.\n\n"
		"DESTINATION may also be a file or folder. dir:PATH: one image, whose layers are "
		"compressed with --compress or --compression-format only. oci:PATH[:REF]: added "
		"to the images of that OCI layout. oci-archive:FILE[:REF] and "
		"docker-archive:FILE[:NAME[:TAG]]: a new file. The manifests of both oci "
		"forms are OCI's, that of a dir: is of the image's own format, unless --format "
		"says otherwise; an image whose blobs are written as they came keeps its own. A "
		"list of `moss manifest` goes there with its members, but for docker-archive. "
		"--tls-verify, --cert-dir, --authfile and the two of retries are then for members "
		"that are in registries, and without effect where there are none; --creds is "
		"refused.",
	.examples = "moss push localhost:5000/team/app:1.2\n"
		    "moss push app:1.2 ghcr.io/team/app:1.2 --digestfile digest\n"
		    "moss push app:1.2 oci:layout:app-1.2",
	.run = push_run,
};
