#include "engine/transfer/unpack_spool.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void spool_deinit(struct spool *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->files[i].name);
		free(s->files[i].target);
	}
	free(s->files);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	*s = SPOOL_INIT;
}

void spool_number_name(char name[16], size_t i) { snprintf(name, 16, "%zu", i); }

int spool_find(const struct spool *s, const char *name)
{
	auto_free char *clean = path_clean(name);
	const char *wanted = clean + strspn(clean, "/");
	for (int hops = 0; hops < 8; hops++) {
		size_t i = s->n;
		/* The last of equal names counts, as when the archive is extracted. */
		while (i > 0 && strcmp(s->files[i - 1].name, wanted) != 0)
			i--;
		if (i == 0)
			return -1;
		if (!s->files[i - 1].target)
			return (int)i - 1;
		wanted = s->files[i - 1].target;
	}
	return -1;
}

int spool_taken(const struct spool *s, const char *name)
{
	int i = s->folder_fd >= 0 ? -1 : spool_find(s, name);
	return i >= 0 && s->files[i].place == SPOOL_TAKEN ? s->files[i].taken : -1;
}

void spool_use_folder(struct spool *s, int folder_fd) { s->folder_fd = folder_fd; }

/* What is wrong with it. */
static const char *invalid(const struct spool *s)
{
	return s->folder_fd >= 0 ? "invalid image folder" : "invalid archive";
}

static int absent(const struct spool *s, const char *name, struct err *e)
{
	return err_set(e, ENOENT, "%s: it does not contain %.200s", invalid(s), name);
}

/* Non-blocking: a FIFO in a file's place must not hold us up. */
static int open_in_folder(const struct spool *s, const char *name, struct err *e)
{
	struct stat st;
	auto_fd fd = path_open_beneath(s->folder_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -EXDEV)
		return err_set(e, EBADMSG, "%s: %.200s leads out of it", invalid(s), name);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return absent(s, name, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sysn(e, fd < 0 ? -fd : errno, "cannot open %.200s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "%s: %.200s is no regular file", invalid(s), name);
	return take_fd(fd);
}

bool spool_has(const struct spool *s, const char *name)
{
	struct err ignored;
	if (s->folder_fd < 0)
		return spool_find(s, name) >= 0;
	auto_fd fd = open_in_folder(s, name, &ignored);
	return fd >= 0;
}

/* ---- content ---- */

static ssize_t content_read(void *arg, void *p, size_t n, struct err *e)
{
	struct spool_content *c = arg;
	ssize_t got;
	if (n > c->left)
		n = (size_t)c->left;
	do
		got = pread(c->fd, p, n, (off_t)c->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "cannot read the archive");
	c->at += (uint64_t)got;
	c->left -= (uint64_t)got;
	return got;
}

static int open_stored(const struct spool *s, size_t i, const char *name, struct err *e)
{
	char number[16];
	spool_number_name(number, i);
	int fd = openat(s->dir_fd, number, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %.200s of the archive", name) : fd;
}

int spool_open(const struct spool *s, const char *name, struct spool_content *c, struct err *e)
{
	*c = SPOOL_CONTENT_INIT;
	c->source = (struct stream_source){.read = content_read, .arg = c};
	c->left = UINT64_MAX;
	if (s->folder_fd >= 0) {
		c->fd = open_in_folder(s, name, e);
		return c->fd < 0 ? c->fd : 0;
	}
	int i = spool_find(s, name);
	if (i < 0)
		return absent(s, name, e);
	const struct spool_file *f = &s->files[i];
	if (f->place == SPOOL_TAKEN)
		return err_set(e, EBADMSG, "invalid archive: %.200s is a layer", name);
	if (f->place == SPOOL_STORED) {
		c->fd = open_stored(s, (size_t)i, name, e);
		return c->fd < 0 ? c->fd : 0;
	}
	c->fd = s->archive_fd;
	c->is_borrowed = true;
	c->at = f->offset;
	c->left = f->size;
	c->source.size = (int64_t)f->size;
	return 0;
}

void spool_close(struct spool_content *c)
{
	if (!c->is_borrowed)
		scope_close(&c->fd);
	c->fd = -1;
}

int spool_read(const struct spool *s, const char *name, size_t max, struct buf *out, struct err *e)
{
	enum { PIECE = 64 * 1024 };
	auto_spool_content c = SPOOL_CONTENT_INIT;
	ssize_t n = spool_open(s, name, &c, e);
	if (n < 0)
		return (int)n;
	do {
		buf_reserve(out, PIECE);
		n = content_read(&c, out->data + out->len, PIECE, e);
		if (n < 0)
			return (int)n;
		out->len += (size_t)n;
		if (out->len > max)
			return err_set(e, EBADMSG, "%s: %.200s is larger than %zu bytes",
				invalid(s), name, max);
	} while (n > 0);
	return 0;
}

void spool_drop(const struct spool *s, const char *name)
{
	char number[16];
	int i = s->folder_fd >= 0 ? -1 : spool_find(s, name);
	if (i < 0 || s->files[i].place != SPOOL_STORED)
		return;
	spool_number_name(number, (size_t)i);
	(void)unlinkat(s->dir_fd, number, 0);
}
