#include "engine/transfer/unpack_archive_layers.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/unpack_spool.h"
#include "storage/share.h"
#include "storage/unpack.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct archive_layer {
	char diff_id[72], digest[72];
	int64_t size, compressed_size;
	struct err *failure; /* NULL = it is whole */
	bool is_told; /* moss knows its digest */
};

void archive_layers_init(struct archive_layers *l, const struct unpack_request *q, int stage_fd)
{
	*l = (struct archive_layers){.q = q, .stage_fd = stage_fd, .share = unpack_share_index(q)};
}

void archive_layers_deinit(struct archive_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].failure);
	free(l->v);
	strv_free(&l->warnings);
	share_index_free(l->share);
}

int archive_layers_ask(struct archive_layers *l, json_t *diff_ids, struct strv *have, struct err *e)
{
	auto_json question = json_object();
	json_set(question, "ask", json_incref(diff_ids));
	if (proto_send(l->q->sock, question, NULL, 0, e) < 0)
		return -e->code;
	auto_json answer = proto_recv(l->q->sock, NULL, NULL, e);
	if (!answer)
		return e->code ? -e->code : err_set(e, ECANCELED, "stopped");
	json_to_strv(json_object_get(answer, "have"), have);
	return 0;
}

/* By diff ID, or where that is NULL by the digest of its bytes; -1. */
static int find_whole(const struct archive_layers *l, const char *id, const char *digest)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].failure && ((id && !strcmp(l->v[i].diff_id, id)) ||
						(digest && !strcmp(l->v[i].digest, digest))))
			return (int)i;
	return -1;
}

/* "blobs/sha256/<hex>" and "<hex>.tar" say which it is; whether that is so, whoever asks for it
 * compares. */
static bool digest_in_name(const char *name, char digest[72])
{
	enum { HEX = 64 };
	const char *base = path_base(name);
	size_t n = strspn(base, "0123456789abcdef");
	if (n != HEX || (base[n] && strcmp(base + n, ".tar") != 0))
		return false;
	memcpy(digest, "sha256:", 7);
	memcpy(digest + 7, base, HEX);
	digest[7 + HEX] = '\0';
	return true;
}

void archive_layer_announce(const struct archive_layers *l, const struct spool *s, const char *file,
	const char *diff_id)
{
	int n = find_whole(l, diff_id, NULL) < 0 ? spool_find(s, file) : -1;
	if (n >= 0 && s->files[n].place == SPOOL_IN_PLACE)
		unpack_send_layer_progress(
			l->q, (int64_t)l->n, diff_id, 0, (int64_t)s->files[n].size);
}

/* ---- unpacking ---- */

static int unpack_into(struct archive_layers *l, size_t n, const struct stream_source *from,
	const struct unpack_job *job, struct unpack_result *got, struct err *e)
{
	auto_free char *dir = xasprintf("layer-%zu", n);
	if (mkdirat(l->stage_fd, dir, 0700) < 0)
		return err_sys(e, "cannot create %s", dir);
	auto_fd stage = openat(l->stage_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (stage < 0)
		return err_sys(e, "cannot open %s", dir);
	return unpack_layer_from(from, stage, job, got, e);
}

/* What is told of a layer while it is unpacked. */
struct telling {
	const struct unpack_request *q;
	int64_t layer;
	const char *diff_id;
	int64_t size;
};

static void tell(void *arg, int64_t bytes)
{
	const struct telling *t = arg;
	unpack_send_layer_progress(t->q, t->layer, t->diff_id, bytes, t->size);
}

/* The next one. Its number; negative where it did not become whole. */
static int unpack_next(struct archive_layers *l, const char *name, const struct stream_source *from,
	const struct unpack_job *wanted, struct err *e)
{
	struct unpack_job job = *wanted;
	struct unpack_result got = {0};
	job.is_single_id = l->q->is_single_id;
	job.share = l->share;
	char in_name[72];
	struct telling telling = {
		.q = l->q, .layer = (int64_t)l->n, .diff_id = job.diff_id, .size = from->size};
	if (!telling.diff_id && digest_in_name(name, in_name))
		telling.diff_id = in_name;
	job.progress = tell;
	job.progress_arg = &telling;
	tell(&telling, 0);
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	struct archive_layer *layer = &l->v[l->n];
	*layer = (struct archive_layer){0};
	int r = unpack_into(l, l->n++, from, &job, &got, e);
	if (r == 0) {
		tell(&telling, got.compressed_size);
		memcpy(layer->diff_id, got.diff_id, sizeof(layer->diff_id));
		memcpy(layer->digest, got.digest, sizeof(layer->digest));
		layer->size = got.size;
		layer->compressed_size = got.compressed_size;
		for (size_t i = 0; i < got.warnings.n; i++)
			if (!strv_has(&l->warnings, got.warnings.v[i]))
				strv_add(&l->warnings, got.warnings.v[i]);
	} else {
		r = err_ctx(e, "%s", name);
		layer->failure = xmalloc(sizeof(*e));
		*layer->failure = *e;
	}
	unpack_result_deinit(&got);
	return r < 0 ? r : (int)l->n - 1;
}

/* ---- as it comes by ---- */

/* Of the machine, not of the layer: it does not help to go on. */
static bool is_fatal(const struct err *e)
{
	return e->code == ENOSPC || e->code == EDQUOT || e->code == EIO || e->code == EROFS;
}

int archive_layer_take(
	void *arg, const char *name, const struct stream_source *content, struct err *e)
{
	struct archive_layers *l = arg;
	const struct unpack_job unknown = {.size = -1};
	char digest[72];
	if (digest_in_name(name, digest)) {
		int there = find_whole(l, digest, digest);
		if (there >= 0)
			return there;
		auto_strv have = STRV_INIT;
		auto_json question = json_array();
		json_array_append_new(question, json_string(digest));
		if (archive_layers_ask(l, question, &have, e) < 0)
			return -e->code;
		if (have.n)
			return ARCHIVE_LAYER_HAD;
	}
	int n = unpack_next(l, name, content, &unknown, e);
	return n < 0 && !is_fatal(e) ? (int)l->n - 1 : n;
}

/* ---- when it is asked for ---- */

static int get_taken(const struct archive_layers *l, int n, const char *file,
	const struct unpack_job *job, struct err *e)
{
	if (n == ARCHIVE_LAYER_HAD)
		return err_set(
			e, EBADMSG, "invalid archive: %s is not the layer of its name", file);
	const struct archive_layer *layer = &l->v[n];
	if (layer->failure) {
		*e = *layer->failure;
		return -e->code;
	}
	if (unpack_check(job, layer->digest, layer->compressed_size, layer->diff_id, e) < 0)
		return err_ctx(e, "%s", file);
	return n;
}

static int get_stored(struct archive_layers *l, const struct spool *s, const char *file,
	const struct unpack_job *job, struct err *e)
{
	auto_spool_content c = SPOOL_CONTENT_INIT;
	int n = spool_open(s, file, &c, e);
	if (n == 0)
		n = unpack_next(l, file, &c.source, job, e);
	if (n >= 0)
		spool_drop(s, file);
	return n;
}

int archive_layer_get(struct archive_layers *l, const struct spool *s, const char *file,
	const struct unpack_job *job, json_t *out, struct err *e)
{
	int taken = spool_taken(s, file);
	int n = taken >= 0 ? get_taken(l, taken, file, job, e) : find_whole(l, job->diff_id, NULL);
	if (n < 0 && taken < 0)
		n = get_stored(l, s, file, job, e);
	if (n < 0)
		return n;
	/* Of the file that was unpacked: another image may have it in another compression. */
	if (!l->v[n].is_told) {
		json_set_str(out, "digest", l->v[n].digest);
		json_set_int(out, "compressed_size", l->v[n].compressed_size);
	}
	l->v[n].is_told = true;
	json_set_int(out, "size", l->v[n].size);
	return n;
}
