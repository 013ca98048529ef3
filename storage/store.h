/* store: the data root and the run root of one user, and the open database.
 *
 *   moss.db  blobs/sha256/<hex>  layers/<short>/{diff,tar-split}  containers/<id>/
 *   volumes/<name>/_data  parts/<digest>  tmp/<nonce>[.lock]  trash/<nonce>  cache/  locks/
 *
 * The data root is $XDG_DATA_HOME/moss (0700), the run root $XDG_RUNTIME_DIR/moss, or a private
 * folder under /tmp that is checked for its owner and mode. Names below are never built from
 * foreign bytes that were not checked to be a digest, an id or a volume name.
 *
 * What is not yet or no longer in the database:
 *   tmp/<nonce>       a staging folder; its maker holds tmp/<nonce>.lock. The file "intent" in it
 *                     lists what was put into the store ahead of its record, one path a line.
 *   tmp/<id>.alive    a second name of containers/<id>/alive while the container has no record
 *   undo/<id>         what rm and volume rm removed and `moss undo` can bring back (storage/keep.h)
 *   trash/<nonce>     renamed away, waiting for store_purge (files of subordinate ids can only be
 *                     removed inside the user namespace)
 * store_open looks into tmp and takes back what the dead left; each of these steps may be killed
 * and done again.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct strv;
struct db;

struct store_options {
	const char *root, *runroot; /* NULL = the defaults above */
	const char *driver; /* NULL = $MOSS_STORAGE_DRIVER, config.json, probing */
};

struct store {
	char *root; /* absolute */
	char *runroot; /* absolute */
	int root_fd; /* O_PATH */
	int runroot_fd;
	struct db *db; /* open, migrated */
	char *driver_wanted; /* NULL = as config.json says, else probe */
	bool keeps; /* what this command removes can be brought back (storage/keep.h) */
	size_t kept; /* how much of it has been */
	bool needs_purge; /* this command has put something into trash/ */
	bool has_leftovers; /* something has been there for a while: a dead command's */
	int64_t *freed; /* where removals count the bytes of the disk they free, in memory that is
			   shared with children (engine/size.h); NULL = nowhere */
	struct unsettled *unsettled; /* see store_settle */
	/* Completes layers that image_commit has put in place (their short names, NULL for others),
	 * ahead of their record: engine/share.h. NULL = they are complete. */
	int (*complete)(struct store *s, char *const *short_ids, size_t n, struct err *e);
	/* The layers that unpackers of this command can see (engine/share.h). */
	struct strv seen;
};

/* Names in trash/ that stay there while a container runs: engine/share.h. */
#define STORE_HELD "held."

/* Where the data root is: absolute, owned; it may be missing. given: NULL = the default. */
int store_root(const char *given, char **root, struct err *e);
/* Opens, making what is missing; finishes what dead commands left. */
int store_open(struct store *s, const struct store_options *o, struct err *e);
void store_close(struct store *s);
/* Absolute path below the data root; owned. */
/* Adds the path (below the data root) of the blob of a digest; of none where it is NULL or no
 * sha256. */
void store_add_blob_path(struct strv *paths, const char *digest);
char *store_path(const struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A new folder tmp/<nonce> (0700) with a lock that tells its maker lives; *lock_fd is the
 * caller's. Nothing but what the caller puts there is in it. */
int store_stage(struct store *s, char **path, int *lock_fd, struct err *e);
/* Ends a staging: what is still in it goes to trash/ (store_purge), the lock is closed. */
void store_unstage(struct store *s, const char *path, int *lock_fd);

/* ENOSPC where the disk is nearly full. Makes containers/<id> (0700) with its file alive, locked;
 * *alive_fd is the caller's. Until store_container_settled is called (after the record is in the
 * database, or instead of it), the folder goes when the last holder of the lock is dead. */
int store_container_new(struct store *s, const char *id, char **dir, int *alive_fd, struct err *e);
void store_container_settled(struct store *s, const char *id);

/* Moves a path below the data root into trash/. A missing one is success. */
int store_trash(struct store *s, const char *relative, struct err *e);
/* Deletions within a transaction of the caller leave their files to this, after its end
 * (store_purge and store_close do it, too). */
void store_settle(struct store *s);
/* Empties trash/, leaving alone what others are purging. `remove` is engine's enter_remove. */
typedef int (*store_remove_fn)(
	struct store *s, const char *parent, const char *name, struct err *e);
int store_purge(struct store *s, store_remove_fn remove, struct err *e);

/* Runs at opening: takes back what the dead left in tmp, finishes removals. */
void store_sweep(struct store *s);
/* Syncs the file system of the data root: one call before a record that names new files. */
int store_sync(struct store *s, struct err *e);

#endif
