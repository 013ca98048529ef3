#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

/* An empty file to mount on. Where a link to nowhere stands (an image made from a host's tree has
 * /etc/resolv.conf so), what it names is made, inside. */
static int make_file(int root, const char *target, int links)
{
	const char *last;
	auto_fd parent = path_open_parent_in(root, target, 0755, &last);
	if (parent < 0)
		return parent;
	auto_free char *name = xstrndup(last, strcspn(last, "/"));
	auto_fd fd =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return -errno;
	if (fd < 0) {
		auto_free char *dir = path_dir(target);
		auto_free char *next = path_link_in(parent, dir, name);
		if (next)
			return links < LINKS_MAX ? make_file(root, next, links + 1) : -ELOOP;
	}
	int opened = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return opened < 0 ? -errno : opened;
}

/* procfs is where the kernel takes orders: only what runtimes have always let be replaced in it. */
static bool is_allowed_in_proc(const char *target)
{
	static const char *const allowed[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/meminfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/uptime",
		"/proc/loadavg",
		"/proc/slabinfo",
		"/proc/net/dev",
		"/proc/sys/kernel/ns_last_pid",
		"/proc/sys/crypto/fips_enabled",
	};
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (!strcmp(allowed[i], target))
			return true;
	return false;
}

int inner_open_target(const struct inner *in, const char *target, bool is_dir, struct err *e)
{
	struct stat st, root;
	struct statfs fs;
	auto_free char *clean = path_clean(target);
	auto_fd fd = path_open_in(in->root, clean, O_PATH, 0);
	if (fd == -ENOENT)
		fd = is_dir ? path_mkdirs_in(in->root, clean, 0755) : make_file(in->root, clean, 0);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot make the mount point %s in the container", clean);
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0 || fstat(in->root, &root) < 0)
		return err_sys(e, "cannot look at %s in the container", clean);
	/* Also by a link of the image's: it would lie between the root and what is above it. */
	if (st.st_dev == root.st_dev && st.st_ino == root.st_ino)
		return err_set(
			e, EINVAL, "invalid mount point %s: it is the container's root", clean);
	if (is_dir != S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "cannot mount a %s over %s, a %s",
			is_dir ? "directory" : "file", clean,
			S_ISDIR(st.st_mode) ? "directory" : "file");
	if (S_ISLNK(st.st_mode))
		return err_set(e, ELOOP, "the mount point %s changed to a link", clean);
	if (fs.f_type == PROC_SUPER_MAGIC && !is_allowed_in_proc(clean))
		return err_set(
			e, EPERM, "\"%s\" cannot be mounted because it is inside /proc", clean);
	return take_fd(fd);
}
