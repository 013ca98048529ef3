/* log_record: the two formats of log files: cutting a file into records, and reading one.
 *
 *   json-file  {"log":"hello\n","stream":"stdout","time":"2026-01-02T15:04:05.123456789Z"}\n
 *              bytes that are not UTF-8 are U+FFFD; "attrs":{"k":"v"} before the time.
 *   local      length (4 bytes, big endian), protobuf, the length again: readable from both ends.
 *              The message is Docker's LogEntry: 1 source, 2 time in ns, 3 line without its
 *              newline, 4 partial, 5 {1 last, 2 id, 3 ordinal}. Bytes are kept as they are.
 *
 * Files may be anybody's (after a restore) and cut (after a crash): nothing here trusts a length,
 * and a record that makes no sense is passed over.
 */
#ifndef ENGINE_LOG_RECORD_H
#define ENGINE_LOG_RECORD_H

#include "engine/log.h"

struct log_format {
	/* Bytes of the first record at p: 0 where it is not whole yet, -1 where no record can
	 * begin here and all that follows is lost. */
	int64_t (*frame)(const char *p, size_t n);
	/* A record of `frame`'s length. Text and attributes are in `scratch` or at p. False where
	 * it is none of ours. */
	bool (*parse)(const char *p, size_t n, struct buf *scratch, struct log_record *r);
	/* Only the time, quickly; false where only parse can tell. */
	bool (*time)(const char *p, size_t n, int64_t *time_ns);
	/* Where the last record of a file that ends at p + n begins; -1: not in these bytes. */
	int64_t (*last)(const char *p, size_t n);
};
extern const struct log_format log_format_json, log_format_local;

/* How much of p is whole records (a log_whole_fn, engine/log_file.h). */
size_t log_json_whole(const char *p, size_t n);
size_t log_local_whole(const char *p, size_t n);

/* Go's url.QueryEscape. */
void log_query_escape(struct buf *out, const char *p, size_t n);

#endif
