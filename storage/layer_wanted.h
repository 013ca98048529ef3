/* layer_wanted: what a layer's tar says should be at each name, entry by entry as unpacking takes
 * it. For layer_check only.
 */
#ifndef STORAGE_LAYER_WANTED_H
#define STORAGE_LAYER_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct tar_entry;

/* What should be at one name. The key is the parent's inode and the name: a path that leads over a
 * link of the layer is the same name as the one without. */
struct wanted {
	ino_t parent;
	char *path; /* as the tar first said it, cleaned; its last part is the name */
	char type; /* as a tar entry's; 'w' = whiteout */
	bool is_opaque;
	bool is_seen; /* the reader's own */
	uint32_t mode;
	uint64_t uid, gid, size;
	int64_t mtime_s;
	int32_t mtime_ns;
	char *link; /* '1' and '2' */
	struct wanted *same_as; /* '1': the file that it is another name of */
	struct strv xattrs; /* name, value in hex */
};

struct layer_wants {
	int diff_fd; /* borrowed: where names are looked up */
	bool is_single_id; /* owners are not kept */
	struct wanted **table; /* open addressing; NULL where free */
	size_t n, room;
	struct strv astray; /* names whose parent is not there (any more) */
	/* the folder that was looked up last */
	char *parent_path;
	ino_t parent_ino;
};

/* One entry more. */
void layer_want(struct layer_wants *x, const struct tar_entry *en);
/* What was said of a name, or NULL; the table's. */
struct wanted *layer_wanted_find(struct layer_wants *x, ino_t parent, const char *name);
/* path: clean, "" = the root. */
struct wanted *layer_wanted_at(struct layer_wants *x, const char *path);
/* Is it an attribute that unpacking sets? */
bool layer_keeps_xattr(const char *name);
void layer_wants_deinit(struct layer_wants *x);

#endif
