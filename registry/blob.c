#include "registry/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "registry/failure.h"

enum {
	FEED_CHUNK = 1024 * 1024,
	/* libcurl hands out 16 KiB at a time: as many writes, each of four pages, cost the kernel
	 * twice as much as large ones. */
	HELD_MAX = 256 * 1024,
};

/* What is held goes into the part file. 0, or a negative errno: then the rest is lost. */
static int keep(struct blob *b)
{
	size_t n = b->n_held;
	b->n_held = 0;
	for (size_t at = 0; at < n;) {
		ssize_t done = pwrite(b->part, b->held + at, n - at, b->have);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		part_sums_add(&b->sums, b->held + at, (size_t)done);
		at += (size_t)done;
		b->have += done;
	}
	return 0;
}

static int hold(struct blob *b, const char *p, size_t n)
{
	if (!b->held)
		b->held = xmalloc(HELD_MAX);
	while (n) {
		size_t room = HELD_MAX - b->n_held, k = n < room ? n : room;
		memcpy(b->held + b->n_held, p, k);
		b->n_held += k;
		p += k;
		n -= k;
		int r = b->n_held == HELD_MAX ? keep(b) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where this try's body begins; where it is to be passed over. */
static int place(struct blob *b)
{
	const struct http_reply *r = &b->get.x.reply;
	int64_t start = r->status == 206 ? r->range_start : 0;
	if (start < 0 || start > b->have)
		return -EPROTO;
	if (r->length >= 0 && r->length != b->size - start)
		return -EBADMSG;
	b->pass_over = b->have - start;
	b->placed = true;
	return 0;
}

static int on_data(void *arg, const void *p, size_t n)
{
	struct blob *b = arg;
	const char *at = p;
	if (!b->placed) {
		int r = place(b);
		if (r < 0)
			return r;
	}
	if (b->pass_over > 0) {
		size_t skip = b->pass_over < (int64_t)n ? (size_t)b->pass_over : n;
		b->pass_over -= (int64_t)skip;
		at += skip;
		n -= skip;
	}
	if ((int64_t)n > b->size - b->have - (int64_t)b->n_held)
		return -EBADMSG;
	return hold(b, at, n);
}

static int try_again(struct blob *b, struct err *e)
{
	b->placed = false;
	b->pass_over = 0;
	b->had = b->have;
	b->get.x.from = b->have;
	b->state = BLOB_RUNNING;
	return client_get_start(&b->get, e);
}

/* Finds out how much of the blob is there. */
static int begin(struct blob *b, const struct blob_wanted *w, struct err *e)
{
	int r = part_sums_start(
		&b->sums, w->sums, b->part, w->boot ? w->boot : "", w->must_check, &b->have, e);
	if (r < 0)
		return err_ctx(e, "blob %s", b->digest);
	if (b->have <= b->size)
		return 0;
	if (ftruncate(b->part, 0) < 0)
		return err_sys(e, "cannot empty what has arrived of %s", b->digest);
	part_sums_reset(&b->sums);
	b->have = 0;
	return 0;
}

int blob_start(struct blob *b, struct client *c, const struct blob_wanted *w, const char **kind,
	struct err *e)
{
	*b = (struct blob){
		.digest = xstrdup(w->digest), .size = w->size, .part = w->part, .pipe = w->pipe};
	*kind = "other";
	if (begin(b, w, e) < 0)
		return -e->code;
	if (b->pipe >= 0)
		(void)fd_set_nonblock(b->pipe, true);
	else
		b->fed = b->size;
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	client_get_init(&b->get, c, xasprintf("%s/v2/%s/blobs/%s", c->base, c->path, b->digest));
	b->get.x.sink = on_data;
	b->get.x.sink_arg = b;
	if (b->have == b->size) {
		b->state = BLOB_ARRIVED;
		return 0;
	}
	return try_again(b, e);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void blob_deinit(struct blob *b)
{
	client_get_deinit(&b->get);
	close_end(&b->part);
	close_end(&b->pipe);
	part_sums_deinit(&b->sums);
	free(take_ptr(b->held));
	free(b->digest);
	b->digest = NULL;
}

bool blob_wants_pipe(const struct blob *b) { return b->pipe >= 0 && b->fed < b->have; }

/* 0, or a negative errno where the reader is gone or the part file cannot be read. */
static int feed(struct blob *b)
{
	while (b->fed < b->have) {
		int64_t left = b->have - b->fed;
		off_t at = b->fed;
		ssize_t n = splice(b->part, &at, b->pipe, NULL,
			left < FEED_CHUNK ? (size_t)left : FEED_CHUNK,
			SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -EIO;
		b->fed += n;
	}
	return 0;
}

static int cannot_keep(const struct blob *b, int code, const char **kind, struct err *e)
{
	*kind = code == ENOSPC || code == EDQUOT ? "no-space" : "other";
	return err_sysn(e, code, "cannot keep what arrives of %s", b->digest);
}

static int refused(struct blob *b, const char **kind, struct err *e)
{
	const struct http_exchange *x = &b->get.x;
	int code = -x->sink_result;
	*kind = "corrupt";
	if (code == EBADMSG)
		return err_set(e, code,
			"blob %s: the registry sends another size than the manifest's %lld bytes",
			b->digest, (long long)b->size);
	if (code == EPROTO)
		return err_set(e, code, "blob %s: the registry sends another part than asked for",
			b->digest);
	return cannot_keep(b, code, kind, e);
}

static int missing(struct blob *b, const char **kind, struct err *e)
{
	const struct client *c = b->get.client;
	*kind = "not-found";
	return err_set(e, ENOENT, "blob %s not found in %s/%s: blob unknown to registry", b->digest,
		c->host, c->path);
}

/* The registry has less than the part file: begin anew, if nothing of it was passed on. */
static int begin_anew(struct blob *b, const char **kind, struct err *e)
{
	if (b->fed > 0 || ftruncate(b->part, 0) < 0) {
		*kind = "corrupt";
		return err_set(
			e, EBADMSG, "blob %s: the registry has less of it than before", b->digest);
	}
	part_sums_reset(&b->sums);
	b->have = 0;
	return try_again(b, e);
}

/* The last word of a try is there. */
static int judge(struct blob *b, const char **kind, struct err *e)
{
	const struct http_exchange *x = &b->get.x;
	long status = x->reply.status;
	if (b->have > b->had)
		b->get.failures = 0;
	if (x->sink_result < 0)
		return refused(b, kind, e);
	if (b->have == b->size) {
		b->state = BLOB_ARRIVED;
		return 0;
	}
	if (!x->curl_code && status == 416 && b->have > 0)
		return begin_anew(b, kind, e);
	/* A whole answer that is too short counts as cut. */
	bool is_short = !x->curl_code && (status == 200 || status == 206);
	if (is_short && x->reply.length >= 0) {
		*kind = "corrupt";
		return err_set(e, EBADMSG,
			"blob %s: the registry sends another size than the manifest's %lld bytes",
			b->digest, (long long)b->size);
	}
	if (is_short)
		b->get.x.curl_code = 18; /* CURLE_PARTIAL_FILE */
	int64_t pause = client_get_pause_ms(&b->get);
	if (pause >= 0) {
		log_debug("blob %s: again in %lld ms", b->digest, (long long)pause);
		b->state = BLOB_PAUSED;
		b->resume_ns = clock_monotonic_ns() + pause * 1000000;
		return 0;
	}
	if (!x->curl_code && status == 404)
		return missing(b, kind, e);
	int r = x->curl_code ? failure_connection(x, kind, e) : failure_answer(x, NULL, kind, e);
	(void)r;
	return err_ctx(e, "blob %s", b->digest);
}

static int move_download(struct blob *b, const char **kind, struct err *e)
{
	if (b->state == BLOB_PAUSED && clock_monotonic_ns() >= b->resume_ns)
		return try_again(b, e);
	if (b->state != BLOB_RUNNING || !b->get.x.done)
		return 0;
	int r = client_get_settle(&b->get, kind, e);
	if (r < 0)
		return err_ctx(e, "blob %s", b->digest);
	return r == SETTLED_ANSWER ? judge(b, kind, e) : 0;
}

int blob_step(struct blob *b, const char **kind, struct err *e)
{
	*kind = "network";
	int r = keep(b);
	if (r < 0)
		return cannot_keep(b, -r, kind, e);
	r = move_download(b, kind, e);
	if (r < 0)
		return r;
	r = feed(b);
	if (r < 0) {
		*kind = r == -EPIPE ? "stale" : "other";
		return err_sysn(e, -r, "cannot pass on blob %s", b->digest);
	}
	if (b->state != BLOB_ARRIVED || b->fed < b->size)
		return BLOB_GOING_ON;
	close_end(&b->pipe);
	return BLOB_DONE;
}
