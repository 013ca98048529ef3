/* search: looking for images in a registry or an index of one.
 *
 * An index (Docker Hub's, or a registry that has the first API) is asked with /v1/search; a
 * registry that does not answer that lists its repositories with /v2/_catalog, page by page, and
 * those with the query in their name are taken, as Podman does. Both answers are foreign: this runs
 * in a confined process (moss-transfer, role fetch), and what comes out of it is an array of
 *
 *   {"name", "description", "stars": n, "official": bool, "automated": bool}
 *
 * with names that can be names of images, text without control characters, and no more entries than
 * were asked for.
 */
#ifndef REGISTRY_SEARCH_H
#define REGISTRY_SEARCH_H

#include <jansson.h>
#include <stddef.h>

struct client;
struct err;

enum {
	SEARCH_LIMIT_MAX = 1000, /* entries */
	SEARCH_PAGE_MAX = 4 * 1024 * 1024, /* bytes of an answer */
	SEARCH_DESCRIPTION_MAX = 4096,
	SEARCH_NAME_MAX = 255,
};

/* Asks. New reference in *results; *from_catalog tells where they are from. query may be ""
 * (everything a catalog has). */
int search_registry(struct client *c, const char *query, size_t limit, json_t **results,
	int *from_catalog, const char **kind, struct err *e);

/* The two parsers; they add to `results` until it has `limit` entries. -EBADMSG. */
int search_read_index(const char *text, size_t len, size_t limit, json_t *results, struct err *e);
int search_read_catalog(const char *text, size_t len, const char *query, size_t limit,
	json_t *results, struct err *e);

#endif
