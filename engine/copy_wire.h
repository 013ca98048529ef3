/* copy_wire: the messages between the two sides of a copy (engine/copy.h), SOCK_SEQPACKET.
 *
 * Both ends are this very program, so structs go as they are; but the process at the other end may
 * have been misled by what it read, so lengths, kinds and terminators are checked as if it were
 * foreign. An entry's extended attributes follow it, one message each; a regular file's descriptor
 * comes with its entry: its bytes never pass through a socket. After a WIRE_ERROR the sender has
 * closed its end.
 *
 *	front -> inside                  inside -> front
 *	STAT path                        STATED
 *	SEND path, name                  entries, END
 *	PACK path, name + fd             END, once the tar is written to fd
 *	RECEIVE path, user, flags        READY
 *	  then entries, or one SEND of
 *	  the same container's; END      END
 *	UNPACK path, user, flags + fd    END, once the tar is read from fd
 *
 * In the place of each answer there may be an ERROR.
 */
#ifndef ENGINE_COPY_WIRE_H
#define ENGINE_COPY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/unpack_tar.h"

enum wire_kind {
	WIRE_STAT = 1,
	WIRE_STATED,
	WIRE_SEND,
	WIRE_PACK,
	WIRE_RECEIVE,
	WIRE_UNPACK,
	WIRE_READY,
	WIRE_ENTRY,
	WIRE_XATTR,
	WIRE_END,
	WIRE_ERROR,
};

enum { WIRE_TEXT_MAX = 4096, WIRE_MESSAGE_MAX = 72 * 1024 };

/* What a path in the container is. */
struct wire_stat {
	uint32_t mode; /* of the path itself, no link followed (but by a trailing slash) */
	uint64_t size;
	int32_t failed; /* errno of looking at it; 0 = it is there */
	uint32_t loops; /* 1: a link that never ends */
};

struct wire_request {
	uint32_t place_flags; /* WIRE_RECEIVE, WIRE_UNPACK */
};

/* What comes in. Strings and values belong to the reader, until the next wire_read. */
struct wire_message {
	enum wire_kind kind;
	struct wire_stat stat; /* WIRE_STATED */
	struct wire_request request;
	struct tar_entry entry; /* WIRE_ENTRY, with its attributes */
	const char *path; /* of requests: in the container */
	/* WIRE_SEND, _PACK: what it is called. WIRE_RECEIVE, _UNPACK: who of the container's own
	 * passwd is to own it all, "" = who the entries say. WIRE_STATED: a link's target */
	const char *name;
	uint64_t entries; /* WIRE_END: devices left out */
	struct err e; /* WIRE_ERROR */
	int fd; /* -1 = none; the reader's until taken */
};

struct wire {
	int sock; /* borrowed */
	char *buffer;
	struct wire_message in;
	struct buf texts;
};
/* A zeroed one may be let go, too. */
void wire_init(struct wire *w, int sock);
void wire_deinit(struct wire *w);
#define auto_wire __attribute__((cleanup(wire_deinit))) struct wire

/* One message (an entry with all its attributes). 1, 0 at end of file, negative. */
int wire_read(struct wire *w, struct err *e);

int wire_send_stat(struct wire *w, const struct wire_stat *st, const char *target);
int wire_send_request(struct wire *w, enum wire_kind kind, const char *path, const char *name,
	const struct wire_request *r, int fd);
/* fd: of a regular file, else -1. */
int wire_send_entry(struct wire *w, const struct tar_entry *en, int fd);
int wire_send_plain(struct wire *w, enum wire_kind kind, uint64_t number);
int wire_send_error(struct wire *w, const struct err *e);
/* For tests: one message of n bytes into w->in. -EBADMSG where it is malformed. */
int wire_parse(struct wire *w, const char *p, size_t n);

#endif
