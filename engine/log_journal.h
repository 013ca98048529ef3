/* log_journal: the journald driver's writing side: the journal's native protocol over
 * /run/systemd/journal/socket, a datagram a record.
 *
 * A field is "NAME=value\n", or, where the value has a newline, NAME, "\n", its length (8 bytes,
 * little endian), the value, "\n". A record that is too large for a datagram goes as a sealed
 * memory file in an empty datagram with its descriptor. Fields are Docker's.
 *
 * The socket is connected, so that poll tells when a full journal takes more; where systemd has
 * made a new one it is connected again. What the journal does not take at once is kept, in order:
 * without a limit but the reading that the caller stops (blocking), or up to `buffer` bytes
 * (non-blocking).
 */
#ifndef ENGINE_LOG_JOURNAL_H
#define ENGINE_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct log_piece;

struct log_journal {
	int fd;
	int64_t buffer; /* 0: blocking */
	struct buf fixed; /* the fields of every record, encoded */
	struct buf record; /* the one in hand */
	struct buf queue; /* [uint32 length, record]... from at on */
	size_t at;
	uint64_t ordinal;
	uint64_t lost; /* bytes of output */
	int lost_errno;
	char epoch[33];
};

/* pairs: "KEY=VALUE\0"s. An error where there is no journal: "journald is not enabled on this
 * host". */
int log_journal_open(
	struct log_journal *j, const char *pairs, size_t n, int64_t buffer, struct err *e);
void log_journal_put(struct log_journal *j, const struct log_piece *p);
/* Sends what is kept. */
void log_journal_flush(struct log_journal *j);
bool log_journal_has_queue(const struct log_journal *j);
/* True: the caller should stop. Never in non-blocking mode. */
bool log_journal_is_behind(const struct log_journal *j);
/* With a last try to send, of a second at most. */
void log_journal_close(struct log_journal *j);

/* One field, encoded. */
void log_journal_field(struct buf *out, const char *name, const char *value, size_t n);

#endif
