#include "storage/shells.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOOT_LEN = 8 };

int shells_add(const char *store_root, struct err *e)
{
	pid_t pid = getpid();
	auto_free char *folder = xasprintf("%s/shells", store_root);
	auto_free char *path = xasprintf("%s/%.*s-%d-%" PRIu64 "-%" PRIu64, folder, BOOT_LEN,
		proc_boot_id(), (int)pid, proc_start_time(pid), proc_ns_inode(pid, "user"));
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s", folder);
	auto_fd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_sys(e, "cannot create %s", path) : 0;
}

static bool name_parse(const char *name, struct proc_id *id)
{
	int pid, end = 0;
	if (strncmp(name, proc_boot_id(), BOOT_LEN) != 0)
		return false;
	if (sscanf(name + BOOT_LEN, "-%d-%" SCNu64 "-%" SCNu64 "%n", &pid, &id->start, &id->ns_ino,
		    &end) < 3)
		return false;
	id->pid = pid;
	return name[BOOT_LEN + end] == '\0';
}

static void list(const char *store_root, pid_t gone, struct proc_id **ids, size_t *n)
{
	auto_free char *folder = xasprintf("%s/shells", store_root);
	auto_dir dir = opendir(folder);
	struct dirent *d;
	while (dir && (d = readdir(dir))) {
		struct proc_id id = {0};
		if (d->d_name[0] == '.')
			continue;
		if (!name_parse(d->d_name, &id) || id.pid == gone ||
			proc_start_time(id.pid) != id.start) {
			(void)unlinkat(dirfd(dir), d->d_name, 0);
			continue;
		}
		if (!ids)
			continue;
		*ids = xrealloc(*ids, (*n + 1) * sizeof(**ids));
		(*ids)[(*n)++] = id;
	}
}

void shells_list(const char *store_root, struct proc_id **ids, size_t *n)
{
	list(store_root, 0, ids, n);
}

void shells_remove(const char *store_root, pid_t pid) { list(store_root, pid, NULL, NULL); }
