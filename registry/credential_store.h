/* credential_store: where `login` and `logout` keep credentials: the credential-helpers of
 * registries.conf in their order, of which "containers-auth.json" (alone the default) is the file
 * of registry/credentials_file.h. As containers/image has it: the first that works keeps what is
 * stored, and all forget. Helpers know hosts only, no HOST/NAMESPACE.
 */
#ifndef REGISTRY_CREDENTIAL_STORE_H
#define REGISTRY_CREDENTIAL_STORE_H

#include <stdbool.h>

#include "base/str.h"

struct credentials;
struct credentials_server;
struct err;

struct credential_store {
	const char *path; /* the file */
	struct strv helpers; /* and the file, in order */
};
/* path stays the caller's. is_file_only: helpers are not asked (the file is one of Docker's,
 * which does not know them). */
int credential_store_open(
	struct credential_store *s, const char *path, bool is_file_only, struct err *e);
void credential_store_close(struct credential_store *s);
#define auto_credential_store                                                                      \
	__attribute__((cleanup(credential_store_close))) struct credential_store

/* What is kept for exactly this server. CREDENTIALS_FOUND, CREDENTIALS_NONE; negative where one
 * could not be asked and no other knows it. */
int credential_store_get(const struct credential_store *s, const struct credentials_server *server,
	struct credentials *out, struct err *e);
/* *where: the file, or "credential helper: NAME", owned; *in_clear: the secret is in the file. */
int credential_store_put(const struct credential_store *s, const struct credentials_server *server,
	const struct credentials *c, char **where, bool *in_clear, struct err *e);
/* Both go on after a failure, and tell the first. */
int credential_store_erase(
	const struct credential_store *s, const struct credentials_server *server, struct err *e);
int credential_store_erase_all(const struct credential_store *s, struct err *e);

#endif
