/* The fetcher: the one process of a pull that talks to the network (engine/transfer/proto.h).
 *
 * One loop waits for the control socket, for libcurl's sockets and for the unpackers' pipes.
 * Manifests and lists are fetched while the loop stands still (nothing else goes on then); blobs
 * move side by side, a step each after every wake.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/confine.h"
#include "engine/transfer/fetch_push.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/roles.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/login.h"
#include "registry/reference.h"
#include "registry/search.h"

enum {
	BLOBS_MAX = 32,
	PROGRESS_MS = 100,
	IDLE_MS = 60000,
	DEFAULT_RETRIES = 5,
	DEFAULT_RETRY_DELAY_MS = 500,
};

struct job {
	int64_t id;
	struct blob blob;
	int64_t told; /* bytes last reported */
	int64_t told_ns; /* and when */
};

struct role {
	int sock;
	struct client *client; /* NULL until "config" */
	struct job *jobs[BLOBS_MAX];
	size_t n_jobs;
	struct push_jobs push;
};

static int reply(struct role *r, json_t *message, struct err *e)
{
	int sent = proto_send(r->sock, message, NULL, 0, e);
	json_decref(message);
	return sent;
}

static json_t *ok(void)
{
	json_t *j = json_object();
	json_set_bool(j, "ok", true);
	return j;
}

static int reply_failure(
	struct role *r, const struct err *cause, const char *kind, int64_t id, struct err *e)
{
	json_t *j = proto_failure(cause, kind);
	if (id >= 0)
		json_set_int(j, "id", id);
	return reply(r, j, e);
}

static char *dup_str(const json_t *j, const char *path)
{
	const char *s = json_str(j, path);
	return s ? xstrdup(s) : NULL;
}

/* What a token must be good for: to push there, and to read where blobs may be mounted from. */
static void push_scope(struct client *c, const json_t *from)
{
	auto_buf scope = BUF_INIT;
	size_t i;
	json_t *path;
	buf_printf(&scope, "repository:%s:pull,push", c->path);
	json_array_foreach (from, i, path) {
		if (json_is_string(path))
			buf_printf(&scope, " repository:%s:pull", json_string_value(path));
	}
	free(c->scope);
	c->scope = buf_take(&scope);
}

static int op_config(struct role *r, const json_t *m, const char **kind, struct err *e)
{
	auto_reference ref = {0};
	auto_credentials cred = {
		.username = dup_str(m, "auth/username"),
		.password = dup_str(m, "auth/password"),
		.identity_token = dup_str(m, "auth/identity_token"),
		.registry_token = dup_str(m, "auth/registry_token"),
	};
	struct client_options o = {
		.tls_verify = (int)json_int_or(m, "tls_verify", -1),
		.retries = (unsigned)json_int_or(m, "retries", DEFAULT_RETRIES),
		.retry_delay_ms = json_int_or(m, "retry_delay_ms", DEFAULT_RETRY_DELAY_MS),
	};
	*kind = "bad-request";
	if (r->client)
		return err_set(e, EINVAL, "configured already");
	int result = reference_parse(json_str_or(m, "ref", ""), true, &ref, e);
	if (result < 0)
		return result;
	*kind = "other";
	r->client = client_new(&ref, &o, &cred, json_str(m, "cert_dir"), e);
	if (!r->client)
		return -e->code;
	if (json_at(m, "push_from"))
		push_scope(r->client, json_at(m, "push_from"));
	/* The last moment at which the user's files can be seen. */
	result = confine_fetcher(NULL, 0, e);
	if (result < 0) {
		client_free(take_ptr(r->client));
		return result;
	}
	client_open(r->client);
	return reply(r, ok(), e);
}

static int op_manifest(struct role *r, const json_t *m, int out, const char **kind, struct err *e)
{
	auto_reference ref = {0};
	auto_buf bytes = BUF_INIT;
	auto_free char *type = NULL, *digest = NULL;
	*kind = "bad-request";
	int result = reference_parse(json_str_or(m, "ref", ""), true, &ref, e);
	if (result < 0)
		return result;
	result = client_manifest(r->client, &ref, MANIFEST_MAX, &bytes, &type, &digest, kind, e);
	if (result < 0)
		return result;
	result = write_all(out, bytes.data ? bytes.data : "", bytes.len);
	if (result < 0)
		return err_sysn(e, -result, "cannot keep the manifest");
	json_t *j = ok();
	json_set_str(j, "media_type", type);
	json_set_str(j, "digest", digest);
	json_set_int(j, "size", (int64_t)bytes.len);
	return reply(r, j, e);
}

static int op_login(struct role *r, const char **kind, struct err *e)
{
	auto_free char *token = NULL;
	int result = login_check(r->client, &token, kind, e);
	if (result < 0)
		return result;
	json_t *j = ok();
	if (token)
		json_set_str(j, "identity_token", token);
	return reply(r, j, e);
}

static int op_tags(struct role *r, const json_t *m, int out, const char **kind, struct err *e)
{
	auto_reference ref = {0};
	auto_strv tags = STRV_INIT;
	*kind = "bad-request";
	int result = reference_parse(json_str_or(m, "ref", ""), false, &ref, e);
	if (result == 0)
		result = client_tags(r->client, &ref, &tags, kind, e);
	for (size_t i = 0; result == 0 && i < tags.n; i++) {
		auto_free char *line = xasprintf("%s\n", tags.v[i]);
		result = write_all(out, line, strlen(line));
		if (result < 0)
			return err_sysn(e, -result, "cannot keep the list of tags");
	}
	if (result < 0)
		return result;
	json_t *j = ok();
	json_set_int(j, "tags", (int64_t)tags.n);
	return reply(r, j, e);
}

/* The process is of no other use afterwards: its client speaks with another host. */
static int op_search(struct role *r, const json_t *m, int out, const char **kind, struct err *e)
{
	const char *query = json_str_or(m, "query", "");
	int64_t limit = json_int_or(m, "limit", 0);
	auto_json results = NULL;
	int from_catalog = 0;
	*kind = "bad-request";
	if (limit < 1 || limit > SEARCH_LIMIT_MAX || strlen(query) > SEARCH_NAME_MAX)
		return err_set(e, EINVAL, "bad request for a search");
	int result =
		search_registry(r->client, query, (size_t)limit, &results, &from_catalog, kind, e);
	if (result < 0)
		return result;
	auto_free char *text = json_text(results);
	result = write_all(out, text, strlen(text));
	if (result < 0)
		return err_sysn(e, -result, "cannot keep the results");
	json_t *j = ok();
	json_set_bool(j, "catalog", from_catalog);
	return reply(r, j, e);
}

static void job_free(struct job *j)
{
	blob_deinit(&j->blob);
	free(j);
}

/* Its reader is gone, or it would not be asked for again; two must not write one part file. */
static void cancel_older(struct role *r, const char *digest)
{
	for (size_t i = r->n_jobs; i-- > 0;) {
		if (strcmp(r->jobs[i]->blob.digest, digest))
			continue;
		job_free(r->jobs[i]);
		r->jobs[i] = r->jobs[--r->n_jobs];
	}
}

/* fds: the part file; or pipe and part file; or these and the part's checksums. All are taken. */
static int op_blob(struct role *r, const json_t *m, const int *fds, size_t n, const char **kind,
	struct err *e)
{
	auto_fd pipe = n > 1 ? fds[0] : -1, part = fds[n > 1], sums = n > 2 ? fds[2] : -1;
	struct blob_wanted w = {
		.digest = json_str(m, "digest"),
		.size = json_int_or(m, "size", -1),
		.boot = json_str(m, "boot"),
		.must_check = json_bool_or(m, "check", false),
	};
	*kind = "bad-request";
	if (!digest_valid(w.digest) || w.size < 0)
		return err_set(e, EINVAL, "bad request for a blob");
	cancel_older(r, w.digest);
	if (r->n_jobs == BLOBS_MAX)
		return err_set(e, EBUSY, "too many blobs at once");
	w.part = take_fd(part);
	w.pipe = take_fd(pipe);
	w.sums = take_fd(sums);
	struct job *j = xcalloc(1, sizeof(*j));
	j->id = json_int_or(m, "id", 0);
	int result = blob_start(&j->blob, r->client, &w, kind, e);
	if (result < 0) {
		job_free(j);
		return result;
	}
	r->jobs[r->n_jobs++] = j;
	return 0;
}

/* The process is of no other use afterwards: it has no client. */
static int op_url(struct role *r, const json_t *m, int out, struct err *e)
{
	int result = fetch_url(json_str_or(m, "url", ""), out, e);
	return result < 0 ? result : reply(r, ok(), e);
}

static int dispatch(
	struct role *r, const json_t *m, int *fds, size_t *n_fds, const char **kind, struct err *e)
{
	const char *op = json_str_or(m, "op", "");
	if (!strcmp(op, "config") && *n_fds == 0)
		return op_config(r, m, kind, e);
	if (!strcmp(op, "url") && *n_fds == 1 && !r->client)
		return op_url(r, m, fds[0], e);
	*kind = "bad-request";
	if (!r->client)
		return err_set(e, EINVAL, "not configured yet");
	if (!strcmp(op, "manifest") && *n_fds == 1)
		return op_manifest(r, m, fds[0], kind, e);
	if (!strcmp(op, "search") && *n_fds == 1)
		return op_search(r, m, fds[0], kind, e);
	if (!strcmp(op, "tags") && *n_fds == 1)
		return op_tags(r, m, fds[0], kind, e);
	if (!strcmp(op, "login") && *n_fds == 0)
		return op_login(r, kind, e);
	if (!strcmp(op, "blob") && *n_fds >= 1 && *n_fds <= 3) {
		size_t n = *n_fds;
		*n_fds = 0;
		return op_blob(r, m, fds, n, kind, e);
	}
	int result = push_jobs_request(&r->push, r->client, r->sock, m, fds, *n_fds, kind, e);
	return result ? result : err_set(e, EINVAL, "unknown request");
}

/* 1: went on; 0: the other side is gone. */
static int serve_request(struct role *r, struct err *e)
{
	int fds[MSG_FDS_MAX];
	size_t n_fds = MSG_FDS_MAX;
	auto_json m = proto_recv(r->sock, fds, &n_fds, e);
	if (!m)
		return e->code ? -e->code : 0;
	struct err cause = {0};
	const char *kind = "other";
	int result = dispatch(r, m, fds, &n_fds, &kind, &cause);
	for (size_t i = 0; i < n_fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (result < 0)
		result = reply_failure(r, &cause, kind, json_int_or(m, "id", -1), e);
	return result < 0 ? result : 1;
}

/* The whole is told once, as soon as it is there: the user sees "Download complete". */
static int tell_progress(struct role *r, struct job *j, struct err *e)
{
	int64_t now = clock_monotonic_ns();
	const struct blob *b = &j->blob;
	if (b->have == j->told)
		return 0;
	if (b->have < b->size && now - j->told_ns < PROGRESS_MS * (NS_PER_S / 1000))
		return 0;
	j->told = b->have;
	j->told_ns = now;
	json_t *progress = json_object(), *m = json_object();
	json_set_str(progress, "digest", b->digest);
	json_set_int(progress, "id", j->id);
	json_set_int(progress, "bytes", b->have);
	json_set(m, "progress", progress);
	return reply(r, m, e);
}

static int step_job(struct role *r, size_t i, struct err *e)
{
	struct job *j = r->jobs[i];
	struct err cause = {0};
	const char *kind;
	int result = blob_step(&j->blob, &kind, &cause);
	int sent = tell_progress(r, j, e);
	if (sent < 0 || result == BLOB_GOING_ON)
		return sent;
	if (result < 0) {
		sent = reply_failure(r, &cause, kind, j->id, e);
	} else {
		json_t *m = ok();
		json_set_int(m, "id", j->id);
		sent = reply(r, m, e);
	}
	job_free(j);
	r->jobs[i] = r->jobs[--r->n_jobs];
	return sent;
}

/* How long nothing needs to be done, if nobody wakes us. */
static int idle_ms(const struct role *r)
{
	int64_t now = clock_monotonic_ns(), wait = IDLE_MS;
	for (size_t i = 0; i < r->n_jobs; i++) {
		const struct blob *b = &r->jobs[i]->blob;
		if (b->state != BLOB_PAUSED)
			continue;
		int64_t left = (b->resume_ns - now) / 1000000 + 1;
		if (left < wait)
			wait = left < 0 ? 0 : left;
	}
	return push_jobs_idle_ms(&r->push, (int)wait);
}

static int wait_for_something(struct role *r, bool *request, struct err *e)
{
	struct http_wake wakes[BLOBS_MAX + 1];
	size_t n = 0;
	wakes[n++] = (struct http_wake){.fd = r->sock};
	for (size_t i = 0; i < r->n_jobs; i++)
		if (blob_wants_pipe(&r->jobs[i]->blob))
			wakes[n++] =
				(struct http_wake){.fd = r->jobs[i]->blob.pipe, .writable = true};
	int result = http_pump(r->client->http, wakes, n, idle_ms(r), e);
	*request = wakes[0].ready;
	return result;
}

static int loop(struct role *r, struct err *e)
{
	for (;;) {
		bool request = true;
		int result = r->client ? wait_for_something(r, &request, e) : 0;
		if (result == 0 && request) {
			result = serve_request(r, e);
			if (result == 0)
				return 0;
		}
		for (size_t i = r->n_jobs; result >= 0 && i-- > 0;)
			result = step_job(r, i, e);
		if (result >= 0)
			result = push_jobs_step(&r->push, r->sock, e);
		if (result < 0)
			return result;
	}
}

int fetch_role_run(int sock, struct err *e)
{
	struct role r = {.sock = sock};
	/* A reader that is gone is an error of its blob, not our end. */
	signal(SIGPIPE, SIG_IGN);
	int result = loop(&r, e);
	while (r.n_jobs)
		job_free(r.jobs[--r.n_jobs]);
	push_jobs_deinit(&r.push);
	client_free(r.client);
	return result;
}
