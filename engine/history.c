#include "engine/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

void history_free(struct history_step *steps, size_t n)
{
	for (size_t i = 0; steps && i < n; i++) {
		free(steps[i].id);
		free(steps[i].created_by);
		free(steps[i].comment);
	}
	free(steps);
}

static struct history_step step_of(const json_t *entry)
{
	struct history_step step = {
		.created_by = xstrdup(json_str_or(entry, "created_by", "")),
		.comment = xstrdup(json_str_or(entry, "comment", "")),
	};
	step.created_ns = image_created_parse(json_str(entry, "created"));
	return step;
}

/* The parents' ids, down to one that is not here (any more). */
static int name_steps(struct store *s, const struct image *image, struct history_step *steps,
	size_t n, struct err *e)
{
	auto_free char *id = xstrdup(image->id);
	auto_free char *parent = image->parent ? xstrdup(image->parent) : NULL;
	for (size_t i = 0; i < n && id; i++) {
		struct image next = {0};
		steps[i].id = take_ptr(id);
		int r = parent ? image_find(s, parent, NULL, &next, e) : ROW_ABSENT;
		if (r < 0)
			return r;
		if (r == ROW_OK)
			id = take_ptr(parent);
		free(parent);
		parent = take_ptr(next.parent);
		if (r == ROW_OK)
			image_deinit(&next);
	}
	return 0;
}

int history_load(struct store *s, const struct image *image, struct history_step **out, size_t *n,
	struct err *e)
{
	auto_json config = json_parse(image->config, strlen(image->config), "image config", e);
	if (!config)
		return -e->code;
	const json_t *list = json_at(config, "history");
	size_t count = json_array_size(list), layer = 0;
	struct history_step *steps = xcalloc(count + 1, sizeof(*steps));
	int r = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		const json_t *entry = json_array_get(list, i);
		struct history_step *step = &steps[count - 1 - i];
		*step = step_of(entry);
		if (json_bool_or(entry, "empty_layer", false))
			continue;
		if (layer == image->n_layers)
			r = err_set(e, EBADMSG, "too many non-empty layers in History section");
		else
			step->size = image->layer_sizes[layer++];
	}
	if (r == 0)
		r = name_steps(s, image, steps, count, e);
	if (r < 0) {
		history_free(steps, count);
		return r;
	}
	*out = steps;
	*n = count;
	return 0;
}
