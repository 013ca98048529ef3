/* unpack_archive_layers: the layers of an image archive, each unpacked once into layer-<n> of the
 * staging folder: when an image asks for it, or (spool_taker) as it comes by, before anything says
 * which image it belongs to. Then what is wrong with it counts only if an image asks for it.
 */
#ifndef ENGINE_TRANSFER_UNPACK_ARCHIVE_LAYERS_H
#define ENGINE_TRANSFER_UNPACK_ARCHIVE_LAYERS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct archive_layer;
struct err;
struct share_index;
struct spool;
struct stream_source;
struct unpack_job;
struct unpack_request;

/* What archive_layer_take calls a layer that moss has. */
enum { ARCHIVE_LAYER_HAD = INT32_MAX };

struct archive_layers {
	const struct unpack_request *q;
	int stage_fd;
	struct share_index *share;
	struct archive_layer *v; /* the index is the number of layer-<n> */
	size_t n;
	struct strv warnings;
};

void archive_layers_init(struct archive_layers *l, const struct unpack_request *q, int stage_fd);
void archive_layers_deinit(struct archive_layers *l);

/* Which of these moss has already. */
int archive_layers_ask(
	struct archive_layers *l, json_t *diff_ids, struct strv *have, struct err *e);
/* Tells moss of a layer that is to be unpacked from a place that is known, so that it knows how
 * much is to come. */
void archive_layer_announce(const struct archive_layers *l, const struct spool *s, const char *file,
	const char *diff_id);
/* For struct spool_taker; arg: struct archive_layers. */
int archive_layer_take(
	void *arg, const char *name, const struct stream_source *content, struct err *e);
/* The number of the layer that job->diff_id names, unpacked from `file` unless it has been; what
 * job knows of it is compared, and digest and sizes are put into `out`. */
int archive_layer_get(struct archive_layers *l, const struct spool *s, const char *file,
	const struct unpack_job *job, json_t *out, struct err *e);

#endif
