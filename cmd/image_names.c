#include "cmd/image_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/image_like.h"
#include "engine/transfer/places.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

char *image_familiar(const char *full)
{
	struct err ignored = {0};
	auto_reference ref = {0};
	if (reference_parse(full, false, &ref, &ignored) < 0)
		return xstrdup(full);
	return reference_familiar(&ref);
}

/* What the user's words mean as a name, or NULL where they can only be an id. */
static char *full_name(const char *typed, char **shown, struct err *e)
{
	auto_reference ref = {0};
	const char *hex = str_after(typed, "sha256:");
	if ((hex && is_hex(hex, strlen(hex))) || reference_parse(typed, true, &ref, e) < 0) {
		*shown = xstrdup(typed);
		return NULL;
	}
	*shown = reference_familiar(&ref);
	return reference_key(&ref);
}

char *image_reference(const char *typed)
{
	struct err ignored = {0};
	auto_free char *shown = NULL;
	return full_name(typed, &shown, &ignored);
}

static bool has_name(const struct image *image, const char *name)
{
	bool found = false;
	for (char **n = image->names; *n; n++)
		found |= !strcmp(*n, name);
	for (char **d = image->digests; *d; d++)
		found |= !strcmp(*d, name);
	return found;
}

char *image_reference_here(struct store *s, const struct image *image, const char *typed)
{
	char *name = image_reference(typed), *other = NULL;
	struct image found = {0};
	struct err ignored = {0};
	if (!name || has_name(image, name))
		return name;
	if (pull_places_here(s, typed, &found, &other, &ignored) == ROW_OK) {
		free(name);
		name = other;
	}
	image_deinit(&found);
	return name;
}

int image_named(struct store *s, const char *typed, struct image *out, struct err *e)
{
	struct err parse = {0};
	auto_free char *shown = NULL;
	auto_free char *full = full_name(typed, &shown, &parse);
	int r = image_find(s, typed, full, out, e);
	if (r == ROW_ABSENT && full)
		r = pull_places_here(s, typed, out, NULL, e);
	if (r <= 0)
		return r;
	if (r == ROW_AMBIGUOUS)
		return err_set(e, EINVAL, "multiple IDs found with provided prefix: %s", typed);
	if (parse.code) {
		*e = parse;
		return image_name_hint(typed, e);
	}
	err_set(e, ENOENT, "No such image: %s", shown);
	return image_like_hint(s, typed, e);
}
