#include "engine/transfer/confine.h"
#include "engine/transfer/confine_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the new root is put before it becomes the root: a folder that every system has. */
#define PLACE_FOR_ROOT "/proc"

int userns_is_single_id(void)
{
	auto_buf text = BUF_INIT;
	struct err e;
	unsigned long inside, outside, count;
	int read_to = 0;
	if (read_file("/proc/self/uid_map", 4096, &text, &e) < 0 || !text.data)
		return 0;
	if (sscanf(text.data, "%lu %lu %lu %n", &inside, &outside, &count, &read_to) != 3)
		return 0;
	return count == 1 && text.data[read_to] == '\0';
}

static int cannot(struct err *e, const char *what)
{
	return err_sys(e, "cannot confine the process: %s", what);
}

/* A detached copy of the mount that shows this folder or file, and no more of it than that. */
static int clone_tree(int fd)
{
	return (int)syscall(
		SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

static int attach(int tree, int at, const char *name)
{
	return (int)syscall(SYS_move_mount, tree, "", at, name, MOVE_MOUNT_F_EMPTY_PATH);
}

static int set_attributes(int fd, uint64_t set)
{
	struct mount_attr attr = {.attr_set = set};
	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

/* The same folder, opened in the new mount namespace: descriptors from before still belong to the
 * old one's mounts. */
static int reopen(int fd, struct err *e)
{
	char link[64], path[4096];
	struct stat before, after;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return cannot(e, "the staging folder's name");
	path[n] = '\0';
	auto_fd again = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (again < 0 || fstat(fd, &before) < 0 || fstat(again, &after) < 0)
		return cannot(e, path);
	if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
		return err_set(e, ESTALE, "cannot confine the process: %s was moved", path);
	return take_fd(again);
}

/* A tmpfs on PLACE_FOR_ROOT; its descriptor. */
static int make_root(struct err *e)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cannot(e, "mount propagation");
	if (mount("none", PLACE_FOR_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=755,size=1m") < 0)
		return cannot(e, "empty root");
	int fd = open(PLACE_FOR_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? cannot(e, "empty root") : fd;
}

/* Makes the tmpfs the root, and what was the root unreachable. */
static int enter_root(int root, struct err *e)
{
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
		umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return cannot(e, "changing the root");
	auto_fd now = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (now < 0 || set_attributes(now, MOUNT_ATTR_RDONLY) < 0)
		return cannot(e, "read-only root");
	return 0;
}

static int keep_capabilities(const cap_value_t *keep, int n, struct err *e)
{
	/* From the bounding set first: that needs CAP_SETPCAP. */
	for (cap_value_t c = 0; c <= CAP_LAST_CAP || cap_get_bound(c) >= 0; c++) {
		bool kept = false;
		for (int i = 0; i < n; i++)
			kept |= keep[i] == c;
		if (!kept && cap_get_bound(c) > 0 && cap_drop_bound(c) < 0)
			return cannot(e, "capabilities");
	}
	cap_t caps = cap_init();
	bool ok = caps != NULL;
	if (ok && n > 0)
		ok = cap_set_flag(caps, CAP_PERMITTED, n, keep, CAP_SET) == 0 &&
		     cap_set_flag(caps, CAP_EFFECTIVE, n, keep, CAP_SET) == 0;
	ok = ok && cap_set_proc(caps) == 0;
	cap_free(caps);
	return ok ? 0 : cannot(e, "capabilities");
}

static int lock_down(struct err *e)
{
	const struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return cannot(e, "privileges");
	return 0;
}

/* A detached mount of the folder, opened anew; -1 where there is none. */
static int take_folder(int *fd, uint64_t attributes, struct err *e)
{
	if (*fd < 0)
		return -1;
	auto_fd here = reopen(*fd, e);
	if (here < 0)
		return here;
	auto_fd tree = clone_tree(here);
	if (tree < 0 || set_attributes(tree, attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						     MOUNT_ATTR_NOEXEC) < 0)
		return cannot(e, "a folder");
	close(take_fd(*fd));
	return take_fd(tree);
}

static int show_folder(int tree, int root, const char *name, struct err *e)
{
	if (tree >= 0 && (mkdirat(root, name, 0700) < 0 || attach(tree, root, name) < 0))
		return cannot(e, name);
	return 0;
}

static int open_folder(int tree, const char *path, int *fd, struct err *e)
{
	if (tree >= 0 && (*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return cannot(e, path);
	return 0;
}

int confine_unpacker(int *staging_fd, int *source_fd, int may_write_source, struct err *e)
{
	static const cap_value_t keep[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
		CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP};
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return cannot(e, "namespaces");
	auto_fd stage = take_folder(staging_fd, 0, e);
	auto_fd source = take_folder(source_fd, may_write_source ? 0 : MOUNT_ATTR_RDONLY, e);
	if (*staging_fd >= 0 || *source_fd >= 0)
		return -e->code;
	auto_fd root = make_root(e);
	if (root < 0)
		return root;
	if (show_folder(stage, root, "stage", e) < 0 ||
		show_folder(source, root, "source", e) < 0 || enter_root(root, e) < 0)
		return -e->code;
	close(take_fd(root));
	if (open_folder(stage, "/stage", staging_fd, e) < 0 ||
		open_folder(source, "/source", source_fd, e) < 0)
		return -e->code;
	const struct landlock_folder folders[] = {{*staging_fd, 1}, {*source_fd, may_write_source}};
	if (lock_down(e) < 0 || landlock_restrict(folders, ARRAY_LEN(folders), e) < 0 ||
		keep_capabilities(keep, ARRAY_LEN(keep), e) < 0)
		return -e->code;
	return filter_unpacker(e);
}

/* What resolving names and checking certificates reads. Libraries: name services are loaded when
 * the first name is looked up. */
static const char *const fetcher_paths[] = {
	"/etc/ca-certificates",
	"/etc/containers/certs.d",
	"/etc/docker/certs.d",
	"/etc/gai.conf",
	"/etc/host.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/pki",
	"/etc/protocols",
	"/etc/resolv.conf",
	"/etc/services",
	"/etc/ssl",
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/share/ca-certificates",
	"/usr/share/ca-certificates",
};

/* Shows one path of the old tree in the new one, read-only. */
static int show_path(int root, const char *path, struct err *e)
{
	struct stat st;
	const char *last;
	auto_fd from = open(path, O_PATH | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	auto_fd tree = clone_tree(from);
	/* Below a folder with mounts of its own, only the whole may be copied. */
	if (tree < 0 && errno == EINVAL) {
		tree = (int)syscall(SYS_open_tree, from, "",
			OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	}
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
				sizeof(attr)) < 0)
		return cannot(e, path);
	auto_fd at = path_open_parent_in(root, path, 0755, &last);
	if (at < 0)
		return 0; /* is within one that is shown already */
	auto_free char *name = xstrndup(last, strcspn(last, "/"));
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(at, name, 0755) < 0)
			return errno == EEXIST || errno == EROFS ? 0 : cannot(e, path);
	} else {
		auto_fd file = openat(at, name, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0444);
		if (file < 0)
			return errno == EEXIST || errno == EROFS ? 0 : cannot(e, path);
	}
	return attach(tree, at, name) < 0 ? cannot(e, path) : 0;
}

int confine_fetcher(const char *const *read_paths, size_t n, struct err *e)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0)
		return cannot(e, "namespaces");
	auto_fd root = make_root(e);
	if (root < 0)
		return root;
	for (size_t i = 0; i < ARRAY_LEN(fetcher_paths); i++)
		if (show_path(root, fetcher_paths[i], e) < 0)
			return -e->code;
	for (size_t i = 0; i < n; i++)
		if (show_path(root, read_paths[i], e) < 0)
			return -e->code;
	if (enter_root(root, e) < 0)
		return -e->code;
	close(take_fd(root));
	auto_fd top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return cannot(e, "root");
	if (lock_down(e) < 0 || landlock_restrict(&(struct landlock_folder){top, 0}, 1, e) < 0 ||
		keep_capabilities(NULL, 0, e) < 0)
		return -e->code;
	return filter_fetcher(e);
}
