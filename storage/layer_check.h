/* layer_check: is a layer in the store still what its diff ID says?
 *
 * The exact tar is made again from diff/ and tar-split (storage/tarsplit.h), its SHA-256 compared
 * with the diff ID, and each header in it with what the file system has at the name: kind, owner,
 * mode, time, size, where a link leads, which names are one file, whiteouts, attributes. What the
 * tar does not name must not be there, but for parents of what it names.
 *
 * What cannot be told, because unpacking does not keep it: device nodes, attributes that only root
 * sets, owners where there is one id, fractions of a second of what a commit has made.
 *
 * Runs in the confined unpacker, which sees layers/ read-only: a damaged layer is as foreign as one
 * from a registry.
 */
#ifndef STORAGE_LAYER_CHECK_H
#define STORAGE_LAYER_CHECK_H

#include <stdbool.h>

struct err;

struct layer_check {
	const char *id; /* the short name */
	const char *diff_id; /* "sha256:..." */
	bool is_local; /* made here by a commit: headers have whole seconds; the layer may say so itself
			  (storage/pack_layer.h) */
	bool is_single_id;
	/* One thing that is wrong. path: within the layer, "" = the layer itself. */
	void (*damage)(void *arg, const char *path, const char *message);
	void *arg;
};

/* Negative only where it could not be found out (-EIO and the like are damage). */
int layer_check(int layers_fd, const struct layer_check *c, struct err *e);

#endif
