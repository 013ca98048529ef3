#include "engine/run_sweep.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OLD_S = 3, SHORT_ID = 12 };

static DIR *open_folder(int root_fd, const char *name)
{
	auto_fd fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir)
		(void)take_fd(fd);
	return dir;
}

static void names_of(int root_fd, const char *folder, struct strv *out)
{
	auto_dir dir = open_folder(root_fd, folder);
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			strv_add(out, d->d_name);
}

static bool starts_one(char *const *ids, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(ids[i], name))
			return true;
	return false;
}

/* Its monitor holds a lock on it, which is not there yet in a very young one. */
static bool is_dead(int folder, const char *name)
{
	struct stat st;
	auto_fd fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 && time(NULL) - st.st_mtime >= OLD_S &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void run_sweep(struct store *s, char *const *live, size_t n_live)
{
	struct err ignored;
	auto_strv names = STRV_INIT;
	names_of(s->runroot_fd, "c", &names);
	if (names.n <= n_live) /* each that lives has one */
		return;
	auto_fd folder = openat(s->runroot_fd, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < names.n; i++)
		if (strlen(names.v[i]) == SHORT_ID && !starts_one(live, n_live, names.v[i]) &&
			is_dead(folder, names.v[i]))
			(void)path_remove_at(folder, names.v[i], &ignored);
}
