/* user: "name|uid[:group|gid]" looked up in a container's own /etc/passwd and /etc/group, by
 * Docker's rules and with its words. Only regular files of a sane size are read, inside the root,
 * by descriptor; no NSS. The text of both files is foreign: malformed lines are passed over.
 */
#ifndef ENGINE_USER_H
#define ENGINE_USER_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct json_t;

struct user_ids {
	uid_t uid;
	gid_t gid;
	gid_t *gids; /* supplementary, the gid itself first, none twice */
	size_t n_gids;
	char *home; /* "/" where the passwd has no entry */
};
void user_ids_deinit(struct user_ids *u);
/* Adds a supplementary group unless it is there. */
void user_add_group(struct user_ids *u, gid_t gid);

/* One line of passwd or group, split in place. */
struct user_entry {
	const char *name;
	unsigned uid, gid; /* group: gid */
	const char *home; /* passwd */
	char *members; /* group: comma-separated */
};
/* Take the next well-formed line from *at (modified); false at the end. */
int user_next_passwd(char **at, struct user_entry *entry);
int user_next_group(char **at, struct user_entry *entry);

/* text NULL or "": the ids in *u as the caller set them (u->uid, u->gid), with the groups of the
 * passwd entry of u->uid. group_add: array of names or numbers, may be NULL. */
int user_resolve(int root_fd, const char *text, const struct json_t *group_add, struct user_ids *u,
	struct err *e);

#endif
