#include "engine/transfer/fetch_push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/proto.h"
#include "registry/client.h"
#include "registry/reference.h"
#include "registry/upload.h"

enum {
	JOBS_MAX = 64,
	PROGRESS_MS = 100,
	GROWTH_MS = 4 /* how often a growing file is looked at */
};

struct push_job {
	int64_t id;
	bool is_upload;
	struct probe probe;
	struct upload upload;
	int64_t told, told_ns; /* progress: bytes, and when */
};

static void job_free(struct push_job *j)
{
	if (j->is_upload)
		upload_deinit(&j->upload);
	else
		probe_deinit(&j->probe);
	free(j);
}

void push_jobs_deinit(struct push_jobs *jobs)
{
	while (jobs->n)
		job_free(jobs->v[--jobs->n]);
	free(jobs->v);
	strv_free(&jobs->sessions);
	*jobs = (struct push_jobs){0};
}

static struct push_job *job_find(struct push_jobs *jobs, int64_t id)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->v[i]->id == id && jobs->v[i]->is_upload)
			return jobs->v[i];
	return NULL;
}

static void job_remove(struct push_jobs *jobs, size_t i)
{
	job_free(jobs->v[i]);
	jobs->v[i] = jobs->v[--jobs->n];
}

static struct push_job *job_new(struct push_jobs *jobs, const json_t *m, struct err *e)
{
	if (jobs->n == JOBS_MAX) {
		err_set(e, EBUSY, "too many blobs at once");
		return NULL;
	}
	struct push_job *j = xcalloc(1, sizeof(*j));
	j->id = json_int_or(m, "id", 0);
	jobs->v = xrealloc(jobs->v, (jobs->n + 1) * sizeof(struct push_job *));
	jobs->v[jobs->n++] = j;
	return j;
}

static int reply(int sock, json_t *taken, struct err *e)
{
	int r = proto_send(sock, taken, NULL, 0, e);
	json_decref(taken);
	return r;
}

static json_t *ok(int64_t id)
{
	json_t *j = json_object();
	json_set_bool(j, "ok", true);
	if (id >= 0)
		json_set_int(j, "id", id);
	return j;
}

/* ---- requests ---- */

static int request_probe(
	struct push_jobs *jobs, struct client *c, const json_t *m, const char **kind, struct err *e)
{
	const char *digest = json_str(m, "digest");
	auto_strv from = STRV_INIT;
	json_to_strv(json_at(m, "from"), &from);
	if (!digest_valid(digest))
		return err_set(e, EINVAL, "bad request for a blob");
	struct push_job *j = job_new(jobs, m, e);
	int r = j ? probe_start(&j->probe, c, digest, &from, kind, e) : -e->code;
	if (r < 0 && j)
		job_remove(jobs, jobs->n - 1);
	return r;
}

static char *take_session(struct push_jobs *jobs)
{
	if (!jobs->sessions.n)
		return NULL;
	char *url = jobs->sessions.v[--jobs->sessions.n];
	jobs->sessions.v[jobs->sessions.n] = NULL;
	return url;
}

static int request_upload(struct push_jobs *jobs, struct client *c, const json_t *m, int *fd,
	const char **kind, struct err *e)
{
	const char *digest = json_str(m, "digest");
	if (digest && !digest_valid(digest))
		return err_set(e, EINVAL, "bad request for an upload");
	struct push_job *j = job_new(jobs, m, e);
	if (!j)
		return -e->code;
	j->is_upload = true;
	int r = upload_start(&j->upload, c, take_fd(*fd), json_int_or(m, "size", -1), digest,
		take_session(jobs), kind, e);
	if (r < 0)
		job_remove(jobs, jobs->n - 1);
	return r;
}

/* One that failed meanwhile has said so already. */
static int request_end(struct push_jobs *jobs, const json_t *m, struct err *e)
{
	struct push_job *j = job_find(jobs, json_int_or(m, "id", -1));
	const char *digest = json_str(m, "digest");
	int64_t size = json_int_or(m, "size", -1);
	if (!digest_valid(digest) || size < 0)
		return err_set(e, EINVAL, "bad request for the end of an upload");
	if (j)
		upload_complete(&j->upload, size, digest);
	return 0;
}

static void request_drop(struct push_jobs *jobs, const json_t *m)
{
	int64_t id = json_int_or(m, "id", -1);
	for (size_t i = jobs->n; i-- > 0;)
		if (jobs->v[i]->id == id && jobs->v[i]->is_upload)
			job_remove(jobs, i);
}

static int request_manifest(
	struct client *c, int sock, const json_t *m, int fd, const char **kind, struct err *e)
{
	auto_reference ref = {0};
	auto_buf bytes = BUF_INIT;
	const char *type = json_str(m, "media_type");
	int r = reference_parse(json_str_or(m, "ref", ""), true, &ref, e);
	if (r == 0 && (str_empty(type) || strpbrk(type, "\r\n")))
		r = err_set(e, EINVAL, "bad request for a manifest");
	if (r < 0)
		return r;
	r = read_fd(fd, MANIFEST_MAX, &bytes);
	if (r < 0)
		return err_sysn(e, -r, "cannot read the manifest");
	r = upload_manifest(c, &ref, type, bytes.data ? bytes.data : "", bytes.len, kind, e);
	return r < 0 ? r : reply(sock, ok(-1), e);
}

int push_jobs_request(struct push_jobs *jobs, struct client *c, int sock, const json_t *m, int *fds,
	size_t n_fds, const char **kind, struct err *e)
{
	const char *op = json_str_or(m, "op", "");
	int r = 0;
	*kind = "bad-request";
	if (!strcmp(op, "probe") && n_fds == 0)
		r = request_probe(jobs, c, m, kind, e);
	else if (!strcmp(op, "upload") && n_fds == 1)
		r = request_upload(jobs, c, m, &fds[0], kind, e);
	else if (!strcmp(op, "upload-end") && n_fds == 0)
		r = request_end(jobs, m, e);
	else if (!strcmp(op, "upload-drop") && n_fds == 0)
		request_drop(jobs, m);
	else if (!strcmp(op, "put") && n_fds == 1)
		r = request_manifest(c, sock, m, fds[0], kind, e);
	else
		return 0;
	return r < 0 ? r : 1;
}

/* ---- steps ---- */

static int tell_progress(struct push_job *j, int sock, struct err *e)
{
	int64_t now = clock_monotonic_ns(), sent = upload_sent(&j->upload);
	if (sent == j->told || now - j->told_ns < PROGRESS_MS * (NS_PER_S / 1000))
		return 0;
	j->told = sent;
	j->told_ns = now;
	json_t *progress = json_object(), *m = json_object();
	json_set_int(progress, "id", j->id);
	json_set_int(progress, "bytes", sent);
	json_set(m, "progress", progress);
	return reply(sock, m, e);
}

static json_t *probe_answer(struct push_jobs *jobs, struct push_job *j, int result)
{
	json_t *m = ok(j->id);
	struct probe *p = &j->probe;
	json_set_str(m, "state",
		result == PROBE_EXISTS    ? "exists"
		: result == PROBE_MOUNTED ? "mounted"
					  : "absent");
	if (result == PROBE_MOUNTED)
		json_set_str(m, "from", p->from.v[p->tried - 1]);
	if (p->session)
		strv_take(&jobs->sessions, take_ptr(p->session));
	return m;
}

static int step(struct push_jobs *jobs, size_t i, int sock, struct err *e)
{
	struct push_job *j = jobs->v[i];
	struct err cause = {0};
	const char *kind = "other";
	int result = j->is_upload ? upload_step(&j->upload, &kind, &cause)
				  : probe_step(&j->probe, &kind, &cause);
	json_t *answer;
	if (result < 0) {
		answer = proto_failure(&cause, kind);
		json_set_int(answer, "id", j->id);
	} else if (j->is_upload) {
		if (result == UPLOAD_GOING_ON)
			return tell_progress(j, sock, e);
		answer = ok(j->id);
	} else {
		if (result == PROBE_GOING_ON)
			return 0;
		answer = probe_answer(jobs, j, result);
	}
	job_remove(jobs, i);
	return reply(sock, answer, e);
}

int push_jobs_step(struct push_jobs *jobs, int sock, struct err *e)
{
	int r = 0;
	for (size_t i = jobs->n; r >= 0 && i-- > 0;)
		r = step(jobs, i, sock, e);
	return r;
}

static int until_ms(int64_t when_ns, int most)
{
	int64_t left = (when_ns - clock_monotonic_ns()) / 1000000 + 1;
	return left < 0 ? 0 : left < most ? (int)left : most;
}

int push_jobs_idle_ms(const struct push_jobs *jobs, int most)
{
	for (size_t i = 0; i < jobs->n; i++) {
		const struct push_job *j = jobs->v[i];
		int64_t pause = j->is_upload ? j->upload.resume_ns : j->probe.resume_ns;
		if (pause)
			most = until_ms(pause, most);
		else if (j->is_upload && upload_is_hungry(&j->upload) && most > GROWTH_MS)
			most = GROWTH_MS;
	}
	return most;
}
