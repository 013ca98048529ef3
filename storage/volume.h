/* volume: named and anonymous volumes, volumes/<name>/_data. */
#ifndef STORAGE_VOLUME_H
#define STORAGE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

struct volume {
	char *name;
	char *driver; /* "local" */
	char *labels; /* JSON object or NULL */
	char *options; /* JSON object or NULL */
	char *mountpoint;
	bool is_anonymous;
	bool needs_copy_up; /* new and empty: filled from the image at first use */
	int64_t created_ns;
};
void volume_deinit(struct volume *v);

/* [a-zA-Z0-9][a-zA-Z0-9_.-]+ */
bool volume_name_valid(const char *name);
/* An existing one of that name is fine (*was_made tells). name NULL = anonymous, 64 hex digits. A
 * death in the middle leaves either all of it or nothing for long (storage/intent.h). */
int volume_create(struct store *s, const char *name, const char *driver, const char *labels,
	const char *options, struct volume *out, bool *was_made, struct err *e);
/* An anonymous one whose 64 digits are known: that of a container which comes back without it. */
int volume_create_nameless(struct store *s, const char *name, struct err *e);
/* The same for a container that has no record yet: it is named in containers/<id>/volumes first, so
 * that volume_delete_noted, or the sweep of what the dead left (storage/recover.c), finds it. */
int volume_create_for(struct store *s, const char *container_id, const char *labels,
	const char *options, struct volume *out, struct err *e);
/* Deletes the anonymous volumes named there that nothing uses. For a container without a record. */
void volume_delete_noted(struct store *s, const char *container_id);
/* ROW_OK, ROW_ABSENT */
int volume_find(struct store *s, const char *name, struct volume *out, struct err *e);
int volume_list(struct store *s, struct volume **out, size_t *n, struct err *e);
/* ROW_OK; ROW_ABSENT; ROW_CONFLICT where containers use it: *users lists their ids. The files go
 * to trash/ and are purged; where the store keeps, to undo/ (storage/keep.h). */
int volume_delete(struct store *s, const char *name, char ***users, size_t *n, struct err *e);
/* Containers that use it. */
int volume_users(struct store *s, const char *name, char ***ids, size_t *n, struct err *e);
int volume_set_copied(struct store *s, const char *name, struct err *e);
/* Anonymous volumes that only this container uses. */
int volume_list_anonymous_of(
	struct store *s, const char *container_id, char ***names, size_t *n, struct err *e);

#endif
