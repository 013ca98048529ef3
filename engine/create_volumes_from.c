/* --volumes-from: the volumes and bind mounts of other containers, as docker inspect shows them.
 * They come before all other mounts and give way to them; of two containers the later one wins. */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/start.h"

/* The subpath that the other container was given for that target; NULL = the whole volume. */
static const char *subpath_of(const json_t *config, const char *target)
{
	size_t i;
	json_t *m;
	json_array_foreach (json_at(config, "HostConfig/Mounts"), i, m)
		if (strcmp(json_str_or(m, "Target", ""), target) == 0)
			return json_str(m, "VolumeOptions/Subpath");
	return NULL;
}

static void take_mount(
	struct create_plan *p, const json_t *config, const json_t *mount, bool read_only)
{
	const char *type = json_str_or(mount, "Type", "");
	const char *target = json_str_or(mount, "Destination", "");
	bool is_volume = strcmp(type, "volume") == 0;
	if (!is_volume && strcmp(type, "bind") != 0)
		return; /* a tmpfs is a container's own */
	struct mount_spec *m = create_mounts_find(p, target);
	if (m)
		mount_spec_deinit(m);
	else
		m = mount_specs_add(&p->mounts);
	const char *subpath = subpath_of(config, target);
	const char *propagation = json_str(mount, "Propagation");
	*m = (struct mount_spec){
		.type = is_volume ? MOUNT_VOLUME : MOUNT_BIND,
		.origin = MOUNT_FROM_OTHER,
		.source = xstrdup(json_str_or(mount, is_volume ? "Name" : "Source", "")),
		.target = xstrdup(target),
		.mode = xstrdup(""),
		.read_only = read_only || !json_bool_or(mount, "RW", true),
		.make_source = !is_volume,
		.nocopy = true,
		.subpath = subpath ? xstrdup(subpath) : NULL,
		.propagation = str_empty(propagation) ? NULL : xstrdup(propagation),
	};
}

static int take_container(struct store *s, struct create_plan *p, const char *text, struct err *e)
{
	auto_free char *name = NULL;
	bool read_only;
	struct container_row row = {0};
	int r = mount_parse_from(text, &name, &read_only, e);
	if (r < 0 || (r = container_get(s, name, &row, e)) < 0)
		return r;
	auto_json config = json_parse(row.config, strlen(row.config), "its configuration", e);
	size_t i;
	json_t *mount;
	json_array_foreach (json_at(config, "Mounts"), i, mount)
		take_mount(p, config, mount, read_only);
	container_row_deinit(&row);
	return config ? 0 : -e->code;
}

int create_volumes_from(struct store *s, struct create_plan *p, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < p->r->volumes_from.n; i++)
		r = take_container(s, p, p->r->volumes_from.v[i], e);
	return r;
}
