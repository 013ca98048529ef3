#include "engine/transfer/unpack_spool.h"
#include "storage/unpack_stream.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <archive.h>
#include <archive_entry.h>
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

static void number_name(char name[16], size_t i) { snprintf(name, 16, "%zu", i); }

static int archive_failed(struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);
	int code = archive_errno(a);
	return err_set(e, code == EIO || code == ENOSPC ? code : EBADMSG,
		"cannot read the archive: %s", why ? why : "unknown format");
}

static struct spool_file *add_file(struct spool *s, const char *name)
{
	if ((s->n & 63) == 0)
		s->files = xrealloc(s->files, (s->n + 64) * sizeof(*s->files));
	struct spool_file *f = &s->files[s->n++];
	auto_free char *clean = path_clean(name);
	*f = (struct spool_file){.name = xstrdup(clean + strspn(clean, "/"))};
	return f;
}

static int check_ratio(struct archive *a, int64_t total, struct err *e)
{
	if (total > RATIO_FREE_BYTES && total / RATIO_MAX > archive_filter_bytes(a, -1))
		return err_set(e, EFBIG, "archive expands to more than %d times its size: refused",
			RATIO_MAX);
	return 0;
}

static int copy_content(struct archive *a, int fd, int64_t *total, int64_t *size, struct err *e)
{
	const void *p;
	size_t n;
	la_int64_t offset;
	for (;;) {
		int r = archive_read_data_block(a, &p, &n, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return archive_failed(a, e);
		if (offset != *size)
			return err_set(e, EBADMSG, "sparse file in an image archive");
		r = write_all(fd, p, n);
		if (r < 0)
			return err_sysn(e, -r, "cannot store the archive's files");
		*size += (int64_t)n;
		*total += (int64_t)n;
		if (check_ratio(a, *total, e) < 0)
			return -e->code;
	}
}

/* A symbolic link's target counts from its folder, a hard link's from the archive's root. */
static void add_link(struct spool *s, const char *name, const char *symlink, const char *hardlink)
{
	struct spool_file *f = add_file(s, name);
	auto_free char *dir = path_dir(f->name), *joined = NULL;
	joined = symlink ? path_join(dir, symlink) : xstrdup(hardlink);
	auto_free char *clean = path_clean(joined);
	f->target = xstrdup(clean + strspn(clean, "/"));
}

static int take_entry(
	struct spool *s, struct archive *a, struct archive_entry *en, int64_t *total, struct err *e)
{
	char number[16];
	const char *name = archive_entry_pathname(en);
	const char *symlink = archive_entry_symlink(en), *hardlink = archive_entry_hardlink(en);
	/* No file that manifest.json or an index can name: those are ASCII. */
	if (!name || strlen(name) > 4095)
		return 0;
	if (s->n == SPOOL_ENTRIES_MAX)
		return err_set(
			e, EBADMSG, "image archive has more than %d entries", SPOOL_ENTRIES_MAX);
	if (symlink || hardlink) {
		add_link(s, name, symlink, symlink ? NULL : hardlink);
		return 0;
	}
	if (archive_entry_filetype(en) != AE_IFREG)
		return 0;
	number_name(number, s->n);
	auto_fd fd = openat(s->dir_fd, number, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot store the archive's files");
	struct spool_file *f = add_file(s, name);
	return copy_content(a, fd, total, &f->size, e);
}

static int read_entries(struct spool *s, struct archive *a, int data_fd, struct err *e)
{
	struct archive_entry *en;
	int64_t total = 0;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_compress(a);
	archive_read_support_format_tar(a);
	if (archive_read_open_fd(a, data_fd, 256 * 1024) != ARCHIVE_OK)
		return archive_failed(a, e);
	for (;;) {
		int r = archive_read_next_header(a, &en);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return archive_failed(a, e);
		if (take_entry(s, a, en, &total, e) < 0)
			return -e->code;
	}
}

int spool_fill(struct spool *s, int data_fd, int stage_fd, struct err *e)
{
	if (mkdirat(stage_fd, "spool", 0700) < 0)
		return err_sys(e, "cannot store the archive's files");
	s->dir_fd = openat(stage_fd, "spool", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_sys(e, "cannot store the archive's files");
	struct archive *a = archive_read_new();
	if (!a)
		die_oom();
	int r = read_entries(s, a, data_fd, e);
	archive_read_free(a);
	return r;
}

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

void spool_use_folder(struct spool *s, int folder_fd) { s->folder_fd = folder_fd; }

static int absent(const char *name, struct err *e)
{
	return err_set(e, ENOENT, "invalid archive: it does not contain %.200s", name);
}

/* Non-blocking: a FIFO in a file's place must not hold us up. */
static int open_in_folder(const struct spool *s, const char *name, struct err *e)
{
	struct stat st;
	auto_fd fd = path_open_beneath(s->folder_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV))
		return absent(name, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sysn(e, fd < 0 ? -fd : errno, "cannot open %.200s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "invalid archive: %.200s is no regular file", name);
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

int spool_open(const struct spool *s, const char *name, struct err *e)
{
	char number[16];
	if (s->folder_fd >= 0)
		return open_in_folder(s, name, e);
	int i = spool_find(s, name);
	if (i < 0)
		return absent(name, e);
	number_name(number, (size_t)i);
	int fd = openat(s->dir_fd, number, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %.200s of the archive", name) : fd;
}

int spool_read(const struct spool *s, const char *name, size_t max, struct buf *out, struct err *e)
{
	auto_fd fd = spool_open(s, name, e);
	if (fd < 0)
		return fd;
	int r = read_fd(fd, max, out);
	if (r == -EFBIG)
		return err_set(
			e, EBADMSG, "invalid archive: %.200s is larger than %zu bytes", name, max);
	return r < 0 ? err_sysn(e, -r, "cannot read %.200s of the archive", name) : 0;
}

void spool_drop(const struct spool *s, const char *name)
{
	char number[16];
	int i = s->folder_fd >= 0 ? -1 : spool_find(s, name);
	if (i < 0)
		return;
	number_name(number, (size_t)i);
	(void)unlinkat(s->dir_fd, number, 0);
}
