/* launch_build: the part of launch_clone that is for containers that need a builder (launch.h). */
#ifndef ENGINE_LAUNCH_BUILD_H
#define ENGINE_LAUNCH_BUILD_H

#include <stdint.h>

struct err;
struct launch_plan;
struct launched;

/* The namespaces that the builder itself is cloned into. */
uint64_t launch_builder_flags(const struct launch_plan *p);
/* l->pid is the builder; afterwards it is init. Writes the id maps, keeps a terminal that comes. */
int launch_await_init(const struct launch_plan *p, struct launched *l, struct err *e);

#endif
