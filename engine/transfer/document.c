#include "engine/transfer/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "registry/reference.h"
#include "storage/store.h"

void document_reader_deinit(struct document_reader *r) { unpacker_stop(&r->unpacker); }

void document_deinit(struct document *d)
{
	buf_free(&d->bytes);
	json_decref(d->json);
	free(d->media_type);
	free(d->digest);
	*d = (struct document){0};
}

static json_t *ask(
	struct document_reader *r, const json_t *job, const int *fds, size_t n, struct err *e)
{
	const char *kind;
	if (r->unpacker.pid <= 0 && unpacker_start(r->store, &r->unpacker, e) < 0)
		return NULL;
	json_t *reply = NULL;
	if (unpacker_send(&r->unpacker, job, fds, n, e) == 0)
		reply = unpacker_result(&r->unpacker, NULL, NULL, &kind, e);
	/* One that answered with an error may have ended. */
	if (!reply)
		unpacker_stop(&r->unpacker);
	return reply;
}

static int read_all(int fd, size_t max, struct buf *out, struct err *e)
{
	(void)lseek(fd, 0, SEEK_SET);
	int n = read_fd(fd, max, out);
	return n < 0 ? err_sysn(e, -n, "cannot read a memory file") : 0;
}

static int invalid_answer(struct err *e)
{
	return err_set(e, EBADMSG, "the unpacker gave no valid answer");
}

static int take_answer(struct document *d, const json_t *reply, int out, struct err *e)
{
	auto_buf text = BUF_INIT;
	const char *digest = json_str(reply, "digest");
	int r = read_all(out, 2 * MANIFEST_MAX, &text, e);
	if (r < 0)
		return r;
	d->json = json_parse(text.data ? text.data : "", text.len, "description", e);
	d->size = json_int_or(reply, "size", -1);
	if (!d->json || !digest_valid(digest) || d->size != (int64_t)d->bytes.len)
		return invalid_answer(e);
	d->digest = xstrdup(digest);
	d->media_type = xstrdup(json_str_or(reply, "media_type", ""));
	d->is_index = !strcmp(json_str_or(reply, "kind", ""), "index");
	return 0;
}

int document_read(struct document_reader *r, int fd, const char *media_type, const char *digest,
	struct document *out, struct err *e)
{
	*out = (struct document){0};
	auto_fd described = fetcher_memory_file(e);
	if (described < 0)
		return described;
	auto_json job = json_object();
	json_set_str(job, "op", "describe");
	if (media_type)
		json_set_str(job, "media_type", media_type);
	if (digest)
		json_set_str(job, "digest", digest);
	const int fds[2] = {fd, described};
	auto_json reply = ask(r, job, fds, 2, e);
	if (!reply)
		return -e->code;
	int result = read_all(fd, MANIFEST_MAX, &out->bytes, e);
	if (result == 0)
		result = take_answer(out, reply, described, e);
	if (result < 0)
		document_deinit(out);
	return result;
}

int document_of_bytes(struct document_reader *r, const void *bytes, size_t n,
	const char *media_type, const char *digest, struct document *out, struct err *e)
{
	*out = (struct document){0};
	auto_fd fd = fetcher_memory_file(e);
	if (fd < 0)
		return fd;
	int w = write_all(fd, bytes, n);
	if (w < 0)
		return err_sysn(e, -w, "cannot write a memory file");
	return document_read(r, fd, media_type, digest, out, e);
}

int blob_open(struct store *s, const char *digest, int64_t *size, struct err *e)
{
	struct stat st;
	if (!digest_valid(digest))
		return err_set(e, EINVAL, "\"%s\" is no digest", digest);
	auto_free char *path = xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));
	auto_fd fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open %s/%s", s->root, path);
	*size = st.st_size;
	return take_fd(fd);
}

int document_of_blob(struct document_reader *r, const char *digest, struct document *out,
	bool *found, struct err *e)
{
	struct err cause = {0};
	int64_t size;
	*out = (struct document){0};
	auto_fd fd = blob_open(r->store, digest, &size, &cause);
	*found = fd >= 0;
	if (fd >= 0)
		return document_read(r, fd, NULL, digest, out, e);
	if (cause.code == ENOENT)
		return 0;
	*e = cause;
	return -e->code;
}

int document_config(struct document_reader *r, int fd, const char *digest, int64_t size,
	json_t **platform, json_t **diff_ids, struct err *e)
{
	auto_fd normal = fetcher_memory_file(e);
	if (normal < 0)
		return normal;
	auto_json job = json_object();
	json_set_str(job, "op", "config");
	if (digest)
		json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	json_set_int(job, "layers", -1);
	const int fds[2] = {fd, normal};
	auto_json reply = ask(r, job, fds, 2, e);
	if (!reply)
		return -e->code;
	*platform = json_object();
	json_set_str(*platform, "architecture", json_str_or(reply, "architecture", ""));
	json_set_str(*platform, "os", json_str_or(reply, "os", ""));
	if (*json_str_or(reply, "variant", ""))
		json_set_str(*platform, "variant", json_str(reply, "variant"));
	*diff_ids = json_incref(json_at(reply, "diff_ids"));
	return 0;
}

int document_sum(struct document_reader *r, int fd, const char *digest, int64_t size, struct err *e)
{
	auto_json job = json_object();
	json_set_str(job, "op", "sum");
	json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	auto_json reply = ask(r, job, &fd, 1, e);
	return reply ? 0 : -e->code;
}
