/* What the files of rootview share: starting (rootview.c), mounting (rootview_mount.c), what the
 * process takes away from itself (rootview_confine.c). */
#ifndef ENGINE_ROOTVIEW_INTERNAL_H
#define ENGINE_ROOTVIEW_INTERNAL_H

#include "engine/rootview.h"

struct launch_plan;

/* In the user namespace, in a process for this: mounts, and runs fn in the root. */
int rootview_mounted(const struct launch_plan *p, enum rootview_what what,
	int (*fn)(int root, void *arg, struct err *e), void *arg, struct err *e);
int rootview_confine(struct err *e);

#endif
