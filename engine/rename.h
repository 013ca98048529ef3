/* rename: another name for a container, in whatever state. Its host name stays what it was. */
#ifndef ENGINE_RENAME_H
#define ENGINE_RENAME_H

struct container_row;
struct err;
struct store;

/* Docker's words where the name is no name, is taken, or is the one it has. */
int container_rename(
	struct store *s, const struct container_row *row, const char *name, struct err *e);

/* "Conflict. The container name ... is already in use by container ...". -EEXIST. */
int container_name_conflict(const char *name, const char *owner_id, struct err *e);

#endif
