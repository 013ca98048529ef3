#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int lock_take(int fd, bool wait)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	for (;;) {
		if (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l) == 0)
			return LOCK_TAKEN;
		if (errno == EAGAIN || errno == EACCES)
			return LOCK_BUSY;
		if (errno != EINTR)
			return -errno;
	}
}

int lock_is_held(int fd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		return -errno;
	return l.l_type != F_UNLCK;
}

int lock_drop(int fd)
{
	struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_SETLK, &l) < 0 ? -errno : 0;
}
