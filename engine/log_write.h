/* log_write: the monitor's side of a log: output as it was read becomes records, and records go
 * where the driver says. One read's bytes are one write: timestamps, buffers and system calls are
 * per read, not per line.
 *
 * A file's write waits for the disk, as any write does. The journal may be behind: then
 * log_writer_is_behind is true, the monitor stops reading the container's output (mode=blocking)
 * or up to `buffer` bytes are kept and what comes on top is lost (mode=non-blocking), and waits
 * for log_writer_fd to be writable.
 *
 * What could not be written (disk full, no journal) is lost to the log, never to the container and
 * never to attached readers; when writing works again a record on stderr says how much is missing:
 * "[moss: about 4711 bytes of output are missing here: No space left on device]".
 */
#ifndef ENGINE_LOG_WRITE_H
#define ENGINE_LOG_WRITE_H

#include "engine/log.h"
#include "engine/log_file.h"
#include "engine/log_journal.h"

/* A record on its way to a driver. */
struct log_piece {
	enum log_stream stream;
	const char *text; /* without the newline */
	size_t len;
	int64_t time_ns;
	bool ends_line; /* a newline belongs to it */
	unsigned ordinal; /* 1, 2, 3: which piece of its line; 0: a whole line */
	const char *line_id; /* of the line that is cut: 64 hex digits */
};

struct log_writer {
	enum log_driver driver;
	bool is_open;
	struct log_file file; /* json-file, local */
	struct log_journal journal;
	struct buf out; /* encoded records */
	struct buf attrs; /* what goes with every one, encoded */
	struct buf stamp[2]; /* json-file: the end of a record, made once a read */
	int64_t stamp_ns[2];
	uint64_t lost; /* bytes of output since the last record that was written */
	int lost_errno;
	struct log_partial {
		struct buf text; /* the unfinished line, or its last piece */
		int64_t time_ns; /* of its first byte */
		unsigned pieces; /* of this line, written */
		char id[65];
	} partial[2];
};

/* dir_fd is the container's folder and stays the caller's, open as long as the writer. */
int log_writer_open(struct log_writer *w, int dir_fd, const char *id, const struct log_config *c,
	struct err *e);
/* Output as it was read. */
void log_writer_add(
	struct log_writer *w, enum log_stream stream, const char *p, size_t n, int64_t now_ns);
/* No more output should be read for now. */
bool log_writer_is_behind(const struct log_writer *w);
/* To wait on for POLLOUT, then log_writer_flush; -1 where nothing is kept. */
int log_writer_fd(const struct log_writer *w);
void log_writer_flush(struct log_writer *w);
/* Writes what is left of unfinished lines and closes. */
void log_writer_close(struct log_writer *w);

/* The drivers' encodings: append one record (with w->attrs) to w->out. */
void log_json_put(struct log_writer *w, const struct log_piece *p);
void log_local_put(struct log_writer *w, const struct log_piece *p);
/* `,"attrs":{...}` of "KEY=VALUE\0"s. */
void log_json_attrs(struct buf *out, const char *pairs, size_t n);

#endif
