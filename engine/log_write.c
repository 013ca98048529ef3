#include "engine/log_write.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/log_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ATTRS_MAX = 1 << 20,
	KEEP_MAX = 32768, /* larger buffers go back to the system once they are empty */
	BUSY_READ = 32768, /* while reads are as large as this, they stay */
	GAP_TEXT = 160,
};

static log_whole_fn *whole_fn(const struct log_writer *w)
{
	return w->driver == LOG_LOCAL ? log_local_whole : log_json_whole;
}

static int open_file(
	struct log_writer *w, int dir_fd, const char *id, const struct log_config *c, struct err *e)
{
	auto_free char *name = NULL;
	int fd;
	if (w->driver == LOG_LOCAL) {
		if (mkdirat(dir_fd, "local-logs", 0700) < 0 && errno != EEXIST)
			return err_sys(e, "cannot make the folder of the log");
		name = xstrdup("container.log");
		fd = openat(dir_fd, "local-logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	} else {
		name = log_file_name(w->driver, id);
		fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(e, "cannot open the folder of the log");
	return log_file_open(
		&w->file, fd, name, c->max_size, c->max_files, c->compress, whole_fn(w), e);
}

int log_writer_open(
	struct log_writer *w, int dir_fd, const char *id, const struct log_config *c, struct err *e)
{
	*w = (struct log_writer){
		.driver = c->driver, .file = {.fd = -1, .dir_fd = -1}, .journal = {.fd = -1}};
	if (c->driver == LOG_NONE)
		return 0;
	auto_buf pairs = BUF_INIT;
	struct err missing;
	int r = read_file_at(dir_fd, "log-attrs", ATTRS_MAX, &pairs, &missing);
	if (r < 0 && r != -ENOENT) {
		*e = missing;
		return r;
	}
	const char *p = pairs.data ? pairs.data : "";
	if (c->driver == LOG_JOURNALD)
		r = log_journal_open(&w->journal, p, pairs.len, c->buffer, e);
	else
		r = open_file(w, dir_fd, id, c, e);
	if (r < 0)
		return r;
	if (c->driver == LOG_JSON_FILE)
		log_json_attrs(&w->attrs, p, pairs.len);
	w->is_open = true;
	return 0;
}

static void give_back(struct buf *b)
{
	b->len = 0;
	if (b->cap > KEEP_MAX) { /* an idle monitor keeps no large buffers */
		buf_free(b);
		*b = BUF_INIT;
	}
}

/* What was lost meanwhile, as a record in front of the others. */
static void say_gap(struct log_writer *w, int64_t now_ns)
{
	char text[GAP_TEXT];
	int n = snprintf(text, sizeof(text),
		"[moss: about %llu bytes of output are missing here: %s]",
		(unsigned long long)w->lost, strerror(w->lost_errno));
	struct log_piece gap = {.stream = LOG_STDERR,
		.text = text,
		.len = (size_t)n,
		.time_ns = now_ns,
		.ends_line = true};
	w->stamp_ns[LOG_STDERR] = 0;
	if (w->driver == LOG_LOCAL)
		log_local_put(w, &gap);
	else
		log_json_put(w, &gap);
}

/* The encoded records to the file. While something is missing its record goes first, alone: where
 * not even that can be written the rest is not tried. */
static void put_out(struct log_writer *w, uint64_t output_bytes, int64_t now_ns)
{
	size_t done = 0;
	int r = 0;
	if (w->lost > 0) {
		struct buf rest = w->out;
		w->out = BUF_INIT;
		say_gap(w, now_ns);
		r = log_file_write(&w->file, w->out.data, w->out.len, whole_fn(w), &done);
		buf_free(&w->out);
		w->out = rest;
		done = 0;
		if (r == 0)
			w->lost = 0;
	}
	if (r == 0 && w->out.len > 0)
		r = log_file_write(&w->file, w->out.data, w->out.len, whole_fn(w), &done);
	if (r < 0) {
		w->lost += w->out.len ? output_bytes * (w->out.len - done) / w->out.len : 0;
		w->lost_errno = -r;
	}
	w->out.len = 0;
}

static bool is_file(const struct log_writer *w)
{
	return w->driver == LOG_JSON_FILE || w->driver == LOG_LOCAL;
}

/* One add's account: how many bytes of output the records in w->out stand for. */
struct batch {
	uint64_t bytes;
	int64_t now_ns;
};

static void put_piece(struct log_writer *w, const struct log_piece *p, struct batch *b)
{
	b->bytes += p->len + p->ends_line;
	if (w->driver == LOG_JSON_FILE)
		log_json_put(w, p);
	else if (w->driver == LOG_LOCAL)
		log_local_put(w, p);
	else
		log_journal_put(&w->journal, p);
	/* The record that fills the file is its last one. */
	if (is_file(w) && (int64_t)w->out.len >= log_file_room(&w->file)) {
		put_out(w, b->bytes, b->now_ns);
		b->bytes = 0;
	}
}

/* How much of a full piece goes out: never a part of a character that goes on behind it. */
static size_t cut_at_rune(const char *p, size_t n)
{
	size_t back = 1;
	while (back < 4 && back < n && ((unsigned char)p[n - back] & 0xC0) == 0x80)
		back++;
	unsigned char lead = (unsigned char)p[n - back];
	size_t len = lead >= 0xF0 && lead < 0xF5   ? 4
		     : lead >= 0xE0 && lead < 0xF0 ? 3
		     : lead >= 0xC2 && lead < 0xE0 ? 2
						   : 1;
	return len > back ? n - back : n;
}

static void new_line_id(char id[65])
{
	unsigned char bytes[32];
	random_bytes(bytes, sizeof(bytes));
	hex_encode(id, bytes, sizeof(bytes));
}

/* Writes text as a piece of the line: a whole one, or one of several. */
static void put_part(struct log_writer *w, enum log_stream stream, const char *p, size_t n,
	bool ends_line, struct batch *b)
{
	struct log_partial *part = &w->partial[stream];
	bool is_cut = part->pieces > 0 || !ends_line;
	if (is_cut && part->pieces == 0 && w->driver != LOG_JSON_FILE)
		new_line_id(part->id);
	put_piece(w,
		&(struct log_piece){.stream = stream,
			.text = p,
			.len = n,
			.time_ns = part->time_ns,
			.ends_line = ends_line,
			.ordinal = is_cut ? part->pieces + 1 : 0,
			.line_id = part->id},
		b);
	part->pieces = ends_line ? 0 : part->pieces + 1;
}

/* The unfinished line is full: all of it but a character's beginning goes out. */
static void put_full(struct log_writer *w, enum log_stream stream, struct batch *b)
{
	struct log_partial *part = &w->partial[stream];
	size_t n = cut_at_rune(part->text.data, part->text.len);
	put_part(w, stream, part->text.data, n, false, b);
	memmove(part->text.data, part->text.data + n, part->text.len - n);
	part->text.len -= n;
}

void log_writer_add(
	struct log_writer *w, enum log_stream stream, const char *p, size_t n, int64_t now_ns)
{
	struct log_partial *part = &w->partial[stream];
	struct batch b = {0, now_ns};
	size_t all = n;
	if (!w->is_open)
		return;
	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;
		size_t room = LOG_LINE_MAX - part->text.len;
		bool is_full = k >= room; /* also where the newline comes next, as Docker */
		if (is_full)
			k = room;
		if (part->text.len == 0 && part->pieces == 0)
			part->time_ns = now_ns;
		bool ends = nl && !is_full;
		if (part->text.len == 0 && ends) { /* the usual case: nothing is copied */
			put_part(w, stream, p, k, true, &b);
		} else {
			buf_add(&part->text, p, k);
			if (is_full)
				put_full(w, stream, &b);
			if (ends) {
				put_part(w, stream, part->text.data, part->text.len, true, &b);
				give_back(&part->text);
			}
		}
		p += k + ends;
		n -= k + ends;
	}
	if (is_file(w) && w->out.len > 0)
		put_out(w, b.bytes, now_ns);
	if (all < BUSY_READ)
		give_back(&w->out);
	if (w->driver == LOG_JOURNALD)
		log_journal_flush(&w->journal);
}

bool log_writer_is_behind(const struct log_writer *w)
{
	return w->driver == LOG_JOURNALD && log_journal_is_behind(&w->journal);
}

int log_writer_fd(const struct log_writer *w)
{
	return w->driver == LOG_JOURNALD && log_journal_has_queue(&w->journal) ? w->journal.fd : -1;
}

void log_writer_flush(struct log_writer *w)
{
	if (w->driver == LOG_JOURNALD && w->is_open)
		log_journal_flush(&w->journal);
}

void log_writer_close(struct log_writer *w)
{
	struct batch b = {0, clock_now_ns()};
	for (int i = 0; i < 2; i++) {
		struct log_partial *part = &w->partial[i];
		if (w->is_open && part->text.len > 0)
			put_part(w, (enum log_stream)i, part->text.data, part->text.len, false, &b);
		buf_free(&part->text);
		part->text = BUF_INIT;
		part->pieces = 0;
	}
	if (w->is_open && is_file(w) && (w->out.len > 0 || w->lost > 0))
		put_out(w, b.bytes, b.now_ns);
	buf_free(&w->out);
	buf_free(&w->attrs);
	buf_free(&w->stamp[0]);
	buf_free(&w->stamp[1]);
	if (is_file(w))
		log_file_close(&w->file);
	else if (w->driver == LOG_JOURNALD)
		log_journal_close(&w->journal);
	*w = (struct log_writer){.driver = LOG_NONE, .file = {.fd = -1}, .journal = {.fd = -1}};
}
