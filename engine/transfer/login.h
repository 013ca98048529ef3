/* login: asks a registry, through a confined process, whether credentials are good. */
#ifndef ENGINE_TRANSFER_LOGIN_H
#define ENGINE_TRANSFER_LOGIN_H

struct credentials;
struct err;
struct pull_options;
struct store;

/* host: with port, "docker.io". Where the registry gives an identity token, it is in c afterwards
 * and the password is gone. Of the options: tls, cert_dir, retries. */
int registry_login(struct store *s, const char *host, const struct pull_options *o,
	struct credentials *c, struct err *e);

#endif
