/* What a container with ids of its own needs of the host, opened while the shared user namespace's
 * rights still hold: inside, the user's files may belong to nobody. All of it is detached mounts,
 * which need no path any more. What is done to the user's own files (new volumes are filled, U
 * gives mounts to the container's user) is done here, too, with the ids that they have outside.
 *
 * A volume's files have the owners that they have, for every container: one with other ids sees
 * them by its own map. A new volume that the image has nothing for belongs to the container's user,
 * who could not write to it else.
 */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_root(const struct launch_plan *p, struct err *e)
{
	auto_free char *path = p->driver              ? path_join(p->bundle, "merged")
			       : *p->root_path == '/' ? xstrdup(p->root_path)
						      : path_join(p->bundle, p->root_path);
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return tree < 0 ? err_sys(e, "cannot open the root file system %s", path) : tree;
}

static uint32_t outside_id(const struct id_range *r, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= r[i].inside && id - r[i].inside < r[i].count)
			return r[i].outside + (id - r[i].inside);
	return UINT32_MAX;
}

/* in->user as the shared namespace knows it. */
static int resolve_outside(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	in->user = (struct user_ids){
		.uid = p->user_text ? 0 : p->uid, .gid = p->user_text ? 0 : p->gid};
	int r = p->passwd ? inner_add_names(in, e) : 0;
	if (r == 0)
		r = user_resolve(in->root, p->user_text, NULL, &in->user, e);
	if (r < 0)
		return r;
	in->user.uid = outside_id(p->idmap.uids, p->idmap.n_uids, in->user.uid);
	in->user.gid = outside_id(p->idmap.gids, p->idmap.n_gids, in->user.gid);
	return 0;
}

/* ---- new volumes ---- */

static bool is_fresh(int data)
{
	struct stat st;
	int again = openat(data, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *d;
	if (!dir || fstat(data, &st) < 0 || st.st_uid || st.st_gid)
		return false;
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return false;
	return true;
}

static int own_volume(struct inner *in, const struct mount_plan *m, struct err *e)
{
	auto_fd image = path_open_in(in->root, m->target, O_PATH | O_DIRECTORY, 0);
	auto_fd data = open(m->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (image >= 0 || data < 0 || !is_fresh(data))
		return 0;
	if (fchown(data, in->user.uid, in->user.gid) < 0)
		return err_sys(
			e, "cannot give the new volume on %s to the container's user", m->target);
	return 0;
}

/* ---- file systems of a namespace that is joined ---- */

static bool is_joined_fs(const struct launch_plan *p, const struct mount_plan *m)
{
	if (m->kind == MOUNT_SYSFS)
		return plan_ns_is_joined(p, NS_NET);
	return m->kind == MOUNT_FS && !strcmp(m->type, "mqueue") && plan_ns_is_joined(p, NS_IPC);
}

/* Only the owner of the namespace can mount them. Where we may not either, the host's are bound. */
static int open_joined_fs(const struct mount_plan *m)
{
	struct err refused = {0};
	int tree = inner_new_fs(m->kind == MOUNT_SYSFS ? "sysfs" : m->type, m, m->set, &refused);
	return tree < 0 ? -1 : tree;
}

static int open_mount(struct inner *in, struct outside *o, struct err *e)
{
	const struct mount_extras *x = &o->plan.more;
	bool is_new = o->plan.kind == MOUNT_BIND && x->volume && x->copy_up && !x->device &&
		      !in->is_filled;
	if (is_joined_fs(in->p, &o->plan))
		o->tree = open_joined_fs(&o->plan);
	if (o->plan.kind != MOUNT_BIND)
		return 0;
	int r = is_new ? own_volume(in, &o->plan, e) : 0;
	if (r == 0)
		r = o->tree = inner_open_source(in, &o->plan, e);
	return r < 0 ? r : 0;
}

int stage_open_outside(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot leave the host's mounts");
	in->root = open_root(p, e);
	if (in->root < 0)
		return in->root;
	int r = resolve_outside(in, e);
	bool fills = stage_fills_volumes(p);
	in->is_filled = fills && inner_was_filled(in);
	in->outside = xcalloc(p->n_mounts + 1, sizeof(*in->outside));
	for (size_t i = 0; i < p->n_mounts && r == 0; i++) {
		in->outside[i] = (struct outside){-1, p->mounts[i]};
		r = open_mount(in, &in->outside[i], e);
	}
	if (r == 0)
		r = inner_own_all(in, e);
	if (r == 0 && fills && !in->is_filled)
		inner_mark_filled(in);
	user_ids_deinit(&in->user);
	return r;
}
