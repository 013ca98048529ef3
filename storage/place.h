/* place: writes the entries of an archive into a folder as `docker cp` does.
 *
 * The entries come from another process or from a tar stream: they are foreign. Names are cleaned;
 * one that would climb out of the folder is an error, and so is a symbolic link whose relative
 * target would. How parents are found depends on where this runs:
 *
 *   PLACE_BENEATH  the folder is the user's own: below it no link is followed at all (openat2 with
 *                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), whatever somebody puts there meanwhile
 *   otherwise      the process's root is the container's (engine/rootview.h): links are followed as
 *                  the container's programs would, they lead nowhere else; magic links never
 *
 * What stands at a name is replaced, unless both are folders: then they are merged. A folder in
 * place of another kind of file, or the reverse, is an error without PLACE_OVERWRITE. A file that
 * is replaced keeps its old content until the new one is complete; the name ".moss-cp.*" that the
 * new one has until then, or (the user's files, where there is O_TMPFILE) for an instant, goes with
 * this process (base/guard.h).
 *
 * Owners are set with PLACE_OWNERS (an id the user namespace does not have becomes 0), else files
 * belong to this process. Attributes: with PLACE_BENEATH only "user.", else all that may be set.
 * Devices that may not be made are left out and counted. Folders get mode and time last.
 */
#ifndef STORAGE_PLACE_H
#define STORAGE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/guard.h"
#include "base/str.h"
#include "storage/unpack_tar.h"

struct err;

enum place_flags {
	PLACE_BENEATH = 1,
	PLACE_OWNERS = 2,
	PLACE_OVERWRITE = 4,
	PLACE_ONE_OWNER = 8, /* with PLACE_OWNERS: uid and gid below for all */
};

struct placer {
	int dir_fd; /* borrowed: the destination */
	const char *shown; /* borrowed: its path, for errors */
	unsigned flags; /* enum place_flags */
	uid_t uid;
	gid_t gid;
	uint64_t devices_left_out;
	/* Borrowed, idle; NULL: with PLACE_BENEATH one of its own is started when it is needed, else
	 * there is none. */
	struct guard *guard;
	struct guard own_guard;
	/* the parent of the last entry */
	char *parent_path;
	int parent_fd;
	struct buf folders; /* to be finished */
	mode_t old_umask;
};

/* The content of a regular file: of a descriptor, or from a reader that is asked for all of it. */
struct place_content {
	int fd; /* -1: none, `next` is asked */
	ssize_t (*next)(void *arg, const unsigned char **p, struct err *e);
	void *arg;
};

/* Sets the process's umask to 0 until placer_deinit. What is not said here is set by the caller. */
void placer_init(struct placer *p, int dir_fd, const char *shown, unsigned flags);
void placer_deinit(struct placer *p);
#define auto_placer __attribute__((cleanup(placer_deinit))) struct placer
int place_entry(
	struct placer *p, const struct tar_entry *en, const struct place_content *c, struct err *e);
/* After the last one. */
int placer_finish(struct placer *p, struct err *e);

#endif
