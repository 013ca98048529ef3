#include "engine/exec_record.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/monitor.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#define PREFIX "exec-"

enum { RECORDED = 'r' };

static char *record_path(struct store *s, const struct container_row *row, const char *id)
{
	auto_free char *dir = monitor_run_dir(s->runroot, row->id);
	return xasprintf("%s/" PREFIX "%s", dir, id);
}

/* The run root may have vanished: then nobody can tell what lives. */
static int make_file(const char *path)
{
	auto_fd fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0 && lock_take(fd, false) == LOCK_TAKEN ? take_fd(fd) : -1;
}

/* Docker's "exec_create: sh -c x": the program, a blank, the arguments. */
static char *action_text(const char *what, const char *const *args)
{
	auto_buf b = BUF_INIT;
	buf_printf(&b, "%s: %s ", what, args[0]);
	for (size_t i = 1; args[i]; i++)
		buf_printf(&b, "%s%s", i > 1 ? " " : "", args[i]);
	return buf_take(&b);
}

static int add_event(struct store *s, const struct container_row *row, const char *action,
	const struct exec_record *x, struct err *e)
{
	return event_container(s, row, action, EVENT_WITH("execID", x->id), e);
}

void exec_record_begin(struct store *s, const struct container_row *row, const char *const *args,
	struct exec_record *x)
{
	unsigned char bytes[32];
	struct err e;
	random_bytes(bytes, sizeof(bytes));
	hex_encode(x->id, bytes, sizeof(bytes));
	x->path = record_path(s, row, x->id);
	x->lock = make_file(x->path);
	x->watch = x->lock < 0 ? -1 : open(x->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	auto_free char *create = action_text("exec_create", args);
	auto_free char *start = action_text("exec_start", args);
	int r = db_begin(s->db, DB_NORMAL, &e);
	if (r == 0) {
		r = add_event(s, row, create, x, &e);
		r = r < 0 ? r : add_event(s, row, start, x, &e);
		if (r < 0)
			db_rollback(s->db);
		else
			r = db_commit(s->db, &e);
	}
	if (r < 0)
		log_debug("exec is not recorded: %s", e.msg);
}

void exec_record_deinit(struct exec_record *x)
{
	scope_close(&x->lock);
	scope_close(&x->watch);
	x->lock = x->watch = -1;
	free(take_ptr(x->path));
}

void exec_record_code(int lock, int code)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", code);
	if (lock >= 0 && pwrite(lock, text, (size_t)n, 0) != n)
		log_debug("the exit code of an exec is not recorded");
}

void exec_record_failed(struct exec_record *x) { (void)unlink(x->path); }

int exec_record_wait(const struct exec_record *x)
{
	int fd = dup(x->watch); /* goes along with an exec */
	if (fd >= 0 && lock_take(fd, true) == LOCK_TAKEN)
		(void)lock_drop(fd); /* or it would seem to live as long as we do */
	return fd;
}

/* True for one of those who see the end. By a mark within, since the file may go at any time with
 * the container; by flock, which the holder's lock is no part of. */
static bool claim(int fd)
{
	char text[16] = "";
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return true;
	bool is_first = pread(fd, text, sizeof(text) - 1, 0) < 0 || !strchr(text, RECORDED);
	if (is_first && write(fd, (char[]){RECORDED}, 1) < 0)
		log_debug("cannot mark the end of an exec");
	(void)flock(fd, LOCK_UN);
	return is_first;
}

static void tell_end(struct store *s, const struct container_row *row, const char *id, int code)
{
	char text[16];
	struct err e;
	snprintf(text, sizeof(text), "%d", code);
	if (event_container(s, row, "exec_die", EVENT_WITH("execID", id, "exitCode", text), &e) < 0)
		log_debug("the end of an exec is not recorded: %s", e.msg);
}

void exec_record_end(
	struct store *s, const struct container_row *row, const struct exec_record *x, int code)
{
	bool is_first = claim(x->watch);
	(void)unlink(x->path);
	if (is_first)
		tell_end(s, row, x->id, code);
}

/* Without a code its holder was killed, and the process with it. */
static int code_within(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 && text[0] != RECORDED ? (int)strtol(text, NULL, 10) : 128 + SIGKILL;
}

void exec_record_settle(struct store *s, const struct container_row *row, const char *id, int fd)
{
	if (claim(fd))
		tell_end(s, row, id, code_within(fd));
}

void exec_record_detached(
	struct store *s, const struct container_row *row, const struct exec_record *x)
{
	struct err e;
	if (add_event(s, row, "exec_detach", x, &e) < 0)
		log_debug("a detached exec is not recorded: %s", e.msg);
}

/* One file: 1 where its process lives, else its end is recorded. */
static int look_at(struct store *s, const struct container_row *row, int dir, const char *name)
{
	auto_fd fd = openat(dir, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (lock_is_held(fd) != 0)
		return 1;
	struct exec_record x = {
		.watch = fd, .lock = -1, .path = record_path(s, row, name + strlen(PREFIX))};
	memcpy(x.id, name + strlen(PREFIX), sizeof(x.id) - 1);
	exec_record_end(s, row, &x, code_within(fd));
	free(x.path);
	return 0;
}

void exec_record_live(struct store *s, const struct container_row *row, struct strv *ids)
{
	auto_free char *path = monitor_run_dir(s->runroot, row->id);
	auto_dir dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		const char *id = str_after(d->d_name, PREFIX);
		if (id && strlen(id) == 64 && is_hex(id, 64) &&
			look_at(s, row, dirfd(dir), d->d_name))
			strv_add(ids, id);
	}
}
