/* pull_layers: gets the layers of one image into staging folders, side by side.
 *
 * For each layer that the store has not: its part file is locked, a fetch is asked for, and an
 * unpacker of its own turns the stream into a staging folder. The state of a layer:
 *
 *   LAYER_PRESENT   in the store, or the same as an earlier one of this image
 *   LAYER_LOCKING   another pull downloads it: we wait for its lock, then look into the store
 *   LAYER_READY     ours to download
 *   LAYER_RUNNING   fetcher -> pipe -> unpacker
 *   LAYER_STAGED    verified, and kept where the next pull would find it (kept_layer.h)
 */
#ifndef ENGINE_TRANSFER_PULL_LAYERS_H
#define ENGINE_TRANSFER_PULL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/transfer/unpacker.h"

struct err;
struct fetcher;
struct progress;
struct store;

enum layer_state { LAYER_PRESENT, LAYER_LOCKING, LAYER_READY, LAYER_RUNNING, LAYER_STAGED };

struct pull_layer {
	char *digest, *media_type, *diff_id;
	int64_t size;
	char short_id[13];
	enum layer_state state;
	int part_fd; /* locked; kept to the end of the pull */
	int64_t had; /* bytes of the part file when we came */
	bool is_arrived; /* all is in the part file */
	bool is_again; /* the resumed part was bad: this is the second try */
	bool is_kept; /* staged is its folder in parts */
	int64_t request; /* the fetcher's id of the running transfer */
	struct unpacker unpacker;
	char *staged; /* folder */
	int stage_lock;
	int64_t unpacked_size;
};

struct pull_layers {
	struct store *store;
	struct fetcher *fetcher;
	struct unpacker *spare; /* is used up first */
	struct progress *progress;
	int parts_fd;
	bool is_alone; /* shares no files with the layers that are here */
	bool is_known; /* the image is there under another name: not told layer by layer */
	struct pull_layer *v;
	size_t n;
	int64_t next_request;
	size_t running;
	struct strv warnings; /* each once */
};

/* Adds one; the strings are copied. */
void pull_layers_add(struct pull_layers *l, const char *digest, int64_t size,
	const char *media_type, const char *diff_id);
/* To the end: every layer is LAYER_PRESENT or LAYER_STAGED. */
int pull_layers_run(struct pull_layers *l, struct err *e);
/* Before the commit: empties the part files of what is staged. Their bytes are in the layers, and
 * what is gone need not be written to the disk. The names stay: they are the locks. */
void pull_layers_empty_parts(struct pull_layers *l);
/* After the commit: removes them. */
void pull_layers_drop_parts(struct pull_layers *l);
/* After a commit that failed for layers that were removed meanwhile: what cannot be completed
 * without them goes. */
void pull_layers_drop_incomplete(struct pull_layers *l);
/* Before the start: gives back what ended pulls have left where the disk looks too small. */
void pull_layers_ensure_room(struct pull_layers *l);
/* The disk is full: stops what runs and gives back what ended pulls have left, what is half
 * unpacked, and, where the disk would still be nearly full, of what has arrived as much as that
 * takes. The rest stays for the next pull. */
void pull_layers_make_room(struct pull_layers *l);
void pull_layers_stop(struct pull_layers *l);
/* Stops what runs, gives up what is staged and not committed, unlocks. */
void pull_layers_deinit(struct pull_layers *l);

#endif
