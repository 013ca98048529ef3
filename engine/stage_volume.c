/* Volumes with a device: what --opt type=, device= and o= describe is mounted in place of the
 * volume's folder.
 *
 * A bound folder is opened by each container for itself. A file system (tmpfs, overlay) is one for
 * all the containers that use the volume while any of them lives, as with Docker. There is no
 * daemon to hold it, so whoever comes first mounts it, and the next take a copy of the mount out
 * of the first one's mount namespace. volumes/<name>/mounted, under its lock, lists who has it: pid
 * and start time, device number, mount point in that container. The mount is looked for on the
 * volume's own folder (until pivot_root) and on the mount point (after it), and told by its device
 * number, so that nothing else is ever taken for it.
 */
#include "engine/stage.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX = 1 << 20 };

/* A line of volumes/<name>/mounted. */
struct holder {
	struct proc_id id;
	uint64_t dev;
	const char *target; /* in the line */
};

static bool is_bind(const struct mount_extras *x)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, x->dev_options, ',');
	return strv_has(&words, "bind") || strv_has(&words, "rbind");
}

static int device_failed(const struct mount_plan *m, const char *data, int code, struct err *e)
{
	const struct mount_extras *x = &m->more;
	bool has_data = *x->dev_options;
	err_sysn(e, code,
		"error while mounting volume '%s': failed to mount local volume: mount %s:%s%s%s",
		data, x->device, data, has_data ? ", data: " : "", x->dev_options);
	if (code == EPERM || code == ENODEV)
		return err_hint(e,
			"a user can mount tmpfs, ramfs and overlay, and bind folders (type=none, "
			"o=bind): mount a %s outside and bind it",
			*x->dev_type ? x->dev_type : "device");
	return -code;
}

static bool lives(const struct holder *h)
{
	return h->id.start && proc_start_time(h->id.pid) == h->id.start;
}

/* The holder's mount namespace. By /proc, which is still the host's: pids are not known in our own
 * pid namespace. Who lives after the opening is who was opened. */
static int open_namespace(const struct holder *h)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)h->id.pid);
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return lives(h) ? take_fd(fd) : -ESRCH;
}

/* Mounts are looked at from within their namespace; afterwards we are back in our own. */
static int clone_from(const struct holder *h, const char *data, struct err *e)
{
	static const unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	const char *const places[] = {data, h->target};
	int tree = -ENOENT;
	auto_fd theirs = open_namespace(h);
	if (theirs < 0)
		return theirs == -ESRCH
			       ? theirs
			       : err_sysn(e, -theirs, "cannot look into the container that has it");
	auto_fd mine = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	auto_fd before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mine < 0 || before < 0)
		return err_sys(e, "cannot keep the mount namespace");
	if (setns(theirs, CLONE_NEWNS) < 0)
		return err_sys(e, "cannot look into the container that has it");
	auto_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; tree < 0 && i < ARRAY_LEN(places); i++) {
		struct stat st;
		auto_fd at = path_open_in(root, places[i], O_PATH | O_DIRECTORY, 0);
		if (at >= 0 && fstat(at, &st) == 0 && st.st_dev == h->dev)
			tree = open_tree(at, "", flags);
	}
	if (setns(mine, CLONE_NEWNS) < 0 || fchdir(before) < 0) {
		int r = err_sys(e, "cannot go back to the mount namespace");
		if (tree >= 0)
			close(tree);
		return r;
	}
	return tree < 0 ? -ESRCH : tree;
}

/* False at the end of the list. */
static bool next_holder(char **rest, struct holder *h)
{
	char *line;
	while ((line = strsep(rest, "\n"))) {
		int pid, at = 0;
		*h = (struct holder){0};
		if (sscanf(line, "%d %" SCNu64 " %" SCNu64 " %n", &pid, &h->id.start, &h->dev,
			    &at) < 3 ||
			!at)
			continue;
		h->id.pid = pid;
		h->target = line + at;
		return true;
	}
	return false;
}

/* The mount of a container that lives, or -ENOENT. *alive gets the lines that are still true. */
static int find_mount(char *list, const char *data, struct buf *alive, struct err *e)
{
	struct holder h;
	int tree = -ENOENT;
	while (next_holder(&list, &h)) {
		if (!lives(&h))
			continue;
		buf_printf(alive, "%d %" PRIu64 " %" PRIu64 " %s\n", (int)h.id.pid, h.id.start,
			h.dev, h.target);
		if (tree >= 0)
			continue;
		int r = clone_from(&h, data, e);
		if (r < 0 && r != -ESRCH)
			return r;
		tree = r < 0 ? tree : r;
	}
	return tree;
}

/* Our pid as others see it: /proc is still the host's. */
static int add_self(struct buf *list, const struct mount_plan *m, int tree, struct err *e)
{
	char text[32] = "";
	struct stat st;
	uint64_t pid;
	if (readlink("/proc/self", text, sizeof(text) - 1) < 0 || fstat(tree, &st) < 0)
		return err_sys(e, "cannot find out our own process id");
	if (!parse_u64(text, &pid) || strchr(m->target, '\n'))
		return err_set(e, EINVAL, "cannot share the volume on %s", m->target);
	buf_printf(list, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", pid,
		proc_start_time((pid_t)pid), (uint64_t)st.st_dev, m->target);
	return 0;
}

static int write_list(int fd, const struct buf *list, struct err *e)
{
	if (lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) < 0)
		return err_sys(e, "cannot write the list of a volume's users");
	int r = write_all(fd, list->data, list->len);
	return r < 0 ? err_sysn(e, -r, "cannot write the list of a volume's users") : 0;
}

/* The words of o= as a plan: flags of the mount, and what is the file system's. */
static int device_plan(const struct mount_plan *m, struct mount_plan *out, struct err *e)
{
	auto_strv words = STRV_INIT;
	*out = (struct mount_plan){
		.source = m->more.device, .type = m->more.dev_type, .target = m->target};
	strv_split(&words, m->more.dev_options, ',');
	for (size_t i = 0; i < words.n; i++) {
		int r = mount_plan_option(out, words.v[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A copy may come from a container that has it read-only. */
static int reset_flags(int tree, const struct mount_plan *device, struct err *e)
{
	struct mount_attr attr = {.attr_set = device->set,
		.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME};
	attr.attr_clr &= ~(device->set & ~(uint64_t)MOUNT_ATTR__ATIME);
	return mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0
		       ? err_sys(e, "cannot set the options of a volume")
		       : 0;
}

static int get_tree(
	const struct mount_plan *m, const char *data, char *list, struct buf *alive, struct err *e)
{
	struct mount_plan device;
	struct err why = {0};
	int r = device_plan(m, &device, e);
	int tree = r < 0 ? r : find_mount(list, data, alive, e);
	if (tree >= 0) {
		r = reset_flags(tree, &device, e);
	} else if (tree == -ENOENT) {
		tree = inner_new_fs(device.type, &device, device.set, &why);
		r = tree < 0 ? device_failed(m, data, why.code, e) : 0;
	}
	strv_free(&device.data);
	if (r < 0 && tree >= 0)
		close(tree);
	return r < 0 ? r : tree;
}

static bool is_mounted(struct inner *in, const char *data)
{
	if (strv_has(&in->devices, data))
		return true;
	strv_add(&in->devices, data);
	return false;
}

/* On the volume's folder, in this mount namespace only. */
static int mount_shared(
	struct inner *in, const struct mount_plan *m, const char *data, struct err *e)
{
	auto_free char *dir = path_dir(data);
	auto_free char *path = path_join(dir, "mounted");
	auto_buf list = BUF_INIT, alive = BUF_INIT;
	if (is_mounted(in, data))
		return 0;
	/* The list would name the builder, which is gone soon. */
	if (plan_needs_builder(in->p))
		return err_set(e, ENOTSUP,
			"the volume on %s has a file system of its own: not in a container that "
			"shares namespaces with another one or has its own ids",
			m->target);
	auto_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_sys(e, "cannot lock %s", path);
	int r = read_file(path, LIST_MAX, &list, e);
	if (r < 0)
		return r;
	auto_fd tree = get_tree(m, data, list.data ? list.data : (char[]){""}, &alive, e);
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", AT_FDCWD, data, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "cannot mount on %s", data);
	if ((r = add_self(&alive, m, tree, e)) < 0)
		return r;
	return write_list(fd, &alive, e);
}

/* o=bind,ro and the like hold for every mount of the volume. */
static int add_bind_options(struct mount_plan *m, const char *data, struct err *e)
{
	struct mount_plan device;
	int r = device_plan(m, &device, e);
	m->set |= device.set;
	if (r == 0 && device.data.n)
		r = device_failed(m, data, EINVAL, e);
	strv_free(&device.data);
	return r;
}

int inner_prepare_volume(struct inner *in, struct mount_plan *m, const char **source, struct err *e)
{
	const struct mount_extras *x = &m->more;
	const char *data = x->lower ? x->lower : m->source;
	*source = data;
	if (x->device && !is_bind(x))
		return mount_shared(in, m, data, e);
	if (x->device) {
		int r = add_bind_options(m, data, e);
		if (r < 0)
			return r;
		*source = x->device;
	}
	return inner_fill_volume(in, m, *source, e);
}
