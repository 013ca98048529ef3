/* What the files of pull_layers share: the run (pull_layers.c), what comes before fetching
 * (pull_layers_lock.c), what the helpers say (pull_layers_hear.c), the disk (pull_room.c). */
#ifndef ENGINE_TRANSFER_PULL_LAYERS_INTERNAL_H
#define ENGINE_TRANSFER_PULL_LAYERS_INTERNAL_H

#include "engine/transfer/pull_layers.h"

enum { PULL_LAYERS_AT_ONCE = 4 };

/* What is there already is told first, as Docker does. */
int pull_layers_look(struct pull_layers *l, struct err *e);
/* Takes what locks can be had. 1 where one is still another pull's. */
int pull_layers_lock(struct pull_layers *l, struct err *e);
/* Waits for the helpers; -1 = as long as it takes. */
int pull_layers_hear(struct pull_layers *l, int timeout_ms, struct err *e);

void pull_layer_stop(struct pull_layers *l, struct pull_layer *y);
/* Gives up its staging folder; a kept one stays for the next pull. */
void pull_layer_drop(struct pull_layers *l, struct pull_layer *y);

#endif
