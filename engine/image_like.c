#include "engine/image_like.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"
#include "storage/image.h"

enum { SHORT_NAME = 4, REPOSITORY_WEIGHT = 8, OTHER_FOLDER = 1 };

/* How many letters may differ. */
static unsigned limit_of(const char *name)
{
	size_t n = strlen(name);
	return n > SHORT_NAME ? 2 : n > SHORT_NAME / 2 ? 1 : 0;
}

struct wanted {
	char *name; /* as it is shown, without a tag */
	char *tag; /* NULL: none was typed */
	struct reference ref;
};

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* How far a local name is from what was typed; UINT_MAX where it is another one, or that itself
 * (which the registry does not have). */
static unsigned distance(const struct wanted *w, const struct reference *local)
{
	auto_free char *name = reference_familiar_name(local);
	unsigned limit = limit_of(last_part(w->name));
	unsigned d = str_distance(w->name, name);
	if (d > limit) {
		const char *mine = last_part(w->name), *its = last_part(name);
		unsigned last = str_distance(mine, its);
		if (last > limit || (last && limit < 2))
			return UINT_MAX;
		d = OTHER_FOLDER + last;
	}
	const char *tag = local->tag ? local->tag : "";
	d = d * REPOSITORY_WEIGHT + str_distance(w->tag ? w->tag : "latest", tag);
	return d || w->ref.digest ? d : UINT_MAX;
}

static void look_at(const struct wanted *w, char *const *names, unsigned *best, char **found)
{
	for (; *names; names++) {
		struct err ignored;
		auto_reference local = {0};
		if (reference_parse(*names, false, &local, &ignored) < 0)
			continue;
		unsigned d = distance(w, &local);
		if (d >= *best)
			continue;
		*best = d;
		scope_free(found);
		*found = reference_familiar(&local);
	}
}

/* Owned; NULL where nothing is like it. */
static char *most_alike(struct store *s, const struct wanted *w)
{
	struct err ignored;
	struct image *list = NULL;
	size_t n = 0;
	unsigned best = UINT_MAX;
	char *found = NULL;
	if (image_list(s, &list, &n, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		look_at(w, list[i].names, &best, &found);
		if (!list[i].names[0])
			look_at(w, list[i].digests, &best, &found);
	}
	image_list_free(list, n);
	return found;
}

static void add_hint(struct err *e, const char *text)
{
	auto_free char *before = xstrdup(e->hint);
	err_hint(e, "%s%s%s", before, *before ? "; " : "", text);
}

int image_like_hint(struct store *s, const char *typed, struct err *e)
{
	struct err ignored;
	struct wanted w = {0};
	if (reference_parse(typed, false, &w.ref, &ignored) < 0)
		return -e->code;
	w.name = reference_familiar_name(&w.ref);
	w.tag = w.ref.tag;
	auto_free char *alike = most_alike(s, &w);
	auto_free char *text = alike ? xasprintf("did you mean %s?", alike) : NULL;
	if (text)
		add_hint(e, text);
	scope_free(&w.name);
	reference_deinit(&w.ref);
	return -e->code;
}

int image_like_pull_hint(struct store *s, const char *typed, struct err *e)
{
	struct err ignored;
	auto_reference ref = {0};
	/* Not a name is wrong, but a flag, or what the name stands for. */
	if (e->code == EINVAL || e->code == ENOTSUP || e->code == EBADMSG)
		return -e->code;
	if ((e->code == ENOENT || e->code == EACCES) && !*e->hint &&
		reference_parse(typed, false, &ref, &ignored) == 0) {
		bool is_default = !str_starts(typed, "docker.io/");
		if (strcmp(ref.domain, "docker.io") != 0 || !is_default)
			err_hint(e, "%s was asked", ref.domain);
		else
			err_hint(e, "docker.io was asked, which a name without a host means");
	}
	return image_like_hint(s, typed, e);
}

/* Owned. */
static char *without_noise(const char *typed)
{
	static const char *const pages[] = {"hub.docker.com/_/", "hub.docker.com/r/"};
	const char *rest = strstr(typed, "://");
	rest = rest ? rest + strlen("://") : typed;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (str_starts(rest, pages[i]))
			rest += strlen(pages[i]);
	while (*rest == '/' || isspace((unsigned char)*rest))
		rest++;
	char *name = xstrdup(rest);
	size_t n = strlen(name);
	while (n && (strchr("/:@", name[n - 1]) || isspace((unsigned char)name[n - 1])))
		name[--n] = '\0';
	/* Tags may have capitals. */
	char *slash = strrchr(name, '/'), *colon = strchr(slash ? slash : name, ':');
	if (colon)
		*colon = '\0';
	str_lower(name);
	if (colon)
		*colon = ':';
	return name;
}

int image_name_hint(const char *typed, struct err *e)
{
	struct err ignored;
	auto_reference ref = {0};
	auto_free char *meant = without_noise(typed);
	if (*e->hint || e->code != EINVAL || !*typed)
		return -e->code;
	if (reference_parse(meant, false, &ref, &ignored) == 0)
		return err_hint(e, "did you mean %s?", meant);
	return err_hint(e,
		"a name is [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST], in lower case but for "
		"the tag");
}
