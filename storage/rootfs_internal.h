/* What the drivers' files share. */
#ifndef STORAGE_ROOTFS_INTERNAL_H
#define STORAGE_ROOTFS_INTERNAL_H

#include "storage/rootfs.h"

extern const char driver_overlay[], driver_fuse[], driver_vfs[];

/* "layers/<top>/diff:...:layers/<bottom>/diff", relative to the data root. Owned. */
char *overlay_lower(const struct rootfs_spec *r);
/* container_dir relative to the data root. Borrowed. */
const char *overlay_container(const struct rootfs_spec *r);
int overlay_mount(const struct rootfs_spec *r, struct err *e);

/* ",uidmapping=...,gidmapping=...", "" where ids are not mapped. Owned. */
char *fuse_id_options(const struct rootfs_spec *r);
int fuse_serve(const struct rootfs_spec *r, pid_t *pid, int *pidfd, struct err *e);

int vfs_prepare(const struct rootfs_spec *r, struct err *e);
int vfs_mount(const struct rootfs_spec *r, struct err *e);

#endif
