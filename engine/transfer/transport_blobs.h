/* transport_blobs: what is in the file or folder that a transport names, byte for byte, for those
 * who pass an image on and do not take it in.
 *
 * A confined unpacker reads it, a new one for each call, and puts what is asked for into a staging
 * folder; what is there when it has ended without an error has the digest and length it should.
 * Of the transports all but docker-archive:, whose images have no manifest.
 */
#ifndef ENGINE_TRANSFER_TRANSPORT_BLOBS_H
#define ENGINE_TRANSFER_TRANSPORT_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document;
struct document_reader;
struct err;
struct store;
struct transport;

struct transport_stage {
	struct store *store;
	char *path;
	int fd, lock_fd;
	unsigned calls; /* each has a folder of its own */
};
int transport_stage_open(struct store *s, struct transport_stage *st, struct err *e);
/* Removes what is still in it. */
void transport_stage_close(struct transport_stage *st);

/* The manifest or index that the transport itself means. */
int transport_top(struct transport_stage *st, const struct transport *t, struct document_reader *r,
	struct document *out, struct err *e);

struct transport_blob {
	const char *digest; /* borrowed */
	int64_t size;
	bool is_manifest; /* of a member, not what transport_top gave */
};
enum { TRANSPORT_BLOBS_MAX = 800 };
/* All of them or none, n at most TRANSPORT_BLOBS_MAX. They are there until the next call. */
int transport_blobs(struct transport_stage *st, const struct transport *t,
	const struct transport_blob *want, size_t n, struct err *e);
/* Number k of the last call, for reading: a descriptor. */
int transport_blob_open(const struct transport_stage *st, size_t k, struct err *e);
/* Moves it to a name in a folder of the same store. */
int transport_blob_move(
	const struct transport_stage *st, size_t k, int dir_fd, const char *name, struct err *e);

/* The file or folder, open; its kind is the transport's, or an error says which would do. */
int transport_open(const struct transport *t, struct err *e);

#endif
