/* fuse-overlayfs: a server process in the monitor's mount namespace.
 *
 * It is ready when its mount is there: the mount table of the namespace is watched (POLLPRI on
 * mountinfo tells of each change) together with the process, whose words are kept for the error.
 */
#include "storage/rootfs_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 600, WAIT_MS = 20000 };

/* Triples id-on-disk:id-shown:length, which are the lines of the container's map; the other way
 * round gives wrong owners without an error. */
static void add_ids(struct buf *b, const char *option, const struct id_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(
			b, "%s%u:%u:%u", i ? ":" : option, r[i].inside, r[i].outside, r[i].count);
}

char *fuse_id_options(const struct rootfs_spec *r)
{
	auto_buf b = BUF_INIT;
	buf_puts(&b, "");
	if (r->idmap) {
		add_ids(&b, ",uidmapping=", r->idmap->uids, r->idmap->n_uids);
		add_ids(&b, ",gidmapping=", r->idmap->gids, r->idmap->n_gids);
	}
	return buf_take(&b);
}

static bool is_served(const struct rootfs_spec *r) { return r->outlives && !r->read_only; }

enum { FD_SERVED = 3 };

/* In the process that becomes the server: it says who it is where its lock is. */
static int server_prepare(void *arg, struct err *e)
{
	const struct rootfs_spec *r = arg;
	if (is_served(r)) {
		auto_free char *ids = fuse_id_options(r);
		auto_free char *text = xasprintf(
			"%d %" PRIu64 "\n%s", (int)getpid(), proc_start_time(getpid()), ids);
		if (ftruncate(FD_SERVED, 0) < 0 || write_all(FD_SERVED, text, strlen(text)) < 0)
			return err_sys(e, "cannot write %s/served", r->container_dir);
	}
	return chdir(r->store_root) < 0 ? err_sys(e, "cannot enter %s", r->store_root) : 0;
}

static bool is_mounted(const char *merged, const char *parent)
{
	struct stat a, b;
	return stat(merged, &a) == 0 && stat(parent, &b) == 0 && a.st_dev != b.st_dev;
}

/* 0 mounted, 1 the process ended, -errno */
static int wait_mounted(int table, int pidfd, const char *merged, const char *parent, struct err *e)
{
	while (!is_mounted(merged, parent)) {
		struct pollfd fds[2] = {
			{.fd = table, .events = POLLPRI}, {.fd = pidfd, .events = POLLIN}};
		int r = poll(fds, 2, WAIT_MS);
		if (r < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for fuse-overlayfs");
		if (r == 0)
			return err_set(e, ETIMEDOUT, "fuse-overlayfs did not mount within %d s",
				WAIT_MS / 1000);
		if (r > 0 && fds[1].revents)
			return 1;
	}
	return 0;
}

static int explain(int words_fd, struct err *e)
{
	char words[WORDS_MAX + 1] = "";
	(void)lseek(words_fd, 0, SEEK_SET);
	ssize_t n = read_full(words_fd, words, WORDS_MAX);
	words[n > 0 ? n : 0] = 0;
	for (size_t len = strlen(words); len && words[len - 1] == '\n'; len--)
		words[len - 1] = 0;
	int r = err_set(e, EIO, "fuse-overlayfs failed%s%s", *words ? ": " : "", words);
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return err_hint(e, "/dev/fuse is %s: as root, modprobe fuse && chmod 666 /dev/fuse",
			errno == ENOENT ? "missing" : "not accessible");
	return r;
}

static char *mount_options(const struct rootfs_spec *r)
{
	const char *dir = overlay_container(r);
	auto_free char *lower = overlay_lower(r);
	auto_free char *ids = fuse_id_options(r);
	auto_buf b = BUF_INIT;
	buf_printf(
		&b, "lowerdir=%s%s%s", lower, r->n_layers ? "" : dir, r->n_layers ? "" : "/merged");
	if (!r->read_only)
		buf_printf(&b, ",upperdir=%s/upper,workdir=%s/work%s", dir, dir,
			r->is_throwaway ? ",volatile" : "");
	buf_printf(&b, "%s", ids);
	return buf_take(&b);
}

/* Locked as long as the server has it (storage/mounted.h). */
static int open_served(const struct rootfs_spec *r, struct err *e)
{
	auto_free char *path = path_join(r->container_dir, "served");
	auto_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int lock = fd < 0 ? -errno : lock_take(fd, false);
	if (lock < 0)
		return err_sysn(e, -lock, "cannot lock %s", path);
	if (lock == LOCK_BUSY)
		return err_set(e, EBUSY, "%s is served already", r->container_dir);
	return take_fd(fd);
}

static int start(const struct rootfs_spec *r, int words_fd, const char *merged, pid_t *pid,
	int *pidfd, struct err *e)
{
	auto_free char *options = mount_options(r);
	char *argv[] = {(char *)"fuse-overlayfs", (char *)"-f", (char *)"-o", options,
		(char *)merged, NULL};
	struct spawn sp = SPAWN_INIT;
	sp.file = "fuse-overlayfs";
	sp.argv = argv;
	sp.fd_out = sp.fd_err = words_fd;
	sp.new_session = true;
	auto_fd served = is_served(r) ? open_served(r, e) : -1;
	if (served < 0 && is_served(r))
		return served;
	sp.fds = &served;
	sp.n_fds = served >= 0;
	/* A killed monitor's container ends, too: nothing needs it then. */
	sp.death_signal = r->outlives ? 0 : SIGKILL;
	sp.prepare = server_prepare;
	sp.prepare_arg = (void *)r;
	int result = spawn_start(&sp, pid, pidfd, e);
	if (result == -ENOENT)
		return err_hint(
			e, "install fuse-overlayfs, or use --storage-driver overlay or vfs");
	return result;
}

int fuse_serve(const struct rootfs_spec *r, pid_t *pid, int *pidfd, struct err *e)
{
	auto_free char *merged = path_join(r->container_dir, "merged");
	auto_fd table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	auto_fd words = memfd_create("fuse-overlayfs", MFD_CLOEXEC);
	if (table < 0 || words < 0)
		return err_sys(e, "cannot watch the mount table");
	auto_fd child = -1;
	int result = start(r, words, merged, pid, &child, e);
	if (result < 0)
		return result;
	result = wait_mounted(table, child, merged, r->container_dir, e);
	if (result == 0) {
		*pidfd = take_fd(child);
		return 0;
	}
	if (result < 0)
		(void)proc_kill_wait(child, WAIT_MS);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
	return result < 0 ? result : explain(words, e);
}

/* It cannot be named: its folder may have been renamed since. */
static int unmount_dead(void *arg, const char *point, const char *type)
{
	(void)arg;
	if (!strcmp(type, "fuse.fuse-overlayfs") && str_ends(point, "/merged") &&
		mountinfo_is_dead(point))
		(void)umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	return 0;
}

void rootfs_stop_server(pid_t *pid, int *pidfd)
{
	if (*pid <= 0)
		return;
	if (*pidfd >= 0)
		(void)proc_kill_wait(*pidfd, WAIT_MS);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
	scope_close(pidfd);
	*pidfd = -1;
	struct err ignored;
	(void)mountinfo_each(0, unmount_dead, NULL, &ignored);
}
