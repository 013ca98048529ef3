/* What the files of share have in common: offering and removing (share.c), linking (share_link.c).
 */
#ifndef ENGINE_SHARE_INTERNAL_H
#define ENGINE_SHARE_INTERNAL_H

#include "engine/share.h"

int share_open_layers(struct store *s, struct err *e);
/* trash/<name> waits as trash/held.<name> until no container runs. */
int share_hold(struct store *s, const char *name, struct err *e);

#endif
