/* commit: an image from a container's files and configuration.
 *
 * The helper (moss-unpack, confined: engine/transfer/proto.h, "commit") tidies the writable folder
 * and describes it as a layer. Two ways:
 *
 *   taken    a container that does not run (its alive lock is ours): nothing is copied, the folder
 *            itself becomes the layer and the container gets a new, empty one above it in the
 *            transaction that makes the image (storage/upper.h: order, kills)
 *   copied   one that runs, or whose folder cannot be moved: by reflink where the file system has
 *            them; paused meanwhile, unless asked not to. Only the staging folder is written to: a
 *            kill leaves nothing but that, which the next command removes, and a pause, which the
 *            next command that looks at the container ends (engine/commit_pause.h)
 *
 * With the driver vfs, where the container's files are a copy of all layers, the copy is compared with
 * another one of them.
 *
 * An empty writable folder makes no layer: the history says so, as Docker's.
 */
#ifndef ENGINE_COMMIT_H
#define ENGINE_COMMIT_H

#include <stdbool.h>

struct container_row;
struct err;
struct store;
struct strv;

struct commit_options {
	const char *author, *message; /* NULL = none */
	const struct strv *changes; /* engine/commit_change.h */
	const char *name; /* full reference; NULL = none */
	bool pause;
	bool include_volumes; /* the targets of all mounts become VOLUMEs of the image */
};

/* id: "sha256:<hex>". */
int container_commit(struct store *s, struct container_row *row, const struct commit_options *o,
	char id[72], struct err *e);

#endif
