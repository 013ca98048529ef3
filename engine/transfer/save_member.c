/* save_member: the blobs of a list's members that the store has not got, from the registry, file or
 * folder that has them into the staging folder, as they are. */
#include "engine/transfer/save_internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/member_source.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/transport_blobs.h"
#include "registry/reference.h"
#include "registry/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 5 };

/* Members of one repository follow each other: its fetcher stays. */
struct fetching {
	struct save *save;
	char *repository; /* "" = none yet */
	struct fetcher fetcher;
	struct transport_stage stage;
};

/* Those blobs of a member that are not here yet: numbers. */
struct missing {
	size_t *v, n;
};

static struct save_blob *blob_at(const struct fetching *f, const struct missing *m, size_t k)
{
	return &f->save->blobs[m->v[k]];
}

static int add_missing(struct save *v, const json_t *entry, struct missing *m, struct err *e)
{
	const json_t *d;
	for (size_t k = 0; (d = member_blob(entry, k)); k++) {
		const char *digest = json_str_or(d, "digest", "");
		int64_t size = json_int_or(d, "size", -1);
		if (!digest_valid(digest) || size < 0)
			return err_set(e, EBADMSG, "the list has a bad descriptor of it");
		if (save_has_blob(v, digest))
			continue;
		m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
		m->v[m->n++] = v->n_blobs;
		int staged = (int)v->n_blobs;
		save_add_blob(v, digest, size, 0, NULL)->staged = staged;
	}
	return 0;
}

/* ---- from a registry ---- */

static int start_fetcher(struct fetching *f, const char *repository, struct err *e)
{
	auto_reference ref = {0};
	const struct save_list *list = f->save->options->list;
	struct pull_options o = *list->registries;
	if (f->repository && !strcmp(f->repository, repository))
		return 0;
	fetcher_stop(&f->fetcher);
	free(f->repository);
	f->repository = xstrdup(repository);
	o.creds = NULL; /* they are for a registry that is pushed to */
	int r = reference_parse(repository, true, &ref, e);
	if (r == 0)
		r = fetcher_start(f->save->store, &ref, &o, &f->fetcher, e);
	return r < 0 ? r : fetcher_ready(&f->fetcher, e);
}

static int ask_for(struct fetching *f, const struct missing *m, size_t k, int *fd, struct err *e)
{
	struct save_blob *b = blob_at(f, m, k);
	char name[32];
	b->is_fetched = true;
	snprintf(name, sizeof(name), "%d", b->staged);
	*fd = openat(f->save->stage_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_sys(e, "cannot create %s/%s", f->save->stage, name);
	const struct fetch_blob wanted = {.id = (int64_t)k,
		.digest = b->digest,
		.size = b->size,
		.part = *fd,
		.pipe = -1,
		.sums = -1};
	return fetcher_blob(&f->fetcher, &wanted, e);
}

/* Until one of those that were asked for is whole. */
static int wait_for_one(struct fetching *f, struct err *e)
{
	struct fetcher_event ev;
	const char *kind;
	do {
		int r = fetcher_next(&f->fetcher, &ev, &kind, e);
		if (r < 0)
			return r;
	} while (ev.bytes >= 0);
	return 0;
}

/* AT_ONCE side by side. */
static int fetch(struct fetching *f, const struct missing *m, struct err *e)
{
	int r = 0;
	size_t asked = 0;
	auto_free int *fds = xcalloc(m->n + 1, sizeof(*fds));
	for (size_t done = 0; done < m->n && r == 0; done++) {
		while (r == 0 && asked < m->n && asked < done + AT_ONCE) {
			r = ask_for(f, m, asked, &fds[asked], e);
			asked++;
		}
		if (r == 0)
			r = wait_for_one(f, e);
	}
	for (size_t k = 0; k < asked; k++)
		if (fds[k] >= 0)
			close(fds[k]);
	return r;
}

/* By an unpacker, once no fetcher can write them any more. */
static int sum_fetched(struct save *v, struct err *e)
{
	for (size_t i = 0; i < v->n_blobs; i++) {
		const struct save_blob *b = &v->blobs[i];
		char name[32];
		if (!b->is_fetched)
			continue;
		snprintf(name, sizeof(name), "%d", b->staged);
		auto_fd fd = openat(v->stage_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "cannot open %s/%s", v->stage, name);
		if (document_sum(&v->reader, fd, b->digest, b->size, e) < 0)
			return -e->code;
	}
	return 0;
}

/* ---- from a file or folder ---- */

static int extract(
	struct fetching *f, const struct transport *t, const struct missing *m, struct err *e)
{
	auto_free struct transport_blob *want = xcalloc(m->n + 1, sizeof(*want));
	int r = 0;
	for (size_t k = 0; k < m->n; k++)
		want[k] = (struct transport_blob){
			.digest = blob_at(f, m, k)->digest, .size = blob_at(f, m, k)->size};
	if (m->n > TRANSPORT_BLOBS_MAX)
		return err_set(e, EFBIG, "an image of %zu blobs", m->n);
	if (!f->stage.path)
		r = transport_stage_open(f->save->store, &f->stage, e);
	if (r == 0)
		r = transport_blobs(&f->stage, t, want, m->n, e);
	for (size_t k = 0; k < m->n && r == 0; k++) {
		char name[32];
		snprintf(name, sizeof(name), "%d", blob_at(f, m, k)->staged);
		r = transport_blob_move(&f->stage, k, f->save->stage_fd, name, e);
	}
	return r;
}

static int fetch_member(struct fetching *f, const json_t *entry, struct err *e)
{
	auto_transport t;
	struct missing m = {0};
	bool is_transport = member_transport(entry, &t);
	int r = add_missing(f->save, entry, &m, e);
	if (r == 0 && m.n && is_transport)
		r = extract(f, &t, &m, e);
	else if (r == 0 && m.n && start_fetcher(f, json_str_or(entry, "repository", ""), e) < 0)
		r = -e->code;
	else if (r == 0 && m.n)
		r = fetch(f, &m, e);
	free(m.v);
	return r < 0 ? err_ctx(e, "%s", json_str_or(entry, "ref", "")) : 0;
}

int save_fetch_members(struct save *v, struct err *e)
{
	struct fetching f = {.save = v, .fetcher = FETCHER_INIT};
	int r = 0;
	for (size_t i = 0; i < v->n_items && r == 0; i++)
		if (!v->items[i].image)
			r = fetch_member(&f, v->items[i].entry, e);
	fetcher_stop(&f.fetcher);
	if (r == 0)
		r = sum_fetched(v, e);
	transport_stage_close(&f.stage);
	free(f.repository);
	return r;
}
