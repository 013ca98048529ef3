/* copy_inside: the side of a copy that sees the container (engine/rootview.h): answers the requests
 * of engine/copy_wire.h until its socket is closed. Paths are the container's, as the user typed
 * them; they are resolved in the container's root.
 * in->arg: what the user calls the container, for errors. */
#ifndef ENGINE_COPY_INSIDE_H
#define ENGINE_COPY_INSIDE_H

struct err;
struct rootview_inside;

int copy_inside(const struct rootview_inside *in, struct err *e);

#endif
