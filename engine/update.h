/* update: a container's limits and restart policy, changed while it runs or not.
 *
 * The order makes a kill harmless: the cgroup first, then config.json (what the next start goes
 * by), then the row (what inspect shows), all while other writers wait; a command killed in between
 * has changed a part, and does the whole when it is repeated.
 */
#ifndef ENGINE_UPDATE_H
#define ENGINE_UPDATE_H

struct container_row;
struct err;
struct limits;
struct store;

/* limits: the new ones, after limits_check; what is not set stays. restart: --restart, or NULL. */
int container_update(struct store *s, struct container_row *row, const struct limits *limits,
	const char *restart, struct err *e);

#endif
