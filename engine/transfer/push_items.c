#include "engine/transfer/push_items_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "engine/transfer/progress.h"
#include "engine/transfer/proto.h"

enum {
	PROBES_MAX = 24,
	MOVES_MAX = 5, /* uploads at once, as Docker's */
};

/* ---- items ---- */

struct push_item *push_items_add(struct push_items *p)
{
	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	struct push_item *i = &p->v[p->n++];
	*i = (struct push_item){.file = -1,
		.spool = -1,
		.request = -1,
		.fetch_request = -1,
		.unpacker = UNPACKER_INIT};
	return i;
}

void push_item_add_form(
	struct push_item *i, const char *digest, int64_t size, const char *type, const char *made)
{
	for (size_t k = 0; k < i->n_forms; k++)
		if (!strcmp(i->forms[k].digest, digest)) {
			if (made && !i->forms[k].made)
				i->forms[k].made = xstrdup(made);
			return;
		}
	i->forms = xrealloc(i->forms, (i->n_forms + 1) * sizeof(*i->forms));
	i->forms[i->n_forms++] = (struct push_form){
		.digest = xstrdup(digest),
		.media_type = xstrdup(type),
		.size = size,
		.made = made ? xstrdup(made) : NULL,
	};
}

static void item_deinit(struct push_item *i)
{
	unpacker_stop(&i->unpacker);
	push_request_drop_spool(i);
	if (i->file >= 0)
		close(i->file);
	for (size_t k = 0; k < i->n_forms; k++) {
		free(i->forms[k].digest);
		free(i->forms[k].media_type);
		free(i->forms[k].made);
	}
	free(i->forms);
	free(i->diff_id);
	free(i->layer_id);
	strv_free(&i->repositories);
	free(i->digest);
	free(i->media_type);
	free(i->made);
}

void push_items_clear(struct push_items *p)
{
	for (size_t k = 0; k < p->n; k++)
		item_deinit(&p->v[k]);
	free(p->v);
	p->v = NULL;
	p->n = 0;
}

void push_items_deinit(struct push_items *p)
{
	push_items_clear(p);
	for (size_t k = 0; k < p->n_sources; k++) {
		if (p->sources[k].is_started)
			fetcher_stop(&p->sources[k].fetcher);
		free(p->sources[k].name);
	}
	free(p->sources);
	p->sources = NULL;
	p->n_sources = 0;
}

static void say(struct push_items *p, const struct push_item *i, const char *status)
{
	if (*i->short_id && *status)
		progress_status(p->progress, i->short_id, status);
}

static void finish(struct push_items *p, struct push_item *i, const char *status)
{
	i->state = ITEM_DONE;
	i->request = -1;
	push_request_drop_spool(i);
	say(p, i, status);
}

/* It is there in the form that is tried. */
void push_item_finish_form(struct push_items *p, struct push_item *i, const char *status)
{
	const struct push_form *f = &i->forms[i->form];
	i->digest = xstrdup(f->digest);
	i->media_type = xstrdup(f->media_type);
	i->size = f->size;
	i->compression = compression_of_type(f->media_type);
	finish(p, i, status);
}

static size_t count(const struct push_items *p, enum item_state state)
{
	size_t n = 0;
	for (size_t k = 0; k < p->n; k++)
		n += p->v[k].state == state;
	return n;
}

/* ---- the loop ---- */

static int start_move(struct push_items *p, struct push_item *i, struct err *e)
{
	if (i->file >= 0)
		return push_request_upload(p, i, i->file, i->forms[0].digest, i->forms[0].size, e);
	if (push_form_is_fetchable(p, i))
		return push_source_fetch(p, i, e);
	if (i->layer_id)
		return push_layer_start(p, i, e);
	return err_set(e, ENOENT, "blob %s is not to be had from %s any more",
		i->forms[i->n_forms - 1].digest,
		i->repositories.n ? i->repositories.v[0] : "anywhere");
}

static int start_some(struct push_items *p, struct err *e)
{
	size_t probing = count(p, ITEM_PROBING), moving = count(p, ITEM_MOVING);
	int r = 0;
	for (size_t k = 0; k < p->n && r >= 0; k++) {
		struct push_item *i = &p->v[k];
		if (i->state == ITEM_NEW && probing < PROBES_MAX) {
			r = push_request_probe(p, i, e);
			probing += i->state == ITEM_PROBING;
		}
		/* A source that fails at once leaves the item as it was, or with its next form. */
		while (r >= 0 && i->state == ITEM_READY && moving < MOVES_MAX) {
			r = start_move(p, i, e);
			moving += i->state == ITEM_MOVING;
		}
	}
	return r;
}

struct push_item *push_items_find(struct push_items *p, int64_t id, bool is_fetch)
{
	for (size_t k = 0; k < p->n && id >= 0; k++)
		if ((is_fetch ? p->v[k].fetch_request : p->v[k].request) == id)
			return &p->v[k];
	return NULL;
}

static int probe_answered(struct push_items *p, struct push_item *i, const json_t *m)
{
	const char *state = json_str_or(m, "state", "");
	i->request = -1;
	if (!strcmp(state, "exists")) {
		push_item_finish_form(p, i, "Layer already exists");
	} else if (!strcmp(state, "mounted")) {
		auto_free char *status = xasprintf("Mounted from %s", json_str_or(m, "from", ""));
		shown_text(status, "");
		push_item_finish_form(p, i, status);
	} else if (push_form_is_fetchable(p, i) || i->file >= 0) {
		i->state = ITEM_READY;
	} else {
		push_form_next(p, i);
	}
	return 0;
}

static int upload_done(struct push_items *p, struct push_item *i)
{
	/* What a fetch brought is in the form that is tried; what was made has its own. */
	i->fetch_request = -1;
	if (i->made)
		finish(p, i, "Pushed");
	else
		push_item_finish_form(p, i, "Pushed");
	return 0;
}

static int upload_failed(struct push_items *p, struct push_item *i, const json_t *m, struct err *e)
{
	const char *kind;
	struct err cause = {0};
	(void)proto_error(m, &kind, &cause);
	/* The source gave other bytes than it should have. */
	if (!strcmp(kind, "corrupt") && i->state == ITEM_MOVING && !i->made && i->file < 0 &&
		i->unpacker.pid <= 0) {
		i->request = -1;
		push_request_drop_spool(i);
		push_source_failed(p, i, &cause);
		return 0;
	}
	*e = cause;
	return -e->code;
}

static void show_progress(struct push_items *p, const json_t *progress)
{
	struct push_item *i = push_items_find(p, json_int_or(progress, "id", -1), false);
	if (!i || !*i->short_id || i->state != ITEM_MOVING)
		return;
	int64_t total = i->digest || i->form < i->n_forms
				? (i->digest ? i->size : i->forms[i->form].size)
				: i->unpacked_size;
	progress_bar(p->progress, i->short_id, "Pushing", json_int_or(progress, "bytes", 0), total);
}

/* A refusal is an answer, too. */
static void note_answer(struct push_items *p, const json_t *m)
{
	const char *kind = "";
	struct err ignored = {0};
	if (p->has_answered || (proto_error(m, &kind, &ignored) < 0 && !strcmp(kind, "network")))
		return;
	p->has_answered = true;
	if (p->answered)
		p->answered(p->arg);
}

static int target_message(struct push_items *p, struct err *e)
{
	auto_json m = fetcher_message(p->fetcher, e);
	if (!m)
		return -e->code;
	note_answer(p, m);
	if (json_at(m, "progress")) {
		show_progress(p, json_at(m, "progress"));
		return 0;
	}
	struct push_item *i = push_items_find(p, json_int_or(m, "id", -1), false);
	const char *kind;
	if (!i) /* it was given up */
		return json_at(m, "id") ? 0 : proto_error(m, &kind, e);
	if (i->state == ITEM_MOVING)
		return json_at(m, "error") ? upload_failed(p, i, m, e) : upload_done(p, i);
	int r = proto_error(m, &kind, e);
	return r < 0 ? r : probe_answered(p, i, m);
}

static int wait_and_serve(struct push_items *p, struct err *e)
{
	size_t n = 0;
	auto_free struct pollfd *fds = xcalloc(1 + p->n_sources + p->n, sizeof(*fds));
	fds[n++] = (struct pollfd){.fd = p->fetcher->sock, .events = POLLIN};
	for (size_t k = 0; k < p->n_sources; k++)
		fds[n++] = (struct pollfd){.fd = p->sources[k].is_started && !p->sources[k].is_gone
							 ? p->sources[k].fetcher.sock
							 : -1,
			.events = POLLIN};
	for (size_t k = 0; k < p->n; k++)
		fds[n++] = (struct pollfd){.fd = p->v[k].unpacker.sock, .events = POLLIN};
	if (poll(fds, n, -1) < 0)
		return errno == EINTR ? 0 : err_sys(e, "cannot wait");
	size_t n_sources = p->n_sources;
	int r = 0;
	for (size_t k = 0; k < p->n && r >= 0; k++)
		if (fds[1 + n_sources + k].revents)
			r = push_layer_message(p, &p->v[k], e);
	for (size_t k = 0; k < n_sources && r >= 0; k++)
		if (fds[1 + k].revents)
			r = push_source_message(p, k, e);
	if (r >= 0 && fds[0].revents)
		r = target_message(p, e);
	return r;
}

int push_items_run(struct push_items *p, struct err *e)
{
	int r = 0;
	while (r >= 0 && count(p, ITEM_DONE) < p->n) {
		r = start_some(p, e);
		if (r >= 0 && count(p, ITEM_PROBING) + count(p, ITEM_MOVING))
			r = wait_and_serve(p, e);
	}
	return r < 0 ? r : 0;
}
