/* credentials_file: what `login` and `logout` change: Docker's config.json or Podman's auth.json.
 *
 * The file is read, changed and put in place as a whole (temporary file, fsync, rename; mode 0600),
 * under a lock on its folder, so that two logins lose nothing of each other. Keys that are not
 * ours stay as they are. A symbolic link is followed: its target is what is replaced. Where the
 * file names a credential helper for the registry (credHelpers) or for all (credsStore), the
 * secret goes there, and the file only says that there is one.
 */
#ifndef REGISTRY_CREDENTIALS_FILE_H
#define REGISTRY_CREDENTIALS_FILE_H

#include <stdbool.h>

struct credentials;
struct err;

/* The server that a user named: "ghcr.io", "https://ghcr.io/v2/", "" (Docker's own). */
struct credentials_server {
	char *key; /* in "auths" and for helpers: the host, or https://index.docker.io/v1/ */
	char *host; /* with port: "docker.io", "localhost:5000" */
	bool is_namespace; /* the key is HOST/NAMESPACE */
};
void credentials_server_deinit(struct credentials_server *s);
#define auto_server __attribute__((cleanup(credentials_server_deinit))) struct credentials_server
/* keeps_path: "host/namespace" is a key of its own, as Podman has it; else the host alone is.
 * -EINVAL. */
int credentials_server_parse(
	const char *typed, bool keeps_path, struct credentials_server *s, struct err *e);

/* The file of --authfile, else $REGISTRY_AUTH_FILE, else config.json in config_dir (--config; NULL
 * = $DOCKER_CONFIG or ~/.docker). Absolute, owned; NULL with e set. *is_authfile: one of the first
 * two. */
char *credentials_file_path(
	const char *config_dir, const char *authfile, bool *is_authfile, struct err *e);

/* What is kept for this key, there (also as a URL of it, as older clients wrote it) or in the
 * helper. CREDENTIALS_FOUND, CREDENTIALS_NONE. A missing file is CREDENTIALS_NONE. */
int credentials_file_get(const char *path, const char *key, struct credentials *out, struct err *e);
/* *in_helper: a helper keeps it, nothing is in the clear in the file. */
int credentials_file_store(const char *path, const char *key, const struct credentials *c,
	bool *in_helper, struct err *e);
/* *had: there was an entry. A helper that cannot erase is an error, after the file was changed. */
int credentials_file_erase(
	const char *path, const struct credentials_server *s, bool *had, struct err *e);
/* Every entry of "auths". */
int credentials_file_erase_all(const char *path, struct err *e);

#endif
