/* log_read: one container's log as a reader that can be waited for: first what is there by the
 * query, then (follow) what comes.
 *
 * Files: all of them are opened at one instant, so that turning over cannot take one away; what
 * comes is read from the newest file by its descriptor, and at a turn from all files that are newer
 * than it, in order. Only whole records are consumed. Journal: journalctl is the reader, as Docker
 * uses its library: export format on a pipe.
 */
#ifndef ENGINE_LOG_READ_H
#define ENGINE_LOG_READ_H

#include "engine/log.h"

struct log_reader;

/* dir: the container's folder; q is borrowed. */
int log_reader_open(struct log_reader **out, enum log_driver driver, const char *dir,
	const char *id, const struct log_query *q, log_fn *fn, void *arg, struct err *e);
/* Hands out all that is there. `is_last`: nothing will come any more. 0; LOG_READ_OVER where the
 * query's end is reached; what fn returned; or an error. */
enum { LOG_READ_OVER = 1 };
int log_reader_pump(struct log_reader *r, bool is_last, struct err *e);
/* Readable where there may be more; -1: look again now and then. */
int log_reader_fd(const struct log_reader *r);
void log_reader_free(struct log_reader *r);

/* The two kinds. */
struct log_reader_ops {
	int (*pump)(struct log_reader *r, bool is_last, struct err *e);
	int (*fd)(const struct log_reader *r);
	void (*free)(struct log_reader *r);
};
struct log_reader {
	const struct log_reader_ops *ops;
	const struct log_query *q;
	log_fn *fn;
	void *arg;
	bool is_past_end; /* of until_ns */
};
/* Applies since and until. */
int log_reader_give(struct log_reader *r, const struct log_record *rec, struct err *e);
int log_read_files(struct log_reader **out, enum log_driver driver, const char *dir, const char *id,
	struct err *e);
int log_read_journal(
	struct log_reader **out, const char *id, const struct log_query *q, struct err *e);

/* An entry of the journal in export format: fields to `fn`, as they come. Bytes of the first whole
 * entry (its empty line included), 0 where it is not whole, -1 where it is none. */
typedef void log_export_fn(
	void *arg, const char *name, size_t name_len, const char *value, size_t n);
int64_t log_export_entry(const char *p, size_t n, log_export_fn *fn, void *arg);

#endif
