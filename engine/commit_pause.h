/* commit_pause: a container stands still while its files are copied, and no longer: the file
 * containers/<id>/commit-pause, locked by the committer, says for whom. Found without a holder (a
 * commit that was killed), the container goes on. */
#ifndef ENGINE_COMMIT_PAUSE_H
#define ENGINE_COMMIT_PAUSE_H

struct container_row;
struct err;
struct store;

/* *fd: the lock, for commit_pause_end. */
int commit_pause_begin(struct store *s, struct container_row *row, int *fd, struct err *e);
int commit_pause_end(struct store *s, struct container_row *row, int *fd, struct err *e);
/* For one whose row says paused. */
int commit_pause_reconcile(struct store *s, struct container_row *row, struct err *e);

#endif
