/* The jobs "top", "blobs" and "sum": what a file or folder holds, byte for byte, for those who pass
 * an image on and do not take it in. Of a blob nothing is looked at but its length and digest. */
#include "engine/transfer/proto.h"
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/unpack_select.h"
#include "engine/transfer/unpack_spool.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

struct holder {
	struct selection select;
	struct spool spool;
	int stage_fd;
};

static json_t *reply_ok(void)
{
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	return reply;
}

static int open_holder(struct holder *h, const struct unpack_request *q, struct err *e)
{
	selection_read(q->job, &h->select);
	if (q->n_fds < 2 || !h->select.is_one || h->select.kind == TRANSPORT_DOCKER_ARCHIVE)
		return err_set(e, EINVAL, "bad request for blobs");
	h->stage_fd = q->fds[1];
	if (q->n_fds < 3 || !json_bool_or(q->job, "folder", false))
		return spool_fill(&h->spool, q->fds[0], h->stage_fd, NULL, e);
	spool_use_folder(&h->spool, q->fds[2]);
	return 0;
}

static char *blob_name(const struct holder *h, const char *digest, bool is_manifest)
{
	const char *hex = digest + strlen("sha256:");
	if (h->select.kind == TRANSPORT_DIR)
		return xasprintf("%s%s", hex, is_manifest ? ".manifest.json" : "");
	return xasprintf("blobs/sha256/%s", hex);
}

/* ---- bytes ---- */

struct summing {
	EVP_MD_CTX *ctx;
	int64_t length;
};

static void summing_init(struct summing *s)
{
	*s = (struct summing){.ctx = EVP_MD_CTX_new()};
	if (!s->ctx || EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1)
		die_oom();
}

static void summing_deinit(struct summing *s) { EVP_MD_CTX_free(s->ctx); }
#define auto_summing __attribute__((cleanup(summing_deinit))) struct summing

static void summing_add(struct summing *s, const void *p, size_t n)
{
	if (EVP_DigestUpdate(s->ctx, p, n) != 1)
		die_oom();
	s->length += (int64_t)n;
}

static int summing_check(
	struct summing *s, const char *name, const char *digest, int64_t size, struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char text[72] = "sha256:";
	if (EVP_DigestFinal_ex(s->ctx, md, NULL) != 1)
		die_oom();
	hex_encode(text + strlen("sha256:"), md, 32);
	if (s->length != size)
		return err_set(e, EBADMSG, "%s has %lld bytes instead of %lld", name,
			(long long)s->length, (long long)size);
	if (strcmp(text, digest) != 0)
		return err_set(
			e, EBADMSG, "%s: its digest is %s instead of %s", name, text, digest);
	return 0;
}

/* More than was announced is not copied. */
static int copy(const struct stream_source *from, int out, struct summing *s, int64_t size,
	const char *name, struct err *e)
{
	char piece[PIECE];
	ssize_t n;
	while ((n = from->read(from->arg, piece, sizeof(piece), e)) > 0) {
		summing_add(s, piece, (size_t)n);
		if (s->length > size)
			return err_set(e, EBADMSG, "%s has more than its %lld bytes", name,
				(long long)size);
		int r = write_all(out, piece, (size_t)n);
		if (r < 0)
			return err_sysn(e, -r, "cannot keep %s", name);
	}
	return (int)n;
}

/* The file `name` of the holder into the staging folder, whole and right. */
static int take(const struct holder *h, const char *name, const char *digest, int64_t size,
	const char *as, struct err *e)
{
	auto_spool_content c = SPOOL_CONTENT_INIT;
	auto_summing s;
	summing_init(&s);
	if (spool_open(&h->spool, name, &c, e) < 0)
		return -e->code;
	auto_fd out = openat(h->stage_fd, as, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(e, "cannot keep %s", name);
	if (copy(&c.source, out, &s, size, name, e) < 0)
		return -e->code;
	return summing_check(&s, name, digest, size, e);
}

/* ---- what the transport names ---- */

struct top {
	char *media_type;
	char digest[72];
	int64_t size;
};

static bool is_image(const json_t *entry)
{
	const json_t *notes = json_object_get(entry, "annotations");
	return !json_object_get(notes, "vnd.docker.reference.type");
}

/* Of an index with several images for several machines it is one, where no other is asked for; the
 * index as a whole has an entry of its own. */
static int choose(
	const struct holder *h, const void *bytes, size_t n, struct top *top, struct err *e)
{
	auto_manifest index = {0};
	auto_strv names = STRV_INIT;
	size_t chosen;
	if (manifest_parse(bytes, n, NULL, &index, e) < 0)
		return err_ctx(e, "index.json");
	if (index.kind != MANIFEST_INDEX)
		return err_set(e, EBADMSG, "index.json: it is no index");
	auto_json whole = json_parse(bytes, n, "index.json", e);
	if (!whole)
		return -e->code;
	auto_free bool *wanted = xcalloc(index.n_entries + 1, sizeof(*wanted));
	for (size_t i = 0; i < index.n_entries; i++)
		wanted[i] = is_image(json_array_get(json_object_get(whole, "manifests"), i));
	if (selection_in_layout(&h->select, &index, whole, wanted, &chosen, &names, e) < 0)
		return -e->code;
	const struct descriptor *d = &index.entries[chosen];
	top->media_type = xstrdup(d->media_type);
	memcpy(top->digest, d->digest, sizeof(top->digest));
	top->size = d->size;
	return 0;
}

static int find_in_layout(const struct holder *h, struct top *top, struct err *e)
{
	auto_buf text = BUF_INIT;
	if (spool_read(&h->spool, "index.json", MANIFEST_MAX, &text, e) < 0 ||
		choose(h, text.data ? text.data : "", text.len, top, e) < 0)
		return -e->code;
	if (top->size > MANIFEST_MAX)
		return err_set(e, EBADMSG, "manifest of more than %d bytes: refused", MANIFEST_MAX);
	auto_free char *name = blob_name(h, top->digest, true);
	return take(h, name, top->digest, top->size, "top", e);
}

static int find_in_dir(const struct holder *h, struct top *top, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_manifest m = {0};
	if (spool_read(&h->spool, "manifest.json", MANIFEST_MAX, &text, e) < 0)
		return -e->code;
	const char *bytes = text.data ? text.data : "";
	if (manifest_parse_any(bytes, text.len, NULL, &m, e) < 0)
		return err_ctx(e, "manifest.json");
	digest_of(bytes, text.len, top->digest);
	top->media_type = xstrdup(m.media_type);
	top->size = (int64_t)text.len;
	return take(h, "manifest.json", top->digest, top->size, "top", e);
}

json_t *unpack_top_job(const struct unpack_request *q, struct err *e)
{
	struct holder h = {.spool = SPOOL_INIT};
	struct top top = {0};
	auto_free char *type = NULL;
	int r = open_holder(&h, q, e);
	if (r >= 0)
		r = h.select.kind == TRANSPORT_DIR ? find_in_dir(&h, &top, e)
						   : find_in_layout(&h, &top, e);
	spool_deinit(&h.spool);
	type = top.media_type;
	if (r < 0)
		return NULL;
	json_t *reply = reply_ok();
	json_set_str(reply, "media_type", type);
	json_set_str(reply, "digest", top.digest);
	json_set_int(reply, "size", top.size);
	return reply;
}

/* ---- blobs ---- */

static int take_all(const struct holder *h, const json_t *want, struct err *e)
{
	size_t i;
	json_t *blob;
	json_array_foreach ((json_t *)want, i, blob) {
		const char *digest = json_str(blob, "digest");
		int64_t size = json_int_or(blob, "size", -1);
		char as[24];
		if (!digest || !digest_valid(digest) || size < 0)
			return err_set(e, EINVAL, "bad request for a blob");
		snprintf(as, sizeof(as), "%zu", i);
		auto_free char *name =
			blob_name(h, digest, json_bool_or(blob, "is_manifest", false));
		if (take(h, name, digest, size, as, e) < 0)
			return -e->code;
	}
	return 0;
}

json_t *unpack_blobs_job(const struct unpack_request *q, struct err *e)
{
	struct holder h = {.spool = SPOOL_INIT};
	int r = open_holder(&h, q, e);
	if (r >= 0)
		r = take_all(&h, json_object_get(q->job, "want"), e);
	spool_deinit(&h.spool);
	return r < 0 ? NULL : reply_ok();
}

/* Of a file that grows, or has a hole of any length, no more is read than was announced. */
json_t *unpack_sum_job(const struct unpack_request *q, struct err *e)
{
	const char *digest = json_str_or(q->job, "digest", "");
	int64_t size = json_int_or(q->job, "size", -1);
	char piece[PIECE];
	auto_summing s;
	ssize_t n = -1;
	summing_init(&s);
	if (q->n_fds < 1) {
		err_set(e, EINVAL, "no blob in the request");
		return NULL;
	}
	do {
		n = pread(q->fds[0], piece, sizeof(piece), (off_t)s.length);
		if (n > 0)
			summing_add(&s, piece, (size_t)n);
	} while ((n > 0 && s.length <= size) || (n < 0 && errno == EINTR));
	if (n < 0) {
		err_sys(e, "cannot read blob %s", digest);
		return NULL;
	}
	auto_free char *name = xasprintf("blob %s", digest);
	return summing_check(&s, name, digest, size, e) < 0 ? NULL : reply_ok();
}
