/* certs: the certificates a user keeps for one registry, as Docker and Podman do:
 *
 *   <folder>/<host[:port]>/{*.crt, NAME.cert + NAME.key}
 *
 * in ~/.config/docker/certs.d, ~/.config/containers/certs.d, ~/.docker/certs.d,
 * /etc/docker/certs.d and /etc/containers/certs.d; the first folder that has one for the host. The
 * authorities are added to the system's. SSL_CERT_FILE and SSL_CERT_DIR replace the system's.
 */
#ifndef REGISTRY_CERTS_H
#define REGISTRY_CERTS_H

#include "base/str.h"

struct err;

/* cert_dir (--cert-dir) replaces the search; may be NULL. PEM text; ca stays empty where the
 * library's own default is to be used. */
int certs_load(const char *host, const char *cert_dir, struct buf *ca, struct buf *cert,
	struct buf *key, struct err *e);
/* The same where no registry is asked: what replaces the system's authorities. */
int certs_load_system(struct buf *ca, struct err *e);

#endif
