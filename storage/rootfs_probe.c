/* rootfs_choose: which driver works here, found out by using it once inside the user namespace:
 * a lower file is removed through the mount, a folder replaced and renamed. */
#include "storage/rootfs_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/user_config.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILL_WAIT_MS = 5000 };

static const char *const in_order[] = {driver_overlay, driver_fuse, driver_vfs};

struct probe {
	const char *driver;
	const char *dir; /* the staging folder: container_dir of the trial, with layers beside it */
};

static int put(int dir_fd, const char *path, struct err *e)
{
	auto_fd fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? err_sys(e, "cannot create %s", path) : 0;
}

static int make_trial(const struct probe *p, struct err *e)
{
	auto_fd dir = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	static const char *const folders[] = {
		"layers", "layers/l", "layers/l/diff", "layers/l/diff/d", "c"};
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dir, folders[i], 0755) < 0 && errno != EEXIST)
			return err_sys(e, "cannot create %s/%s", p->dir, folders[i]);
	return put(dir, "layers/l/diff/d/file", e);
}

static int use_trial(int root, struct err *e)
{
	struct stat st;
	if (unlinkat(root, "d/file", 0) < 0)
		return err_sys(e, "cannot remove a file");
	if (fstatat(root, "d/file", &st, 0) == 0)
		return err_set(e, EIO, "a removed file is still there");
	if (unlinkat(root, "d", AT_REMOVEDIR) < 0 || mkdirat(root, "d", 0755) < 0)
		return err_sys(e, "cannot replace a folder");
	int r = put(root, "d/new", e);
	if (r < 0)
		return r;
	if (renameat(root, "d", root, "e") < 0 && errno != EXDEV)
		return err_sys(e, "cannot rename a folder");
	return 0;
}

/* In a forked child, inside the user namespace. */
static int try_driver(void *arg, struct err *e)
{
	const struct probe *p = arg;
	auto_free char *dir = path_join(p->dir, "c");
	const char *layers[] = {"l"};
	struct rootfs_spec r = {.driver = p->driver,
		.store_root = p->dir,
		.container_dir = dir,
		.layer_ids = layers,
		.n_layers = 1,
		.is_throwaway = true};
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "cannot make a mount namespace");
	pid_t server = 0;
	auto_fd pidfd = -1;
	int result = make_trial(p, e);
	if (result == 0)
		result = rootfs_prepare(&r, e);
	if (result == 0 && rootfs_needs_server(p->driver))
		result = rootfs_serve(&r, &server, &pidfd, e);
	if (result < 0)
		return result;
	auto_fd root = rootfs_mount(&r, e);
	result = root < 0 ? root : use_trial(root, e);
	if (server) {
		(void)proc_kill_wait(pidfd, KILL_WAIT_MS);
		(void)waitpid(server, NULL, 0);
	}
	return result;
}

static int clean_trial(void *arg, struct err *e)
{
	const struct probe *p = arg;
	auto_free char *parent = path_dir(p->dir);
	auto_fd dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? err_sys(e, "cannot open %s", parent)
		       : path_remove_at(dir, path_base(p->dir), e);
}

static int probe(struct store *s, rootfs_call_fn call, const char *driver, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	int r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	struct probe p = {driver, stage};
	struct err ignored = {0};
	r = call(s, try_driver, &p, e);
	(void)call(s, clean_trial, &p, &ignored);
	store_unstage(s, stage, &lock_fd);
	if (r < 0)
		return err_ctx(e, "storage driver %s does not work here", driver);
	return 0;
}

/* "boot-id kernel store-device driver": a result is good until one of them changes. */
static char *cache_line(struct store *s, const char *driver)
{
	struct utsname u;
	struct stat st;
	if (uname(&u) < 0 || fstat(s->root_fd, &st) < 0)
		return xstrdup("");
	return xasprintf("%s %s %llx %s\n", proc_boot_id(), u.release,
		(unsigned long long)st.st_dev, driver);
}

static bool is_cached(struct store *s, const char *name, const char *driver)
{
	struct err ignored = {0};
	auto_buf text = BUF_INIT;
	auto_free char *line = cache_line(s, driver);
	return read_file_at(s->root_fd, name, 4096, &text, &ignored) == 0 && text.len &&
	       !strcmp(text.data, line);
}

static int check(
	struct store *s, rootfs_call_fn call, const char *name, const char *driver, struct err *e)
{
	int r = probe(s, call, driver, e);
	if (r < 0)
		return r;
	struct err ignored = {0};
	auto_free char *line = cache_line(s, driver);
	(void)write_file_at(s->root_fd, name, line, strlen(line), 0600, false, &ignored);
	return 0;
}

static int choose_wanted(struct store *s, rootfs_call_fn call, const char **driver, struct err *e)
{
	const char *found = NULL;
	for (size_t i = 0; i < ARRAY_LEN(in_order) && !found; i++)
		if (!strcmp(s->driver_wanted, in_order[i]) ||
			(!strcmp(s->driver_wanted, "overlay2") && in_order[i] == driver_overlay))
			found = in_order[i];
	if (!found) {
		err_set(e, EINVAL, "unknown storage driver: %s", s->driver_wanted);
		return err_hint(e, "use overlay, fuse-overlayfs or vfs");
	}
	auto_free char *name = xasprintf("cache/driver-%s", found);
	*driver = found;
	return is_cached(s, name, found) ? 0 : check(s, call, name, found, e);
}

/* "storage-driver" of the user's config.json. Owned; NULL where nothing says. */
static int configured_driver(char **driver, struct err *e)
{
	auto_json config = NULL;
	int r = user_config_read(&config, e);
	const char *value = json_str(config, "storage-driver");
	*driver = value ? xstrdup(value) : NULL;
	return r;
}

int rootfs_choose_mapped(struct store *s, rootfs_call_fn call, const char **driver, struct err *e)
{
	int r = s->driver_wanted ? 0 : configured_driver(&s->driver_wanted, e);
	if (r < 0)
		return r;
	if (s->driver_wanted && !strcmp(s->driver_wanted, driver_vfs)) {
		err_set(e, ENOTSUP, "the storage driver vfs cannot show files with other owners");
		return err_hint(e, "a container with ids of its own needs fuse-overlayfs: use "
				   "--storage-driver fuse-overlayfs for it");
	}
	*driver = driver_fuse;
	auto_free char *name = xasprintf("cache/driver-%s", driver_fuse);
	r = is_cached(s, name, driver_fuse) ? 0 : check(s, call, name, driver_fuse, e);
	return r < 0 ? err_ctx(e, "a container with ids of its own") : 0;
}

int rootfs_choose(struct store *s, rootfs_call_fn call, const char **driver, struct err *e)
{
	int r = s->driver_wanted ? 0 : configured_driver(&s->driver_wanted, e);
	if (r < 0)
		return r;
	if (s->driver_wanted)
		return choose_wanted(s, call, driver, e);
	for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
		if (is_cached(s, "cache/driver", in_order[i])) {
			*driver = in_order[i];
			return 0;
		}
	}
	r = -ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(in_order) && r < 0; i++) {
		*e = (struct err){0};
		r = check(s, call, "cache/driver", in_order[i], e);
		*driver = in_order[i];
		if (r < 0)
			log_debug("%s", e->msg);
	}
	return r;
}
