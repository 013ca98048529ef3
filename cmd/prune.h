/* prune: what the prune commands of single kinds share with system prune. */
#ifndef CMD_PRUNE_H
#define CMD_PRUNE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/ps_filter.h"

struct err;
struct globals;
struct store;

/* --filter: until and the labels. */
struct prune_wish {
	struct filters filters;
	int64_t until_ns;
	bool has_until;
};
void prune_wish_deinit(struct prune_wish *w);
#define auto_prune_wish __attribute__((cleanup(prune_wish_deinit))) struct prune_wish

/* Adds pruneFilters of Docker's config.json ("label!=keep") to the typed ones, but for those that a
 * typed one contradicts, and reads them all. known: the names that the command has,
 * NULL-terminated; others are errors in Docker's words. */
int prune_wish_read(const struct globals *g, struct strv *typed, const char *const *known,
	struct prune_wish *out, struct err *e);
bool prune_wish_time(const struct prune_wish *w, int64_t created_ns);
bool prune_wish_has_labels(const struct prune_wish *w);
bool prune_wish_labels(const struct prune_wish *w, const json_t *labels);

/* What Docker's prune commands end with. */
void prune_tell(int64_t reclaimed);

/* Each removes, prints "Deleted X:" with a line for each and an empty line (nothing where it
 * removed nothing), and tells it as an event. */
int prune_containers(
	struct store *s, const struct prune_wish *w, int64_t *reclaimed, struct err *e);
/* all: not only what has no tag. reclaimed: bytes of the disk. */
int prune_images(
	struct store *s, const struct prune_wish *w, bool all, int64_t *reclaimed, struct err *e);
/* Nameless ones that nothing uses; those with data go to the trash and are not reclaimed. filter:
 * as typed (label, label!). */
int prune_volumes(struct store *s, const struct strv *filter, int64_t *reclaimed, struct err *e);

#endif
