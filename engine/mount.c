#include "engine/mount.h"
#include "base/err.h"
#include "base/lend.h"
#include "base/lock.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/userns.h"
#include "engine/hold.h"
#include "engine/launch.h"
#include "engine/launch_plan.h"
#include "engine/mount_internal.h"
#include "storage/db/container_row.h"
#include "storage/mounted.h"
#include "storage/rootfs.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ID_LEN = 64, JOIN_TRIES = 20 };

int mount_check_place(const char *what, struct err *e)
{
	if (userns_has_mounts())
		return 0;
	err_set(e, EPERM, "cannot run \"moss %s\" here: an ordinary user cannot mount", what);
	return err_hint(e, "run it in a shell of the containers' user namespace: moss unshare");
}

char *mount_container_path(const struct store *s, const char *id)
{
	return store_path(s, "containers/%s/merged", id);
}

/* ---- mounting ---- */

/* fuse-overlayfs gets a mount namespace of its own, and what it has mounted there is taken away
 * from it: else it would keep its own mount alive, and itself with it. */
static int serve_apart(void *arg, struct err *e)
{
	const struct rootfs_spec *spec = arg;
	auto_free char *merged = path_join(spec->container_dir, "merged");
	pid_t server;
	auto_fd server_fd = -1;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot make a mount namespace");
	int r = rootfs_serve(spec, &server, &server_fd, e);
	if (r < 0)
		return r;
	auto_fd tree = mounted_copy(merged, e);
	if (umount2(merged, MNT_DETACH) < 0 && tree >= 0)
		return err_sys(e, "cannot take %s away from fuse-overlayfs", merged);
	return tree < 0 ? tree : take_fd(tree);
}

int mount_rootfs(const struct rootfs_spec *spec, struct err *e)
{
	int r = rootfs_prepare(spec, e);
	if (r < 0)
		return r;
	if (!rootfs_needs_server(spec->driver)) {
		auto_fd root = rootfs_mount(spec, e);
		return root < 0 ? root : 0;
	}
	auto_free char *merged = path_join(spec->container_dir, "merged");
	auto_fd tree = lend_call(serve_apart, (void *)spec, e);
	return tree < 0 ? tree : mounted_attach(tree, merged, e);
}

static int copy_root(void *arg, struct err *e)
{
	int r = launch_join(arg, CLONE_NEWNS, e);
	(void)prctl(PR_SET_DUMPABLE, 0); /* what is in there has no business with us */
	return r < 0 ? r : mounted_copy("/", e);
}

/* The lock of the mark keeps a start that comes after its end waiting until the copy is in its
 * place, where it is looked for. */
static int mount_running(const struct rootfs_spec *spec, const struct container_row *row,
	const char *merged, struct err *e)
{
	int r = rootfs_prepare(spec, e);
	if (r < 0)
		return r;
	auto_fd lock = mounted_mark(spec->container_dir, e);
	if (lock < 0)
		return lock;
	struct proc_id init = row->init;
	auto_fd tree = lend_call(copy_root, &init, e);
	return tree < 0 ? tree : mounted_attach(tree, merged, e);
}

static int mount_stopped(const struct rootfs_spec *spec, struct err *e)
{
	int lock = mounted_mark(spec->container_dir, e);
	if (lock < 0)
		return lock;
	close(lock); /* the alive lock is ours: nobody else mounts */
	return mount_rootfs(spec, e);
}

int mount_is_there(const char *merged, struct err *e)
{
	int r = mountinfo_has(merged, e);
	if (r <= 0 || !mountinfo_is_dead(merged))
		return r;
	return umount2(merged, MNT_DETACH | UMOUNT_NOFOLLOW) < 0
		       ? err_sys(e, "cannot unmount %s", merged)
		       : 0;
}

static int mount_once(struct store *s, struct container_row *row, const char *merged, struct err *e)
{
	auto_fd alive = -1;
	auto_free char *bundle = store_path(s, "containers/%s", row->id);
	struct launch_plan *plan = NULL;
	int is_running = container_hold(s, row, &alive, e);
	int r = is_running < 0 ? is_running : launch_load(bundle, &plan, e);
	if (r == 0 && !plan->driver)
		r = err_set(e, ENOTSUP, "container %s has a root folder of the user's", row->name);
	if (r == 0 && (r = mount_is_there(merged, e)) == 0) {
		struct rootfs_spec spec = launch_rootfs(plan);
		spec.outlives = true;
		r = is_running ? mount_running(&spec, row, merged, e) : mount_stopped(&spec, e);
	}
	launch_plan_free(plan);
	return r < 0 ? r : 0;
}

int mount_container(struct store *s, struct container_row *row, char **path, struct err *e)
{
	auto_free char *merged = mount_container_path(s, row->id);
	int r = -ESRCH;
	/* It may end between the look and the joining. */
	for (int i = 0; i < JOIN_TRIES && r == -ESRCH; i++)
		r = mount_once(s, row, merged, e);
	if (r < 0)
		return r == -EPERM ? err_hint(e, "it may run in another user namespace than this "
						 "shell: try again in a new moss unshare")
				   : r;
	*path = take_ptr(merged);
	return 0;
}

/* ---- unmounting ---- */

int mount_take_away(const char *merged, const char *shown, bool force, struct err *e)
{
	int r = mount_is_there(merged, e);
	if (r <= 0)
		return r;
	if (umount2(merged, UMOUNT_NOFOLLOW) == 0 ||
		(errno == EBUSY && force && umount2(merged, MNT_DETACH | UMOUNT_NOFOLLOW) == 0))
		return 0;
	err_sys(e, "cannot unmount %s", shown);
	return e->code == EBUSY
		       ? err_hint(e, "something in it is open, or is the working folder of "
				     "a process; --force unmounts it all the same")
		       : -e->code;
}

/* The mark goes with the last mount, where nothing else is at work with the container. */
static void forget_mark(struct store *s, const struct container_row *row)
{
	struct err ignored;
	auto_free char *dir = store_path(s, "containers/%s", row->id);
	auto_free char *path = path_join(dir, "alive");
	const struct rootfs_spec spec = {.driver = row->driver, .container_dir = dir};
	auto_fd alive = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	auto_fd lock = -1;
	if (alive >= 0 && lock_take(alive, false) == LOCK_TAKEN)
		(void)mounted_check(&spec, &lock, &ignored);
}

int mount_container_end(struct store *s, const struct container_row *row, bool force, struct err *e)
{
	auto_free char *merged = mount_container_path(s, row->id);
	int r = mount_take_away(merged, row->name, force, e);
	if (r == 0 && row->driver)
		forget_mark(s, row);
	return r;
}

/* ---- the list ---- */

struct listing {
	char *prefix;
	struct strv *hex;
};

static int add_point(void *arg, const char *point, const char *type)
{
	const struct listing *l = arg;
	const char *id = str_after(point, l->prefix);
	(void)type;
	if (!id || strspn(id, "0123456789abcdef") != ID_LEN ||
		strcmp(id + ID_LEN, "/merged") != 0 || mountinfo_is_dead(point))
		return 0;
	auto_free char *hex = xstrndup(id, ID_LEN);
	if (!strv_has(l->hex, hex))
		strv_add(l->hex, hex);
	return 0;
}

int mount_listed(const struct store *s, const char *folder, struct strv *hex, struct err *e)
{
	auto_free char *root = realpath(s->root, NULL);
	if (!root)
		return err_sys(e, "cannot find %s", s->root);
	auto_free char *prefix = xasprintf("%s/%s/", root, folder);
	struct listing l = {prefix, hex};
	return mountinfo_each(0, add_point, &l, e);
}

int mount_containers(struct store *s, struct strv *ids, struct err *e)
{
	return mount_listed(s, "containers", ids, e);
}
