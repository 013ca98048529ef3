/* manifest_list: the lists (indexes) that `moss manifest` makes.
 *
 * A list is one JSON document in the store (storage/manifest_list.h):
 *
 *	{"id": 64 hex digits, made at its creation; what Podman's commands print
 *	 "annotations": {...},
 *	 "entries": [{
 *	   "ref": "localhost:5000/app:amd64"     as named when it was added
 *	   "repository": "localhost:5000/app"    where its blobs are; or
 *	   "source": {"transport", "path"}       the file or folder (registry/transport.h) with them
 *	   "image": "sha256:..."                 where the store had it; else missing
 *	   "mediaType", "digest", "size", "platform": {...}, "annotations": {...},
 *	   "raw": base64 of the manifest
 *	   "document": its known keys}]}
 *
 * Entries are sorted as Docker's files are. Changes are made on what was read and fail where it has
 * changed meanwhile: manifest_list_change does it again then.
 */
#ifndef ENGINE_MANIFEST_LIST_H
#define ENGINE_MANIFEST_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct reference;
struct store;
struct strv;

struct manifest_list {
	char *name; /* normalised */
	char *shown; /* as Docker shows it */
	json_t *json;
	char *text; /* as it was read; NULL = new */
};
void manifest_list_deinit(struct manifest_list *l);
#define auto_list __attribute__((cleanup(manifest_list_deinit))) struct manifest_list

/* ROW_OK, ROW_ABSENT. */
int manifest_list_open(
	struct store *s, const struct reference *ref, struct manifest_list *l, struct err *e);
/* "No such manifest: x" where there is none. */
int manifest_list_get(struct store *s, const char *typed, struct manifest_list *l, struct err *e);
/* A new, empty one, not yet in the store. */
void manifest_list_new(const struct reference *ref, struct manifest_list *l);
/* 1 = written, 0 = it is another one by now. */
int manifest_list_save(struct store *s, const struct manifest_list *l, struct err *e);
/* Reads, calls change, writes; again where somebody was faster. */
int manifest_list_change(struct store *s, const char *typed,
	int (*change)(struct manifest_list *l, void *arg, struct err *e), void *arg, struct err *e);

const char *manifest_list_id(const struct manifest_list *l);
json_t *manifest_list_entries(const struct manifest_list *l); /* borrowed */
/* In the place of one with the same ref, or of the same digest where one of the two is in a file or
 * folder. Takes the reference. */
void manifest_list_add(struct manifest_list *l, json_t *entry);
/* By what the user names: a ref, or a digest. Borrowed, NULL where there is none. */
json_t *manifest_list_find(const struct manifest_list *l, const char *typed);
/* By digest. false where there is none. */
bool manifest_list_drop(struct manifest_list *l, const char *digest);

/* The index as a document of the media type (NULL: Docker's list, where a member is Docker's and
 * there are no annotations). New reference. *type: a constant. */
json_t *manifest_list_index(const struct manifest_list *l, const char *wanted, const char **type);

/* The platform of an entry, its keys in Docker's order. New reference. */
json_t *manifest_list_platform(const json_t *entry, bool is_oci);
/* A platform that Docker knows. */
bool manifest_platform_known(const char *os, const char *architecture);

#endif
