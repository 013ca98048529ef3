#include "engine/cgroup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup_scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"

enum { REMOVE_TRIES = 200, REMOVE_PAUSE_NS = 5000000, DEPTH_MAX = 16 };

int cgroup_open(const char *path)
{
	auto_free char *full = xasprintf(MOUNT "%s", path);
	int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* In the place that was found. The descriptor, or a negative errno. */
static int make_in(const char *place, const char *id, const struct cgroup_limits *l, char **path,
	struct err *e)
{
	auto_free char *name = xasprintf("%s/moss-%.12s", strcmp(place, "/") ? place : "", id);
	auto_free char *full = xasprintf(MOUNT "%s", name);
	if (strlen(name) >= CGROUP_PATH_MAX)
		return err_set(e, ENAMETOOLONG, "the cgroup's name is too long: %s", name);
	if (mkdir(full, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the cgroup %s", name);
	int r = cgroup_limits_need(l) ? cgroup_limits_apply(name, l, e) : 0;
	int fd = r < 0 ? r : cgroup_open(name);
	if (r == 0 && fd < 0)
		err_sysn(e, -fd, "cannot open the cgroup %s", name);
	if (fd < 0)
		cgroup_remove(name);
	else
		*path = take_ptr(name);
	return fd;
}

int cgroup_make(const char *parent, const char *id, const struct cgroup_limits *l, char **path,
	int *fd, struct err *e)
{
	struct err why = {0};
	unsigned needs = cgroup_limits_need(l);
	*path = NULL;
	*fd = -1;
	auto_free char *place = cgroup_place(parent, needs, &why);
	if (!place && needs && str_empty(parent) && scope_is_there()) {
		why = (struct err){0};
		if (scope_enter(id, &why) == 0)
			place = cgroup_place_in_own(needs, &why);
	}
	int r = place ? make_in(place, id, l, path, &why) : -why.code;
	if (r >= 0 && place)
		*fd = r;
	if (r >= 0 || (!needs && str_empty(parent)))
		return 0;
	*e = why;
	return r;
}

/* The folders below, deepest first: a container may have made some. */
static void remove_below(int dir, int depth)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	while (d && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		auto_fd sub = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub >= 0 && depth < DEPTH_MAX)
			remove_below(sub, depth + 1);
		(void)unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
}

/* The dead leave their cgroup a moment after they can be reaped. */
void cgroup_remove(const char *path)
{
	auto_free char *full = xasprintf(MOUNT "%s", path);
	for (int i = 0; rmdir(full) < 0 && errno != ENOENT && i < REMOVE_TRIES; i++) {
		auto_fd dir = cgroup_open(path);
		if (dir < 0)
			return;
		if (i == 0) {
			(void)write_existing_at(dir, "cgroup.kill", "1");
			(void)write_existing_at(dir, "cgroup.freeze", "0");
		}
		remove_below(dir, 0);
		if (rmdir(full) == 0)
			return;
		(void)nanosleep(&(struct timespec){.tv_nsec = REMOVE_PAUSE_NS}, NULL);
	}
}

int cgroup_kill(const char *path)
{
	auto_fd dir = cgroup_open(path);
	return dir < 0 ? dir : write_existing_at(dir, "cgroup.kill", "1");
}

static int set_frozen(int dir, const char *path, bool on, struct err *e)
{
	int r = write_existing_at(dir, "cgroup.freeze", on ? "1" : "0");
	return r < 0 ? err_sysn(e, -r, "cannot %s the cgroup %s", on ? "freeze" : "thaw", path) : 0;
}

int cgroup_freeze(const char *path, int timeout_ms, struct err *e)
{
	int64_t end = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
	auto_fd dir = cgroup_open(path);
	if (dir < 0)
		return err_sysn(e, -dir, "cannot open the cgroup %s", path);
	auto_fd events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (events < 0)
		return err_sys(e, "cannot watch the cgroup %s", path);
	int r = set_frozen(dir, path, true, e);
	while (r == 0 && cgroup_read_key(dir, "cgroup.events", "frozen") != 1) {
		char text[256];
		int64_t left = end - clock_monotonic_ns();
		if (left <= 0) {
			(void)set_frozen(dir, path, false, e);
			return err_set(e, ETIMEDOUT, "its processes do not stop");
		}
		/* Read first: that is what a change is counted from. The pause bounds what could
		 * be missed between two looks. */
		(void)!pread(events, text, sizeof(text), 0);
		if (cgroup_read_key(dir, "cgroup.events", "frozen") != 1)
			(void)poll(&(struct pollfd){.fd = events, .events = POLLPRI}, 1, 100);
	}
	return r;
}

int cgroup_thaw(const char *path, struct err *e)
{
	auto_fd dir = cgroup_open(path);
	if (dir == -ENOENT)
		return 0;
	return dir < 0 ? err_sysn(e, -dir, "cannot open the cgroup %s", path)
		       : set_frozen(dir, path, false, e);
}

bool cgroup_is_frozen(const char *path)
{
	auto_fd dir = cgroup_open(path);
	return dir >= 0 && cgroup_read_number(dir, "cgroup.freeze") == 1;
}

int64_t cgroup_read_number(int dir_fd, const char *file)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	int64_t value;
	if (read_file_at(dir_fd, file, 4096, &text, &ignored) < 0 || !text.len)
		return -1;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (!strcmp(text.data, "max"))
		return INT64_MAX;
	return parse_i64(text.data, &value) ? value : -1;
}

int64_t cgroup_read_key(int dir_fd, const char *file, const char *key)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	size_t len = strlen(key);
	if (read_file_at(dir_fd, file, 1 << 16, &text, &ignored) < 0 || !text.len)
		return -1;
	for (const char *line = text.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoll(line + len + 1, NULL, 10);
	}
	return -1;
}

int64_t cgroup_oom_kills(int dir_fd)
{
	int64_t n = dir_fd < 0 ? 0 : cgroup_read_key(dir_fd, "memory.events", "oom_kill");
	return n < 0 ? 0 : n;
}
