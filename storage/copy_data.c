#include "storage/copy_data.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 * 1024, BUFFER = 256 * 1024 };

/* Tried in this order; what the kernel refuses once is not asked again. */
enum method { BY_RANGE, BY_SENDFILE, BY_BUFFER };

struct data_copy {
	int from, to;
	enum method method;
	char *buffer;
};

/* One piece through the buffer: bytes, 0 at the end of the file, -1 with errno. */
static ssize_t pass(struct data_copy *c, off_t at, size_t want)
{
	if (!c->buffer)
		c->buffer = xmalloc(BUFFER);
	ssize_t n = pread(c->from, c->buffer, want < BUFFER ? want : BUFFER, at);
	for (ssize_t done = 0, w; n > 0 && done < n; done += w) {
		w = pwrite(c->to, c->buffer + done, (size_t)(n - done), at + done);
		if (w < 0 && errno == EINTR)
			w = 0;
		if (w < 0)
			return -1;
	}
	return n;
}

static bool is_refused(int code)
{
	return code == EXDEV || code == EINVAL || code == ENOSYS || code == EOPNOTSUPP ||
	       code == EBADF || code == EPERM;
}

static ssize_t copy_piece(struct data_copy *c, off_t at, size_t want)
{
	loff_t in = at, out = at;
	off_t from = at;
	switch (c->method) {
	case BY_RANGE:
		return copy_file_range(c->from, &in, c->to, &out, want, 0);
	case BY_SENDFILE: /* between file systems: one copy of each page instead of two */
		return lseek(c->to, at, SEEK_SET) < 0 ? -1 : sendfile(c->to, c->from, &from, want);
	default:
		return pass(c, at, want);
	}
}

static int copy_range(struct data_copy *c, off_t start, off_t end, struct err *e)
{
	while (start < end) {
		size_t want = end - start < CHUNK ? (size_t)(end - start) : CHUNK;
		ssize_t n = copy_piece(c, start, want);
		if (n < 0 && c->method != BY_BUFFER && is_refused(errno)) {
			c->method++;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot copy");
		if (n == 0)
			break;
		start += n;
	}
	return 0;
}

static int copy_pieces(struct data_copy *c, off_t size, struct err *e)
{
	off_t at = 0;
	while (at < size) {
		off_t data = lseek(c->from, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		off_t hole = data < 0 ? -1 : lseek(c->from, data, SEEK_HOLE);
		if (hole < 0) {
			data = at;
			hole = size;
		}
		int r = copy_range(c, data, hole < size ? hole : size, e);
		if (r < 0)
			return r;
		at = hole;
	}
	return 0;
}

/* It may have grown since its size was read. Cutting to the size that it has would not do nothing:
 * the last block would be written anew, and be shared no more. */
static int cut(int to, off_t size, struct err *e)
{
	struct stat st;
	if (fstat(to, &st) < 0 || (st.st_size != size && ftruncate(to, size) < 0))
		return err_sys(e, "cannot copy");
	return 0;
}

int copy_data(int from, int to, off_t size, struct err *e)
{
	struct data_copy c = {.from = from, .to = to};
	if (size == 0)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return cut(to, size, e);
	if (ftruncate(to, size) < 0)
		return err_sys(e, "cannot copy");
	int r = copy_pieces(&c, size, e);
	free(c.buffer);
	return r;
}
