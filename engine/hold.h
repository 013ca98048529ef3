/* hold: a container that stays as it is while somebody looks into it. */
#ifndef ENGINE_HOLD_H
#define ENGINE_HOLD_H

struct container_row;
struct err;
struct store;

/* 1: it runs (or is paused); its init is in the row. 0: it does not, and *alive is its lock: no
 * start, no removal, no second mount while that is open. What a dead commit left in its folder is
 * settled. The row is read again where a start or an end has to be waited for. */
int container_hold(struct store *s, struct container_row *row, int *alive, struct err *e);
/* The same, but 1 also where another command (or a monitor) has the lock for over wait_ms. */
int container_hold_within(
	struct store *s, struct container_row *row, int wait_ms, int *alive, struct err *e);

#endif
