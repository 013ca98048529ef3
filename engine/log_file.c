#include "engine/log_file.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65536, RETRY_AFTER = 16384, LOCK_TRIES = 100 };

/* How much more is written before a turn that could not be is tried again; small logs stay small. */
static int64_t retry_after(const struct log_file *f)
{
	return f->max_size / 8 < RETRY_AFTER ? f->max_size / 8 : RETRY_AFTER;
}

static int open_output(const struct log_file *f, const char *name, int flags)
{
	return openat(f->dir_fd, name,
		O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0640);
}

/* How much of the file is whole records: read from the start, in pieces that grow with the records.
 */
static int64_t whole_length(int fd, int64_t size, log_whole_fn *whole)
{
	size_t room = CHUNK;
	char *p = xmalloc(room);
	int64_t at = 0;
	while (at < size) {
		ssize_t n = pread(fd, p, room, at);
		size_t k = n > 0 ? whole(p, (size_t)n) : 0;
		if (n <= 0 || (k == 0 && (at + n >= size || room > (16 << 20))))
			break;
		if (k == 0)
			p = xrealloc(p, room *= 2);
		at += (int64_t)k;
	}
	free(p);
	return at;
}

/* Does the file end with a whole record? A line of JSON ends with a newline and has none inside; a
 * record of `local` has its length at both ends. */
static bool ends_whole(const struct log_file *f, bool is_text)
{
	unsigned char tail[4], head[4];
	if (pread(f->fd, tail, 4, f->size - 4) != 4)
		return false;
	if (is_text)
		return tail[3] == '\n';
	int64_t len = (int64_t)tail[0] << 24 | tail[1] << 16 | tail[2] << 8 | tail[3];
	return f->size >= len + 8 && pread(f->fd, head, 4, f->size - len - 8) == 4 &&
	       !memcmp(head, tail, 4);
}

/* What a kill left half written goes. */
static void cut_back(struct log_file *f, log_whole_fn *whole)
{
	char first;
	if (f->size == 0 || pread(f->fd, &first, 1, 0) != 1 || ends_whole(f, first == '{'))
		return;
	int64_t keep = whole_length(f->fd, f->size, whole);
	if (ftruncate(f->fd, keep) == 0)
		f->size = keep;
}

static bool exists(const struct log_file *f, int64_t index, bool is_gz)
{
	auto_free char *name = log_slot_name(f->name, index, is_gz);
	return faccessat(f->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void drop(const struct log_file *f, int64_t index, bool is_gz)
{
	auto_free char *name = log_slot_name(f->name, index, is_gz);
	(void)unlinkat(f->dir_fd, name, 0);
}

static int move_up(const struct log_file *f, int64_t index, bool is_gz)
{
	auto_free char *from = log_slot_name(f->name, index, is_gz);
	auto_free char *to = log_slot_name(f->name, index + 1, is_gz);
	return renameat(f->dir_fd, from, f->dir_fd, to) < 0 ? -errno : 0;
}

/* Frees place 1: the files below the lowest gap go up by one; without a gap the oldest goes. */
static int make_room(const struct log_file *f)
{
	int64_t gap = 1;
	while (gap < f->max_files - 1 && (exists(f, gap, false) || exists(f, gap, true)))
		gap++;
	drop(f, gap, true); /* the oldest, where there was no gap */
	drop(f, gap, false);
	for (int64_t i = gap - 1; i > 0; i--) {
		bool is_gz = exists(f, i, true);
		if (is_gz) /* whole: see the invariants */
			drop(f, i, false);
		int r = move_up(f, i, is_gz);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* Does a compressor look for work again before it ends? Under the lock. */
static bool is_compressing(const struct log_file *f)
{
	auto_free char *part = xasprintf("%s.part", f->name);
	auto_fd fd = openat(f->dir_fd, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void start_compressor(const struct log_file *f)
{
	auto_free char *program = spawn_helper_path("moss-log");
	char *const argv[] = {"moss-log", "compress", f->name, NULL};
	struct spawn s = SPAWN_INIT;
	struct err e;
	pid_t pid;
	s.file = program;
	s.argv = argv;
	s.fds = &f->dir_fd;
	s.n_fds = 1;
	s.new_session = true;
	/* Without it the files stay as they are: readers do not care. Its end is reaped with all
	 * the monitor's other children. */
	if (spawn_start(&s, &pid, NULL, &e) < 0)
		log_debug("cannot compress the log: %s", e.msg);
}

int log_file_open(struct log_file *f, int dir_fd, const char *name, int64_t max_size,
	int64_t max_files, bool compress, log_whole_fn *whole, struct err *e)
{
	struct stat st;
	*f = (struct log_file){.dir_fd = dir_fd,
		.name = xstrdup(name),
		.max_size = max_size,
		.max_files = max_files,
		.limit = max_size,
		.compress = compress};
	f->fd = open_output(f, name, 0);
	if (f->fd < 0) {
		int code = errno;
		log_file_close(f);
		return err_sysn(e, code, "cannot open the log %s", name);
	}
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_file_close(f);
		return err_set(e, EINVAL, "the log %s is not a file", name);
	}
	f->size = st.st_size;
	cut_back(f, whole);
	/* A compressor that was killed has left its work. */
	if (compress && max_files > 1 && exists(f, 1, false) && !is_compressing(f))
		start_compressor(f);
	return 0;
}

void log_file_close(struct log_file *f)
{
	scope_close(&f->fd);
	scope_close(&f->dir_fd);
	scope_free(&f->name);
	*f = (struct log_file){.fd = -1, .dir_fd = -1};
}

/* Its other holders have it for an instant, which is longer where they wait for a processor. One
 * that was stopped must not stop us. */
static int lock_soon(int dir_fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int fd = log_dir_lock(dir_fd, false);
	for (int i = 0; i < LOCK_TRIES && fd == -EAGAIN; i++) {
		(void)nanosleep(&pause, NULL);
		fd = log_dir_lock(dir_fd, false);
	}
	return fd;
}

/* The newest becomes .1, and a new one, made beforehand, takes its place. Nothing changes where
 * that cannot be: then the present file goes on, and a later write tries again. */
static void turn(struct log_file *f)
{
	auto_free char *fresh = xasprintf("%s.new", f->name);
	auto_fd lock = lock_soon(f->dir_fd);
	f->limit = f->size + retry_after(f);
	auto_fd fd = lock < 0 ? -1 : open_output(f, fresh, O_TRUNC);
	if (fd < 0)
		return;
	/* With one file the text goes, as Docker does it. A newest that somebody removed has no
	 * place to go to. */
	if (f->max_files > 1 && exists(f, 0, false) &&
		(make_room(f) < 0 || move_up(f, 0, false) < 0))
		return;
	if (renameat(f->dir_fd, fresh, f->dir_fd, f->name) < 0)
		return;
	close(f->fd);
	f->fd = take_fd(fd);
	f->size = 0;
	f->limit = f->max_size;
	bool compresses = f->compress && f->max_files > 1 && !is_compressing(f);
	scope_close(&lock);
	lock = -1;
	if (compresses)
		start_compressor(f);
}

int log_file_write(struct log_file *f, const char *p, size_t n, log_whole_fn *whole, size_t *done)
{
	*done = 0;
	if (f->size > 0 && f->size >= f->limit)
		turn(f);
	while (*done < n) {
		ssize_t k = write(f->fd, p + *done, n - *done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			int code = errno;
			*done = whole(p, *done);
			(void)!ftruncate(f->fd, f->size + (int64_t)*done);
			f->size += (int64_t)*done;
			return -code;
		}
		*done += (size_t)k;
	}
	f->size += (int64_t)n;
	return 0;
}
