/* share: equal files of several layers as one (storage/share.h has the theory), as commands see it.
 *
 * locks/share orders two things that change the st_ctime of files in the store, making links and
 * removing them, with the starts of containers: who does the former holds the lock and asks the
 * database only then which layers running containers have; who starts a container has its row say
 * `running` before it looks at the lock, and waits for it before it lets init exec. So either the
 * row is seen, or the change comes before the container's first instruction. A start that meets
 * nobody (practically all) pays for two system calls.
 */
#ifndef ENGINE_SHARE_H
#define ENGINE_SHARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct store;

/* Adds to a job "layer" or "archive" what is in the store. *layers_fd: layers/, the third
 * descriptor that goes with it, the caller's; -1 where there is nothing to share with. */
int share_offer(struct store *s, json_t *job, int *layers_fd, struct err *e);
/* What struct store calls when layers are in place and have no record yet (storage/store.h): equal
 * files take the place of the empty ones. -EAGAIN where a layer has been removed meanwhile. */
int share_complete(struct store *s, char *const *short_ids, size_t n, struct err *e);
/* Makes one what a recorded layer's files and those of other layers have in common. For a commit's,
 * whose files were a container's until the record and could become so again: nothing a container
 * can write to is ever linked. The layer is whole whether that succeeds, fails or is killed. */
int share_join(struct store *s, const char *layer, struct err *e);
/* Is trash/<name> what is left of a join that was killed or failed? */
bool share_is_join(struct store *s, const char *name);
/* Puts the layer's folders back to their times and removes it. */
int share_settle_join(struct store *s, const char *name, struct err *e);
/* Takes the lock; the descriptor holds it. */
int share_lock(struct store *s, struct err *e);
/* After the row says running, before the container runs. */
void share_wait(struct store *s);

/* Has trash/<name> the mark of a layer with files that others have, too (storage/share_link.h)? */
bool share_is_shared(struct store *s, const char *name);
/* Removes such a layer, but for the files that a running container has,
 * too: those stay behind as trash/held.<nonce> (STORE_HELD) until it has ended. */
int share_remove(struct store *s, const char *name, struct err *e);

#endif
