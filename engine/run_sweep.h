/* run_sweep: folders of the run root whose container does not live. A monitor removes its own as the
 * last thing it does, after the end is recorded; who is killed between the two leaves it behind. Their
 * lock tells, not the rows: stores may share a run root. */
#ifndef ENGINE_RUN_SWEEP_H
#define ENGINE_RUN_SWEEP_H

#include <stddef.h>

struct store;

/* live: the ids of all containers that live as their rows say; they are not even looked at. Costs one
 * listing where nothing is left. */
void run_sweep(struct store *s, char *const *live, size_t n_live);

#endif
