/* push_items: brings the blobs of an image to a registry, side by side.
 *
 * For each blob there are forms: the one that the image's manifest names, and others in which the
 * layer is known (storage/layer_blob.h). The rule, first to last:
 *
 *   1. the registry has the form, or mounts it from another repository: nothing moves
 *   2. the form came from elsewhere, and a repository that had it is known: it is fetched there and
 *      passed on, so that its digest stays
 *   3. the next form
 *   4. the exact tar of the layer is made again and compressed: as it was before where we have made
 *      a form of it, so that a digest of ours stays, too; else a new form
 *
 * What moves goes through a spool, a file without a name below the data root: it is sent while it
 * grows, so compressing (or fetching) and sending overlap; after a cut the registry is told from
 * the spool what it has not got, which a pipe could not do; and it is gone with the process. It
 * takes the disk of the compressed blobs that move at one time, MOVES_MAX at most.
 */
#ifndef ENGINE_TRANSFER_PUSH_ITEMS_H
#define ENGINE_TRANSFER_PUSH_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/unpacker.h"

struct err;
struct progress;
struct pull_options;
struct store;

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };
/* By the media type of a layer. */
enum compression compression_of_type(const char *media_type);
const char *compression_name(enum compression c); /* "gzip" ... */

struct push_compression {
	bool is_given; /* --compression-format */
	enum compression format;
	bool is_forced; /* --force-compression: no other form will do */
	bool has_level;
	int level; /* of use where has_level */
	bool gzip_only; /* the manifest's format knows nothing else */
};

struct push_form {
	char *digest, *media_type;
	int64_t size;
	char *made; /* how we make it again (storage/layer_blob.h); NULL = it came from elsewhere */
};

enum item_state { ITEM_NEW, ITEM_PROBING, ITEM_READY, ITEM_MOVING, ITEM_DONE };

struct push_item {
	/* what it is */
	char short_id[13]; /* in the lines; "" = a config, which has none */
	char *diff_id, *layer_id; /* NULL where the store has no such layer */
	int64_t unpacked_size;
	int file; /* a config: its bytes; else -1 */
	struct push_form *forms;
	size_t n_forms;
	struct strv repositories; /* "domain/path" that may have it */

	/* how it stands */
	enum item_state state;
	size_t form, source; /* which of them is tried */
	int64_t request, fetch_request; /* of the running transfers; -1 = none */
	size_t fetcher; /* of the running fetch */
	int spool;
	struct unpacker unpacker;

	/* ITEM_DONE */
	char *digest, *media_type; /* media_type: NULL where it was made here */
	int64_t size;
	enum compression compression;
	int level;
	char *made; /* storage/layer_blob.h; NULL = not made now */
};

struct push_source {
	char *name; /* "domain/path" */
	struct fetcher fetcher;
	bool is_started;
	bool is_dead; /* is asked for nothing more; what was asked for may still be answered */
	bool is_gone; /* its process */
};

struct push_items {
	struct store *store;
	struct fetcher *fetcher; /* of the registry that is pushed to */
	const char *domain, *path; /* it, and the repository */
	const struct pull_options *options; /* for the registries that are fetched from */
	struct push_compression compression;
	struct progress *progress;
	/* Called once, when the registry has answered for the first time, before its answer is
	 * acted on; NULL = nobody asks. */
	void (*answered)(void *arg);
	void *arg;
	bool has_answered;
	struct push_item *v;
	size_t n;
	struct push_source *sources;
	size_t n_sources;
	int64_t next_request;
};

/* A new item, empty; valid until the next. */
struct push_item *push_items_add(struct push_items *p);
void push_item_add_form(
	struct push_item *i, const char *digest, int64_t size, const char *type, const char *made);
/* To the end: every item is ITEM_DONE. */
int push_items_run(struct push_items *p, struct err *e);
/* Finds out only what a blob would be called, without a registry: by a form that is known, else by
 * making it into nowhere. ITEM_DONE. */
int push_item_name(struct push_items *p, struct push_item *i, struct err *e);
/* Forgets the items (a further image may follow); deinit also ends the fetchers. */
void push_items_clear(struct push_items *p);
void push_items_deinit(struct push_items *p);

#endif
