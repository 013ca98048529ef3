/* Theory of operation
 *
 * All mounts are made before pivot_root, while the host's names can still be opened. A source is
 * opened as a detached tree (open_tree) or made as one (fsopen, fsmount); its flags are set while
 * nobody can reach it; its target is opened by descriptor inside the root (openat2, no way out);
 * and the two descriptors are joined by move_mount. No path is resolved twice, so a volume that is
 * shared with a running container cannot redirect anything.
 */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int set_attributes(int tree, const struct mount_plan *m, bool is_clone, struct err *e)
{
	struct mount_attr own = {.attr_set = m->set, .attr_clr = m->clear & MOUNT_ATTR__ATIME};
	struct mount_attr rec = {.attr_set = m->rec_set, .attr_clr = m->rec_clear};
	if (!is_clone)
		own = (struct mount_attr){0}; /* fsmount had them */
	if (m->propagation_rec)
		rec.propagation = m->propagation;
	else
		own.propagation = m->propagation;
	if ((own.attr_set || own.propagation) &&
		mount_setattr(tree, "", AT_EMPTY_PATH, &own, sizeof(own)) < 0)
		return err_sys(e, "cannot set the options of mount %s", m->target);
	if ((rec.attr_set || rec.attr_clr || rec.propagation) &&
		mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &rec, sizeof(rec)) < 0)
		return err_sys(e, "cannot set the options of mount %s", m->target);
	return 0;
}

static int attach(int tree, int target, const char *name, struct err *e)
{
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "cannot mount on %s in the container", name);
	return 0;
}

static bool is_proc(const char *target)
{
	auto_free char *clean = path_clean(target);
	return !strcmp(clean, "/proc");
}

static int not_in_proc(const struct mount_plan *m, struct err *e)
{
	return err_set(e, EPERM, "\"%s\" cannot be mounted because it is inside /proc", m->target);
}

/* Opened before by a builder, or now. */
static int bind_source(struct inner *in, struct mount_plan *m, size_t i, struct err *e)
{
	if (!in->outside)
		return inner_open_source(in, m, e);
	*m = in->outside[i].plan;
	return take_fd(in->outside[i].tree);
}

static int mount_bind(struct inner *in, const struct mount_plan *plan, struct err *e)
{
	struct stat st;
	struct statfs fs;
	struct mount_plan own = *plan, *m = &own;
	auto_fd tree = bind_source(in, m, (size_t)(plan - in->p->mounts), e);
	if (tree < 0)
		return tree;
	if (fstat(tree, &st) < 0)
		return err_sys(e, "cannot look at %s", m->source);
	/* Only a procfs may be /proc: programs, and we, give the kernel orders there. */
	if (is_proc(m->target) && (fstatfs(tree, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
		return not_in_proc(m, e);
	auto_fd target = inner_open_target(in, m->target, S_ISDIR(st.st_mode), e);
	if (target < 0)
		return target;
	int r = set_attributes(tree, m, true, e);
	return r < 0 ? r : attach(tree, target, m->target, e);
}

/* What the file system itself has to say ("e tmpfs: Bad value for 'size'"). */
static int fs_failed(int fs, const struct mount_plan *m, struct err *e)
{
	char text[256];
	int code = errno;
	ssize_t n = read(fs, text, sizeof(text) - 1);
	if (n > 2 && text[0] == 'e') {
		text[n - (text[n - 1] == '\n')] = '\0';
		return err_set(e, code, "cannot mount %s on %s: %s", m->type, m->target, text + 2);
	}
	return err_sysn(e, code, "cannot mount %s on %s", m->type, m->target);
}

static int configure_fs(int fs, const struct mount_plan *m, bool without_gid)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", m->source, 0) < 0)
		return -1;
	for (size_t i = 0; i < m->data.n; i++) {
		const char *option = m->data.v[i], *eq = strchr(option, '=');
		int r;
		if (without_gid && str_starts(option, "gid="))
			continue;
		if (eq) {
			auto_free char *key = xstrndup(option, (size_t)(eq - option));
			r = fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0);
		} else {
			r = fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
		}
		if (r < 0)
			return -1;
	}
	return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static int make_fs_as(const char *type, const struct mount_plan *m, uint64_t attributes,
	bool without_gid, struct err *e)
{
	auto_fd fs = fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(e, "cannot mount %s on %s", type, m->target);
	if (configure_fs(fs, m, without_gid) < 0)
		return fs_failed(fs, m, e);
	int tree = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return tree < 0 ? fs_failed(fs, m, e) : tree;
}

int inner_new_fs(const char *type, const struct mount_plan *m, uint64_t attributes, struct err *e)
{
	int tree = make_fs_as(type, m, attributes, false, e);
	/* A map of one id has no group 5 for the terminals. */
	if (tree == -EINVAL && !strcmp(type, "devpts"))
		tree = make_fs_as(type, m, attributes, true, e);
	return tree;
}

static int place(struct inner *in, int tree, const struct mount_plan *m, struct err *e)
{
	auto_fd target = inner_open_target(in, m->target, true, e);
	if (target < 0)
		return target;
	int r = set_attributes(tree, m, false, e);
	return r < 0 ? r : attach(tree, target, m->target, e);
}

/* A copy of another mount, with the attributes of a new one. */
static int place_clone(struct inner *in, int tree, const struct mount_plan *m, struct err *e)
{
	int r = set_attributes(tree, m, true, e);
	auto_fd target = r < 0 ? r : inner_open_target(in, m->target, true, e);
	return target < 0 ? target : attach(tree, target, m->target, e);
}

/* What cannot be made anew here (the namespace is the host's) is the host's, read-only. */
static int mount_hosts(
	struct inner *in, const struct mount_plan *m, const char *source, struct err *e)
{
	struct mount_plan bind = *m;
	auto_fd tree =
		open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return err_sys(e, "cannot mount %s on %s", source, m->target);
	bind.rec_set |= m->set | MOUNT_ATTR_RDONLY;
	bind.rec_clear |= bind.rec_set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0;
	bind.rec_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	return place(in, tree, &bind, e);
}

static int mount_fs(struct inner *in, const struct mount_plan *m, struct err *e)
{
	bool is_dev = !strcmp(m->target, "/dev") && !strcmp(m->type, "tmpfs");
	if (is_proc(m->target))
		return not_in_proc(m, e);
	auto_fd tree = in->outside ? take_fd(in->outside[m - in->p->mounts].tree) : -1;
	if (tree >= 0)
		return place_clone(in, tree, m, e);
	tree = inner_new_fs(
		m->type, m, is_dev ? m->set & ~(uint64_t)MOUNT_ATTR_RDONLY : m->set, e);
	if (tree == -EPERM && !strcmp(m->type, "mqueue"))
		return mount_hosts(in, m, "/dev/mqueue", e);
	if (tree < 0)
		return tree;
	int r = m->more.copy_up ? inner_fill_tmpfs(in, m, tree, e) : 0;
	if (r < 0 || (r = place(in, tree, m, e)) < 0)
		return r;
	if (!strcmp(m->type, "devpts") && !strcmp(m->target, "/dev/pts"))
		in->pts = take_fd(tree);
	if (!is_dev)
		return 0;
	in->dev = take_fd(tree);
	r = inner_fill_dev(in, e);
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	if (r == 0 && (m->set & MOUNT_ATTR_RDONLY) &&
		mount_setattr(in->dev, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return err_sys(e, "cannot make /dev read-only");
	return r;
}

/* An image may have /proc or /sys as a link; a runtime's own file systems go to plain folders. */
static int check_plain(const struct inner *in, const char *target, struct err *e)
{
	struct stat st;
	auto_fd fd = path_open_in(in->root, target, O_PATH | O_NOFOLLOW, 0);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s in the image must be a directory", target);
	return 0;
}

static int mount_proc(struct inner *in, const struct mount_plan *m, struct err *e)
{
	int r = check_plain(in, m->target, e);
	if (r < 0)
		return r;
	if (!in->p->ns[NS_PID].wanted)
		return mount_hosts(in, m, "/proc", e);
	if (in->joined_proc >= 0)
		return place_clone(in, in->joined_proc, m, e);
	auto_fd tree = inner_new_fs("proc", m, m->set, e);
	if (tree < 0)
		return tree;
	r = place(in, tree, m, e);
	if (r == 0 && in->proc < 0)
		in->proc = take_fd(tree);
	return r;
}

static int mount_sysfs(struct inner *in, const struct mount_plan *m, struct err *e)
{
	struct err refused = {0};
	int r = check_plain(in, m->target, e);
	if (r < 0)
		return r;
	auto_fd tree = in->outside ? take_fd(in->outside[m - in->p->mounts].tree) : -1;
	if (tree >= 0)
		return place_clone(in, tree, m, e);
	tree = inner_new_fs("sysfs", m, m->set, &refused);
	return tree < 0 ? mount_hosts(in, m, "/sys", e) : place(in, tree, m, e);
}

static int mount_cgroup(struct inner *in, const struct mount_plan *m, struct err *e)
{
	struct statfs fs;
	struct err refused = {0};
	struct mount_plan empty = *m;
	bool is_unified = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
	if (is_unified && !in->p->ns[NS_CGROUP].wanted)
		return mount_hosts(in, m, "/sys/fs/cgroup", e);
	empty.data = STRV_INIT;
	auto_fd tree = is_unified ? inner_new_fs("cgroup2", &empty, m->set, &refused) : -1;
	if (tree < 0) {
		/* The old hierarchies say nothing useful to a container without limits. */
		empty.type = "tmpfs";
		tree = inner_new_fs("tmpfs", &empty, m->set | MOUNT_ATTR_RDONLY, e);
	}
	return tree < 0 ? tree : place(in, tree, m, e);
}

bool stage_fills_volumes(const struct launch_plan *p)
{
	for (size_t i = 0; i < p->n_mounts; i++)
		if (p->mounts[i].more.copy_up && p->mounts[i].more.volume)
			return true;
	return false;
}

/* Of a runtime's own places nothing: they are empty in a container that does not run. */
static bool is_volume(const struct mount_plan *m)
{
	static const char *const own[] = {"/proc", "/sys", "/dev"};
	auto_free char *clean = path_clean(m->target);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		const char *rest = str_after(clean, own[i]);
		if (rest && (!*rest || *rest == '/'))
			return false;
	}
	return m->kind == MOUNT_BIND;
}

int inner_mount_volumes(struct inner *in, struct err *e)
{
	for (size_t i = 0; i < in->p->n_mounts; i++) {
		int r = is_volume(&in->p->mounts[i]) ? mount_bind(in, &in->p->mounts[i], e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int inner_mount_all(struct inner *in, struct err *e)
{
	bool fills = !in->outside && stage_fills_volumes(in->p);
	in->is_filled = fills && inner_was_filled(in);
	for (size_t i = 0; i < in->p->n_mounts; i++) {
		const struct mount_plan *m = &in->p->mounts[i];
		int r = m->kind == MOUNT_BIND     ? mount_bind(in, m, e)
			: m->kind == MOUNT_PROC   ? mount_proc(in, m, e)
			: m->kind == MOUNT_SYSFS  ? mount_sysfs(in, m, e)
			: m->kind == MOUNT_CGROUP ? mount_cgroup(in, m, e)
			: m->kind == MOUNT_JOINED ? place_clone(in, in->joined_shm, m, e)
						  : mount_fs(in, m, e);
		if (r < 0)
			return r;
	}
	if (fills && !in->is_filled)
		inner_mark_filled(in);
	return 0;
}
