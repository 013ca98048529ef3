#include "engine/event_follow.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/store.h"

/* Where the user's inotify instances are used up there is nothing left but to look. */
enum { BATCH = 256, LOOK_MS = 250 };

struct follow {
	struct store *store;
	const struct event_window *window;
	const struct event_reader *reader;
	int watch; /* inotify; -1 = look every LOOK_MS */
	int64_t seen, past; /* ids: the last one given, the last one that was there at first */
};

static int watch_open(const struct store *s)
{
	auto_fd fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, s->root, IN_MODIFY | IN_CREATE | IN_DELETE) < 0) {
		log_debug("events: no inotify: %s", strerror(errno));
		return -1;
	}
	return take_fd(fd);
}

/* 1 where the database was written to; -ENOENT where the store is gone. */
static int watch_read(int fd, struct err *e)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	int written = 0;
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *ev;
		for (char *p = buf; p < buf + n; p += sizeof(*ev) + ev->len) {
			ev = (const struct inotify_event *)p;
			bool is_db = ev->len && strcmp(ev->name, "moss.db") == 0;
			if ((ev->mask & IN_IGNORED) || (is_db && (ev->mask & IN_DELETE)))
				return err_set(e, ENOENT, "the store was removed");
			if ((ev->mask & IN_Q_OVERFLOW) ||
				(ev->len && str_starts(ev->name, "moss.db")))
				written = 1;
		}
	}
	return written;
}

/* Gives one batch. How many there were. */
static int read_batch(struct follow *f, struct err *e)
{
	struct event_row rows[BATCH];
	const struct event_reader *to = f->reader;
	int n = event_row_list(f->store->db, f->seen, rows, BATCH, e), r = 0;
	if (n > 0 && f->seen && rows[0].id > f->seen + 1)
		to->lost(to->arg, rows[0].id - f->seen - 1);
	for (int i = 0; i < n; i++) {
		bool is_past = rows[i].id <= f->past && rows[i].time_ns < f->window->since_ns;
		f->seen = rows[i].id;
		if (r == 0 && !is_past && rows[i].time_ns <= f->window->until_ns)
			r = to->event(to->arg, &rows[i], e);
		event_row_deinit(&rows[i]);
	}
	return r ? r : n;
}

static int read_all(struct follow *f, struct err *e)
{
	int n;
	do
		n = read_batch(f, e);
	while (n == BATCH);
	if (n >= 0)
		f->reader->idle(f->reader->arg);
	return n;
}

/* 1: something was written; 0: the time is over, or nobody reads. */
static int wait_for_more(struct follow *f, struct err *e)
{
	for (;;) {
		struct pollfd p[] = {
			{.fd = f->watch, .events = POLLIN}, {.fd = f->window->out_fd, .events = 0}};
		int64_t left = f->window->until_ns - clock_now_ns();
		if (left <= 0)
			return 0;
		/* A clock that is set is looked at again after a minute. */
		int64_t ms = left / 1000000 + 1;
		if (ms > 60000)
			ms = 60000;
		if (f->watch < 0 && ms > LOOK_MS)
			ms = LOOK_MS;
		if (f->window->until_ns == INT64_MAX && f->watch >= 0)
			ms = -1;
		int n = poll(p, ARRAY_LEN(p), (int)ms);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for events");
		if (p[1].revents)
			return 0;
		if (f->watch < 0)
			return 1;
		int r = n > 0 ? watch_read(f->watch, e) : 0;
		if (r)
			return r;
	}
}

int event_follow(struct store *s, const struct event_window *w, const struct event_reader *reader,
	struct err *e)
{
	struct follow f = {.store = s, .window = w, .reader = reader};
	/* Watching before looking: what is written between is seen twice, not never. */
	auto_fd watch = w->until_ns > clock_now_ns() ? watch_open(s) : -1;
	f.watch = watch;
	int r = event_row_newest(s->db, &f.past, e);
	if (r < 0)
		return r;
	if (!w->with_past)
		f.seen = f.past;
	for (;;) {
		if ((r = read_all(&f, e)) < 0)
			return r;
		if ((r = wait_for_more(&f, e)) <= 0)
			break;
		if ((r = db_await_writer(s->db, e)) < 0)
			return r;
	}
	/* What came in the last moment. */
	return r < 0 ? r : read_all(&f, e) < 0 ? -e->code : 0;
}
