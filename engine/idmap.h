/* idmap: --userns, --uidmap and --gidmap, in Podman's syntax.
 *
 * "Outside" ids are those of the user namespace that all of a user's containers share: 0 is the
 * user, 1... the subordinate ones, `total` in all. Maps are lists of ranges container id -> outside
 * id, not yet split where the kernel wants it (base/userns.h).
 *
 *   keep-id   the user's own ids inside (or uid=, gid=), the others around them
 *   nomap     the user's own id is not inside
 *   auto      size ids that no other container with `auto` has; uidmapping=, gidmapping= on top
 */
#ifndef ENGINE_IDMAP_H
#define ENGINE_IDMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/userns.h"

struct err;

enum idmap_kind { IDMAP_NONE, IDMAP_KEEP_ID, IDMAP_NOMAP, IDMAP_AUTO };

struct idmap_mode {
	enum idmap_kind kind;
	bool has_uid, has_gid;
	uint32_t uid, gid; /* keep-id: as which */
	uint32_t size; /* 0 = not given */
	struct strv uid_extra, gid_extra; /* auto: uidmapping=, gidmapping= */
};
/* "", "host": IDMAP_NONE. Podman's words for what is wrong, Docker's for what neither knows. */
int idmap_mode_parse(const char *text, struct idmap_mode *m, struct err *e);
void idmap_mode_deinit(struct idmap_mode *m);

/* Lists of ranges. */
struct id_ranges {
	struct id_range *v;
	size_t n;
};
void id_ranges_deinit(struct id_ranges *r);

/* The user's id as `id`, the others in order around it; `size` 0 = all. */
void idmap_keep(uint32_t total, uint32_t id, uint32_t size, struct id_ranges *out);
void idmap_nomap(uint32_t total, struct id_ranges *out);
/* size ids inside: those of `extra` where it says, the others from `start` on. */
void idmap_auto(
	uint32_t size, uint32_t start, const struct id_ranges *extra, struct id_ranges *out);

/* The lists of --uidmap and --gidmap ("[+ug]inside:[@]outside[:length]") for one of the two kinds
 * of ids. `own`: the shared namespace's ranges, whose outside is what "@" means. A list that says
 * nothing of this kind leaves the others' map, or else every id as it is. */
struct idmap_lists {
	const struct strv *uids, *gids;
};
int idmap_parse(const struct idmap_lists *l, bool for_gids, const struct id_range *own,
	size_t n_own, struct id_ranges *out, struct err *e);
/* "inside:[@]outside[:length]" of auto's options. */
int idmap_parse_extra(const struct strv *list, bool for_gids, const struct id_range *own,
	size_t n_own, struct id_ranges *out, struct err *e);

/* No id twice on either side, all of them the user's, 0 inside. */
int idmap_check(const struct id_ranges *r, bool is_gids, const struct id_range *own, size_t n_own,
	struct err *e);

#endif
