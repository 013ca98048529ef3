#include "registry/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "registry/failure.h"
#include "registry/reference.h"

enum { SMALL = 1024 * 1024 /* a file of so much goes with the PUT */ };

/* ---- the file ---- */

static int64_t file_size(const struct upload *u)
{
	struct stat st;
	return fstat(u->file, &st) < 0 ? 0 : st.st_size;
}

static long on_source(void *arg, int64_t at, void *p, size_t n)
{
	struct upload *u = arg;
	int64_t from = u->at + at;
	if (u->size >= 0 && from >= u->size)
		return 0;
	if (u->size >= 0 && (int64_t)n > u->size - from)
		n = (size_t)(u->size - from);
	ssize_t got;
	do
		got = pread(u->file, p, n, from);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got ? got : HTTP_LATER;
}

bool upload_is_hungry(const struct upload *u)
{
	if (u->resume_ns)
		return false;
	if (u->state == UPLOAD_WAITING)
		return true;
	return u->state == UPLOAD_SENDING && !u->get.x.done && u->get.x.is_waiting;
}

int64_t upload_sent(const struct upload *u)
{
	if (u->state == UPLOAD_SENDING)
		return u->at + u->get.x.sent;
	return u->accepted;
}

/* ---- the steps ---- */

/* A new request, at the session's address or another one (owned). */
static void prepare(struct upload *u, const char *method, char *url)
{
	unsigned failures = u->get.failures;
	client_get_deinit(&u->get);
	client_get_init(&u->get, u->client, url);
	u->get.x.method = method;
	u->get.failures = failures;
}

static int enter(struct upload *u, enum upload_state state, struct err *e)
{
	u->state = state;
	return client_get_start(&u->get, e);
}

static int open_session(struct upload *u, struct err *e)
{
	free(take_ptr(u->session));
	u->accepted = 0;
	prepare(u, "POST", xasprintf("%s/v2/%s/blobs/uploads/", u->client->base, u->client->path));
	return enter(u, UPLOAD_OPENING, e);
}

static char *closing_url(const struct upload *u)
{
	return xasprintf(
		"%s%cdigest=%s", u->session, strchr(u->session, '?') ? '&' : '?', u->digest);
}

static void add_body(struct upload *u, int64_t at)
{
	u->at = at;
	u->get.x.source = on_source;
	u->get.x.source_arg = u;
	u->get.x.source_size = u->size < 0 ? -1 : u->size - at;
	strv_add(&u->get.x.headers, "Content-Type: application/octet-stream");
}

static int close_session(struct upload *u, struct err *e)
{
	prepare(u, "PUT", closing_url(u));
	return enter(u, UPLOAD_CLOSING, e);
}

/* The next piece of work of an open session. */
static int go_on(struct upload *u, struct err *e)
{
	bool is_known = u->digest && u->size >= 0;
	if (u->is_whole) {
		if (!is_known || file_size(u) < u->size) {
			u->state = UPLOAD_WAITING;
			return 0;
		}
		prepare(u, "PUT", closing_url(u));
		add_body(u, 0);
		return enter(u, UPLOAD_SENDING, e);
	}
	if (u->size >= 0 && u->accepted >= u->size) {
		if (is_known)
			return close_session(u, e);
		u->state = UPLOAD_WAITING;
		return 0;
	}
	prepare(u, "PATCH", xstrdup(u->session));
	add_body(u, u->accepted);
	/* For a stream from the start it is not needed, and not every registry likes it. */
	if (u->accepted && u->size >= 0)
		strv_addf(&u->get.x.headers, "Content-Range: %lld-%lld", (long long)u->accepted,
			(long long)u->size - 1);
	return enter(u, UPLOAD_SENDING, e);
}

static int ask(struct upload *u, struct err *e)
{
	prepare(u, NULL, xstrdup(u->session));
	return enter(u, UPLOAD_ASKING, e);
}

int upload_start(struct upload *u, struct client *c, int file, int64_t size, const char *digest,
	char *session, const char **kind, struct err *e)
{
	*u = (struct upload){.client = c, .file = file, .size = size, .session = session};
	u->digest = digest ? xstrdup(digest) : NULL;
	u->is_whole = size >= 0 && size <= SMALL && digest && file_size(u) == size;
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	client_get_init(&u->get, c, xstrdup(""));
	return u->session ? go_on(u, e) : open_session(u, e);
}

void upload_complete(struct upload *u, int64_t size, const char *digest)
{
	u->size = size;
	free(u->digest);
	u->digest = xstrdup(digest);
}

void upload_deinit(struct upload *u)
{
	if (u->client)
		client_get_deinit(&u->get);
	if (u->file >= 0)
		close(u->file);
	free(u->digest);
	free(u->session);
	*u = (struct upload){.file = -1};
}

/* ---- the answers ---- */

char *upload_address(const struct client *c, const char *url, const char *location)
{
	char *next = location ? http_resolve(url, location) : NULL;
	if (next && http_is_tls(c->base) && !http_is_tls(next)) {
		free(next);
		return NULL;
	}
	return next;
}

static bool take_session(struct upload *u)
{
	const struct http_reply *reply = &u->get.x.reply;
	char *next = upload_address(u->client, u->get.url, reply->location);
	if (!next)
		return false;
	free(u->session);
	u->session = next;
	return true;
}

static int no_session(struct upload *u, const char **kind, struct err *e)
{
	*kind = "bad-request";
	return err_set(e, EBADMSG, "%s: the registry gave no valid address for the upload",
		u->get.x.shown);
}

static int fail(struct upload *u, const char **kind, struct err *e)
{
	const struct http_exchange *x = &u->get.x;
	if (x->curl_code && x->sink_result < 0)
		return err_sysn(e, -x->sink_result, "cannot read what is to be uploaded");
	return x->curl_code ? failure_connection(x, kind, e) : failure_answer(x, NULL, kind, e);
}

/* A passing failure: the pause is begun; what comes then, upload_resume decides. 1 = so it is. */
static int pause_or(struct upload *u)
{
	int64_t pause = client_get_pause_ms(&u->get);
	if (pause < 0)
		return 0;
	u->resume_ns = clock_monotonic_ns() + pause * 1000000;
	return 1;
}

static int after_pause(struct upload *u, struct err *e)
{
	u->resume_ns = 0;
	switch (u->state) {
	case UPLOAD_SENDING:
		return u->is_whole ? open_session(u, e) : ask(u, e);
	case UPLOAD_CLOSING:
		prepare(u, "HEAD",
			xasprintf(
				"%s/v2/%s/blobs/%s", u->client->base, u->client->path, u->digest));
		return enter(u, UPLOAD_CHECKING, e);
	default:
		return client_get_start(&u->get, e);
	}
}

static int judge_opening(struct upload *u, const char **kind, struct err *e)
{
	if (u->get.x.curl_code || u->get.x.reply.status != 202)
		return pause_or(u) ? 0 : fail(u, kind, e);
	return take_session(u) ? go_on(u, e) : no_session(u, kind, e);
}

static bool refuses_patch(long status)
{
	return status == 400 || status == 404 || status == 405 || status == 411 || status == 415 ||
	       status == 501;
}

/* The registry tells how much it has of what was sent. */
static void take_range(struct upload *u, int64_t otherwise)
{
	int64_t before = u->accepted, end = u->get.x.reply.upload_end;
	u->accepted = end >= 0 && end <= otherwise ? end : otherwise;
	if (end == 0 && otherwise == 1)
		u->accepted = 1; /* "0-0" is said of one byte as well as of none */
	if (u->accepted > before)
		u->get.failures = 0;
}

static int judge_sending(struct upload *u, const char **kind, struct err *e)
{
	const struct http_exchange *x = &u->get.x;
	long status = x->curl_code ? 0 : x->reply.status;
	if (u->is_whole) {
		if (status == 201)
			return UPLOAD_DONE;
		if (status == 400)
			*kind = "corrupt";
		return pause_or(u) ? 0 : fail(u, kind, e);
	}
	if (status == 202 || status == 204 || status == 201) {
		int64_t end = u->at + x->sent;
		if (!take_session(u) && !u->session)
			return no_session(u, kind, e);
		int64_t before = u->accepted;
		take_range(u, end);
		/* Taken, but nothing of it is there: it would go on so for ever. */
		if (x->sent && u->accepted <= before && ++u->failures > u->client->options.retries)
			return err_set(e, EIO, "%s: the registry keeps nothing of what is sent",
				u->get.x.shown);
		return go_on(u, e);
	}
	if (status == 416)
		return ask(u, e);
	if (refuses_patch(status) && u->accepted == 0) {
		log_debug("%s: PATCH refused (%ld), all with the PUT", u->get.x.shown, status);
		u->is_whole = true;
		return open_session(u, e);
	}
	if (refuses_patch(status) && ++u->failures <= u->client->options.retries)
		return open_session(u, e);
	return pause_or(u) ? 0 : fail(u, kind, e);
}

static int judge_asking(struct upload *u, const char **kind, struct err *e)
{
	const struct http_exchange *x = &u->get.x;
	if (x->curl_code || failure_is_passing(x))
		return pause_or(u) ? 0 : fail(u, kind, e);
	if (x->reply.status != 204 && x->reply.status != 202 && x->reply.status != 200) {
		/* Lost, or a registry that cannot be asked. */
		u->failures++;
		return u->failures > u->client->options.retries ? fail(u, kind, e)
								: open_session(u, e);
	}
	(void)take_session(u);
	int64_t end = x->reply.upload_end;
	/* Nothing, or one byte: "0-0" says either. A new session is sure. */
	if (end <= 0 || end > file_size(u))
		return open_session(u, e);
	if (end > u->accepted)
		u->get.failures = 0;
	u->accepted = end;
	return go_on(u, e);
}

static int judge_closing(struct upload *u, const char **kind, struct err *e)
{
	const struct http_exchange *x = &u->get.x;
	if (!x->curl_code && (x->reply.status == 201 || x->reply.status == 204))
		return UPLOAD_DONE;
	if (pause_or(u))
		return 0;
	bool is_wrong = !x->curl_code && x->reply.status == 400;
	int r = fail(u, kind, e);
	if (is_wrong)
		*kind = "corrupt";
	return r;
}

static int judge_checking(struct upload *u, const char **kind, struct err *e)
{
	const struct http_exchange *x = &u->get.x;
	if (!x->curl_code && x->reply.status == 200)
		return UPLOAD_DONE;
	if (x->curl_code || failure_is_passing(x))
		return pause_or(u) ? 0 : fail(u, kind, e);
	return ask(u, e);
}

static int judge(struct upload *u, const char **kind, struct err *e)
{
	switch (u->state) {
	case UPLOAD_OPENING:
		return judge_opening(u, kind, e);
	case UPLOAD_SENDING:
		return judge_sending(u, kind, e);
	case UPLOAD_ASKING:
		return judge_asking(u, kind, e);
	case UPLOAD_CLOSING:
		return judge_closing(u, kind, e);
	case UPLOAD_CHECKING:
		return judge_checking(u, kind, e);
	case UPLOAD_WAITING:
		break;
	}
	return 0;
}

int upload_step(struct upload *u, const char **kind, struct err *e)
{
	*kind = "network";
	if (u->resume_ns)
		return clock_monotonic_ns() < u->resume_ns ? 0 : after_pause(u, e);
	if (u->state == UPLOAD_WAITING) {
		bool is_ready =
			u->digest && u->size >= 0 && (!u->is_whole || file_size(u) >= u->size);
		return is_ready ? go_on(u, e) : 0;
	}
	if (!u->get.x.done) {
		if (u->get.x.is_waiting &&
			(file_size(u) > u->at + u->get.x.sent ||
				(u->size >= 0 && u->at + u->get.x.sent >= u->size)))
			http_resume(&u->get.x);
		return 0;
	}
	int r = client_get_settle(&u->get, kind, e);
	if (r == SETTLED_AGAIN)
		return 0;
	return r < 0 ? r : judge(u, kind, e);
}

/* ---- the manifest ---- */

struct memory {
	const char *bytes;
	size_t n;
};

static long from_memory(void *arg, int64_t at, void *p, size_t n)
{
	const struct memory *m = arg;
	size_t left = (size_t)at < m->n ? m->n - (size_t)at : 0;
	if (n > left)
		n = left;
	if (n)
		memcpy(p, m->bytes + at, n);
	return (long)n;
}

int upload_manifest(struct client *c, const struct reference *ref, const char *media_type,
	const void *bytes, size_t n, const char **kind, struct err *e)
{
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	struct memory m = {bytes, n};
	struct client_get g;
	client_get_init(&g, c,
		xasprintf("%s/v2/%s/manifests/%s", c->base, c->path,
			ref->digest ? ref->digest : ref->tag));
	g.x.method = "PUT";
	g.x.source = from_memory;
	g.x.source_arg = &m;
	g.x.source_size = (int64_t)n;
	strv_addf(&g.x.headers, "Content-Type: %s", media_type);
	r = client_get_run(&g, kind, e);
	if (r == 0 && g.x.curl_code)
		r = failure_connection(&g.x, kind, e);
	else if (r == 0 && g.x.reply.status / 100 != 2)
		r = failure_answer(&g.x, NULL, kind, e);
	client_get_deinit(&g);
	return r;
}
