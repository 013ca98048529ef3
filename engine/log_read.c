/* log_read: the log's files, oldest first, as one stream of records; the last ones found from the
 * end; following by inotify, across rotation. */
#include "engine/log.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, POLL_MS = 200, FILES_MAX = 1000 };

struct reader {
	int dir_fd;
	char *name;
	const struct log_query *q;
	log_fn *fn;
	void *arg;
	struct buf pending; /* an unfinished line */
	struct buf scratch;
	char *chunk;
	bool is_past_end; /* of until_ns */
};

static int open_file(struct reader *r, int64_t index)
{
	auto_free char *name =
		index ? xasprintf("%s.%lld", r->name, (long long)index) : xstrdup(r->name);
	return openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int deliver(struct reader *r, const char *line, size_t n, struct err *e)
{
	struct log_record rec;
	if (!log_parse_line(line, n, &r->scratch, &rec))
		return 0;
	if (r->q->since_ns && rec.time_ns < r->q->since_ns)
		return 0;
	if (r->q->until_ns && rec.time_ns > r->q->until_ns) {
		r->is_past_end = true;
		return 0;
	}
	return r->fn(r->arg, &rec, e);
}

/* Bytes of a file, cut into lines. */
static int feed(struct reader *r, const char *p, size_t n, struct err *e)
{
	const char *end = p + n;
	int result = 0;
	while (p < end && result == 0 && !r->is_past_end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl) {
			buf_add(&r->pending, p, (size_t)(end - p));
			return 0;
		}
		if (r->pending.len > 0) {
			buf_add(&r->pending, p, (size_t)(nl - p));
			result = deliver(r, r->pending.data, r->pending.len, e);
			r->pending.len = 0;
		} else {
			result = deliver(r, p, (size_t)(nl - p), e);
		}
		p = nl + 1;
	}
	return result;
}

/* From where fd stands to the end. */
static int read_on(struct reader *r, int fd, struct err *e)
{
	for (;;) {
		ssize_t n = read(fd, r->chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read the log");
		if (n == 0)
			return 0;
		int result = feed(r, r->chunk, (size_t)n, e);
		if (result || r->is_past_end)
			return result;
	}
}

/* Looks backwards for the start of the last `want` lines: *offset; returns how many it found. */
static int64_t find_tail(struct reader *r, int fd, int64_t want, off_t *offset)
{
	struct stat st;
	off_t at = fstat(fd, &st) < 0 ? 0 : st.st_size;
	int64_t found = 0;
	bool is_last = true; /* the newline at the very end ends the last line, it starts none */
	while (at > 0) {
		size_t n = at < CHUNK ? (size_t)at : CHUNK;
		at -= (off_t)n;
		if (pread(fd, r->chunk, n, at) != (ssize_t)n)
			break;
		for (size_t i = n; i-- > 0;) {
			if (r->chunk[i] != '\n')
				continue;
			if (!is_last && ++found == want) {
				*offset = at + (off_t)i + 1;
				return found;
			}
			is_last = false;
		}
	}
	*offset = 0;
	return is_last ? 0 : found + 1;
}

/* The files that are there, and where to start in the oldest that matters. */
static int read_past(struct reader *r, int *current, struct err *e)
{
	int fds[FILES_MAX], n = 0, result = 0;
	off_t offset = 0;
	while (n < FILES_MAX && (fds[n] = open_file(r, n)) >= 0)
		n++;
	int oldest = n - 1;
	int64_t left = r->q->tail;
	for (int i = 0; left > 0 && i < n; i++) {
		left -= find_tail(r, fds[i], left, &offset);
		if (left <= 0 || i == n - 1) {
			oldest = i;
			break;
		}
	}
	if (r->q->tail >= 0 && n > 0)
		(void)lseek(fds[oldest], r->q->tail == 0 ? 0 : offset, SEEK_SET);
	if (r->q->tail == 0 && n > 0) {
		oldest = 0;
		(void)lseek(fds[0], 0, SEEK_END);
	}
	for (int i = oldest; i >= 0 && result == 0 && !r->is_past_end; i--)
		result = read_on(r, fds[i], e);
	for (int i = 1; i < n; i++)
		close(fds[i]);
	*current = n > 0 ? fds[0] : -1;
	return result;
}

/* Was the file we read rotated away? Then the new one, from its start. */
static bool reopen(struct reader *r, int *fd)
{
	struct stat a, b;
	auto_fd now = open_file(r, 0);
	if (now < 0 || fstat(now, &b) < 0)
		return false;
	if (*fd >= 0 && fstat(*fd, &a) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
		return false;
	scope_close(fd);
	*fd = take_fd(now);
	return true;
}

static void drain_events(int inotify)
{
	char events[4096];
	while (read(inotify, events, sizeof(events)) > 0)
		;
}

static int follow(struct reader *r, int fd, const struct log_source *source, struct err *e)
{
	auto_fd current = fd;
	auto_fd inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int end_fd = source->end_fd;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (inotify >= 0)
		(void)inotify_add_watch(inotify, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	for (bool is_last = false;;) {
		int result = current >= 0 ? read_on(r, current, e) : 0;
		while (result == 0 && !r->is_past_end && reopen(r, &current))
			result = read_on(r, current, e);
		if (result || r->is_past_end || is_last)
			return result;
		source->flush(r->arg);
		struct pollfd p[2] = {
			{.fd = inotify, .events = POLLIN}, {.fd = end_fd, .events = POLLIN}};
		(void)poll(p, 2, end_fd >= 0 && inotify >= 0 ? -1 : POLL_MS);
		drain_events(inotify);
		if (p[1].revents || end_fd < 0)
			is_last = source->is_over(r->arg);
		if (p[1].revents && !is_last)
			end_fd = -1;
	}
}

int log_read(const char *dir, const char *id, const struct log_query *q,
	const struct log_source *source, log_fn *fn, void *arg, struct err *e)
{
	struct reader r = {.q = q, .fn = fn, .arg = arg};
	int fd = -1;
	r.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.dir_fd < 0)
		return err_sys(e, "cannot open %s", dir);
	r.name = xasprintf("%s-json.log", id);
	r.chunk = xmalloc(CHUNK);
	int result = read_past(&r, &fd, e);
	if (result == 0 && q->follow && !r.is_past_end)
		result = follow(&r, take_fd(fd), source, e);
	scope_close(&fd);
	scope_close(&r.dir_fd);
	buf_free(&r.pending);
	buf_free(&r.scratch);
	free(r.name);
	free(r.chunk);
	return result;
}
