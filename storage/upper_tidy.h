/* upper_tidy: a container's writable folder, as the drivers leave it, becomes a layer as
 * storage/rootfs.h says: character devices 0/0 and user.overlay.opaque, and no other marks.
 *
 * - fuse-overlayfs leaves ".wh..wh..opq", ".wh..opq" and user.fuseoverlayfs.opaque in opaque
 * folders and, where it may not make devices, ".wh.NAME" files: rewritten;
 * - the kernel's user.overlay.origin, .impure, .nlink, .uuid ... say how the folder belongs to
 *   layers below it: taken away;
 * - what moss itself made to mount on is taken away: the caller names it.
 *
 * Times of folders stay as they were. All of it may be done again, and half of it does no harm to
 * the container whose folder it is: either driver reads the result as it read the folder before.
 * Runs in the user namespace, confined; needs to write to the folder.
 */
#ifndef STORAGE_UPPER_TIDY_H
#define STORAGE_UPPER_TIDY_H

struct err;
struct strv;

/* drop: paths below the folder; an empty file or an empty folder of that name goes, anything else
 * stays. In order. */
int upper_tidy(int dir_fd, const struct strv *drop, struct err *e);
/* A new folder `name` in at_fd with owner, mode and attributes of the folder dir_fd, and the empty
 * file .dockerenv in it: what a container starts with. */
int upper_renew(int dir_fd, int at_fd, const char *name, struct err *e);

#endif
