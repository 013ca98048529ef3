/* What of a mount the runtime spec has no words for: the annotation moss.mounts, an object from
 * destinations to what engine/launch.h describes. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "storage/volume_options.h"

bool spec_mount_is_made(const struct mount_spec *m) { return m->type == MOUNT_IMAGE || m->overlay; }

char *spec_mount_dir(const struct create_plan *p, size_t i)
{
	return xasprintf("%s/mounts/%zu", p->dir, i);
}

/* The words of --tmpfs that are not the file system's. */
static bool wants_fill(const struct mount_spec *m)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, m->tmpfs_options ? m->tmpfs_options : "", ',');
	return m->fill || strv_has(&words, "tmpcopyup");
}

static void add_volume(const struct mount_real *m, json_t *o)
{
	static const char *const words[] = {"type", "device", "o", "uid", "gid"};
	bool has_device = volume_options_have_device(m->options);
	json_set_str(o, "volume", m->volume);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *value = json_str(m->options, words[i]);
		bool is_owner = i >= 3;
		if (!str_empty(value) && has_device != is_owner)
			json_set_str(o, words[i], value);
	}
}

static void add_overlay(const struct create_plan *p, size_t i, json_t *o)
{
	const struct mount_spec *m = &p->mounts.v[i];
	auto_free char *dir = spec_mount_dir(p, i);
	json_set_str(o, "made-in", dir);
	if (m->type == MOUNT_IMAGE) {
		json_set(o, "layers", json_from_strv(&p->reals[i].layers));
		return;
	}
	json_set_str(o, "lower", p->reals[i].source);
	if (m->upper) {
		json_set_str(o, "upper", m->upper);
		json_set_str(o, "work", m->work);
	}
}

static json_t *extras_of(const struct create_plan *p, size_t i)
{
	const struct mount_spec *m = &p->mounts.v[i];
	json_t *o = json_object();
	if (p->reals[i].copy_up || (m->type == MOUNT_TMPFS && wants_fill(m)))
		json_set_bool(o, "copy-up", true);
	if (m->type == MOUNT_BIND && m->make_source)
		json_set_bool(o, "make", true);
	if (m->chown)
		json_set_bool(o, "chown", true);
	if (m->subpath)
		json_set_str(o, "subpath", m->subpath);
	if (p->reals[i].volume)
		add_volume(&p->reals[i], o);
	if (spec_mount_is_made(m))
		add_overlay(p, i, o);
	return o;
}

json_t *spec_mount_extras(const struct create_plan *p)
{
	json_t *all = json_object();
	for (size_t i = 0; i < p->mounts.n; i++) {
		auto_json one = extras_of(p, i);
		if (json_object_size(one))
			json_object_set(all, p->mounts.v[i].target, one);
	}
	if (json_object_size(all))
		return all;
	json_decref(all);
	return NULL;
}
