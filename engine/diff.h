/* diff: `moss diff`: what a container has made of its image, or an image's last layer of those
 * below it; or how any two of them differ. Nothing is mounted: the writable folder (and layers a
 * commit took from it) is compared with the layers (storage/union.h), inside the user namespace, by
 * descriptor.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

struct err;
struct store;

/* kind: 'A', 'C', 'D'; path: with a leading slash; sorted. A negative result ends it. */
typedef int (*diff_fn)(void *arg, char kind, const char *path, struct err *e);
enum diff_kind {
	DIFF_ANY, /* a container; where there is none of the name, an image (as Podman) */
	DIFF_CONTAINER,
	DIFF_IMAGE,
};
/* of: what `name` has that `base` has not, and the other way round (NULL: its own base). kind: what
 * the names may be of. */
struct diff_of {
	const char *name, *base;
	enum diff_kind kind;
};
int diff_run(struct store *s, const struct diff_of *of, diff_fn fn, void *arg, struct err *e);

#endif
