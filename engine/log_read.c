#include "engine/log_read.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/log_file.h"
#include "engine/log_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 << 10, TAIL_CHUNK = 65536 };

struct files {
	struct log_reader base;
	const struct log_format *format;
	char *dir, *name;
	int dir_fd; /* -1: not there yet */
	int inotify;
	bool past_done;
	bool has_place; /* all up to some file has been read; which: */
	int fd; /* that file, -1 where it was compressed already; how far it is read */
	off_t at;
	dev_t dev;
	ino_t ino;
	char *chunk;
	size_t room;
	struct buf scratch;
};

int log_reader_give(struct log_reader *r, const struct log_record *rec, struct err *e)
{
	if (r->q->since_ns && rec->time_ns < r->q->since_ns)
		return 0;
	if (r->q->until_ns && rec->time_ns > r->q->until_ns) {
		r->is_past_end = true;
		return 0;
	}
	return r->fn(r->arg, rec, e);
}

/* The records in p, without the first *skip; *used bytes were whole ones. */
static int give_records(
	struct files *f, const char *p, size_t n, int64_t *skip, size_t *used, struct err *e)
{
	int result = 0;
	*used = 0;
	while (result == 0 && !f->base.is_past_end) {
		struct log_record rec;
		int64_t time_ns, k = f->format->frame(p + *used, n - *used);
		const char *at = p + *used;
		if (k < 0) /* nothing behind this makes sense */
			*used = n;
		if (k <= 0)
			break;
		*used += (size_t)k;
		if (*skip > 0) {
			--*skip;
			continue;
		}
		if (f->base.q->since_ns && f->format->time(at, (size_t)k, &time_ns) &&
			time_ns < f->base.q->since_ns)
			continue;
		if (f->format->parse(at, (size_t)k, &f->scratch, &rec))
			result = log_reader_give(&f->base, &rec, e);
	}
	return result;
}

static bool grow(struct files *f)
{
	if (f->room > 2 * (size_t)LOG_RECORD_MAX)
		return false;
	f->chunk = xrealloc(f->chunk, f->room *= 2);
	return true;
}

/* From *at to the end of the file, by whole records. */
static int read_plain(struct files *f, int fd, off_t *at, struct err *e)
{
	for (;;) {
		int64_t skip = 0;
		size_t used;
		ssize_t n = pread(fd, f->chunk, f->room, *at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read the log");
		int result = give_records(f, f->chunk, (size_t)n, &skip, &used, e);
		*at += (off_t)used;
		if (result || f->base.is_past_end)
			return result;
		if (used == 0 && ((size_t)n < f->room || !grow(f)))
			return 0;
	}
}

static int start_expander(int gz, pid_t *pid, struct err *e)
{
	int p[2];
	auto_free char *program = spawn_helper_path("moss-log");
	char *const argv[] = {"moss-log", "expand", NULL};
	struct spawn s = SPAWN_INIT;
	if (lseek(gz, 0, SEEK_SET) < 0 || pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "cannot read the log");
	auto_fd ours = p[0], theirs = p[1];
	s.file = program;
	s.argv = argv;
	s.fd_in = gz;
	s.fd_out = theirs;
	int r = spawn_start(&s, pid, NULL, e);
	return r < 0 ? err_ctx(e, "cannot expand the log") : take_fd(ours);
}

/* A compressed file; with count set nothing is given, its records are counted. */
static int read_gz(struct files *f, int gz, int64_t skip, int64_t *count, struct err *e)
{
	pid_t pid;
	size_t have = 0, used = 0;
	int result = 0;
	auto_fd fd = start_expander(gz, &pid, e);
	if (fd < 0)
		return fd;
	while (result == 0 && !f->base.is_past_end) {
		if (have == f->room && !grow(f))
			break;
		ssize_t n = read(fd, f->chunk + have, f->room - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		if (count) {
			int64_t all = INT64_MAX;
			(void)give_records(f, f->chunk, have, &all, &used, e);
			*count += INT64_MAX - all;
		} else {
			result = give_records(f, f->chunk, have, &skip, &used, e);
		}
		have -= used;
		memmove(f->chunk, f->chunk + used, have);
	}
	scope_close(&fd); /* one that still writes ends by that */
	fd = -1;
	(void)spawn_wait(pid);
	return result;
}

static int read_slot(
	struct files *f, const struct log_slot *slot, int64_t skip, off_t *at, struct err *e)
{
	if (slot->is_gz)
		return read_gz(f, slot->fd, skip, NULL, e);
	return read_plain(f, slot->fd, at, e);
}

/* Looks backwards for the start of the last `want` lines: *offset; returns how many it found. */
static int64_t tail_json(struct files *f, int fd, off_t size, int64_t want, off_t *offset)
{
	off_t at = size;
	int64_t found = 0;
	bool is_last = true; /* the newline at the very end ends the last line, it starts none */
	while (at > 0) {
		size_t n = at < TAIL_CHUNK ? (size_t)at : TAIL_CHUNK;
		at -= (off_t)n;
		if (pread(fd, f->chunk, n, at) != (ssize_t)n)
			break;
		for (char *p = f->chunk + n;
			(p = memrchr(f->chunk, '\n', (size_t)(p - f->chunk)));) {
			if (!is_last && ++found == want) {
				*offset = at + (p - f->chunk) + 1;
				return found;
			}
			is_last = false;
		}
	}
	*offset = 0;
	return is_last ? 0 : found + 1;
}

/* The same by the lengths at the ends of records; where they make no sense, from the start. */
static int64_t tail_local(int fd, off_t size, int64_t want, off_t *offset)
{
	int64_t found = 0;
	*offset = size;
	while (*offset > 0 && found < want) {
		unsigned char b[4];
		if (*offset < 8 || pread(fd, b, 4, *offset - 4) != 4)
			break;
		int64_t len = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
		if (len + 8 > *offset)
			break;
		*offset -= len + 8;
		found++;
	}
	if (found < want)
		*offset = 0;
	return found;
}

/* Where to begin: the oldest file that matters, and how far in it. */
struct start {
	size_t slot;
	int64_t skip; /* records, of a compressed one */
	off_t at; /* of a plain one */
};

static int find_start(struct files *f, const struct log_slots *s, struct start *st, struct err *e)
{
	const struct log_query *q = f->base.q;
	int64_t left = q->tail;
	*st = (struct start){.slot = s->n ? s->n - 1 : 0};
	/* Files whose last write is older than `since` have nothing to say. */
	for (size_t i = 1; q->since_ns && i <= st->slot; i++)
		if (s->v[i].written_ns + NS_PER_S < q->since_ns) /* file times are coarse */
			st->slot = i - 1;
	if (left < 0)
		return 0;
	for (size_t i = 0; i <= st->slot && i < s->n; i++) {
		const struct log_slot *slot = &s->v[i];
		int64_t found = 0;
		int r = 0;
		st->skip = 0;
		st->at = slot->is_gz ? 0 : slot->size;
		if (left > 0 && slot->is_gz)
			r = read_gz(f, slot->fd, 0, &found, e);
		else if (left > 0 && f->format == &log_format_json)
			found = tail_json(f, slot->fd, slot->size, left, &st->at);
		else if (left > 0)
			found = tail_local(slot->fd, slot->size, left, &st->at);
		if (r < 0)
			return r;
		if (slot->is_gz && found > left)
			st->skip = found - left;
		left = found > left ? 0 : left - found;
		if (left == 0) {
			st->slot = i;
			return 0;
		}
	}
	return 0;
}

static void take_newest(struct files *f, struct log_slots *s, off_t at)
{
	scope_close(&f->fd);
	f->fd = -1;
	if (s->n == 0)
		return;
	f->has_place = true;
	if (!s->v[0].is_gz)
		f->fd = take_fd(s->v[0].fd);
	f->at = at;
	f->dev = s->v[0].dev;
	f->ino = s->v[0].ino;
}

/* The files [0, from], oldest first; the newest is kept open. */
static int read_slots(struct files *f, struct log_slots *s, const struct start *st, struct err *e)
{
	int result = 0;
	off_t at = st->at;
	for (size_t i = st->slot + 1; i-- > 0 && i < s->n && result == 0 && !f->base.is_past_end;) {
		if (i != st->slot)
			at = 0;
		result = read_slot(f, &s->v[i], i == st->slot ? st->skip : 0, &at, e);
	}
	take_newest(f, s, at);
	return result;
}

static int read_past(struct files *f, struct err *e)
{
	struct log_slots s;
	struct start st;
	int r = log_slots_open(&s, f->dir_fd, f->name);
	if (r < 0)
		return err_sysn(e, -r, "cannot open the log");
	r = find_start(f, &s, &st, e);
	if (r == 0)
		r = read_slots(f, &s, &st, e);
	log_slots_close(&s);
	return r;
}

/* Is NAME another file than the one in hand? */
static bool was_turned(const struct files *f)
{
	struct stat st;
	if (fstatat(f->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return !f->has_place || st.st_ino != f->ino || st.st_dev != f->dev;
}

/* The rest of the file in hand, then all newer ones. */
static int read_turned(struct files *f, struct err *e)
{
	struct log_slots s;
	int r = log_slots_open(&s, f->dir_fd, f->name);
	if (r < 0)
		return err_sysn(e, -r, "cannot open the log");
	/* It was written to until it was renamed. */
	r = f->fd >= 0 ? read_plain(f, f->fd, &f->at, e) : 0;
	struct start st = {.slot = s.n ? s.n - 1 : 0};
	bool found = !f->has_place;
	for (size_t i = 0; i < s.n && !found; i++) {
		found = s.v[i].ino == f->ino && (s.v[i].is_gz || s.v[i].dev == f->dev);
		if (found && i == 0) /* still the newest */
			goto out;
		if (found)
			st.slot = i - 1;
	}
	if (!found)
		log_warn("the log was turned over faster than it was read; lines are missing here");
	if (r == 0 && !f->base.is_past_end)
		r = read_slots(f, &s, &st, e);
out:
	log_slots_close(&s);
	return r;
}

/* The folder, once it is there. */
static void open_dir(struct files *f)
{
	char path[64];
	if (f->dir_fd < 0)
		f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0 || f->inotify >= 0 || !f->base.q->follow)
		return;
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->dir_fd);
	if (f->inotify >= 0 &&
		inotify_add_watch(f->inotify, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		scope_close(&f->inotify);
		f->inotify = -1;
	}
}

static int pump(struct log_reader *r, bool is_last, struct err *e)
{
	struct files *f = (struct files *)r;
	char events[4096];
	int result = 0;
	(void)is_last;
	open_dir(f);
	if (f->dir_fd < 0)
		return 0;
	while (f->inotify >= 0 && read(f->inotify, events, sizeof(events)) > 0)
		;
	if (!f->past_done) {
		f->past_done = true;
		result = read_past(f, e);
	} else if (f->fd >= 0) {
		result = read_plain(f, f->fd, &f->at, e);
	}
	while (result == 0 && !r->is_past_end && r->q->follow && was_turned(f))
		result = read_turned(f, e);
	return result ? result : r->is_past_end ? LOG_READ_OVER : 0;
}

static int files_fd(const struct log_reader *r) { return ((const struct files *)r)->inotify; }

static void files_free(struct log_reader *r)
{
	struct files *f = (struct files *)r;
	scope_close(&f->fd);
	scope_close(&f->inotify);
	scope_close(&f->dir_fd);
	buf_free(&f->scratch);
	free(f->dir);
	free(f->name);
	free(f->chunk);
	free(f);
}

int log_read_files(struct log_reader **out, enum log_driver driver, const char *dir, const char *id,
	struct err *e)
{
	static const struct log_reader_ops ops = {pump, files_fd, files_free};
	struct files *f = xcalloc(1, sizeof(*f));
	(void)e;
	f->base.ops = &ops;
	f->format = driver == LOG_LOCAL ? &log_format_local : &log_format_json;
	auto_free char *file = log_file_name(driver, id);
	auto_free char *path = path_join(dir, file);
	f->dir = path_dir(path);
	f->name = xstrdup(path_base(path));
	f->dir_fd = f->fd = f->inotify = -1;
	f->room = CHUNK;
	f->chunk = xmalloc(f->room);
	*out = &f->base;
	return 0;
}

int log_reader_open(struct log_reader **out, enum log_driver driver, const char *dir,
	const char *id, const struct log_query *q, log_fn *fn, void *arg, struct err *e)
{
	int r = driver == LOG_NONE
			? err_set(e, ENOTSUP, "configured logging driver does not support reading")
		: driver == LOG_JOURNALD ? log_read_journal(out, id, q, e)
					 : log_read_files(out, driver, dir, id, e);
	if (r < 0)
		return r;
	(*out)->q = q;
	(*out)->fn = fn;
	(*out)->arg = arg;
	return 0;
}

int log_reader_pump(struct log_reader *r, bool is_last, struct err *e)
{
	return r->ops->pump(r, is_last, e);
}

int log_reader_fd(const struct log_reader *r) { return r->ops->fd(r); }

void log_reader_free(struct log_reader *r)
{
	if (r)
		r->ops->free(r);
}
