#include "base/io.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n) {
		ssize_t w = write(fd, at, n);
		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t read_full(int fd, void *p, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = read(fd, (char *)p + got, n - got);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int read_fd(int fd, size_t max, struct buf *out)
{
	size_t start = out->len;
	for (;;) {
		size_t have = out->len - start;
		/* One byte more than allowed tells "exactly max" from "too large". */
		size_t want = have < 65536 ? 4096 + have : 65536;
		if (want > max - have + 1)
			want = max - have + 1;
		buf_reserve(out, want);
		ssize_t r = read(fd, out->data + out->len, want);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (r == 0)
			break;
		out->len += (size_t)r;
		if (out->len - start > max)
			return -EFBIG;
	}
	buf_reserve(out, 0);
	out->data[out->len] = '\0';
	return 0;
}

int read_file_at(int dir_fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	auto_fd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s", name);
	int r = read_fd(fd, max, out);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "%s is larger than %zu bytes", name, max);
	return r < 0 ? err_sysn(e, -r, "cannot read %s", name) : 0;
}

int read_file(const char *path, size_t max, struct buf *out, struct err *e)
{
	return read_file_at(AT_FDCWD, path, max, out, e);
}

int write_file_at(int dir_fd, const char *name, const void *p, size_t n, mode_t mode, bool durable,
	struct err *e)
{
	char nonce[8], hex[17];
	random_bytes(nonce, sizeof(nonce));
	hex_encode(hex, nonce, sizeof(nonce));
	auto_free char *temp = xasprintf("%s.tmp-%s", name, hex);
	auto_fd fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "cannot create %s", name);
	int r = write_all(fd, p, n);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir_fd, temp, 0);
		return err_sysn(e, -r, "cannot write %s", name);
	}
	return 0;
}

int write_existing_at(int dir_fd, const char *name, const char *text)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	size_t n = strlen(text);
	ssize_t w = write(fd, text, n);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

int fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

static void close_span(unsigned from, unsigned to)
{
	if (from <= to)
		(void)syscall(SYS_close_range, from, to, 0);
}

void fds_close_except(int first, const int *keep, size_t n)
{
	int sorted[64];
	unsigned from = (unsigned)first;
	if (n > ARRAY_LEN(sorted))
		BUG("too many descriptors to keep: %zu", n);
	if (n)
		memcpy(sorted, keep, n * sizeof(*keep));
	qsort(sorted, n, sizeof(*sorted), compare_ints);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)from)
			continue;
		if (sorted[i] > (int)from)
			close_span(from, (unsigned)sorted[i] - 1);
		from = (unsigned)sorted[i] + 1;
	}
	close_span(from, ~0u);
}

int fd_move_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (high < 0)
		return -errno;
	close(fd);
	return high;
}

void fds_ensure_std(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			BUG("cannot open /dev/null: %s", strerror(errno));
}
