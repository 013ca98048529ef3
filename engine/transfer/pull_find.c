/* What a reference stands for: the manifest of our platform, and its config. */
#include "engine/transfer/pull_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/proto.h"

enum { INDEX_DEPTH_MAX = 3 };

void pull_found_deinit(struct pull_found *f)
{
	reference_deinit(&f->ref);
	fetched_manifest_deinit(&f->manifest);
	free(f->top_digest);
	free(f->config_digest);
	free(f->config_type);
	free(f->config_json);
	json_decref(f->layers);
	json_decref(f->diff_ids);
	if (f->config_fd >= 0)
		close(f->config_fd);
}

void pull_start_spare(struct pull *p)
{
	struct err ignored;
	if (p->spare.pid <= 0 &&
		unpacker_start_beside(p->store, &p->fetcher.id, &p->spare, &ignored) < 0)
		p->spare = UNPACKER_INIT;
}

char *pull_name_at_digest(const struct reference *ref, const char *digest)
{
	auto_free char *name = reference_name(ref);
	return xasprintf("%s@%s", name, digest);
}

int pull_invalid_answer(struct err *e)
{
	return err_set(e, EBADMSG, "the unpacker gave no valid answer");
}

/* Asks an unpacker of its own; the process is gone afterwards. */
static json_t *ask_unpacker(struct pull *p, const json_t *job, const int *fds, size_t n,
	bool is_another_needed, struct err *e)
{
	struct unpacker u = p->spare;
	const char *kind;
	p->spare = UNPACKER_INIT;
	if (u.pid <= 0 && unpacker_start_beside(p->store, &p->fetcher.id, &u, e) < 0)
		return NULL;
	json_t *reply = NULL;
	int r = unpacker_send(&u, job, fds, n, e);
	if (r == 0 && is_another_needed)
		pull_start_spare(p);
	if (r == 0)
		reply = unpacker_result(&u, NULL, NULL, &kind, e);
	unpacker_stop(&u);
	return reply;
}

/* The manifest f->manifest as checked by an unpacker. */
static json_t *read_manifest(struct pull *p, struct pull_found *f, struct err *e)
{
	const struct fetched_manifest *m = &f->manifest;
	auto_json job = unpack_job_manifest(m->media_type, m->digest, m->size, p->platform.os,
		p->platform.architecture, p->platform.variant);
	(void)lseek(m->fd, 0, SEEK_SET);
	return ask_unpacker(p, job, &m->fd, 1, false, e);
}

static int take_manifest(struct pull_found *f, const json_t *reply, struct err *e)
{
	const char *digest = json_str(reply, "config/digest");
	f->config_size = json_int_or(reply, "config/size", -1);
	f->layers = json_incref(json_at(reply, "layers"));
	if (!digest_valid(digest) || f->config_size < 0 || f->config_size > CONFIG_MAX ||
		!json_is_array(f->layers))
		return pull_invalid_answer(e);
	f->config_digest = xstrdup(digest);
	f->config_type = xstrdup(json_str_or(reply, "config/media_type", ""));
	return 0;
}

/* Follows an index to the manifest of our platform. */
static int choose(struct pull *p, struct pull_found *f, const json_t *reply, struct err *e)
{
	const char *digest = json_str(reply, "chosen/digest"), *kind;
	if (!digest_valid(digest))
		return pull_invalid_answer(e);
	auto_free char *name = pull_name_at_digest(&f->ref, digest);
	fetched_manifest_deinit(&f->manifest);
	return fetcher_manifest(&p->fetcher, name, &f->manifest, &kind, e);
}

int pull_find_manifest(struct pull *p, struct pull_found *f, struct err *e)
{
	for (int depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		auto_json reply = read_manifest(p, f, e);
		if (!reply)
			return -e->code;
		const char *kind = json_str_or(reply, "kind", "");
		if (!strcmp(kind, "manifest"))
			return take_manifest(f, reply, e);
		if (strcmp(kind, "index"))
			return pull_invalid_answer(e);
		int r = choose(p, f, reply, e);
		if (r < 0)
			return r;
	}
	auto_free char *name = reference_familiar(&f->ref);
	return err_set(e, ELOOP, "%s: indexes inside indexes inside indexes", name);
}

int pull_get_config(struct pull *p, struct pull_found *f, struct err *e)
{
	const char *kind;
	f->config_fd = fetcher_memory_file(e);
	if (f->config_fd < 0)
		return f->config_fd;
	const struct fetch_blob wanted = {.digest = f->config_digest,
		.size = f->config_size,
		.part = f->config_fd,
		.pipe = -1,
		.sums = -1};
	int r = fetcher_blob(&p->fetcher, &wanted, e);
	if (r < 0)
		return r;
	pull_start_spare(p);
	r = fetcher_wait(&p->fetcher, &kind, e);
	if (r < 0)
		return err_ctx(e, "image config");
	r = fetcher_seal(f->config_fd, e);
	auto_fd out = r < 0 ? r : fetcher_memory_file(e);
	if (out < 0)
		return out;
	auto_json job =
		unpack_job_config(f->config_digest, f->config_size, json_array_size(f->layers));
	int fds[2] = {f->config_fd, out};
	auto_json reply = ask_unpacker(p, job, fds, 2, true, e);
	if (!reply)
		return -e->code;
	f->diff_ids = json_incref(json_at(reply, "diff_ids"));
	if (json_array_size(f->diff_ids) != json_array_size(f->layers))
		return pull_invalid_answer(e);
	auto_buf text = BUF_INIT;
	(void)lseek(out, 0, SEEK_SET);
	r = read_fd(out, CONFIG_MAX, &text);
	if (r < 0)
		return err_sysn(e, -r, "cannot read the image config");
	f->config_json = buf_take(&text);
	return 0;
}
