/* manifest_member: an image as a member of a list: from a registry, else from the store; or from
 * the file or folder that a transport names, where its blobs stay. */
#ifndef ENGINE_TRANSFER_MANIFEST_MEMBER_H
#define ENGINE_TRANSFER_MANIFEST_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

struct document;
struct err;
struct pull_options;
struct reference;
struct store;

enum { MEMBER_ALL = 1, /* every image of a list */ MEMBER_CHOOSE = 2 /* the one for us */ };

/* The entries (engine/manifest_list.h) of what `typed` names, appended to `entries`. A list without
 * one of the flags is refused in Docker's words. "docker://" in front: only the registry. */
int manifest_member_read(struct store *s, const char *typed, const struct pull_options *o,
	int flags, json_t *entries, struct err *e);
/* What a registry has under the name, an image or another artifact, as it is, and each of its
 * images as an entry (an index has many). with_members false: of an index only the document. */
int manifest_remote_read(struct store *s, const struct reference *ref, const struct pull_options *o,
	bool with_members, struct document *doc, json_t *entries, struct err *e);

enum { READ_MEMBERS = 1, READ_ARTIFACTS = 2 /* else they are refused; their platform is empty */ };

/* The same of what a transport names. */
int manifest_transport_read(struct store *s, const char *typed, int flags, struct document *doc,
	json_t *entries, struct err *e);

#endif
