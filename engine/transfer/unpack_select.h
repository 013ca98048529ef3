/* unpack_select: which images of an archive or folder are taken, where a transport
 * (registry/transport.h) asks for one. Pure functions over documents that others wrote. */
#ifndef ENGINE_TRANSFER_UNPACK_SELECT_H
#define ENGINE_TRANSFER_UNPACK_SELECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "registry/transport.h"

struct err;
struct manifest;
struct strv;

/* What a job asks for ("select"). The strings are the job's. */
struct selection {
	bool is_one; /* false: all, as `load` takes them, and the rest says nothing */
	enum transport_kind kind;
	const char *ref;
	int64_t index; /* -1: none */
};
void selection_read(const json_t *job, struct selection *out);

/* The entry of a docker-archive's manifest.json: its number. */
int selection_in_docker(const struct selection *s, const json_t *list, size_t *out, struct err *e);
/* The entry of an index.json, and the names its image gets. json: the text of `index`; wanted: for
 * each entry, is it an image for the platform? Several entries of one digest are one image. */
int selection_in_layout(const struct selection *s, const struct manifest *index, const json_t *json,
	const bool *wanted, size_t *out, struct strv *image_names, struct err *e);

#endif
