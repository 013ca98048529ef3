/* search: asks a registry for images, or for the tags of one, through a fetcher. */
#ifndef ENGINE_TRANSFER_SEARCH_H
#define ENGINE_TRANSFER_SEARCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct pull_options;
struct store;
struct strv;

/* domain: "docker.io", "localhost:5000". *results: an array as registry/search.h describes it, text
 * made printable; new reference. *from_catalog: names are repositories of the registry. o: tls,
 * credentials, certificates, retries. */
int image_search(struct store *s, const char *domain, const char *query, int64_t limit,
	const struct pull_options *o, json_t **results, bool *from_catalog, struct err *e);
/* typed: a name without a tag. At most limit, in the registry's order. */
int image_search_tags(struct store *s, const char *typed, int64_t limit,
	const struct pull_options *o, struct strv *tags, struct err *e);

#endif
