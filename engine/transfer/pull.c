#include "engine/transfer/pull_internal.h"

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

enum { TAGS_TEXT_MAX = 16 * 1024 * 1024, REMOVED_TRIES = 10 };

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
	pull_start_spare(p);
	return fetcher_ready(&p->fetcher, e);
}

static int add_layers(struct pull_layers *l, const struct pull_found *f, struct err *e)
{
	size_t i;
	json_t *layer;
	json_array_foreach (f->layers, i, layer) {
		const char *digest = json_str(layer, "digest");
		const char *diff_id = json_string_value(json_array_get(f->diff_ids, i));
		int64_t size = json_int_or(layer, "size", -1);
		if (!digest_valid(digest) || !digest_valid(diff_id) || size < 0)
			return pull_invalid_answer(e);
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

static int commit(struct pull *p, struct pull_found *f, struct pull_layers *l, struct err *e)
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
	auto_free char *digest_ref = pull_name_at_digest(&f->ref, f->top_digest);
	pull_layers_empty_parts(l);
	p->store->complete = share_complete;
	r = image_commit(p->store, f->config_digest, f->config_json, config.data, config.len,
		manifest.data, manifest.len, f->manifest.digest, layers, l->n, name, digest_ref, e);
	if (r >= 0)
		pull_layers_drop_parts(l);
	return r;
}

/* -EAGAIN where a layer that was there has been removed meanwhile. */
static int pull_and_commit(struct pull *p, struct pull_found *f, bool is_alone, struct err *e)
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
static int get_layers(struct pull *p, struct pull_found *f, struct err *e)
{
	int r = pull_and_commit(p, f, false, e);
	for (int i = 0; r == -EAGAIN && i < REMOVED_TRIES; i++) {
		log_debug("%s: once more", e->msg);
		*e = (struct err){0};
		r = pull_and_commit(p, f, true, e);
	}
	return r;
}

static int admit(struct pull *p, const struct pull_found *f, struct err *e)
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
static int compare_with_store(struct pull *p, const struct pull_found *f, bool *is_named,
	bool *is_recorded, struct err *e)
{
	auto_free char *name = reference_full(&f->ref);
	auto_free char *digest_ref = pull_name_at_digest(&f->ref, f->top_digest);
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
	auto_pull_found f = PULL_FOUND_INIT;
	auto_free char *full = reference_full(ref);
	bool is_named = false, is_recorded = false;
	int r = reference_parse(full, false, &f.ref, e);
	if (r == 0)
		r = fetcher_manifest(&p->fetcher, full, &f.manifest, &kind, e);
	if (r < 0)
		return r;
	f.top_digest = xstrdup(f.manifest.digest);
	progress_say(p->progress, "%s: Pulling from %s", ref->digest ? full : ref->tag, ref->path);
	r = pull_find_manifest(p, &f, e);
	if (r == 0)
		r = admit(p, &f, e);
	if (r == 0)
		r = compare_with_store(p, &f, &is_named, &is_recorded, e);
	if (r == 0 && !is_recorded)
		r = pull_get_config(p, &f, e);
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
