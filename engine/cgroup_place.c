/* Where in the tree a container's folder may be made (engine/cgroup.h has the theory). */
#include "engine/cgroup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup_scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"

enum { MOVE_ROUNDS = 20 };

static const struct {
	const char *name;
	unsigned bit;
} controllers[] = {
	{"memory", CGROUP_MEMORY},
	{"cpu", CGROUP_CPU},
	{"cpuset", CGROUP_CPUSET},
	{"pids", CGROUP_PIDS},
	{"io", CGROUP_IO},
};

bool cgroup_is_unified(void)
{
	struct statfs fs;
	return statfs(MOUNT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

char *cgroup_own(void)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (!cgroup_is_unified() || read_file("/proc/self/cgroup", 1 << 16, &text, &ignored) < 0 ||
		!text.len)
		return NULL;
	for (const char *line = text.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *path = str_after(line, "0::");
		/* "/..": outside of the namespace whose tree we see. */
		if (path && *path == '/' && !str_starts(path, "/.."))
			return xstrndup(path, strcspn(path, "\n"));
	}
	return NULL;
}

static int open_dir(const char *path)
{
	auto_free char *full = xasprintf(MOUNT "%s", path);
	int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_writable(int dir)
{
	return faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0 &&
	       faccessat(dir, ".", W_OK, AT_EACCESS) == 0;
}

/* May it have both processes and children with controllers: the root of the whole tree. */
static bool is_root(int dir) { return faccessat(dir, "cgroup.events", F_OK, 0) < 0; }

static bool has_processes(int dir)
{
	char c;
	if (is_root(dir))
		return false;
	auto_fd fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, &c, 1) != 0;
}

static unsigned read_controllers(int dir, const char *file)
{
	auto_buf text = BUF_INIT;
	auto_strv names = STRV_INIT;
	struct err ignored;
	unsigned bits = 0;
	if (read_file_at(dir, file, 4096, &text, &ignored) < 0 || !text.len)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	strv_split(&names, text.data, ' ');
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (strv_has(&names, controllers[i].name))
			bits |= controllers[i].bit;
	return bits;
}

/* Switches on for the children what is not. Whether they have all of it then. */
static bool give_controllers(int dir, unsigned needs)
{
	unsigned given = needs ? read_controllers(dir, "cgroup.subtree_control") : 0;
	if ((needs & ~given) == 0)
		return true;
	if (needs & ~given & ~read_controllers(dir, "cgroup.controllers"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		if (!(needs & ~given & controllers[i].bit))
			continue;
		auto_free char *word = xasprintf("+%s", controllers[i].name);
		if (write_existing_at(dir, "cgroup.subtree_control", word) < 0)
			return false;
	}
	return true;
}

/* The parent of a path, in place. False at the root. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash || !path[1])
		return false;
	slash[slash == path] = '\0';
	return true;
}

/* Our own cgroup's processes, ourselves among them, go to a leaf of it: then it can give
 * controllers to others. New ones may appear while we look. */
static bool move_aside(int dir)
{
	if (mkdirat(dir, CGROUP_LEAF, 0755) < 0 && errno != EEXIST)
		return false;
	auto_fd leaf = openat(dir, CGROUP_LEAF, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int round = 0; leaf >= 0 && round < MOVE_ROUNDS && has_processes(dir); round++) {
		auto_buf text = BUF_INIT;
		auto_strv pids = STRV_INIT;
		struct err ignored;
		if (read_file_at(dir, "cgroup.procs", 1 << 20, &text, &ignored) < 0 || !text.len)
			break;
		strv_split(&pids, text.data, '\n');
		for (size_t i = 0; i < pids.n; i++)
			if (*pids.v[i])
				(void)write_existing_at(leaf, "cgroup.procs", pids.v[i]);
	}
	return leaf >= 0 && !has_processes(dir);
}

/* The nearest ancestor of `own` that has no process and can give `needs`. Without needs our own is
 * good enough. NULL where there is none. */
static char *find(const char *own, unsigned needs)
{
	auto_free char *path = xstrdup(own);
	bool is_top = false, is_own = true, own_writable = false;
	do {
		auto_fd dir = open_dir(path);
		if (dir < 0 || !is_writable(dir))
			break;
		own_writable |= is_own;
		is_top = is_own;
		/* We are in our own: it need not be asked. */
		bool busy = is_own ? !is_root(dir) : has_processes(dir);
		if (!busy && give_controllers(dir, needs))
			return xstrdup(path);
		is_own = false;
	} while (go_up(path));
	if (!own_writable)
		return NULL;
	if (!needs)
		return xstrdup(own);
	auto_fd dir = open_dir(own);
	if (!is_top || dir < 0 || (needs & ~read_controllers(dir, "cgroup.controllers")) ||
		!move_aside(dir) || !give_controllers(dir, needs))
		return NULL;
	return xstrdup(own);
}

unsigned cgroup_controllers(const char *path)
{
	auto_fd dir = open_dir(path);
	return dir < 0 ? 0 : read_controllers(dir, "cgroup.controllers");
}

unsigned cgroup_available(void)
{
	auto_free char *path = cgroup_own();
	bool is_own = true;
	if (!path)
		return 0;
	unsigned best = scope_available();
	do {
		auto_fd dir = open_dir(path);
		if (dir < 0 || !is_writable(dir))
			break;
		if (is_own || !has_processes(dir))
			best |= read_controllers(dir, "cgroup.controllers");
		is_own = false;
	} while (go_up(path));
	return best;
}

char *cgroup_place_in_own(unsigned needs, struct err *e)
{
	auto_free char *own = cgroup_own();
	auto_fd dir = own ? open_dir(own) : -1;
	if (dir >= 0 && move_aside(dir) && give_controllers(dir, needs))
		return take_ptr(own);
	err_set(e, ENOTSUP, "the cgroup %s cannot limit what is asked for", own ? own : "");
	return NULL;
}

/* Makes what is missing of a --cgroup-parent, and has every step give `needs` to the next. */
static char *make_parent(const char *base, const char *relative, unsigned needs, struct err *e)
{
	auto_strv steps = STRV_INIT;
	auto_free char *clean = path_clean(relative);
	auto_free char *path = xstrdup(strcmp(base, "/") ? base : "");
	strv_split(&steps, clean, '/');
	for (size_t i = 0; i < steps.n; i++) {
		if (!*steps.v[i])
			continue;
		char *next = xasprintf("%s/%s", path, steps.v[i]);
		auto_fd above = open_dir(path);
		auto_free char *full = xasprintf(MOUNT "%s", next);
		free(path);
		path = next;
		if (above >= 0 && is_writable(above))
			(void)give_controllers(above, needs);
		if (mkdir(full, 0755) < 0 && errno != EEXIST) {
			err_sys(e, "cannot make the cgroup %s", next);
			return NULL;
		}
	}
	auto_fd dir = open_dir(path);
	if (dir < 0 || !is_writable(dir)) {
		err_set(e, EACCES, "the cgroup %s is not yours to write", path);
		return NULL;
	}
	if (!give_controllers(dir, needs)) {
		err_set(e, ENOTSUP, "the cgroup %s cannot limit what is asked for", path);
		return NULL;
	}
	return take_ptr(path);
}

char *cgroup_place(const char *parent, unsigned needs, struct err *e)
{
	auto_free char *own = cgroup_own();
	if (!own)
		return NULL;
	if (!str_empty(parent) && *parent == '/')
		return make_parent("/", parent, needs, e);
	char *base = find(own, needs);
	if (!base && needs) {
		err_set(e, ENOTSUP,
			"no cgroup with the controllers for these limits can be made here");
		err_hint(e, "start it in a cgroup that is yours: systemd-run --user --scope -p "
			    "Delegate=yes moss ...");
	}
	if (!base || str_empty(parent))
		return base;
	auto_free char *below = take_ptr(base);
	return make_parent(below, parent, needs, e);
}

int cgroup_enable(const char *path, unsigned needs, struct err *e)
{
	auto_free char *parent = xstrdup(path);
	if (!needs || !go_up(parent))
		return 0;
	auto_fd dir = open_dir(parent);
	if (dir < 0)
		return err_sysn(e, -dir, "cannot open the cgroup %s", parent);
	if (needs & ~read_controllers(dir, "cgroup.controllers"))
		return err_set(e, ENOTSUP, "the cgroup %s cannot limit what is asked for", parent);
	if (!give_controllers(dir, needs) && (!move_aside(dir) || !give_controllers(dir, needs)))
		return err_set(
			e, EBUSY, "the cgroup %s does not give its controllers away", parent);
	return 0;
}

void cgroup_forget(const char *id)
{
	auto_free char *path = cgroup_own();
	if (!path)
		return;
	do {
		auto_free char *folder =
			xasprintf("%s/moss-%.12s", strcmp(path, "/") ? path : "", id);
		auto_fd dir = open_dir(folder);
		if (dir >= 0)
			cgroup_remove(folder);
	} while (go_up(path));
}
