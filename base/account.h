/* account: a user's entry of the password database. */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

struct account {
	char *name, *home;
};

/* Looked for in /etc/passwd itself, then (users from LDAP and the like) with getent: the C
 * library's name service costs a third of a millisecond to start, and a static program would have
 * to load it. False where there is no such user. */
bool account_find(uid_t uid, struct account *a);
void account_deinit(struct account *a);

#endif
