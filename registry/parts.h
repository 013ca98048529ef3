/* parts: what has arrived of blobs, kept over interruptions: parts/<digest> in the data root.
 *
 * A part file is open only under its lock (open file description, so it ends with its holder's
 * last copy of the descriptor). A second pull of the same blob waits for the lock and then looks
 * into the store before it downloads. Whoever wants several takes the locks in the order of the
 * digests and keeps them to the end: no circle of waiters.
 */
#ifndef REGISTRY_PARTS_H
#define REGISTRY_PARTS_H

struct err;

enum parts_result { PARTS_BUSY = -1000 };

/* The folder, made where it is missing; removes part files that nobody has touched for a week. A
 * descriptor. */
int parts_open(int root_fd, struct err *e);
/* The locked part file (made where it is missing), PARTS_BUSY (e untouched), or a negative
 * errno. */
int parts_take(int parts_fd, const char *digest, struct err *e);
/* Forgets it: its bytes were used. The lock lives on with the descriptor. */
void parts_drop(int parts_fd, const char *digest);

/* Removes every part file that nobody holds: room on a full disk. */
void parts_clear(int parts_fd);

#endif
