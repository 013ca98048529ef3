/* store: the data root and the run root of one user, and the open database.
 *
 *   moss.db  blobs/sha256/<hex>  layers/<short>/{diff,tar-split}  containers/<id>/
 *   volumes/<name>/_data  parts/<digest>  tmp/<pid>-<nonce>/  trash/  cache/  locks/
 *
 * The data root is $XDG_DATA_HOME/moss (0700), the run root $XDG_RUNTIME_DIR/moss, or a private
 * folder under /tmp that is checked for its owner and mode. Names below are never built from
 * foreign bytes that were not checked to be a digest, an id or a volume name.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdbool.h>

struct err;
struct db;

struct store_options {
	const char *root, *runroot; /* NULL = the defaults above */
	const char *driver;         /* NULL = $MOSS_STORAGE_DRIVER, config, probing */
};

struct store {
	char *root;    /* absolute */
	char *runroot; /* absolute */
	int root_fd;   /* O_PATH */
	int runroot_fd;
	struct db *db; /* open, migrated */
	char *driver_wanted; /* NULL = probe */
};

/* Opens, making what is missing; finishes what dead commands left (storage/recover.h). */
int store_open(struct store *s, const struct store_options *o, struct err *e);
void store_close(struct store *s);
/* Absolute path below the data root; owned. */
char *store_path(const struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A new folder tmp/<nonce> with a lock that tells its maker lives; *lock_fd is the caller's. */
int store_stage(struct store *s, char **path, int *lock_fd, struct err *e);
/* Runs at opening: removes staging folders of the dead. */
void store_sweep(struct store *s);
/* Syncs the file system of the data root: one call before a record that names new files. */
int store_sync(struct store *s, struct err *e);

#endif
