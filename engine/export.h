/* export: `moss export`: a container's root file system as one tar stream, without what is mounted
 * on it. Written by a process that sees nothing else (engine/rootview.h), straight to the output.
 *
 * What Docker keeps in a layer of its own between image and container (mount points: dev/console,
 * etc/hosts, proc ...) is in its exports; where the container has none of a name, it is added.
 */
#ifndef ENGINE_EXPORT_H
#define ENGINE_EXPORT_H

struct err;
struct store;

/* fd: where the stream goes; the caller's. */
int container_export(struct store *s, const char *name, int fd, struct err *e);

#endif
