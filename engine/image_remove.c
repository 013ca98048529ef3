#include "engine/image_remove.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/image_name.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

enum { SHORT_ID = 12 };

struct users {
	struct strv ids, states;
};

static void users_free(struct users *u)
{
	strv_free(&u->ids);
	strv_free(&u->states);
}
#define auto_users __attribute__((cleanup(users_free))) struct users

static int users_load(struct store *s, const char *id, struct users *u, struct err *e)
{
	size_t n;
	int r = image_users(s, id, &u->ids.v, &u->states.v, &n, e);
	if (r == 0)
		u->ids.n = u->states.n = n;
	return r;
}

static bool is_running(const char *state)
{
	return !strcmp(state, "running") || !strcmp(state, "paused") ||
	       !strcmp(state, "restarting") || !strcmp(state, "initialized");
}

/* The first container that is (not) running; NULL where there is none. */
static const char *user_of(const struct users *u, bool running)
{
	for (size_t i = 0; i < u->ids.n; i++)
		if (is_running(u->states.v[i]) == running)
			return u->ids.v[i];
	return NULL;
}

static int conflict(
	struct err *e, const struct image *image, bool is_hard, const char *why, const char *id)
{
	return err_set(e, EBUSY, "conflict: unable to delete %.*s (%s) - image %s%s%.*s", SHORT_ID,
		image->id + strlen("sha256:"), is_hard ? "cannot be forced" : "must be forced", why,
		id ? " " : "", id ? SHORT_ID : 0, id ? id : "");
}

static bool same_repository(const char *a, const char *b)
{
	struct err ignored = {0};
	auto_reference x = {0}, y = {0};
	return reference_parse(a, false, &x, &ignored) == 0 &&
	       reference_parse(b, false, &y, &ignored) == 0 && !strcmp(x.domain, y.domain) &&
	       !strcmp(x.path, y.path);
}

static size_t count(char **list)
{
	size_t n = 0;
	while (list[n])
		n++;
	return n;
}

/* At most one tag, and every digest of the same repository. */
static bool has_single_name(const struct image *i)
{
	size_t tags = count(i->names), digests = count(i->digests);
	if (tags + digests <= 1)
		return true;
	if (tags > 1)
		return false;
	const char *first = tags ? i->names[0] : i->digests[0];
	for (size_t k = 0; k < digests; k++)
		if (!same_repository(first, i->digests[k]))
			return false;
	return true;
}

static bool is_id_of(const struct image *image, const char *typed)
{
	return str_starts(image->id, typed) || str_starts(image->id + strlen("sha256:"), typed);
}

static int untag(struct store *s, const struct image *image, const char *name, struct strv *lines,
	struct err *e)
{
	auto_reference ref = {0};
	int r = reference_parse(name, false, &ref, e);
	if (r == 0)
		r = image_name_drop(s, image, name, e);
	if (r != ROW_OK)
		return r < 0 ? r : 0;
	auto_free char *shown = reference_familiar(&ref);
	strv_addf(lines, "Untagged: %s", shown);
	return 0;
}

static int untag_all(struct store *s, const struct image *image, struct strv *lines, struct err *e)
{
	int r = 0;
	for (char **n = image->names; *n && r >= 0; n++)
		r = untag(s, image, *n, lines, e);
	for (char **d = image->digests; *d && r >= 0; d++)
		r = untag(s, image, *d, lines, e);
	return r;
}

static int delete (struct store *s, const struct image *image, const struct image *was,
	struct strv *lines, struct err *e)
{
	char **gone = NULL;
	size_t n = 0;
	int r = untag_all(s, image, lines, e);
	if (r == 0)
		r = image_delete(s, image->id, was, &gone, &n, e);
	/* Its own transaction: the deletion's lists what is to go before it begins. */
	if (r >= 0)
		r = event_image(s, "delete", image->id, image->id, image->config, e);
	for (size_t i = 0; i < n; i++) {
		strv_addf(lines, "Deleted: %s", gone[i]);
		free(gone[i]);
	}
	free(gone);
	return r;
}

/* The typed name goes. 1 where other names keep the image. */
static int remove_name(struct store *s, struct image *image, const char *typed,
	const char *reference, bool force, const struct users *u, struct strv *lines, struct err *e)
{
	if (!force && has_single_name(image) && u->ids.n)
		return err_set(e, EBUSY,
			"conflict: unable to remove repository reference \"%s\" (must force) - "
			"container "
			"%.*s is using its referenced image %.*s",
			typed, SHORT_ID, u->ids.v[0], SHORT_ID, image->id + strlen("sha256:"));
	int r = untag(s, image, reference, lines, e);
	struct image now = {0};
	if (r == 0)
		r = image_find(s, image->id, NULL, &now, e);
	if (r != ROW_OK)
		return r < 0 ? r : 1;
	image_deinit(image);
	*image = now;
	/* Digests of a repository do not outlive its last tag. */
	bool is_digest = strchr(reference, '@') != NULL, has_tag = false;
	for (char **n = image->names; *n; n++)
		has_tag |= same_repository(*n, reference);
	size_t left = count(image->names) + count(image->digests);
	for (char **d = image->digests; *d && !is_digest && !has_tag && r == 0; d++)
		if (same_repository(*d, reference)) {
			r = untag(s, image, *d, lines, e);
			left--;
		}
	return r < 0 ? r : left > 0;
}

/* Parents go quietly, as far as nothing is in the way. */
static int prune_parents(struct store *s, const char *parent, struct strv *lines, struct err *e)
{
	auto_free char *id = parent ? xstrdup(parent) : NULL;
	int r = 0;
	while (id && r == 0) {
		struct image image = {0};
		auto_users u = {0};
		if ((r = image_find(s, id, NULL, &image, e)) != ROW_OK)
			return r < 0 ? r : 0;
		bool stays = image.names[0] || image.digests[0];
		if (!stays && (r = users_load(s, image.id, &u, e)) == 0)
			r = image_is_parent(s, image.id, e);
		stays |= r != 0 || u.ids.n;
		if (!stays)
			r = delete (s, &image, NULL, lines, e);
		free(id);
		id = stays ? NULL : take_ptr(image.parent);
		image_deinit(&image);
	}
	return r < 0 ? r : 0;
}

static int delete_with_parents(struct store *s, const struct image *image, unsigned flags,
	const struct image *was, struct strv *lines, struct err *e)
{
	int r = delete (s, image, was, lines, e);
	return r < 0 || (flags & IMAGE_REMOVE_NO_PRUNE) ? r
							: prune_parents(s, image->parent, lines, e);
}

static int remove_by_id(struct store *s, const struct image *image, unsigned flags,
	const struct users *u, const struct image *was, struct strv *lines, struct err *e)
{
	bool force = flags & IMAGE_REMOVE_FORCE;
	int r = image_is_parent(s, image->id, e);
	if (r != 0)
		return r < 0 ? r : conflict(e, image, true, "has dependent child images", NULL);
	const char *id = user_of(u, true);
	if (id)
		return conflict(e, image, true, "is being used by running container", id);
	if (!force && !(flags & IMAGE_REMOVE_ALL_NAMES) && !has_single_name(image))
		return conflict(e, image, false, "is referenced in multiple repositories", NULL);
	id = user_of(u, false);
	if (id && !force)
		return conflict(e, image, false, "is being used by stopped container", id);
	return delete_with_parents(s, image, flags, was, lines, e);
}

static int remove_one(struct store *s, struct image *image, const char *typed,
	const char *reference, unsigned flags, const struct image *was, struct strv *lines,
	struct err *e)
{
	bool force = flags & IMAGE_REMOVE_FORCE;
	auto_users u = {0};
	int r = users_load(s, image->id, &u, e);
	if (r < 0)
		return r;
	if (is_id_of(image, typed) || !reference)
		return remove_by_id(s, image, flags, &u, was, lines, e);
	r = remove_name(s, image, typed, reference, force, &u, lines, e);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Without a name it is kept silently for the container or the image that is made of it. */
	if (user_of(&u, true) || (!force && u.ids.n))
		return 0;
	r = image_is_parent(s, image->id, e);
	return r != 0 ? (r < 0 ? r : 0) : delete_with_parents(s, image, flags, was, lines, e);
}

int image_remove(struct store *s, const struct image *image, const char *typed,
	const char *reference, unsigned flags, struct strv *lines, struct err *e)
{
	struct image own = {0}, was = {0};
	int r = image_find(s, image->id, NULL, &own, e);
	if (r == ROW_OK)
		r = image_find(s, image->id, NULL, &was, e);
	if (r == ROW_OK)
		r = remove_one(s, &own, typed, reference, flags, &was, lines, e);
	else if (r >= 0)
		r = err_set(e, ENOENT, "No such image: %s", typed);
	image_deinit(&own);
	image_deinit(&was);
	/* What was asked for is done without it, too: a later command does it. */
	struct err late = {0};
	if (image_names_settle(s, &late) < 0)
		log_debug("%s", late.msg);
	return r;
}
