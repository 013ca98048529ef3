/* transport: an image in a file or a folder, as containers-transports(5) names it.
 *
 *   dir:PATH                      one image, its blobs beside its manifest
 *   oci:PATH[:REF|:@N]            a folder with an OCI image layout
 *   oci-archive:FILE[:REF|:@N]    a tar of such a folder
 *   docker-archive:FILE[:NAME[:TAG]|:@N]    what `docker save` writes
 *
 * The path of all but dir: ends at the first colon. REF is an annotation of the layout's index and
 * need be no name of an image; N counts the images of the file from 0.
 */
#ifndef REGISTRY_TRANSPORT_H
#define REGISTRY_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum transport_kind {
	TRANSPORT_DIR,
	TRANSPORT_OCI,
	TRANSPORT_OCI_ARCHIVE,
	TRANSPORT_DOCKER_ARCHIVE,
};

struct transport {
	enum transport_kind kind;
	char *path; /* as typed; never empty */
	char *ref; /* of docker-archive the full name with its tag; NULL: none */
	int64_t index; /* -1: none */
};
void transport_deinit(struct transport *t);
#define auto_transport __attribute__((cleanup(transport_deinit))) struct transport

/* Does the text begin with one of the four? "oci:1" does, though it could be an image's name. */
bool transport_is(const char *typed);
/* Splits a text that does. */
int transport_parse(const char *typed, struct transport *t, struct err *e);
/* As it was typed, but with the whole path: "oci:/home/u/layout:1". Owned. */
char *transport_full(const struct transport *t);
/* "dir", "oci", ... as policy.json has them. */
const char *transport_name(enum transport_kind kind);
/* By such a name; false: it is none of the four. */
bool transport_find(const char *name, enum transport_kind *out);
/* By the format of `save`: "docker-archive", "oci-archive", "oci-dir", "docker-dir". */
int transport_of_format(const char *text, enum transport_kind *out, struct err *e);
bool transport_is_folder(enum transport_kind kind);
/* Who reads a file where this one reads a folder, or the other way round. */
enum transport_kind transport_other(enum transport_kind kind);
/* May it be the REF of an image layout (containers-transports(5))? */
bool transport_ref_valid(const char *ref);

#endif
