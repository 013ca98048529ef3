/* check: is the store what the database says, and what the digests say?
 *
 *   the database    the checksums of its pages, SQLite's own check; rows that name what is not there
 *   layers          each against its diff ID, file by file (storage/layer_check.h); folders in
 * layers/ that have no row blobs           manifests and configs against their names; those that
 * are missing or have no row images          damaged with each of their layers and blobs containers
 * their folders; damaged with each of their layers volumes         their folders
 *
 * A quick check leaves out whatever reads all bytes. Reading foreign bytes is the work of
 * moss-unpack, confined, with what it reads read-only; here its answers are put together.
 *
 * Repair (check_repair.c) fetches layers and blobs that are damaged from a registry that an image
 * of theirs has a name in, one at a time, and puts each in place by one RENAME_EXCHANGE: whoever
 * looks sees the old one or the new one. A layer of a running container is left alone, for what a
 * mounted overlay shows when a layer is exchanged under it is not defined. What has no row is moved
 * away. What cannot be repaired is removed with force only: images, and containers that stand on
 * them; and with force only a damaged database is accepted as it is.
 */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct pull_options;
struct store;

enum check_kind {
	CHECK_DATABASE,
	CHECK_LAYER,
	CHECK_BLOB,
	CHECK_IMAGE,
	CHECK_CONTAINER,
	CHECK_VOLUME,
	CHECK_UNREFERENCED, /* a folder of layers/ or a blob without a row */
};

struct check_item {
	enum check_kind kind;
	char *id; /* layers: diff ID; blobs, images: "sha256:..."; containers: id; else name or path
		   */
	char *place; /* layers: the short name; unreferenced: below the data root */
	struct strv errors; /* sentences */
	char *outcome; /* of a repair: a sentence, or NULL; is_sound says whether it is well now */
	bool is_sound;
};

struct check_options {
	bool is_quick;
	int64_t max_age_s; /* unreferenced things that are younger are somebody's who is at work */
};

struct check {
	struct check_item *items;
	size_t n;
};
void check_deinit(struct check *c);
#define auto_check __attribute__((cleanup(check_deinit))) struct check

int check_store(struct store *s, const struct check_options *o, struct check *out, struct err *e);
/* Tries each item and sets its outcome. force: images and containers that cannot be repaired go. */
int check_repair(
	struct store *s, struct check *c, bool force, const struct pull_options *o, struct err *e);

#endif
