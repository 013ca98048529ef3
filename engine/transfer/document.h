/* document: manifests and indexes as moss may look at them: what a confined unpacker says of their
 * bytes (engine/transfer/proto.h, "describe"). One process serves any number of documents. */
#ifndef ENGINE_TRANSFER_DOCUMENT_H
#define ENGINE_TRANSFER_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/transfer/unpacker.h"

struct err;
struct store;

struct document_reader {
	struct store *store;
	struct unpacker unpacker;
};
#define DOCUMENT_READER(s) ((struct document_reader){.store = (s), .unpacker = UNPACKER_INIT})
void document_reader_deinit(struct document_reader *r);

struct document {
	struct buf bytes; /* exact */
	json_t *json; /* its known keys */
	char *media_type, *digest;
	int64_t size;
	bool is_index;
};
void document_deinit(struct document *d);
#define auto_document __attribute__((cleanup(document_deinit))) struct document

/* fd: the bytes. media_type, digest: what they must be, NULL = anything. */
int document_read(struct document_reader *r, int fd, const char *media_type, const char *digest,
	struct document *out, struct err *e);
int document_of_bytes(struct document_reader *r, const void *bytes, size_t n,
	const char *media_type, const char *digest, struct document *out, struct err *e);
/* blobs/sha256/<hex> of the store. *found false where it is not there. */
int document_of_blob(struct document_reader *r, const char *digest, struct document *out,
	bool *found, struct err *e);
/* The file blobs/sha256/<hex>, or -ENOENT with e set. */
int blob_open(struct store *s, const char *digest, int64_t *size, struct err *e);

/* What a config (of at most CONFIG_MAX bytes) says of the platform: an object with "os",
 * "architecture" and, where it is not empty, "variant", and "diff_ids" of it. New references. */
int document_config(struct document_reader *r, int fd, const char *digest, int64_t size,
	json_t **platform, json_t **diff_ids, struct err *e);

/* Is that the content of the file? Of any length: what a fetcher has brought. */
int document_sum(
	struct document_reader *r, int fd, const char *digest, int64_t size, struct err *e);

#endif
