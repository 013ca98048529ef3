/* image_filter: --filter of images and the prunes of images. */
#ifndef CMD_IMAGE_FILTER_H
#define CMD_IMAGE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct image;
struct store;

struct image_filter {
	const struct strv *given; /* borrowed: as typed, "key=value" or, negated, "key!=value" */
	/* One of these per key: whether it was given, and what. */
	bool has_dangling, dangling, has_intermediate, intermediate, has_readonly, readonly,
		has_manifest, manifest, has_containers, containers;
	bool has_reference; /* so that images without a name are left out */
	bool has_before, has_since; /* of several the narrowest; until is a before, too */
	int64_t before_ns, since_ns;
};

/* For images. Docker's keys (before, dangling, label, reference, since, until) and Podman's
 * (after, containers, digest, id, intermediate, manifest, readonly); label!, reference!, id! and
 * digest! turn theirs round. `given` must outlive the filter. */
int image_filter_parse(
	struct store *s, const struct strv *given, struct image_filter *f, struct err *e);
/* One of the list. Of names the reference filters decide one by one: image_filter_name. */
bool image_filter_match(
	const struct image_filter *f, const struct image *i, const struct image *list, size_t n);
/* full: a name or a digest reference, normalised. */
bool image_filter_name(const struct image_filter *f, const char *full);

#endif
