/* credentials: who we are at a registry, from the files and helpers of Docker and Podman.
 *
 * The credential-helpers of registries.conf are asked in their order ("containers-auth.json" stands
 * for the files below; alone it is the default) for the registry's host. One that fails is an error
 * where no other knows the registry.
 *
 * Of the files the first hit wins:
 *   1. authfile (--authfile, else $REGISTRY_AUTH_FILE): then nothing else is asked
 *   2. $DOCKER_AUTH_CONFIG (JSON, {"auths": ...})
 *   3. config.json in config_dir (--config, else $DOCKER_CONFIG, else ~/.docker):
 *      credHelpers[host], else credsStore, then auths
 *   4. ${XDG_RUNTIME_DIR}/containers/auth.json, ${XDG_CONFIG_HOME}/containers/auth.json
 *
 * Keys of "auths" are a host, a URL of it, or host/namespace[/repository]: the most specific one
 * that covers the repository. docker.io is also known as index.docker.io.
 * Helpers (docker-credential-NAME) are run by this module: call it from moss, not from a confined
 * process. A helper of Docker's file that fails is a warning; the pull goes on without credentials,
 * as Docker does.
 */
#ifndef REGISTRY_CREDENTIALS_H
#define REGISTRY_CREDENTIALS_H

#include <jansson.h>

struct err;
struct reference;

struct credentials {
	char *username, *password; /* both or none */
	char *identity_token; /* a refresh token, exchanged at the token server */
	char *registry_token; /* used as it is */
};
void credentials_deinit(struct credentials *c);
#define auto_credentials __attribute__((cleanup(credentials_deinit))) struct credentials

/* In credential-helpers: the files. */
#define CREDENTIALS_FILES "containers-auth.json"

enum credentials_result { CREDENTIALS_FOUND = 0, CREDENTIALS_NONE = 1 };

/* config_dir and authfile may be NULL. CREDENTIALS_FOUND, CREDENTIALS_NONE, or a negative errno
 * where a file the user named cannot be read. */
int credentials_find(const char *config_dir, const char *authfile, const struct reference *ref,
	struct credentials *out, struct err *e);
/* "user:password" as given with --creds. -EINVAL where there is no colon. */
int credentials_parse(const char *text, struct credentials *out, struct err *e);
/* One entry of "auths". */
int credentials_from_entry(const json_t *entry, struct credentials *out);
/* A key of "auths" as two are compared: without scheme, version of the protocol ("/v1/") and slash
 * at the end; docker.io by its one name. Owned. */
char *credentials_key(const char *key);
/* From one parsed file's "auths" only; for tests and fuzzing. */
int credentials_from_auths(
	const json_t *auths, const struct reference *ref, struct credentials *out);

#endif
