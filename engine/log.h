/* log: a container's log: which driver, what is in a record, and how it is read.
 *
 *   json-file (k8s-file)   containers/<id>/<id>-json.log      engine/log_json.h, Docker's lines
 *   local                  containers/<id>/local-logs/container.log   engine/log_local.h, Docker's
 * too journald               the system's journal               engine/log_journal.h none nothing
 *
 * Files are turned over by size (engine/log_file.h): ".1" is the one before the newest, ".2" the
 * one before that, ".gz" at the end of what is compressed. The monitor writes (engine/log_write.h),
 * any number of commands read.
 *
 * A record is one line of output with its newline. A line of more than 16 KiB comes in pieces
 * without one, all with the time of the first; the cut never divides a character of UTF-8.
 */
#ifndef ENGINE_LOG_H
#define ENGINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct container_row;
struct err;
struct json_t;
struct store;

enum log_stream { LOG_STDOUT = 0, LOG_STDERR = 1 };
enum { LOG_LINE_MAX = 16384 };
/* The longest record of a file, encoded: six bytes for each, and the attributes. */
enum { LOG_RECORD_MAX = 6 * LOG_LINE_MAX + (2 << 20) };

/* ---- the configuration: HostConfig.LogConfig ---- */

enum log_driver { LOG_JSON_FILE, LOG_LOCAL, LOG_JOURNALD, LOG_NONE };

/* With no limit asked for: two files of 128 MiB, so that no log fills a disk (Docker has no limit
 * there); `local` as in Docker. */
#define LOG_JSON_MAX_SIZE (INT64_C(128) << 20)
#define LOG_LOCAL_MAX_SIZE (INT64_C(20) << 20)
enum { LOG_JSON_MAX_FILES = 2, LOG_LOCAL_MAX_FILES = 5 };

struct log_config {
	enum log_driver driver;
	int64_t max_size, max_files; /* bytes, > 0; >= 1 */
	bool compress;
	int64_t buffer; /* mode=non-blocking: bytes kept while the log is behind; 0: wait for it */
};
/* As `create` checks: names of drivers and options. Errors are Docker's words. */
int log_config_check(const struct json_t *log_config, struct err *e);
/* As `start` checks: values, too. */
int log_config_parse(const struct json_t *host_config, struct log_config *out, struct err *e);
/* "log-driver" and "log-opts" of config.json where the command said nothing, as daemon.json's. */
int log_config_defaults(struct json_t *log_config, struct err *e);
const char *log_driver_name(enum log_driver d);
/* false: no such driver */
bool log_driver_parse(const char *name, enum log_driver *out);
/* Of a record that has ended: where its file lies below the container's folder, "" where there is
 * none (LogPath). Owned. */
char *log_file_name(enum log_driver d, const char *id);

/* What labels, labels-regex, env, env-regex and tag make of this container, and for the journal its
 * names: written as "log-attrs" ("KEY=VALUE"s, each ended by NUL) into `dir`, the container's
 * folder, for the monitor. Nothing is written where there is nothing to say: the options of a
 * container never change. `config` is the row's, parsed. */
int log_attrs_write(const struct container_row *row, const struct json_t *config,
	const struct log_config *c, const char *dir, struct err *e);
/* Go's text/template for the tag; set by the command, which has one. NULL: tags are refused. */
extern int (*log_tag_render)(
	const char *text, const struct json_t *info, struct buf *out, struct err *e);

/* ---- reading ---- */

struct log_record {
	int64_t time_ns;
	enum log_stream stream;
	const char *text; /* decoded; may hold NUL, and ends with one */
	size_t len;
	const char *attrs; /* "k=v,k2=v2", sorted and escaped as a URL's query; "" */
};

struct log_query {
	int64_t since_ns, until_ns; /* 0 = no bound */
	int64_t tail; /* -1 = all */
	bool follow;
};

/* A non-zero result stops and is returned. */
typedef int log_fn(void *arg, const struct log_record *r, struct err *e);

/* The logs of n containers, fn gets args[i]. With `follow` goes on until each of them has ended,
 * also where it is started again, as Docker; flush is called before waiting. */
int container_logs(struct store *s, struct container_row *rows, size_t n, const struct log_query *q,
	log_fn *fn, void (*flush)(void), void *const *args, struct err *e);

/* --since, --until: a Go duration before now, RFC 3339 with parts left out, a date, or Unix
 * seconds with a fraction. `flag` names it in the error, as Docker does. */
int log_parse_time(const char *flag, const char *text, int64_t now_ns, int64_t *out, struct err *e);

#endif
