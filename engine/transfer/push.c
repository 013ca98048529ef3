#include "engine/transfer/push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/document.h"
#include "engine/transfer/push_internal.h"
#include "engine/transfer/progress.h"
#include "engine/transfer/proto.h"
#include "registry/reference.h"
#include "storage/image.h"
#include "storage/image_manifest.h"
#include "storage/layer_blob.h"
#include "storage/store.h"

enum { AT_ONCE = 5 /* Docker tells of the layers beyond that they wait */ };

/* ---- the session ---- */

static void add_repository(struct strv *list, const char *reference)
{
	auto_free char *name = xstrndup(reference, strcspn(reference, "@"));
	if (!strv_has(list, name))
		strv_add(list, name);
}

int push_open(struct push *p, struct store *s, const struct reference *to,
	const struct push_options *o, const struct strv *repositories, struct err *e)
{
	auto_strv from = STRV_INIT;
	auto_free char *registry = xasprintf("%s/", to->domain);
	*p = (struct push){.store = s,
		.options = o,
		.reader = DOCUMENT_READER(s),
		.fetcher = FETCHER_INIT,
		.domain = xstrdup(to->domain),
		.path = xstrdup(to->path)};
	p->progress = progress_new(
		o->registry.progress_fd, o->registry.quiet ? PROGRESS_QUIET : o->registry.progress);
	p->items = (struct push_items){.store = s,
		.fetcher = &p->fetcher,
		.domain = p->domain,
		.path = p->path,
		.options = &o->registry,
		.compression = o->compression,
		.progress = p->progress,
		.next_request = 1};
	for (size_t i = 0; i < repositories->n; i++) {
		const char *path = str_after(repositories->v[i], registry);
		if (path && strcmp(path, to->path) != 0)
			strv_add(&from, path);
	}
	int r = fetcher_start_push(s, to, &o->registry, &from, &p->fetcher, e);
	return r < 0 ? r : fetcher_ready(&p->fetcher, e);
}

void push_close(struct push *p)
{
	push_items_deinit(&p->items);
	fetcher_stop(&p->fetcher);
	document_reader_deinit(&p->reader);
	progress_free(p->progress);
	free(p->domain);
	free(p->path);
}

/* ---- an image of the store ---- */

static void plan_deinit(struct push_plan *plan)
{
	document_deinit(&plan->original);
	free(plan->layers);
	*plan = (struct push_plan){0};
}

/* The manifest that the image came with (or was pushed with), where it fits its layers. */
static int read_original(
	struct push *p, const struct image *image, struct push_plan *plan, struct err *e)
{
	bool found;
	if (!plan->manifest)
		return 0;
	int r = document_of_blob(&p->reader, plan->manifest, &plan->original, &found, e);
	if (r < 0)
		return err_ctx(e, "manifest %s", plan->manifest);
	const json_t *layers = json_at(plan->original.json, "layers");
	plan->has_original =
		found && !plan->original.is_index && json_array_size(layers) == image->n_layers;
	return 0;
}

static int add_known_forms(struct push *p, struct push_item *i, struct err *e)
{
	struct layer_blob *blobs = NULL;
	size_t n = 0;
	int r = layer_blobs(p->store, i->layer_id, &blobs, &n, e);
	for (size_t k = 0; r >= 0 && k < n; k++)
		push_item_add_form(i, blobs[k].digest, blobs[k].size,
			blobs[k].media_type ? blobs[k].media_type : "", blobs[k].made);
	layer_blobs_free(blobs, n);
	return r;
}

/* Those of the manifest first, which have the forms it names; only a few are asked. */
static void add_own_repositories(
	const struct image *image, const struct push_plan *plan, struct strv *list)
{
	for (char **d = image->digests; plan->manifest && d && *d; d++) {
		const char *its = image_manifest_of(image, *d);
		if (its && !strcmp(its, plan->manifest))
			add_repository(list, *d);
	}
	for (char **d = image->digests; d && *d; d++)
		add_repository(list, *d);
}

/* The item of a layer; equal layers of one image are one item. Its index. */
static int add_layer(struct push *p, const struct image *image, size_t k,
	const struct push_plan *plan, size_t *index, struct err *e)
{
	for (size_t i = 0; i < p->items.n; i++)
		if (p->items.v[i].diff_id && !strcmp(p->items.v[i].diff_id, image->diff_ids[k])) {
			*index = i;
			return 0;
		}
	*index = p->items.n;
	struct push_item *i = push_items_add(&p->items);
	snprintf(i->short_id, sizeof(i->short_id), "%.12s", image->diff_ids[k] + strlen("sha256:"));
	i->diff_id = xstrdup(image->diff_ids[k]);
	i->layer_id = xstrdup(image->layer_ids[k]);
	if (plan->has_original) {
		const json_t *d = json_array_get(json_at(plan->original.json, "layers"), k);
		push_item_add_form(i, json_str_or(d, "digest", ""), json_int_or(d, "size", 0),
			json_str_or(d, "mediaType", ""), NULL);
	}
	int r = add_known_forms(p, i, e);
	if (r >= 0)
		r = layer_size(p->store, i->layer_id, &i->unpacked_size, e);
	auto_strv names = STRV_INIT;
	add_own_repositories(image, plan, &i->repositories);
	if (r >= 0)
		r = layer_repositories(p->store, i->layer_id, &names, e);
	for (size_t n = 0; r >= 0 && n < names.n; n++)
		add_repository(&i->repositories, names.v[n]);
	return r < 0 ? r : 0;
}

static int add_config(
	struct push *p, const struct image *image, struct push_plan *plan, struct err *e)
{
	int64_t size;
	int fd = blob_open(p->store, image->id, &size, e);
	if (fd < 0)
		return err_ctx(e, "config of the image");
	plan->config = p->items.n;
	struct push_item *i = push_items_add(&p->items);
	i->file = fd;
	push_item_add_form(i, image->id, size, "", NULL);
	add_own_repositories(image, plan, &i->repositories);
	return 0;
}

static int plan_image(
	struct push *p, const struct image *image, struct push_plan *plan, struct err *e)
{
	plan->layers = xcalloc(image->n_layers + 1, sizeof(*plan->layers));
	plan->n = image->n_layers;
	int r = read_original(p, image, plan, e);
	for (size_t k = 0; k < image->n_layers && r == 0; k++)
		r = add_layer(p, image, k, plan, &plan->layers[k], e);
	return r < 0 ? r : add_config(p, image, plan, e);
}

/* Docker tells of the newest layer first. */
static void tell_plan(struct push *p, const struct push_plan *plan)
{
	for (size_t k = plan->n; k-- > 0;)
		progress_status(p->progress, p->items.v[plan->layers[k]].short_id, "Preparing");
	for (size_t k = plan->n, told = 0; k-- > 0;)
		if (++told > AT_ONCE)
			progress_status(
				p->progress, p->items.v[plan->layers[k]].short_id, "Waiting");
}

struct telling {
	struct push *push;
	const struct push_plan *plan;
};

static void tell_now(void *arg)
{
	const struct telling *t = arg;
	tell_plan(t->push, t->plan);
}

/* As Docker: of a registry that cannot be reached only that is said. */
static void tell_when_answered(struct push *p, struct telling *t)
{
	if (p->items.has_answered)
		return tell_now(t);
	p->items.answered = tell_now;
	p->items.arg = t;
}

int push_put(struct push *p, const char *ref, const struct push_manifest *m, struct err *e)
{
	const char *kind;
	auto_fd fd = fetcher_memory_file(e);
	if (fd < 0)
		return fd;
	int r = write_all(fd, m->bytes.data, m->bytes.len);
	if (r < 0)
		return err_sysn(e, -r, "cannot write a memory file");
	r = fetcher_seal(fd, e);
	if (r < 0)
		return r;
	auto_json request = json_object();
	json_set_str(request, "op", "put");
	json_set_str(request, "ref", ref);
	json_set_str(request, "media_type", m->media_type);
	auto_json reply = fetcher_ask(&p->fetcher, request, &fd, 1, &kind, e);
	return reply ? 0 : -e->code;
}

int push_manifest_digest(struct push *p, struct push_manifest *m, struct err *e)
{
	auto_document d = {0};
	int r = document_of_bytes(
		&p->reader, m->bytes.data, m->bytes.len, m->media_type, NULL, &d, e);
	if (r == 0)
		m->digest = xstrdup(d.digest);
	return r;
}

static int make_manifest(
	struct push *p, const struct push_plan *plan, struct push_manifest *m, struct err *e)
{
	auto_free const struct push_item **layers = xcalloc(plan->n + 1, sizeof(*layers));
	for (size_t k = 0; k < plan->n; k++)
		layers[k] = &p->items.v[plan->layers[k]];
	const struct document *d = plan->has_original ? &plan->original : NULL;
	int r = push_manifest_make(d ? d->json : NULL, d ? &d->bytes : NULL,
		d ? d->media_type : NULL, p->options->format, layers, plan->n,
		&p->items.v[plan->config], m, e);
	return r < 0 ? r : push_manifest_digest(p, m, e);
}

/* What the next push need not make again: the name by digest with its manifest, and the blobs. */
static int record(struct push *p, const struct image *image, const struct push_plan *plan,
	const struct push_manifest *m, struct err *e)
{
	auto_free char *digest_ref =
		p->path ? xasprintf("%s/%s@%s", p->domain, p->path, m->digest) : NULL;
	auto_free struct layer_new *layers = xcalloc(plan->n + 1, sizeof(*layers));
	for (size_t k = 0; k < plan->n; k++) {
		const struct push_item *i = &p->items.v[plan->layers[k]];
		layers[k].diff_id = i->diff_id;
		if (!i->made)
			continue;
		layers[k].blob_digest = i->digest;
		layers[k].blob_size = i->size;
		layers[k].blob_made = i->made;
		layers[k].media_type = push_manifest_layer_type(
			i->compression, push_manifest_is_oci(m->media_type));
	}
	return image_commit(p->store, image->id, image->config, NULL, 0, m->bytes.data,
		m->bytes.len, m->digest, layers, plan->n, NULL, digest_ref, e);
}

static int push_planned(struct push *p, const struct image *image, struct push_plan *plan,
	const struct reference *to, struct push_manifest *m, struct err *e)
{
	int r = push_items_run(&p->items, e);
	if (r == 0)
		r = make_manifest(p, plan, m, e);
	auto_free char *name = reference_name(to);
	auto_free char *ref =
		to->tag || r < 0 ? reference_full(to) : xasprintf("%s@%s", name, m->digest);
	if (r == 0)
		r = push_put(p, ref, m, e);
	return r < 0 ? r : record(p, image, plan, m, e);
}

/* The names of the blobs are found without a registry. */
static int name_planned(
	struct push *p, const struct image *image, const struct push_plan *plan, struct err *e)
{
	auto_push_manifest m = {0};
	int r = 0;
	for (size_t k = 0; k < p->items.n && r == 0; k++)
		r = push_item_name(&p->items, &p->items.v[k], e);
	if (r == 0)
		r = make_manifest(p, plan, &m, e);
	return r < 0 ? r : record(p, image, plan, &m, e);
}

static int give_manifest(struct store *s, const struct image *image, struct err *e)
{
	static const struct push_options as_docker = {.format = FORMAT_DOCKER};
	struct push p = {.store = s,
		.options = &as_docker,
		.reader = DOCUMENT_READER(s),
		.fetcher = FETCHER_INIT};
	struct push_plan plan = {0};
	p.items.store = s;
	p.items.compression.gzip_only = true;
	int r = plan_image(&p, image, &plan, e);
	if (r == 0)
		r = name_planned(&p, image, &plan, e);
	plan_deinit(&plan);
	push_close(&p);
	return r;
}

int push_ensure_manifest(
	struct store *s, const struct image *image, struct document *out, struct err *e)
{
	struct document_reader reader = DOCUMENT_READER(s);
	struct image now = {0};
	bool found = false;
	int r = image->manifest_digest ? 0 : give_manifest(s, image, e);
	if (r == 0)
		r = image_find(s, image->id, NULL, &now, e);
	const char *digest = image->manifest_digest ? image->manifest_digest : now.manifest_digest;
	if (r == 0 && digest)
		r = document_of_blob(&reader, digest, out, &found, e);
	if (r >= 0 && !found)
		r = err_set(e, ENOENT, "image %s has no manifest", image->id);
	image_deinit(&now);
	document_reader_deinit(&reader);
	return r < 0 ? r : 0;
}

int push_image(struct push *p, const struct image *image, const char *manifest,
	const struct reference *to, struct push_manifest *m, struct err *e)
{
	struct push_plan plan = {.manifest = manifest};
	*m = (struct push_manifest){0};
	p->items.compression.gzip_only = p->options->format == FORMAT_DOCKER;
	int r = plan_image(p, image, &plan, e);
	/* An image without a manifest gets Docker's, unless zstd was asked for. */
	if (r == 0 && p->options->format == FORMAT_AS_IS && !p->options->compression.is_given)
		p->items.compression.gzip_only =
			!plan.has_original || !push_manifest_is_oci(plan.original.media_type);
	struct telling telling = {p, &plan};
	if (r == 0) {
		tell_when_answered(p, &telling);
		r = push_planned(p, image, &plan, to, m, e);
	}
	p->items.answered = NULL;
	push_items_clear(&p->items);
	plan_deinit(&plan);
	return r;
}

static void all_repositories(const struct push_job *jobs, size_t n, struct strv *out)
{
	for (size_t i = 0; i < n; i++)
		for (char **d = jobs[i].image->digests; d && *d; d++)
			add_repository(out, *d);
}

static int layer_names(
	struct store *s, const struct push_job *jobs, size_t n, struct strv *out, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < n && r >= 0; i++)
		for (size_t k = 0; k < jobs[i].image->n_layers && r >= 0; k++) {
			auto_strv names = STRV_INIT;
			r = layer_repositories(s, jobs[i].image->layer_ids[k], &names, e);
			for (size_t x = 0; x < names.n; x++)
				add_repository(out, names.v[x]);
		}
	return r < 0 ? r : 0;
}

int image_push(struct store *s, struct push_job *jobs, size_t n, const struct push_options *o,
	struct err *e)
{
	auto_strv repositories = STRV_INIT;
	struct push p;
	all_repositories(jobs, n, &repositories);
	int r = layer_names(s, jobs, n, &repositories, e);
	if (r < 0)
		return r;
	r = push_open(&p, s, jobs[0].to, o, &repositories, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		auto_push_manifest m = {0};
		r = push_image(&p, jobs[i].image, jobs[i].manifest, jobs[i].to, &m, e);
		if (r < 0)
			break;
		progress_say(p.progress, "%s: digest: %s size: %zu", jobs[i].to->tag, m.digest,
			m.bytes.len);
		jobs[i].digest = take_ptr(m.digest);
	}
	push_close(&p);
	return r;
}
