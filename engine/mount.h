/* mount: root file systems of containers and images in the mount namespace of the caller, who is in
 * a `moss unshare`.
 *
 * A mount is in the namespace of that shell alone and ends with it; nothing is recorded of it but a
 * mark that makes others look (storage/mounted.h). What is mounted is read from the kernel's table.
 *
 *   running container   a copy of the mount that is its root, without its volumes (open_tree in its
 *                       namespace); what it mounts later does not get here
 *   another             its root, mounted as a start would. One that is started meanwhile gets a
 * copy of this mount, so both see the same files image               its layers, read-only, on
 * mounts/<id>/merged, which goes when no shell has it mounted any more
 */
#ifndef ENGINE_MOUNT_H
#define ENGINE_MOUNT_H

#include <stdbool.h>

#include "base/str.h"

struct container_row;
struct err;
struct image;
struct store;

/* -EPERM with the cure where this is no `moss unshare`. what: the command, for the sentence. */
int mount_check_place(const char *what, struct err *e);

/* The row is read again where it has to be waited for. *path: where it is, owned. Mounted already
 * is success. */
int mount_container(struct store *s, struct container_row *row, char **path, struct err *e);
/* Not mounted is success. -EBUSY where something in it is open and not `force`. */
int mount_container_end(
	struct store *s, const struct container_row *row, bool force, struct err *e);
/* Ids of containers, as the namespace has them. */
int mount_containers(struct store *s, struct strv *ids, struct err *e);
char *mount_container_path(const struct store *s, const char *id);

int mount_image(struct store *s, const struct image *image, char **path, struct err *e);
int mount_image_end(struct store *s, const struct image *image, bool force, struct err *e);
/* Their ids ("sha256:<hex>"). */
int mount_images(struct store *s, struct strv *ids, struct err *e);
char *mount_image_path(const struct store *s, const char *id);
/* Removes folders of images that no shell has mounted any more. */
void mount_sweep(struct store *s);

#endif
