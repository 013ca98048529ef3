/* What mount.c (containers) and mount_image.c share. */
#ifndef ENGINE_MOUNT_INTERNAL_H
#define ENGINE_MOUNT_INTERNAL_H

#include "engine/mount.h"

struct rootfs_spec;

/* Mounts it on container_dir/merged of this namespace. */
int mount_rootfs(const struct rootfs_spec *spec, struct err *e);
/* Takes it away there; one whose server is dead, too. */
int mount_take_away(const char *merged, const char *shown, bool force, struct err *e);
/* It is there and lives: 1. A dead one is taken away: 0. */
int mount_is_there(const char *merged, struct err *e);
/* Adds the <hex> of all mount points <store>/<folder>/<hex of 64>/merged. */
int mount_listed(const struct store *s, const char *folder, struct strv *hex, struct err *e);

#endif
