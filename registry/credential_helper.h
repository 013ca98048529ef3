/* credential_helper: docker-credential-NAME, the programs that keep secrets elsewhere.
 *
 * Protocol (docker-credential-helpers): the verb is the one argument; "get" and "erase" read the
 * server's name, "store" reads {"ServerURL", "Username", "Secret"}; "get" answers with the same
 * object; "list" answers with {server: user name, ...}. The user name "<token>" says that the secret is an identity token. Secrets go through
 * pipes only. For moss itself, never for a confined process.
 */
#ifndef REGISTRY_CREDENTIAL_HELPER_H
#define REGISTRY_CREDENTIAL_HELPER_H

#include <stddef.h>

struct credentials;
struct err;
struct strv;

/* name: without "docker-credential-". Each gives 0; a negative errno where the helper is missing,
 * fails or answers with nonsense (its own words in e, where it has any). */

/* CREDENTIALS_FOUND or CREDENTIALS_NONE. */
int credential_helper_get(
	const char *name, const char *server, struct credentials *out, struct err *e);
int credential_helper_store(
	const char *name, const char *server, const struct credentials *c, struct err *e);
/* What is not there is erased already. */
int credential_helper_erase(const char *name, const char *server, struct err *e);

/* Adds the names of all servers that it keeps something for. */
int credential_helper_list(const char *name, struct strv *servers, struct err *e);

/* The answer to "list". -EBADMSG. */
int credential_helper_parse_list(
	const char *text, size_t len, const char *program, struct strv *servers, struct err *e);
/* The answer to "get". -EBADMSG. */
int credential_helper_parse(
	const char *text, size_t len, const char *program, struct credentials *out, struct err *e);

#endif
