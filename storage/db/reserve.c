#include "storage/db/reserve.h"
#include "base/scope.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

enum { RESERVE = 1024 * 1024, LITTLE = 512 * 1024, PLENTY = 8 * 1024 * 1024 };

bool reserve_release(const char *dir)
{
	auto_free char *path = xasprintf("%s/moss.db-reserve", dir);
	return unlink(path) == 0;
}

/* Complete or not at all: where another one makes it too, it is the same file. */
static void reserve_make(const char *path)
{
	auto_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && fallocate(fd, 0, 0, RESERVE) < 0)
		(void)unlink(path);
}

void reserve_balance(const char *dir, const struct statfs *fs)
{
	uint64_t room = (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize;
	auto_free char *path = xasprintf("%s/moss.db-reserve", dir);
	if (room < LITTLE)
		(void)unlink(path);
	else if (room >= PLENTY && access(path, F_OK) < 0)
		reserve_make(path);
}
