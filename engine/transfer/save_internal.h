/* What the files of save share: what is saved (save.c), the documents beside the layers
 * (save_documents.c), members of lists that are elsewhere (save_member.c), archives and folders
 * (save_out.c). */
#ifndef ENGINE_TRANSFER_SAVE_INTERNAL_H
#define ENGINE_TRANSFER_SAVE_INTERNAL_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/transfer/document.h"
#include "engine/transfer/save.h"

/* A file of blobs/sha256. */
struct save_blob {
	char digest[72];
	int64_t size, mtime_s;
	char *data; /* NULL: a layer */
	const char *layer_id, *diff_id; /* borrowed; NULL: it came from elsewhere, staged */
	bool is_manifest;
	int staged; /* number of the staged file; -1: made while it is written */
	bool is_fetched; /* by a fetcher: its bytes are its digest's once the fetcher is gone */
	off_t offset; /* of a layer that is put into an archive last */
};

struct save {
	struct store *store;
	const struct save_item *items;
	size_t n_items;
	const struct save_options *options;
	struct save_blob *blobs; /* sorted by digest once all are there */
	size_t n_blobs;
	struct save_manifest *manifests; /* one for each item, and the list's */
	struct document_reader reader; /* answers for digests: moss itself computes none */
	char *stage;
	int stage_fd, lock_fd, out_fd;
	int blobs_fd; /* a folder: where its blobs go; -1 = an archive */
	int64_t newest_s; /* of the images */
};

/* Of the layers. */
enum compression save_compression(const struct save_options *o);

/* Adds one unless it is there. data is taken; NULL for a layer. */
struct save_blob *save_add_blob(
	struct save *v, const char *digest, int64_t size, int64_t mtime_s, char *data);
bool save_has_blob(const struct save *v, const char *digest);
const struct save_blob *save_find_layer(const struct save *v, const char *diff_id);

/* The blobs of a member that is elsewhere into the staging folder. */
int save_fetch_members(struct save *v, struct err *e);

/* Adds the image's config and manifest; its layers are there. */
int save_add_documents(struct save *v, size_t item, struct err *e);
/* The list, whose members' manifests are there. */
int save_add_list(struct save *v, struct err *e);
/* What leads to all else: the list, or the first image's manifest. */
const struct save_manifest *save_top(const struct save *v);
/* The files beside the blobs. Owned text. */
char *save_index_json(const struct save *v);
char *save_manifest_json(const struct save *v);
char *save_repositories(const struct save *v); /* NULL where no image has a name */

/* Makes layers side by side: `open` gives the descriptor for one. */
typedef int (*save_open)(struct save *v, const struct save_blob *b, struct err *e);
int save_make_layers(struct save *v, save_open open, struct err *e);

/* A folder's subfolders, before its compressed layers are made. */
int save_open_folder(struct save *v, struct err *e);
/* Everything, in order. */
int save_write_archive(struct save *v, struct err *e);
int save_write_folder(struct save *v, struct err *e);

#endif
