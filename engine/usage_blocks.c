#include "engine/usage_blocks.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/scope.h"
#include "base/str.h"

enum { EXTENTS = 128 };
#define BCACHEFS_MAGIC 0xca451a4eU /* not in the headers yet */

bool usage_blocks_can_be_shared(const char *path)
{
	static const uint32_t kinds[] = {XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, BCACHEFS_MAGIC};
	struct statfs fs;
	if (statfs(path, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((uint32_t)fs.f_type == kinds[i])
			return true;
	return false;
}

int64_t usage_blocks_shared(
	const char *path, void (*fn)(uint64_t place, int64_t bytes, void *arg), void *arg)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	} u;
	int64_t sum = 0;
	auto_fd fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	for (uint64_t at = 0; fd >= 0;) {
		memset(&u, 0, sizeof(u));
		u.map.fm_start = at;
		u.map.fm_length = FIEMAP_MAX_OFFSET - at;
		u.map.fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, &u.map) < 0)
			break;
		const struct fiemap_extent *x = u.map.fm_extents;
		for (uint32_t i = 0; i < u.map.fm_mapped_extents; i++, x++) {
			at = x->fe_logical + x->fe_length;
			if (!(x->fe_flags & FIEMAP_EXTENT_SHARED))
				continue;
			fn(x->fe_physical, (int64_t)x->fe_length, arg);
			sum += (int64_t)x->fe_length;
		}
		if (!u.map.fm_mapped_extents || (x[-1].fe_flags & FIEMAP_EXTENT_LAST))
			break;
	}
	return sum;
}
