/* reference: image names, by the distribution reference grammar, normalised as Docker does.
 *
 *   [domain[:port]/]path[:tag][@digest]; "debian" = "docker.io/library/debian:latest".
 */
#ifndef REGISTRY_REFERENCE_H
#define REGISTRY_REFERENCE_H

#include <stdbool.h>

struct err;

struct reference {
	char *domain; /* "docker.io" */
	char *path; /* "library/debian" */
	char *tag; /* "latest"; NULL where there is a digest and no tag was given */
	char *digest; /* "sha256:…" or NULL */
};
void reference_deinit(struct reference *r);
#define auto_reference __attribute__((cleanup(reference_deinit))) struct reference

/* "invalid reference format", "invalid reference format: repository name (X) must be lowercase".
 * add_latest: a missing tag and digest become ":latest". "docker://" in front says nothing new;
 * containers-storage: and docker-daemon: are refused with the way to copy, and what is no reference
 * but a file or folder (registry/transport.h) with the way to take it in. */
int reference_parse(const char *typed, bool add_latest, struct reference *r, struct err *e);
/* Full name: "docker.io/library/debian:12" (with both, "@digest" follows the tag). Owned. */
char *reference_full(const struct reference *r);
/* What an image is kept under: the full name, but with both a tag and a digest the digest decides,
 * and the tag is left out. Owned. */
char *reference_key(const struct reference *r);
/* What Docker shows: "debian:12", "localhost:5000/x:1". Owned. */
char *reference_familiar(const struct reference *r);
/* Name parts without tag and digest, full and familiar. Owned. */
char *reference_name(const struct reference *r);
char *reference_familiar_name(const struct reference *r);
/* sha256: and 64 lower-case hex digits. */
bool digest_valid(const char *d);

#endif
