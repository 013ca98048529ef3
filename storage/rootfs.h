/* rootfs: a container's root file system from its layers, by one of three drivers.
 *
 *   overlay         kernel overlay, "userxattr,index=off", mounted by the container's own init in
 *                   its own mount namespace (nothing to undo on the host)
 *   fuse-overlayfs  a server process, started by the monitor in the monitor's mount namespace
 *   vfs             a copy (reflinked where possible) made once, bind-mounted
 *
 * A container keeps its driver for life.
 */
#ifndef STORAGE_ROOTFS_H
#define STORAGE_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct store;
struct userns_map;

/* What the launcher needs; written into config.json's annotations by engine/spec. */
struct rootfs_spec {
	const char *driver;
	const char *store_root; /* the data root */
	const char *container_dir; /* containers/<id>, absolute; gets upper/, work/, merged/ */
	const char *const *layer_ids; /* bottom first */
	size_t n_layers;
	/* ids as they are on disk -> as the files have them in the mount; NULL where they are the
	 * same. Only fuse-overlayfs can. */
	const struct userns_map *idmap;
	/* The layers alone: nothing can be written. container_dir is any folder for merged/ (and
	 * the copy of vfs). */
	bool read_only;
	/* Mounted outside of its container (storage/mounted.h); the server of fuse-overlayfs ends
	 * with its mount, not with whoever started it. */
	bool outlives;
	bool is_throwaway; /* --rm: what it writes need not survive a crash of the machine */
};

/* Runs fn in a forked child inside the user namespace: engine's enter_call. */
typedef int (*rootfs_call_fn)(
	struct store *s, int (*fn)(void *arg, struct err *e), void *arg, struct err *e);

/* The driver to use: s->driver_wanted (checked: an error says why it cannot work and the cure) or
 * the first that works, probed by a trial mount through `call` and cached in cache/ by boot id and
 * kernel. *driver is one of three constants. */
int rootfs_choose(struct store *s, rootfs_call_fn call, const char **driver, struct err *e);
/* The same for a container with ids of its own: fuse-overlayfs, which alone shows files with other
 * owners than they have on disk; refused where vfs is asked for. */
int rootfs_choose_mapped(struct store *s, rootfs_call_fn call, const char **driver, struct err *e);
/* In the user namespace, before the container's mount namespace is made: what must be there
 * before the mount: the folders (upper with the owner and mode of the image's root), the copy of
 * vfs. Does nothing where it is done already. */
int rootfs_prepare(const struct rootfs_spec *r, struct err *e);
/* Copies the layers, one over the other, into the folder `to` (vfs). In the user namespace. */
int rootfs_copy_layers(const struct rootfs_spec *r, int to, struct err *e);
/* True where rootfs_serve must run in the monitor before init is cloned. */
bool rootfs_needs_server(const char *driver);
/* Starts fuse-overlayfs in the caller's private mount namespace and waits until container_dir/
 * merged is mounted. *pid is its process; 0 where another's mount serves (storage/mounted.h). */
int rootfs_serve(const struct rootfs_spec *r, pid_t *pid, int *pidfd, struct err *e);
/* Kills and reaps it and takes its mount out of the caller's (private) mount namespace, so that
 * the folder can be removed. */
void rootfs_stop_server(pid_t *pid, int *pidfd);
/* In the container's own mount namespace, as its root: makes container_dir/merged the mounted
 * root file system (a mount point, writable) and returns an O_PATH descriptor of it. Keeps the
 * working directory. */
int rootfs_mount(const struct rootfs_spec *r, struct err *e);
/* What fuse-overlayfs -o takes: "lowerdir=...", relative to the data root. Owned. */
char *rootfs_lower_option(const struct rootfs_spec *r);

#endif
