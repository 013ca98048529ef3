/* layer_subtract: from a whole tree to what a layer must hold to make it of another: for the driver
 * vfs, where a container's files are a copy of all its layers.
 *
 * Two trees on disk: `tree`, a copy of the container's files, and `base`, a copy of the layers
 * below. What is alike in both goes from the tree; what is only in the base leaves a whiteout.
 * Alike are entries of one type, owner, mode, size, time and link target or device (folders:
 * without the time). Times of folders stay. Runs in the user namespace, confined.
 */
#ifndef STORAGE_LAYER_SUBTRACT_H
#define STORAGE_LAYER_SUBTRACT_H

struct err;

int layer_subtract(int tree_fd, int base_fd, struct err *e);

#endif
