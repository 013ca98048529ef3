/* inspect_object: what docker inspect shows of images and volumes, in Docker 26's field order. (Of
 * containers: container_inspect in engine/start.h.) */
#ifndef ENGINE_INSPECT_OBJECT_H
#define ENGINE_INSPECT_OBJECT_H

#include <jansson.h>

struct err;
struct image;
struct store;
struct volume;

/* New references. */
json_t *image_inspect(struct store *s, const struct image *image);
json_t *volume_inspect(const struct volume *volume);

/* The members of a Config in Docker's order; those that Docker always shows are empty where `from`
 * (may be NULL) has none, others are left out. New reference. */
json_t *image_config_complete(const json_t *from);

/* The image that a user named: id, prefix of an id, or reference. ROW_OK, ROW_ABSENT (with e set:
 * "No such image: X:latest", or why X is no reference) or -errno. */
int image_lookup(struct store *s, const char *typed, struct image *out, struct err *e);

#endif
