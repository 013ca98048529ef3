/* log: the json-file log of a container, in Docker's exact format:
 *
 *   {"log":"hello\n","stream":"stdout","time":"2026-01-02T15:04:05.123456789Z"}
 *
 * one object a line of output; a line of more than 16 KiB comes in pieces without "\n", all with
 * the time of the first; bytes that are not UTF-8 become U+FFFD. containers/<id>/<id>-json.log is
 * the newest file, ".1" the one before it, and so on.
 */
#ifndef ENGINE_LOG_H
#define ENGINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum log_stream { LOG_STDOUT = 0, LOG_STDERR = 1 };
enum { LOG_LINE_MAX = 16384 };

/* With no limit asked for: two files of 128 MiB, so that no log fills a disk. */
#define LOG_DEFAULT_MAX_SIZE (INT64_C(128) << 20)
enum { LOG_DEFAULT_MAX_FILES = 2 };

/* ---- writing: the monitor's side ---- */

struct log_writer {
	int dir_fd, fd; /* fd -1: nothing is written */
	char *name;
	int64_t size, max_size, max_files;
	struct buf out;
	struct log_partial {
		struct buf text; /* the unfinished line, or its last piece */
		int64_t time_ns; /* of its first byte */
		bool has_pieces; /* pieces of this line were written */
	} partial[2];
};

/* Opens (or makes) the file for appending. */
int log_writer_open(struct log_writer *w, int dir_fd, const char *id, int64_t max_size,
	int64_t max_files, struct err *e);
/* Output as it was read. A disk that is full costs the log these lines, never the container. */
void log_writer_add(
	struct log_writer *w, enum log_stream stream, const char *p, size_t n, int64_t now_ns);
/* Writes what is left of unfinished lines and closes. */
void log_writer_close(struct log_writer *w);

/* ---- reading ---- */

struct log_record {
	int64_t time_ns;
	enum log_stream stream;
	const char *text; /* decoded; may hold NUL */
	size_t len;
	const char *attrs; /* "k=v,k2=v2", sorted; "" */
};

struct log_query {
	int64_t since_ns, until_ns; /* 0 = no bound */
	int64_t tail; /* -1 = all */
	bool follow;
};

typedef int log_fn(void *arg, const struct log_record *r, struct err *e);

/* What following needs to know. */
struct log_source {
	int end_fd; /* readable once the container ends; -1: is_over is asked often */
	bool (*is_over)(void *arg);
	void (*flush)(void *arg); /* before waiting; both get log_read's arg */
};
/* Calls fn for each record, oldest first; a non-zero result of fn stops and is returned. With
 * `follow` goes on until is_over says true, and then to the end of the file. */
int log_read(const char *dir, const char *id, const struct log_query *q,
	const struct log_source *source, log_fn *fn, void *arg, struct err *e);

struct container_row;
struct store;
/* The log of a container; flush is called whenever nothing more is there for now. */
int container_logs(struct store *s, struct container_row *row, const struct log_query *q,
	log_fn *fn, void (*flush)(void *arg), void *arg, struct err *e);

/* One line of the file (without its newline) into a record whose text and attrs are in `scratch`.
 * False where it is not one of ours (cut by a crash). */
bool log_parse_line(const char *line, size_t len, struct buf *scratch, struct log_record *r);

/* --since, --until: a Go duration before now, RFC 3339 with parts left out, a date, or Unix
 * seconds with a fraction. `flag` names it in the error, as Docker does (NULL: nothing does). */
int log_parse_time(const char *flag, const char *text, int64_t now_ns, int64_t *out, struct err *e);

/* HostConfig.LogConfig: what the log driver's options say. Errors are Docker's words. */
struct log_config {
	bool none;
	int64_t max_size, max_files;
};
struct json_t;
int log_config_parse(const struct json_t *host_config, struct log_config *out, struct err *e);

#endif
