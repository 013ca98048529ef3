/* places: everywhere an image may come from, tried one after the other until one gives it.
 *
 *	auto_pull_places l;
 *	pull_places_find(typed, true, o, &l, e);       by registry/registries.h; asks nobody yet
 *	for each: try; on failure pull_places_failed(&l, i, r, e) says whether the next is to be
 *tried pull_places_explain(&l, typed, e);             where none gave it: what was tried, and why
 *not
 *
 * A mirror's failure of whatever kind leads to the next place, and so does a search registry's;
 *what is wrong with this machine (a full disk, a refusing policy) ends it all. Credentials are
 *those of each place's own host; --creds are for the registry the user named, never for a mirror.
 */
#ifndef ENGINE_TRANSFER_PLACES_H
#define ENGINE_TRANSFER_PLACES_H

#include "engine/transfer/pull.h"
#include "registry/reference.h"

struct pull_place {
	struct reference ref; /* what the image is recorded as, whoever gives it */
	struct reference at; /* who is asked: the same tag or digest */
	struct pull_options options; /* for this place */
	char *failure;
};
struct pull_places {
	struct pull_place *v;
	size_t n;
	bool is_chosen; /* the user said which of several names */
};
void pull_places_deinit(struct pull_places *l);
#define auto_pull_places __attribute__((cleanup(pull_places_deinit))) struct pull_places

int pull_places_find(const char *typed, bool add_latest, const struct pull_options *o,
	struct pull_places *l, struct err *e);
bool pull_places_failed(struct pull_places *l, size_t i, int r, const struct err *e);
/* It was got from place i: what the user chose is remembered. */
void pull_places_succeeded(const struct pull_places *l, size_t i, const char *typed);
/* One place's failure stays as it is. Returns -e->code. */
int pull_places_explain(const struct pull_places *l, const char *typed, struct err *e);

/* An image that is here already, by a short name: "nginx" also finds what its alias or the search
 * registries make of it, after docker.io's (which image_find finds). As image_find; *name gets the
 * full name (owned), name may be NULL. Malformed files are left for a pull to complain of. */
int pull_places_here(
	struct store *s, const char *typed, struct image *out, char **name, struct err *e);

#endif
