#include "storage/unpack.h"
#include "storage/tarsplit.h"
#include "storage/unpack_stream.h"
#include "storage/unpack_tar.h"
#include "storage/unpack_write.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <string.h>

void unpack_result_deinit(struct unpack_result *r) { strv_free(&r->warnings); }

/* Headers and padding never shrink as content may: more of them than this, from so few compressed
 * bytes, are an archive of millions of empty entries. */
enum { RAW_RATIO_MAX = 100, RAW_FREE_BYTES = 64 * 1024 * 1024, PROGRESS_STEP = 4 * 1024 * 1024 };

struct raw_sink {
	const struct unpack_job *job;
	struct unpack_stream *stream;
	struct tarsplit_writer *split;
	uint64_t raw; /* bytes that are no content */
	uint64_t reported; /* compressed bytes at the last report */
};

static void report(struct raw_sink *s)
{
	uint64_t at = stream_position(s->stream);
	if (!s->job->progress || at - s->reported < PROGRESS_STEP)
		return;
	s->reported = at;
	s->job->progress(s->job->progress_arg, (int64_t)at);
}

static ssize_t sink_next(void *arg, const unsigned char **p, struct err *e)
{
	struct raw_sink *s = arg;
	report(s);
	return stream_next(s->stream, p, e);
}

static int sink_raw(void *arg, const void *p, size_t n, struct err *e)
{
	struct raw_sink *s = arg;
	s->raw += n;
	if (s->raw > RAW_FREE_BYTES && s->raw / RAW_RATIO_MAX > stream_position(s->stream))
		return err_set(e, EFBIG, "layer expands to more than %d times its size: refused",
			RAW_RATIO_MAX);
	return tarsplit_raw(s->split, p, n, e);
}

static int write_entries(struct layer_writer *w, struct raw_sink *s, struct err *e)
{
	const struct tar_io io = {.next = sink_next, .raw = sink_raw, .arg = s};
	auto_tar_reader t = tar_reader_new(&io);
	const struct tar_entry *en;
	int r;
	while ((r = tar_next(t, &en, e)) > 0) {
		if (layer_write(w, t, en, s->split, e) < 0)
			return -e->code;
	}
	return r < 0 ? r : layer_writer_finish(w, e);
}

int unpack_check(const struct unpack_job *job, const char *digest, int64_t compressed_size,
	const char *diff_id, struct err *e)
{
	if (job->size >= 0 && job->size != compressed_size)
		return err_set(e, EBADMSG, "layer has %lld bytes instead of %lld",
			(long long)compressed_size, (long long)job->size);
	if (job->digest && strcmp(job->digest, digest) != 0)
		return err_set(
			e, EBADMSG, "layer's digest is %s instead of %s", digest, job->digest);
	if (job->diff_id && strcmp(job->diff_id, diff_id) != 0)
		return err_set(
			e, EBADMSG, "layer's diff ID is %s instead of %s", diff_id, job->diff_id);
	return 0;
}

static int discard(void *arg, const void *p, size_t n, struct err *e)
{
	(void)arg, (void)p, (void)n, (void)e;
	return 0;
}

/* Only where the archive replaces links of its own can a file have become unfindable. */
static void check_assembly(int stage_fd, const struct layer_writer *w, struct strv *warnings)
{
	struct err e;
	if (w->moved_folder && tarsplit_assemble(stage_fd, discard, NULL, &e) < 0)
		strv_addf(warnings, "the image's archive cannot be made again from its files (%s)",
			e.msg);
}

static int unpack_all(struct unpack_stream *stream, int stage_fd, struct layer_writer *w,
	struct raw_sink *s, const struct unpack_job *job, struct unpack_result *out, struct err *e)
{
	struct stream_result got;
	s->stream = stream;
	if (write_entries(w, s, e) < 0)
		return -e->code;
	stream_finish(stream, &got);
	if (unpack_check(job, got.digest, (int64_t)got.compressed, got.diff_id, e) < 0 ||
		tarsplit_finish(s->split, got.length, got.diff_sha256, e) < 0)
		return -e->code;
	memcpy(out->digest, got.digest, sizeof(out->digest));
	memcpy(out->diff_id, got.diff_id, sizeof(out->diff_id));
	out->compressed_size = (int64_t)got.compressed;
	out->size = w->size;
	layer_writer_warnings(w, &out->warnings);
	check_assembly(stage_fd, w, &out->warnings);
	return 0;
}

static int unpack(struct unpack_stream *stream, int stage_fd, const struct unpack_job *job,
	struct unpack_result *out, struct err *e)
{
	struct raw_sink s = {.job = job, .split = tarsplit_writer_new(stage_fd, "tar-split", e)};
	if (!s.split)
		return -e->code;
	auto_layer_writer w;
	int r = layer_writer_init(&w, stage_fd, job->share, job->is_single_id, e);
	if (r == 0)
		r = unpack_all(stream, stage_fd, &w, &s, job, out, e);
	tarsplit_writer_free(s.split);
	return r;
}

int unpack_layer(int data_fd, int stage_fd, const struct unpack_job *job, struct unpack_result *out,
	struct err *e)
{
	memset(out, 0, sizeof(*out));
	auto_stream stream = stream_new(data_fd, e);
	return stream ? unpack(stream, stage_fd, job, out, e) : -e->code;
}

int unpack_layer_from(const struct stream_source *from, int stage_fd, const struct unpack_job *job,
	struct unpack_result *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	auto_stream stream = stream_new_from(from, e);
	return stream ? unpack(stream, stage_fd, job, out, e) : -e->code;
}
