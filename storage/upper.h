/* upper: how a stopped container's writable folder becomes a layer without being copied.
 *
 * containers/<id>/upper and the folder diff/ of the new layer, which is a new, empty writable
 * folder, change places in one step (RENAME_EXCHANGE): at no moment has the container no writable
 * folder. The database says who is whose, so between the exchange and the record there is a moment
 * where the container would be empty. The file containers/<id>/commit tells of it:
 *
 *   1. layers/<short> is in place, synced, without a row; an intent names it
 *   2. containers/<id>/commit: "<short> <inode of upper> <mode of upper>", durable
 *   3. the exchange
 *   4. one transaction: the layer's row, the container's chain, the image
 *   5. upper_settle: config.json says the new chain, the file goes
 *
 * upper_settle may come at any time after 2, also after a kill: where the layer has its row, it
 * does step 5; where it has none, it takes the exchange back (the inode tells whether there was
 * one). It is called by the committer, by the next command's sweep, and by whoever is about to use
 * the container's files: with the alive lock held, so that no two do it at once.
 */
#ifndef STORAGE_UPPER_H
#define STORAGE_UPPER_H

struct err;
struct store;

/* Can the folder be moved? Its owner must be the user himself (owners of subordinate ids may only
 * be moved inside the user namespace, where there is no database). 1, 0 or -errno. */
int upper_is_movable(struct store *s, const char *id, struct err *e);
/* Steps 2 and 3; the alive lock is the caller's. */
int upper_exchange(struct store *s, const char *id, const char *short_id, struct err *e);
/* See above; nothing to do costs one look. The alive lock is the caller's. */
int upper_settle(struct store *s, const char *id, struct err *e);
/* The same for who does not hold the lock: takes it; -EAGAIN where another has it. */
int upper_settle_idle(struct store *s, const char *id, struct err *e);

#endif
