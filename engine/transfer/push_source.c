/* push_items: a blob that is fetched from another repository, while it is sent. */
#include "engine/transfer/push_items_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "registry/reference.h"

static struct push_source *source_find(struct push_items *p, const char *name)
{
	for (size_t k = 0; k < p->n_sources; k++)
		if (!strcmp(p->sources[k].name, name))
			return &p->sources[k];
	p->sources = xrealloc(p->sources, (p->n_sources + 1) * sizeof(*p->sources));
	struct push_source *s = &p->sources[p->n_sources++];
	*s = (struct push_source){.name = xstrdup(name), .fetcher = FETCHER_INIT};
	return s;
}

static int source_start(struct push_items *p, struct push_source *s, struct err *e)
{
	auto_reference ref = {0};
	struct pull_options o = *p->options;
	if (s->is_started)
		return 0;
	/* --creds are for the registry that is pushed to. */
	if (!push_request_is_same_registry(p, s->name))
		o.creds = NULL;
	int r = reference_parse(s->name, true, &ref, e);
	if (r == 0)
		r = fetcher_start(p->store, &ref, &o, &s->fetcher, e);
	if (r < 0)
		return r;
	s->is_started = true;
	return fetcher_ready(&s->fetcher, e);
}

void push_source_failed(struct push_items *p, struct push_item *i, const struct err *why)
{
	log_debug("%s is not to be had from %s: %s", i->forms[i->form].digest,
		i->repositories.v[i->source], why->msg);
	i->fetch_request = -1;
	i->source++;
	if (push_form_is_fetchable(p, i))
		i->state = ITEM_READY;
	else
		push_form_next(p, i);
}

int push_source_fetch(struct push_items *p, struct push_item *i, struct err *e)
{
	const struct push_form *f = &i->forms[i->form];
	struct push_source *s = source_find(p, i->repositories.v[i->source]);
	struct err cause = {0};
	if (s->is_dead || source_start(p, s, &cause) < 0) {
		s->is_dead = true;
		push_source_failed(p, i, &cause);
		return 0;
	}
	i->fetcher = (size_t)(s - p->sources);
	int r = push_request_open_spool(p, i, e);
	if (r < 0)
		return r;
	i->fetch_request = p->next_request++;
	const struct fetch_blob wanted = {.id = i->fetch_request,
		.digest = f->digest,
		.size = f->size,
		.part = i->spool,
		.pipe = -1,
		.sums = -1};
	if (fetcher_blob(&s->fetcher, &wanted, &cause) < 0) {
		s->is_dead = true;
		push_request_drop_spool(i);
		push_source_failed(p, i, &cause);
		return 0;
	}
	return push_request_upload(p, i, i->spool, f->digest, f->size, e);
}

static int fetch_failed(
	struct push_items *p, struct push_item *i, const struct err *why, struct err *e)
{
	int r = i->request >= 0 ? push_request_drop(p, i, e) : 0;
	push_source_failed(p, i, why);
	return r;
}

static int source_died(struct push_items *p, size_t k, const struct err *why, struct err *e)
{
	int r = 0;
	p->sources[k].is_dead = p->sources[k].is_gone = true;
	for (size_t n = 0; n < p->n && r >= 0; n++)
		if (p->v[n].fetch_request >= 0 && p->v[n].fetcher == k)
			r = fetch_failed(p, &p->v[n], why, e);
	return r;
}

int push_source_message(struct push_items *p, size_t k, struct err *e)
{
	struct err cause = {0};
	const char *kind;
	auto_json m = fetcher_message(&p->sources[k].fetcher, &cause);
	if (!m)
		return source_died(p, k, &cause, e);
	struct push_item *i = push_items_find(p, json_int_or(m, "id", -1), true);
	if (!i || json_at(m, "progress"))
		return 0;
	if (proto_error(m, &kind, &cause) == 0) {
		i->fetch_request = -1;
		return 0;
	}
	/* No space for the spool is our trouble, and the next source's, too. */
	if (cause.code == ENOSPC || cause.code == EDQUOT) {
		*e = cause;
		return -e->code;
	}
	if (!strcmp(kind, "network") || !strcmp(kind, "unauthorized") || !strcmp(kind, "denied"))
		p->sources[k].is_dead = true;
	return fetch_failed(p, i, &cause, e);
}
