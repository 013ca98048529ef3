/* manifest_list: the lists that `moss manifest create` makes and `push` sends, by normalised name
 * ("docker.io/library/app:1"). A list holds no image against removal: it names its members by
 * digest and repository. The content is JSON of engine/manifest_list.h.
 */
#ifndef STORAGE_MANIFEST_LIST_H
#define STORAGE_MANIFEST_LIST_H

struct err;
struct store;

/* ROW_OK, *content owned; ROW_ABSENT. */
int manifest_list_read(struct store *s, const char *name, char **content, struct err *e);
/* In place of `before` (NULL: as a new one). 1 = done, 0 = it was changed, made or removed
 * meanwhile. */
int manifest_list_write(
	struct store *s, const char *name, const char *before, const char *content, struct err *e);
/* ROW_OK, ROW_ABSENT. */
int manifest_list_remove(struct store *s, const char *name, struct err *e);

#endif
