/* clone: a new container like another one, as it was created: configuration, mounts, networks,
 * limits; not what it wrote. Its bundle is that of the other with its own id in the place of the
 * other's; named volumes are shared. */
#ifndef ENGINE_CLONE_H
#define ENGINE_CLONE_H

struct container_new;
struct container_row;
struct err;
struct image;
struct store;

/* name: NULL = "<name>-clone", "<name>-clone1" ... image: another one to stand on, NULL = the same
 * layers. Like container_prepare (engine/create.h): container_insert records it. One with ids of
 * its own (--userns=auto) is refused. */
int container_clone(struct store *s, const struct container_row *from, const char *name,
	const struct image *image, const char *image_name, struct container_new *out,
	struct err *e);

#endif
