/* share_link: puts equal files of other layers in place of the empty ones that stand for them
 * (storage/share.h has the theory).
 *
 * Runs confined, with layers/ writable and nothing else. What it does to each name of the list:
 *
 *   1. both files are opened without following a link; the empty one must be empty and have one
 *      name, the other must be a file that may be shared, of the same owner, mode and time
 *   2. shared blocks where the file system has them; else a hard link to layers/<new>/link.tmp,
 *      which is renamed over the empty file: at each instant there is a whole file or the empty one
 *   3. what must not be linked (its layer is in use) or cannot be (EMLINK) is copied in the end
 *
 * Before that, files of the new layers are compared with each other and with those of `others`
 * (share_match.c): equal ones become one in the same way.
 *
 * and then it sets back the times of the folders. Killed at any point, the other layers have all
 * their files, and the new one, which has no record yet, goes to the trash.
 *
 * A layer that has its record (is_recorded: a commit's, whose files were a container's until then)
 * is only compared and joined. Each of its files is whole at each instant, and the times of its
 * folders are noted first (storage/share_joining.h). Nothing is done where a running container has
 * it.
 */
#ifndef STORAGE_SHARE_LINK_H
#define STORAGE_SHARE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

/* In a layer's folder, for an instant. */
#define SHARE_LINK_TEMP "link.tmp"

struct share_link_job {
	const struct strv *layers; /* short names of those whose files are replaced */
	const struct strv *others; /* with which they have not been compared */
	bool is_single_id; /* owners are not kept */
	bool is_recorded; /* the layers have their records; `ready` comes only where there is
			   * something to do, and makes the notes durable */
	/* What is equal is known: who starts a container has to wait from here on. Gives those from
	 * whose files no link may be made. */
	int (*ready)(void *arg, struct strv *busy, struct err *e);
	/* All links are made, only copies are left; may be NULL. */
	int (*linked)(void *arg, struct err *e);
	void *arg;
};

struct share_link_result {
	size_t linked, cloned, copied; /* files */
};

/* layers_fd: layers/. -ESTALE where a layer of the list is not there any more. */
int share_link(int layers_fd, const struct share_link_job *job, struct share_link_result *out,
	struct err *e);

#endif
