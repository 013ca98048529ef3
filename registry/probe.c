#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "registry/failure.h"
#include "registry/upload.h"

enum { MOUNTS_MAX = 3 };

int probe_start(struct probe *p, struct client *c, const char *digest, const struct strv *from,
	const char **kind, struct err *e)
{
	*p = (struct probe){.digest = xstrdup(digest)};
	*kind = "network";
	for (size_t i = 0; i < from->n && p->from.n < MOUNTS_MAX; i++)
		if (strcmp(from->v[i], c->path) != 0)
			strv_add(&p->from, from->v[i]);
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	client_get_init(&p->get, c, xasprintf("%s/v2/%s/blobs/%s", c->base, c->path, digest));
	p->get.x.method = "HEAD";
	return client_get_start(&p->get, e);
}

void probe_deinit(struct probe *p)
{
	client_get_deinit(&p->get);
	strv_free(&p->from);
	free(p->digest);
	free(p->session);
	*p = (struct probe){0};
}

/* The next repository to be asked that has not refused before; PROBE_ABSENT where there is none. */
static int next_mount(struct probe *p, struct err *e)
{
	struct client *c = p->get.client;
	while (p->tried < p->from.n && strv_has(&c->unmountable, p->from.v[p->tried]))
		p->tried++;
	if (p->tried == p->from.n)
		return PROBE_ABSENT;
	client_get_deinit(&p->get);
	client_get_init(&p->get, c,
		xasprintf("%s/v2/%s/blobs/uploads/?mount=%s&from=%s", c->base, c->path, p->digest,
			p->from.v[p->tried++]));
	p->get.x.method = "POST";
	int r = client_get_start(&p->get, e);
	return r < 0 ? r : PROBE_GOING_ON;
}

/* A mount is a favour: no answer but "created" is a failure. */
static int judge_mount(struct probe *p, struct err *e)
{
	const struct http_reply *reply = &p->get.x.reply;
	long status = p->get.x.curl_code ? 0 : reply->status;
	if (status == 201)
		return PROBE_MOUNTED;
	char *session =
		status == 202 ? upload_address(p->get.client, p->get.url, reply->location) : NULL;
	if (session) {
		free(p->session);
		p->session = session;
	} else {
		strv_add(&p->get.client->unmountable, p->from.v[p->tried - 1]);
	}
	return next_mount(p, e);
}

static int judge_head(struct probe *p, const char **kind, struct err *e)
{
	const struct http_exchange *x = &p->get.x;
	if (!x->curl_code && x->reply.status == 200)
		return PROBE_EXISTS;
	int64_t pause = client_get_pause_ms(&p->get);
	if (pause >= 0) {
		p->resume_ns = clock_monotonic_ns() + pause * 1000000;
		return PROBE_GOING_ON;
	}
	if (x->curl_code)
		return failure_connection(x, kind, e);
	if (x->reply.status == 401 || x->reply.status == 403 || failure_is_passing(x))
		return failure_answer(x, NULL, kind, e);
	return next_mount(p, e);
}

int probe_step(struct probe *p, const char **kind, struct err *e)
{
	*kind = "network";
	if (p->resume_ns) {
		if (clock_monotonic_ns() < p->resume_ns)
			return PROBE_GOING_ON;
		p->resume_ns = 0;
		int r = client_get_start(&p->get, e);
		return r < 0 ? r : PROBE_GOING_ON;
	}
	if (!p->get.x.done)
		return PROBE_GOING_ON;
	bool is_mount = p->get.x.method && !strcmp(p->get.x.method, "POST");
	struct err cause = {0};
	int r = client_get_settle(&p->get, kind, &cause);
	if (r == SETTLED_AGAIN)
		return PROBE_GOING_ON;
	if (r < 0 && !is_mount) {
		*e = cause;
		return r;
	}
	/* No right to read there: a refusal, which says nothing of our own repository. */
	if (r < 0)
		p->get.client->auth.tries = 0;
	return is_mount ? judge_mount(p, e) : judge_head(p, kind, e);
}
