#include "engine/transfer/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/registries.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

enum { RETRIES_BEFORE_NEXT = 1 };

void pull_places_deinit(struct pull_places *l)
{
	for (size_t i = 0; i < l->n; i++) {
		reference_deinit(&l->v[i].ref);
		reference_deinit(&l->v[i].at);
		free(l->v[i].failure);
	}
	free(l->v);
	*l = (struct pull_places){0};
}

static int add_place(struct pull_places *l, const struct reference *ref, const struct endpoint *at,
	const struct pull_options *o, struct err *e)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	struct pull_place *p = &l->v[l->n++];
	*p = (struct pull_place){.options = *o};
	p->options.is_place = true;
	auto_free char *full = reference_full(ref);
	int r = reference_parse(full, false, &p->ref, e);
	if (r == 0)
		r = reference_parse(at->name, false, &p->at, e);
	if (r < 0)
		return r;
	p->at.tag = ref->tag ? xstrdup(ref->tag) : NULL;
	p->at.digest = ref->digest ? xstrdup(ref->digest) : NULL;
	if (at->is_insecure && o->tls == PULL_TLS_DEFAULT)
		p->options.tls = PULL_TLS_INSECURE;
	if (at->is_mirror)
		p->options.creds = NULL;
	return 0;
}

static int add_name(struct pull_places *l, const struct registries *r, const char *name,
	bool add_latest, const struct pull_options *o, struct err *e)
{
	auto_reference ref = {0};
	auto_endpoints endpoints = {0};
	int n = reference_parse(name, add_latest, &ref, e);
	if (n < 0)
		return n;
	if (!strcmp(ref.domain, "docker.io") && !strcmp(ref.path, "library/scratch"))
		return err_set(e, EINVAL, "'scratch' is a reserved name");
	/* A digest says it all; the tag beside it is neither asked for nor set. */
	if (ref.digest)
		free(take_ptr(ref.tag));
	n = registries_endpoints(r, &ref, &endpoints, e);
	for (size_t i = 0; n == 0 && i < endpoints.n; i++)
		n = add_place(l, &ref, &endpoints.v[i], o, e);
	return n;
}

/* Whom of several: the user's answer, all, or nobody. */
static int choose(const struct registries *r, const char *typed, struct strv *names,
	const struct pull_options *o, bool *is_chosen, struct err *e)
{
	if (names->n < 2 || r->mode == SHORT_NAME_DISABLED)
		return 0;
	int n = o->choose ? o->choose(typed, names, e) : PULL_CHOOSE_CANNOT;
	if (n < 0)
		return n;
	if (n != PULL_CHOOSE_CANNOT) {
		char *chosen = xstrdup(names->v[n]);
		strv_free(names);
		strv_take(names, chosen);
		*is_chosen = true;
		return 0;
	}
	if (r->mode == SHORT_NAME_PERMISSIVE)
		return 0;
	(void)err_set(e, EINVAL,
		"short-name resolution enforced but cannot prompt without a TTY: %s may be any of "
		"%zu images",
		typed, names->n);
	return err_hint(e, "name the registry, too: %s", names->v[0]);
}

/* Where there is another place, waiting for a dead one is no use: one more try, unless the user
 * said how many. */
static void set_patience(struct pull_places *l)
{
	for (size_t i = 0; i + 1 < l->n; i++) {
		struct pull_options *o = &l->v[i].options;
		if (!o->has_retries)
			o->retries = RETRIES_BEFORE_NEXT;
		o->has_retries = true;
	}
}

int pull_places_find(const char *typed, bool add_latest, const struct pull_options *o,
	struct pull_places *l, struct err *e)
{
	auto_reference ref = {0};
	auto_strv names = STRV_INIT;
	*l = (struct pull_places){0};
	int n = reference_parse(typed, add_latest, &ref, e);
	if (n < 0)
		return n;
	auto_registries r = registries_load(e);
	if (!r)
		return -e->code;
	n = short_name_candidates(r, typed, &names, e);
	if (n == 0)
		n = choose(r, typed, &names, o, &l->is_chosen, e);
	for (size_t i = 0; n == 0 && i < names.n; i++)
		n = add_name(l, r, names.v[i], add_latest, o, e);
	set_patience(l);
	if (n < 0)
		pull_places_deinit(l);
	return n;
}

static bool is_our_own(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EINTR || r == -ENOMEM ||
	       r == -EKEYREJECTED;
}

bool pull_places_failed(struct pull_places *l, size_t i, int r, const struct err *e)
{
	free(l->v[i].failure);
	l->v[i].failure = xstrdup(e->msg);
	if (is_our_own(r) || i + 1 == l->n)
		return false;
	auto_free char *name = reference_full(&l->v[i].at);
	log_debug("%s: %s: the next place is tried", name, e->msg);
	return true;
}

void pull_places_succeeded(const struct pull_places *l, size_t i, const char *typed)
{
	struct err failure = {0};
	if (!l->is_chosen)
		return;
	auto_free char *repository = reference_name(&l->v[i].ref);
	if (short_name_remember(typed, repository, &failure) < 0)
		log_warn("the choice for %s is not remembered: %s", typed, failure.msg);
}

int pull_places_explain(const struct pull_places *l, const char *typed, struct err *e)
{
	auto_buf text = BUF_INIT;
	size_t tried = 0;
	for (size_t i = 0; i < l->n; i++)
		tried += l->v[i].failure != NULL;
	if (tried < 2 || is_our_own(-e->code))
		return -e->code;
	buf_printf(&text, "cannot get %s from any of %zu places:", typed, tried);
	/* Each gets its share of what fits. */
	int share = (int)((sizeof(e->msg) - text.len) / tried) - 4;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].failure)
			continue;
		auto_free char *name = reference_full(&l->v[i].at);
		auto_free char *line = xasprintf("%s: %s", name, l->v[i].failure);
		buf_printf(&text, "\n  %.*s", share, line);
	}
	return err_set(e, e->code, "%s", text.data);
}

int pull_places_here(
	struct store *s, const char *typed, struct image *out, char **name, struct err *e)
{
	struct err ignored = {0};
	auto_strv names = STRV_INIT;
	int r = ROW_ABSENT;
	if (!short_name_is(typed) || str_starts(typed, "sha256:"))
		return ROW_ABSENT;
	auto_registries conf = registries_load(&ignored);
	if (!conf || short_name_candidates(conf, typed, &names, &ignored) < 0)
		return ROW_ABSENT;
	for (size_t i = 0; r == ROW_ABSENT && i < names.n; i++) {
		auto_reference ref = {0};
		if (short_name_is(names.v[i]) ||
			reference_parse(names.v[i], true, &ref, &ignored) < 0)
			continue;
		auto_free char *full = reference_key(&ref);
		r = image_find(s, full, full, out, e);
		if (r == ROW_OK && name)
			*name = take_ptr(full);
	}
	return r;
}
