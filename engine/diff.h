/* diff: `moss diff`: what a container has made of its image, or an image's last layer of those
 * below it. Nothing is mounted: the writable folder (and layers a commit took from it) is compared
 * with the layers (storage/union.h), inside the user namespace, by descriptor.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

struct err;
struct store;

/* kind: 'A', 'C', 'D'; path: with a leading slash; sorted. A negative result ends it. */
typedef int (*diff_fn)(void *arg, char kind, const char *path, struct err *e);
/* name: of a container; where there is none, of an image (as Podman). */
int diff_run(struct store *s, const char *name, diff_fn fn, void *arg, struct err *e);

#endif
