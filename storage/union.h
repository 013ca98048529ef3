/* union: layers looked at as one tree, without a mount; and what one tree has made of another.
 *
 * Folders are given top first, by descriptor. A name is in the topmost folder that has it; below
 * that it is hidden by a whiteout (character device 0/0, or ".wh.NAME" as fuse-overlayfs may leave
 * it), by something that is no folder, and by a folder that is opaque (user.overlay.opaque,
 * user.fuseoverlayfs.opaque, ".wh..wh..opq"). No link is followed; nothing leaves the folders.
 */
#ifndef STORAGE_UNION_H
#define STORAGE_UNION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct err;

/* One folder of the union: its parts, top first. */
struct union_folder {
	int *fds;
	size_t n;
	bool is_opaque; /* hides what lies below all of them */
};
void union_close(struct union_folder *u);
#define auto_union __attribute__((cleanup(union_close))) struct union_folder

/* Of n root folders; the descriptors are copied. */
int union_open(const int *roots, size_t n, struct union_folder *out, struct err *e);
/* Which part has the name: its index and *st; -1 = none, or a whiteout. */
int union_find(const struct union_folder *u, const char *name, struct stat *st);
/* The folder `name`: empty where it is none. */
int union_enter(
	const struct union_folder *u, const char *name, struct union_folder *out, struct err *e);

struct union_name {
	char *name;
	size_t part;
	bool is_whiteout;
};
struct union_names {
	struct union_name *v;
	size_t n;
};
void union_names_free(struct union_names *l);
#define auto_union_names __attribute__((cleanup(union_names_free))) struct union_names
/* All names, sorted, each once (as the topmost part has it), whiteouts among them. */
int union_list(const struct union_folder *u, struct union_names *out, struct err *e);

/* ---- differences ---- */

/* What `above` has made of `below` (Docker's comparison): 'A' added, 'C' changed, 'D' deleted. A
 * folder with changes in it is changed, too, and comes before them; of a deleted folder only the
 * folder itself. Sorted. Changed is: mode, owner, device; but for folders size and time; file
 * capabilities. is_own: names that are not to be told of where they stand added as they are (may be
 * NULL); what is in them is. path has a leading slash. */
struct union_diff {
	const int *above, *below;
	size_t n_above, n_below;
	bool is_whole; /* above is no layer but the whole tree: what it lacks is deleted */
	bool (*is_own)(const char *path, const struct stat *st);
	bool below_has_own; /* such names may be below, too: gone or other, they are not told of either */
};
typedef int (*union_change_fn)(void *arg, char kind, const char *path, struct err *e);
int union_diff(const struct union_diff *d, union_change_fn fn, void *arg, struct err *e);

#endif
