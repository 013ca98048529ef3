/* What the files of check share: finding (check.c), repairing (check_repair.c). */
#ifndef ENGINE_CHECK_INTERNAL_H
#define ENGINE_CHECK_INTERNAL_H

#include "engine/check.h"
#include "storage/db/check_row.h"

struct check_layers {
	struct check_layer_row *v;
	size_t n;
};
void check_layers_free(struct check_layers *l);
#define auto_check_layers __attribute__((cleanup(check_layers_free))) struct check_layers

const struct check_layer_row *check_layer_by_id(const struct check_layers *l, const char *id);
struct check_item *check_find(struct check *c, enum check_kind kind, const char *id);

#endif
