/* mounted: root file systems of containers that are mounted outside of them (`moss mount`, in the
 * mount namespace of a `moss unshare`).
 *
 * One writable folder must never be under two mounts that do not know of each other: what happens
 * then is undefined (kernel, overlayfs.rst, "Sharing and copying layers"). So who is about to mount
 * a container's root asks here first, and where there is a mount takes a copy of that mount
 * (open_tree), which is the same file system.
 *
 *   containers/<id>/mounted   not empty: there may be such a mount. Set before the first is made.
 *                             It saves the question where the answer is no; it is no answer.
 *   overlay                   the kernel is asked: a mount attempt that insists on having upper for
 *                             itself (index=on) and can come to nothing fails with EBUSY where any
 *                             mount has it, in whatever namespace, even a detached one
 *   fuse-overlayfs            containers/<id>/served is locked by the server as long as it lives,
 *                             which is as long as its mount; it holds the id map it was given
 *                             and who it is
 *   vfs                       a folder that is bound; there is nothing to ask
 *
 * The mount to copy is looked for in the namespaces of storage/shells.h alone: a container may
 * mount anything under any name in its own.
 *
 * Locking: the container's alive lock, which start, commit, cp and mount of a stopped container all
 * hold; and, because `mount` of a running one cannot have that, the file mounted itself (OFD lock)
 * between taking the copy from the container and putting it in its place.
 */
#ifndef STORAGE_MOUNTED_H
#define STORAGE_MOUNTED_H

#include <stdbool.h>

struct err;
struct rootfs_spec;

/* May there be a mount? One look at the file; no namespace is needed. */
bool mounted_maybe(const char *container_dir);
/* Sets the mark and takes its lock: a descriptor that holds it. */
int mounted_mark(const char *container_dir, struct err *e);

/* In the user namespace, before the root is mounted: 0 no other has it (and the mark is gone), 1 it
 * is mounted. *lock (-1: there is no mark) is held until the caller has mounted. */
int mounted_check(const struct rootfs_spec *r, int *lock, struct err *e);
/* After a 1: puts a copy of the mount on container_dir/merged of this mount namespace (where it is
 * already, nothing). -EBUSY with the cure where the mount is out of reach or has other ids. */
int mounted_adopt(const struct rootfs_spec *r, struct err *e);
/* Takes it away wherever it is, for a container that is removed: the alive lock is the caller's. */
void mounted_end(const char *container_dir);
/* A detached copy of what is mounted on `point`, apart from all that happens to the original. */
int mounted_copy(const char *point, struct err *e);
int mounted_attach(int tree, const char *point, struct err *e);

#endif
