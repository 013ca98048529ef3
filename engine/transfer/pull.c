#include "engine/transfer/pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/share.h"
#include "engine/transfer/admit.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/kept_layer.h"
#include "engine/transfer/places.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/progress.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull_layers.h"
#include "engine/transfer/unpacker.h"
#include "registry/parts.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"

enum { INDEX_DEPTH_MAX = 3, TAGS_TEXT_MAX = 16 * 1024 * 1024, REMOVED_TRIES = 10 };

/* One run of `pull`: a repository, its fetcher, and what is printed. */
struct pull {
	struct store *store;
	const struct pull_options *options;
	struct platform platform;
	struct fetcher fetcher;
	struct unpacker spare; /* started while we wait for something else */
	struct progress *progress;
	int parts_fd;
};

/* What became of one reference before its layers are fetched. */
struct found {
	struct reference ref;
	char *top_digest; /* of what the tag names: an index or a manifest */
	struct fetched_manifest manifest; /* of our platform */
	char *config_digest, *config_type;
	int64_t config_size;
	json_t *layers; /* as the unpacker checked them */
	int config_fd; /* exact bytes */
	char *config_json; /* as the unpacker wrote it */
	json_t *diff_ids;
};

static void found_deinit(struct found *f)
{
	reference_deinit(&f->ref);
	fetched_manifest_deinit(&f->manifest);
	free(f->top_digest);
	free(f->config_digest);
	free(f->config_type);
	free(f->config_json);
	json_decref(f->layers);
	json_decref(f->diff_ids);
	if (f->config_fd >= 0)
		close(f->config_fd);
}
#define auto_found __attribute__((cleanup(found_deinit))) struct found
#define FOUND_INIT ((struct found){.manifest.fd = -1, .config_fd = -1})

static void pull_deinit(struct pull *p)
{
	struct err ignored;
	fetcher_stop(&p->fetcher);
	unpacker_stop(&p->spare);
	progress_free(p->progress);
	platform_deinit(&p->platform);
	if (p->parts_fd >= 0)
		close(p->parts_fd);
	/* What was staged for nothing; it may be what fills the disk. */
	if (p->store->needs_purge && store_purge(p->store, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

/* A failure is no failure yet: whoever needs an unpacker tries again. */
static void start_spare(struct pull *p)
{
	struct err ignored;
	if (p->spare.pid <= 0 &&
		unpacker_start_beside(p->store, &p->fetcher.id, &p->spare, &ignored) < 0)
		p->spare = UNPACKER_INIT;
}

static int pull_init(struct pull *p, struct store *s, const struct reference *ref,
	const struct pull_options *o, struct err *e)
{
	*p = (struct pull){.store = s, .options = o, .fetcher = FETCHER_INIT, .parts_fd = -1};
	p->progress = progress_new(o->progress_fd, o->quiet ? PROGRESS_QUIET : o->progress);
	int r = platform_parse(o->platform, &p->platform, e);
	if (r == 0)
		r = fetcher_start(s, ref, o, &p->fetcher, e);
	if (r < 0)
		return r;
	start_spare(p);
	return fetcher_ready(&p->fetcher, e);
}

static char *name_at_digest(const struct reference *ref, const char *digest)
{
	auto_free char *name = reference_name(ref);
	return xasprintf("%s@%s", name, digest);
}

static int invalid_answer(struct err *e)
{
	return err_set(e, EBADMSG, "the unpacker gave no valid answer");
}

/* Asks an unpacker of its own; the process is gone afterwards. */
static json_t *ask_unpacker(struct pull *p, const json_t *job, const int *fds, size_t n,
	bool is_another_needed, struct err *e)
{
	struct unpacker u = p->spare;
	const char *kind;
	p->spare = UNPACKER_INIT;
	if (u.pid <= 0 && unpacker_start_beside(p->store, &p->fetcher.id, &u, e) < 0)
		return NULL;
	json_t *reply = NULL;
	int r = unpacker_send(&u, job, fds, n, e);
	if (r == 0 && is_another_needed)
		start_spare(p);
	if (r == 0)
		reply = unpacker_result(&u, NULL, NULL, &kind, e);
	unpacker_stop(&u);
	return reply;
}

/* The manifest f->manifest as checked by an unpacker. */
static json_t *read_manifest(struct pull *p, struct found *f, struct err *e)
{
	const struct fetched_manifest *m = &f->manifest;
	auto_json job = unpack_job_manifest(m->media_type, m->digest, m->size, p->platform.os,
		p->platform.architecture, p->platform.variant);
	(void)lseek(m->fd, 0, SEEK_SET);
	return ask_unpacker(p, job, &m->fd, 1, false, e);
}

static int take_manifest(struct found *f, const json_t *reply, struct err *e)
{
	const char *digest = json_str(reply, "config/digest");
	f->config_size = json_int_or(reply, "config/size", -1);
	f->layers = json_incref(json_at(reply, "layers"));
	if (!digest_valid(digest) || f->config_size < 0 || f->config_size > CONFIG_MAX ||
		!json_is_array(f->layers))
		return invalid_answer(e);
	f->config_digest = xstrdup(digest);
	f->config_type = xstrdup(json_str_or(reply, "config/media_type", ""));
	return 0;
}

/* Follows an index to the manifest of our platform. */
static int choose(struct pull *p, struct found *f, const json_t *reply, struct err *e)
{
	const char *digest = json_str(reply, "chosen/digest"), *kind;
	if (!digest_valid(digest))
		return invalid_answer(e);
	auto_free char *name = name_at_digest(&f->ref, digest);
	fetched_manifest_deinit(&f->manifest);
	return fetcher_manifest(&p->fetcher, name, &f->manifest, &kind, e);
}

static int find_manifest(struct pull *p, struct found *f, struct err *e)
{
	for (int depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		auto_json reply = read_manifest(p, f, e);
		if (!reply)
			return -e->code;
		const char *kind = json_str_or(reply, "kind", "");
		if (!strcmp(kind, "manifest"))
			return take_manifest(f, reply, e);
		if (strcmp(kind, "index"))
			return invalid_answer(e);
		int r = choose(p, f, reply, e);
		if (r < 0)
			return r;
	}
	auto_free char *name = reference_familiar(&f->ref);
	return err_set(e, ELOOP, "%s: indexes inside indexes inside indexes", name);
}

static int get_config(struct pull *p, struct found *f, struct err *e)
{
	const char *kind;
	f->config_fd = fetcher_memory_file(e);
	if (f->config_fd < 0)
		return f->config_fd;
	const struct fetch_blob wanted = {.digest = f->config_digest,
		.size = f->config_size,
		.part = f->config_fd,
		.pipe = -1,
		.sums = -1};
	int r = fetcher_blob(&p->fetcher, &wanted, e);
	if (r < 0)
		return r;
	start_spare(p);
	r = fetcher_wait(&p->fetcher, &kind, e);
	if (r < 0)
		return err_ctx(e, "image config");
	r = fetcher_seal(f->config_fd, e);
	auto_fd out = r < 0 ? r : fetcher_memory_file(e);
	if (out < 0)
		return out;
	auto_json job =
		unpack_job_config(f->config_digest, f->config_size, json_array_size(f->layers));
	int fds[2] = {f->config_fd, out};
	auto_json reply = ask_unpacker(p, job, fds, 2, true, e);
	if (!reply)
		return -e->code;
	f->diff_ids = json_incref(json_at(reply, "diff_ids"));
	if (json_array_size(f->diff_ids) != json_array_size(f->layers))
		return invalid_answer(e);
	auto_buf text = BUF_INIT;
	(void)lseek(out, 0, SEEK_SET);
	r = read_fd(out, CONFIG_MAX, &text);
	if (r < 0)
		return err_sysn(e, -r, "cannot read the image config");
	f->config_json = buf_take(&text);
	return 0;
}

static int add_layers(struct pull_layers *l, const struct found *f, struct err *e)
{
	size_t i;
	json_t *layer;
	json_array_foreach (f->layers, i, layer) {
		const char *digest = json_str(layer, "digest");
		const char *diff_id = json_string_value(json_array_get(f->diff_ids, i));
		int64_t size = json_int_or(layer, "size", -1);
		if (!digest_valid(digest) || !digest_valid(diff_id) || size < 0)
			return invalid_answer(e);
		pull_layers_add(l, digest, size, json_str_or(layer, "media_type", ""), diff_id);
	}
	return 0;
}

static int read_bytes(int fd, size_t max, struct buf *out, struct err *e)
{
	(void)lseek(fd, 0, SEEK_SET);
	int r = read_fd(fd, max, out);
	return r < 0 ? err_sysn(e, -r, "cannot read a memory file") : 0;
}

static int commit(struct pull *p, struct found *f, struct pull_layers *l, struct err *e)
{
	auto_buf manifest = BUF_INIT, config = BUF_INIT;
	int r = read_bytes(f->manifest.fd, MANIFEST_MAX, &manifest, e);
	if (r == 0)
		r = read_bytes(f->config_fd, CONFIG_MAX, &config, e);
	if (r < 0)
		return r;
	auto_free struct layer_new *layers = xcalloc(l->n + 1, sizeof(*layers));
	for (size_t i = 0; i < l->n; i++)
		layers[i] = (struct layer_new){
			.diff_id = l->v[i].diff_id,
			.staged_path = l->v[i].state == LAYER_STAGED ? l->v[i].staged : NULL,
			.kept_digest = l->v[i].state == LAYER_STAGED ? l->v[i].digest : NULL,
			.size = l->v[i].unpacked_size,
			.blob_digest = l->v[i].digest,
			.blob_size = l->v[i].size,
			.media_type = l->v[i].media_type,
		};
	struct reference tagged = {.domain = f->ref.domain, .path = f->ref.path, .tag = f->ref.tag};
	/* By digest: no tag is set, even where one was written beside it. */
	auto_free char *name = f->ref.digest ? NULL : reference_full(&tagged);
	auto_free char *digest_ref = name_at_digest(&f->ref, f->top_digest);
	pull_layers_empty_parts(l);
	p->store->complete = share_complete;
	r = image_commit(p->store, f->config_digest, f->config_json, config.data, config.len,
		manifest.data, manifest.len, f->manifest.digest, layers, l->n, name, digest_ref, e);
	if (r >= 0)
		pull_layers_drop_parts(l);
	return r;
}

/* -EAGAIN where a layer that was there has been removed meanwhile. */
static int pull_and_commit(struct pull *p, struct found *f, bool is_alone, struct err *e)
{
	struct pull_layers l = {.store = p->store,
		.is_alone = is_alone,
		.fetcher = &p->fetcher,
		.spare = &p->spare,
		.progress = p->progress,
		.next_request = 1};
	if (p->parts_fd < 0)
		p->parts_fd = parts_open(p->store->root_fd, e);
	if (p->parts_fd < 0)
		return p->parts_fd;
	kept_layers_sweep(p->store, p->parts_fd);
	l.parts_fd = p->parts_fd;
	struct image same = {0};
	int r = image_find(p->store, f->config_digest, NULL, &same, e);
	l.is_known = r == ROW_OK;
	image_deinit(&same);
	if (r >= 0)
		r = add_layers(&l, f, e);
	if (r == 0)
		r = pull_layers_run(&l, e);
	if (r == 0)
		r = commit(p, f, &l, e);
	for (size_t i = 0; r >= 0 && i < l.warnings.n; i++)
		log_warn("%s", l.warnings.v[i]);
	if (r == -EAGAIN)
		pull_layers_drop_incomplete(&l);
	if (r == -ENOSPC || r == -EDQUOT) {
		pull_layers_make_room(&l);
		(void)err_hint(e,
			"the file system of %s is full: remove images and containers that are not "
			"needed; the next pull goes on with what has arrived",
			p->store->root);
	}
	pull_layers_deinit(&l);
	return r;
}

/* Another command may remove an image with whose layers, or files, this one was to be made: then
 * those are fetched, too. What this pull got itself is kept, so each turn needs less of others. */
static int get_layers(struct pull *p, struct found *f, struct err *e)
{
	int r = pull_and_commit(p, f, false, e);
	for (int i = 0; r == -EAGAIN && i < REMOVED_TRIES; i++) {
		log_debug("%s: once more", e->msg);
		*e = (struct err){0};
		r = pull_and_commit(p, f, true, e);
	}
	return r;
}

static int admit(struct pull *p, const struct found *f, struct err *e)
{
	const struct admit_image image = {.store = p->store,
		.fetcher = &p->fetcher,
		.ref = &f->ref,
		.digest = f->manifest.digest,
		.top_digest = f->top_digest};
	return admit_pulled(&image, p->options->signature_policy, e);
}

/* *is_named: the name means this very image already. *is_recorded: and its digest is known, too
 * (an image from an archive has none), and the name leads to this manifest: nothing is to be done.
 */
static int compare_with_store(
	struct pull *p, const struct found *f, bool *is_named, bool *is_recorded, struct err *e)
{
	auto_free char *name = reference_full(&f->ref);
	auto_free char *digest_ref = name_at_digest(&f->ref, f->top_digest);
	struct image image = {0};
	*is_named = *is_recorded = false;
	int r = image_find(p->store, name, f->ref.digest ? digest_ref : name, &image, e);
	if (r == ROW_OK && !strcmp(image.id, f->config_digest)) {
		*is_named = true;
		bool leads_here =
			image.manifest_digest && !strcmp(image.manifest_digest, f->manifest.digest);
		for (char **d = image.digests; d && *d && leads_here; d++)
			*is_recorded = *is_recorded || !strcmp(*d, digest_ref);
	}
	image_deinit(&image);
	return r < 0 ? r : 0;
}

/* Docker tells of a pull by the reference, not by the image it stands for now. */
static int tell(struct store *s, const struct reference *ref, const char *id, struct err *e)
{
	struct image image = {.id = NULL};
	auto_free char *shown = reference_familiar(ref);
	auto_free char *name = reference_familiar_name(ref);
	int r = image_find(s, id, NULL, &image, e);
	if (r == ROW_OK)
		r = event_image(s, "pull", shown, name, image.config, e);
	image_deinit(&image);
	return r < 0 ? r : 0;
}

static int pull_one(
	struct pull *p, const struct reference *ref, bool *was_new, char **id, struct err *e)
{
	const char *kind;
	auto_found f = FOUND_INIT;
	auto_free char *full = reference_full(ref);
	bool is_named = false, is_recorded = false;
	int r = reference_parse(full, false, &f.ref, e);
	if (r == 0)
		r = fetcher_manifest(&p->fetcher, full, &f.manifest, &kind, e);
	if (r < 0)
		return r;
	f.top_digest = xstrdup(f.manifest.digest);
	progress_say(p->progress, "%s: Pulling from %s", ref->digest ? full : ref->tag, ref->path);
	r = find_manifest(p, &f, e);
	if (r == 0)
		r = admit(p, &f, e);
	if (r == 0)
		r = compare_with_store(p, &f, &is_named, &is_recorded, e);
	if (r == 0 && !is_recorded)
		r = get_config(p, &f, e);
	if (r == 0 && !is_recorded)
		r = get_layers(p, &f, e);
	if (r < 0)
		return r;
	progress_say(p->progress, "Digest: %s", f.top_digest);
	*was_new = *was_new || !is_named;
	*id = take_ptr(f.config_digest);
	return tell(p->store, ref, *id, e);
}

static void say_status(struct pull *p, const char *name, bool was_new)
{
	progress_say(p->progress, "Status: %s for %s",
		was_new ? "Downloaded newer image" : "Image is up to date", name);
}

/* A single manifest is pulled whatever its platform; who asked for another one is told. */
static int check_platform(
	const struct image *image, const struct reference *ref, const char *wanted, struct err *e)
{
	auto_platform p;
	int r = platform_parse(wanted, &p, e);
	if (r < 0)
		return r;
	struct err ignored;
	auto_json config = json_parse(image->config, strlen(image->config), "config", &ignored);
	const char *os = json_str_or(config, "os", "linux");
	const char *architecture = json_str_or(config, "architecture", p.architecture);
	if (!strcmp(os, p.os) && !strcmp(architecture, p.architecture))
		return 0;
	auto_free char *name = reference_familiar(ref);
	return err_set(e, EINVAL,
		"image with reference %s was found but does not match the specified platform: "
		"wanted %s, actual: %s/%s",
		name, wanted, os, architecture);
}

static int pull_from(
	struct store *s, const struct pull_place *place, char **id, bool *changed, struct err *e)
{
	struct pull p;
	int r = pull_init(&p, s, &place->at, &place->options, e);
	if (r == 0)
		r = pull_one(&p, &place->ref, changed, id, e);
	if (r == 0) {
		auto_free char *name = reference_familiar(&place->ref);
		say_status(&p, name, *changed);
	}
	pull_deinit(&p);
	return r;
}

int image_pull(struct store *s, const char *typed, const struct pull_options *o, struct image *out,
	bool *was_new, struct err *e)
{
	auto_pull_places l = {0};
	auto_free char *id = NULL;
	bool changed = false;
	size_t i = 0;
	int r = pull_places_find(typed, true, o, &l, e);
	if (r == 0)
		r = admit_ready(o->signature_policy, e);
	if (r < 0)
		return r;
	while ((r = pull_from(s, &l.v[i], &id, &changed, e)) < 0 && pull_places_failed(&l, i, r, e))
		i++;
	if (r < 0)
		return pull_places_explain(&l, typed, e);
	const struct reference *ref = &l.v[i].ref;
	pull_places_succeeded(&l, i, typed);
	if (was_new)
		*was_new = changed;
	if (o->pulled)
		*o->pulled = reference_full(ref);
	struct image image = {0};
	r = image_find(s, id, NULL, &image, e);
	if (r == ROW_ABSENT)
		r = err_set(e, ENOENT, "No such image: %s", typed);
	if (r == ROW_OK && !str_empty(o->platform))
		r = check_platform(&image, ref, o->platform, e);
	if (r == ROW_OK && out)
		*out = image;
	else
		image_deinit(&image);
	return r < 0 ? r : 0;
}

static int pull_tags(struct pull *p, const struct reference *repo, const char *text, bool *changed,
	struct err *e)
{
	auto_strv tags = STRV_INIT;
	int r = 0;
	strv_split(&tags, text, '\n');
	for (size_t i = 0; i < tags.n && r == 0; i++) {
		if (!*tags.v[i])
			continue;
		auto_free char *id = NULL;
		struct reference ref = {
			.domain = repo->domain, .path = repo->path, .tag = tags.v[i]};
		r = pull_one(p, &ref, changed, &id, e);
	}
	return r;
}

static int pull_all_from(struct store *s, const struct pull_place *place, struct err *e)
{
	bool changed = false;
	auto_free char *name = reference_name(&place->at);
	auto_free char *familiar = reference_familiar_name(&place->ref);
	auto_buf text = BUF_INIT;
	struct pull p;
	int r = pull_init(&p, s, &place->at, &place->options, e);
	auto_fd list = r < 0 ? -1 : fetcher_tags(&p.fetcher, name, e);
	if (r == 0)
		r = list < 0 ? list : read_bytes(list, TAGS_TEXT_MAX, &text, e);
	if (r == 0 && !text.len)
		r = err_set(e, ENOENT, "no tags found for repository %s", familiar);
	if (r == 0)
		r = pull_tags(&p, &place->ref, text.data, &changed, e);
	if (r == 0)
		say_status(&p, familiar, changed);
	pull_deinit(&p);
	return r;
}

int image_pull_all(struct store *s, const char *typed, const struct pull_options *o, struct err *e)
{
	auto_pull_places l = {0};
	size_t i = 0;
	int r = pull_places_find(typed, false, o, &l, e);
	if (r == 0)
		r = admit_ready(o->signature_policy, e);
	if (r < 0)
		return r;
	if (l.v[0].ref.tag || l.v[0].ref.digest)
		return err_set(e, EINVAL, "tag can't be used with --all-tags/-a");
	while ((r = pull_all_from(s, &l.v[i], e)) < 0 && pull_places_failed(&l, i, r, e))
		i++;
	if (r < 0)
		return pull_places_explain(&l, typed, e);
	pull_places_succeeded(&l, i, typed);
	if (o->pulled)
		*o->pulled = reference_full(&l.v[i].ref);
	return 0;
}
