/* idmap_auto: ids of its own for a container with --userns=auto. */
#ifndef ENGINE_IDMAP_AUTO_H
#define ENGINE_IDMAP_AUTO_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct id_range;
struct image;
struct store;

/* How many ids the image needs, at least Podman's 1024: the highest in its passwd and group (but
 * not nobody's) and that of the numeric user. */
uint32_t idmap_image_size(const struct store *s, const struct image *image, const char *user);

/* Takes `size` ids in a row below `total` that no other container has (kept in the table id_range
 * under the container's id) and that are not in `avoid`. The container's folder exists already: it
 * is what keeps the range until there is a record. "not enough unused IDs in user namespace". */
int idmap_auto_take(struct store *s, const char *container_id, uint32_t size, uint32_t total,
	const struct id_range *avoid, size_t n_avoid, uint32_t *first, struct err *e);

#endif
