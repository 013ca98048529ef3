#include "storage/send_data.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/pack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/sendfile.h>

enum { PIECE = 256 * 1024 };

static int write_piece(void *arg, const void *p, size_t n, struct err *e)
{
	int r = write_all(*(const int *)arg, p, n);
	return r < 0 ? err_go(e, -r, "write") : 0;
}

/* How far the kernel got. */
static int send_whole(const struct tar_entry *en, int fd, int out, off_t *at, struct err *e)
{
	while ((uint64_t)*at < en->stored) {
		uint64_t left = en->stored - (uint64_t)*at;
		ssize_t n = sendfile(out, fd, at, left < INT_MAX ? (size_t)left : INT_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		/* Not for this kind of file, or of output. */
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			return 0;
		if (n < 0)
			return err_go(e, errno, "write");
		if (n == 0)
			return 0;
	}
	return 0;
}

int send_data(const struct tar_entry *en, int fd, int out, struct err *e)
{
	struct tar_entry rest = *en;
	off_t at = 0;
	int r = en->is_sparse ? 0 : send_whole(en, fd, out, &at, e);
	if (r < 0 || (!en->is_sparse && (uint64_t)at == en->stored))
		return r;
	struct tar_extent tail = {(uint64_t)at, en->stored - (uint64_t)at};
	if (at) {
		rest.is_sparse = true;
		rest.extents = &tail;
		rest.n_extents = 1;
	}
	auto_free char *piece = xmalloc(PIECE);
	return pack_content(&rest, fd, piece, PIECE, write_piece, &out, e);
}
