/* Where a container's mounts come from: volumes are made, images looked up, bind sources looked
 * at. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/inspect_object.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/volume.h"
#include "storage/volume_options.h"

/* The source must be there and reachable for the user; -v makes a missing folder. */
static int resolve_bind(struct mount_real *m, struct err *e)
{
	const struct mount_spec *spec = m->spec;
	auto_fd fd = open(spec->source, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && spec->make_source) {
		struct err why = {0};
		if (path_mkdirs(spec->source, 0755, &why) < 0)
			return err_sysn(e, why.code,
				"error while creating mount source path '%s': mkdir %s",
				spec->source, spec->source);
	} else if (fd < 0 && errno == ENOENT) {
		return mount_source_exists(spec->source, e);
	} else if (fd < 0) {
		int code = errno;
		err_sysn(e, code, "cannot use %s as the source of a bind mount", spec->source);
		return code != EACCES ? -code
				      : err_hint(e, "moss runs with your own rights: you need "
						    "search permission "
						    "on every folder of that path");
	}
	m->source = xstrdup(spec->source);
	return 0;
}

/* NULL where there are none. Owned. */
static char *words_text(const struct strv *words)
{
	auto_json o = json_sorted(json_from_words(words));
	return words->n ? json_text(o) : NULL;
}

static int resolve_volume(
	struct store *s, const struct create_plan *p, struct mount_real *m, struct err *e)
{
	const struct mount_spec *spec = m->spec;
	struct volume v = {0};
	bool was_made;
	auto_free char *labels = words_text(&spec->labels);
	auto_free char *options = words_text(&spec->options);
	int r = spec->source
			? volume_create(s, spec->source, "local", labels, options, &v, &was_made, e)
			: volume_create_for(s, p->id, labels, options, &v, e);
	if (r < 0)
		return r;
	m->source = xstrdup(v.mountpoint);
	m->volume = xstrdup(v.name);
	if (v.options)
		m->options = json_parse(v.options, strlen(v.options), "the volume's options", e);
	/* A volume that is empty when the container first starts is filled (stage_copyup.c). */
	m->copy_up = !spec->nocopy && !spec->overlay && !spec->subpath &&
		     volume_options_keep_files(m->options);
	r = v.options && !m->options ? -e->code : 0;
	volume_deinit(&v);
	return r;
}

static int resolve_image(struct store *s, struct mount_real *m, struct err *e)
{
	struct image image = {0};
	int r = image_lookup(s, m->spec->source, &image, e);
	if (r != ROW_OK)
		return r < 0 ? r : -e->code;
	for (size_t i = 0; i < image.n_layers; i++)
		strv_add(&m->layers, image.layer_ids[i]);
	m->source = xstrdup(image.id);
	image_deinit(&image);
	return 0;
}

int create_mounts_resolve(struct store *s, struct create_plan *p, struct err *e)
{
	int r = 0;
	p->reals = xcalloc(p->mounts.n + 1, sizeof(*p->reals));
	for (size_t i = 0; i < p->mounts.n; i++)
		p->reals[i].spec = &p->mounts.v[i];
	/* Volumes last: when another is refused, none has been made. */
	for (size_t i = 0; r == 0 && i < p->mounts.n; i++)
		if (p->mounts.v[i].type == MOUNT_BIND)
			r = resolve_bind(&p->reals[i], e);
		else if (p->mounts.v[i].type == MOUNT_IMAGE)
			r = resolve_image(s, &p->reals[i], e);
	for (size_t i = 0; r == 0 && i < p->mounts.n; i++)
		if (p->mounts.v[i].type == MOUNT_VOLUME)
			r = resolve_volume(s, p, &p->reals[i], e);
	return r;
}
