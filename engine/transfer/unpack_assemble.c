/* The jobs assemble and measure of moss-unpack: a layer of the store as the exact tar it came from,
 * perhaps compressed (engine/transfer/proto.h). */
#include "engine/transfer/unpack_role.h"
#include "storage/compress.h"
#include "storage/tarsplit.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { PROGRESS_STEP = 4 * 1024 * 1024 };

struct assembly {
	const struct unpack_request *q;
	struct compress *out; /* NULL = as it is */
	int64_t size, told;
};

static int take(void *arg, const void *p, size_t n, struct err *e)
{
	struct assembly *a = arg;
	a->size += (int64_t)n;
	if (a->size - a->told >= PROGRESS_STEP) {
		a->told = a->size;
		unpack_send_progress(a->q, a->size);
	}
	if (a->out)
		return compress_add(a->out, p, n, e);
	int r = write_all(a->q->fds[0], p, n);
	return r < 0 ? err_sysn(e, -r, "cannot write the layer") : 0;
}

/* tarsplit_assemble knows whether the tar is the one it was made for; whether that is the layer's,
 * its name says. */
static int check(const struct unpack_request *q, const char *diff_id, struct err *e)
{
	const char *wanted = json_str(q->job, "diff_id");
	if (!wanted || !strcmp(wanted, diff_id))
		return 0;
	return err_set(e, EBADMSG, "the layer's archive is %s instead of %s", diff_id, wanted);
}

/* Each byte is hashed once: what is not compressed has the digest of its tar. */
static json_t *assemble(const struct unpack_request *q, struct assembly *a, struct err *e)
{
	unsigned char sha256[32];
	char diff_id[72] = "sha256:", digest[72];
	if (tarsplit_assemble_sha256(q->fds[1], take, a, sha256, e) < 0)
		return NULL;
	hex_encode(diff_id + 7, sha256, sizeof(sha256));
	if (check(q, diff_id, e) < 0)
		return NULL;
	int64_t size = a->size;
	memcpy(digest, diff_id, sizeof(digest));
	if (a->out && compress_finish(a->out, digest, &size, e) < 0)
		return NULL;
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set_str(reply, "diff_id", diff_id);
	json_set_int(reply, "tar_size", a->size);
	json_set_str(reply, "digest", digest);
	json_set_int(reply, "size", size);
	return reply;
}

json_t *unpack_assemble_job(const struct unpack_request *q, struct err *e)
{
	enum compress_kind kind;
	int level = (int)json_int_or(q->job, "level", COMPRESS_LEVEL_DEFAULT);
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no layer in the request");
		return NULL;
	}
	if (compress_kind_parse(json_str_or(q->job, "compression", "none"), &kind, e) < 0)
		return NULL;
	bool is_plain = kind == COMPRESS_NONE;
	auto_compress out = is_plain ? NULL : compress_new(q->fds[0], kind, level, e);
	if (!out && !is_plain)
		return NULL;
	struct assembly a = {.q = q, .out = out};
	return assemble(q, &a, e);
}

json_t *unpack_measure_job(const struct unpack_request *q, struct err *e)
{
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no layers in the request");
		return NULL;
	}
	auto_strv layers = STRV_INIT;
	auto_json sizes = json_array();
	json_to_strv(json_object_get(q->job, "layers"), &layers);
	for (size_t i = 0; i < layers.n; i++) {
		uint64_t length = 0;
		auto_fd dir = openat(
			q->fds[1], layers.v[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir < 0) {
			err_sys(e, "cannot open layer %s", layers.v[i]);
			return NULL;
		}
		if (tarsplit_length(dir, &length, e) < 0) {
			err_ctx(e, "layer %s", layers.v[i]);
			return NULL;
		}
		json_array_append_new(sizes, json_integer((json_int_t)length));
	}
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set(reply, "sizes", json_incref(sizes));
	return reply;
}
