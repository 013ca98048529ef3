/* moss-unpack's work: reads manifests, configs, layers and archives, confined. */
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/confine.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/roles.h"
#include "registry/manifest.h"
#include "storage/share.h"
#include "storage/unpack.h"
#include "storage/unpack_stream.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void digest_of(const void *p, size_t n, char text[72])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	if (EVP_Digest(p, n, md, NULL, EVP_sha256(), NULL) != 1)
		die_oom();
	memcpy(text, "sha256:", 7);
	hex_encode(text + 7, md, 32);
}

int unpack_read_document(
	const struct unpack_request *q, size_t max, struct buf *out, char digest[72], struct err *e)
{
	const char *wanted = json_str(q->job, "digest");
	int64_t size = json_int_or(q->job, "size", -1);
	if (q->n_fds < 1)
		return err_set(e, EINVAL, "no document in the request");
	(void)lseek(q->fds[0], 0, SEEK_SET);
	int r = read_fd(q->fds[0], max, out);
	if (r == -EFBIG)
		return err_set(e, EBADMSG, "document of more than %zu bytes: refused", max);
	if (r < 0)
		return err_sysn(e, -r, "cannot read the document");
	if (size >= 0 && (uint64_t)size != out->len)
		return err_set(e, EBADMSG, "document has %zu bytes instead of %lld", out->len,
			(long long)size);
	digest_of(out->data ? out->data : "", out->len, digest);
	if (wanted && strcmp(wanted, digest) != 0)
		return err_set(e, EBADMSG, "document's digest is %s instead of %s", digest, wanted);
	return 0;
}

static json_t *descriptor_json(const struct descriptor *d)
{
	json_t *j = json_object();
	json_set_str(j, "media_type", d->media_type);
	json_set_str(j, "digest", d->digest);
	json_set_int(j, "size", d->size);
	return j;
}

static json_t *reply_ok(void)
{
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	return reply;
}

static json_t *manifest_job(const struct unpack_request *q, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_manifest m = {0};
	char digest[72];
	if (unpack_read_document(q, MANIFEST_MAX, &text, digest, e) < 0 ||
		manifest_parse(text.data ? text.data : "", text.len, json_str(q->job, "media_type"),
			&m, e) < 0)
		return NULL;
	auto_json reply = reply_ok();
	json_set_str(reply, "digest", digest);
	json_set_int(reply, "size", (int64_t)text.len);
	json_set_str(reply, "media_type", m.media_type);
	if (m.kind == MANIFEST_INDEX) {
		const struct wanted_platform want = {
			.os = json_str_or(q->job, "platform/os", "linux"),
			.architecture = json_str_or(q->job, "platform/architecture", ""),
			.variant = json_str(q->job, "platform/variant"),
		};
		const struct descriptor *chosen = NULL;
		if (manifest_choose(&m, &want, &chosen, e) < 0)
			return NULL;
		json_set_str(reply, "kind", "index");
		json_set(reply, "chosen", descriptor_json(chosen));
		return take_ptr(reply);
	}
	json_t *layers = json_array();
	for (size_t i = 0; i < m.n_layers; i++)
		json_array_append_new(layers, descriptor_json(&m.layers[i]));
	json_set_str(reply, "kind", "manifest");
	json_set(reply, "config", descriptor_json(&m.config));
	json_set(reply, "layers", layers);
	return take_ptr(reply);
}

static json_t *config_job(const struct unpack_request *q, struct err *e)
{
	auto_buf text = BUF_INIT;
	char digest[72];
	int64_t layers = json_int_or(q->job, "layers", -1);
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no place for the config in the request");
		return NULL;
	}
	if (unpack_read_document(q, CONFIG_MAX, &text, digest, e) < 0)
		return NULL;
	auto_json config = image_config_parse(text.data ? text.data : "", text.len, (int)layers, e);
	if (!config)
		return NULL;
	auto_free char *normal = json_text(config);
	int r = write_all(q->fds[1], normal, strlen(normal));
	if (r < 0) {
		err_sysn(e, -r, "cannot pass the config on");
		return NULL;
	}
	json_t *reply = reply_ok();
	json_set_str(reply, "digest", digest);
	json_set(reply, "diff_ids", json_incref(json_at(config, "rootfs/diff_ids")));
	json_set_str(reply, "os", json_str_or(config, "os", ""));
	json_set_str(reply, "architecture", json_str_or(config, "architecture", ""));
	json_set_str(reply, "variant", json_str_or(config, "variant", ""));
	return reply;
}

static void send_progress(const struct unpack_request *q, json_t *taken)
{
	struct err ignored;
	auto_json msg = json_object();
	json_set(msg, "progress", taken);
	(void)proto_send(q->sock, msg, NULL, 0, &ignored);
}

void unpack_send_progress(const struct unpack_request *q, int64_t bytes)
{
	json_t *progress = json_object();
	json_set_int(progress, "bytes", bytes);
	send_progress(q, progress);
}

void unpack_send_layer_progress(const struct unpack_request *q, int64_t layer, const char *diff_id,
	int64_t bytes, int64_t size)
{
	json_t *progress = json_object();
	json_set_int(progress, "layer", layer);
	if (diff_id)
		json_set_str(progress, "diff_id", diff_id);
	json_set_int(progress, "bytes", bytes);
	json_set_int(progress, "size", size);
	send_progress(q, progress);
}

static void layer_progress(void *arg, int64_t bytes) { unpack_send_progress(arg, bytes); }

static json_t *layer_job(const struct unpack_request *q, struct err *e)
{
	struct unpack_result got;
	struct share_index *share = unpack_share_index(q);
	const struct unpack_job job = {
		.digest = json_str(q->job, "digest"),
		.size = json_int_or(q->job, "size", -1),
		.diff_id = json_str(q->job, "diff_id"),
		.is_single_id = q->is_single_id,
		.share = share,
		.progress = layer_progress,
		.progress_arg = (void *)q,
	};
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no staging folder in the request");
		return NULL;
	}
	int r = unpack_layer(q->fds[0], q->fds[1], &job, &got, e);
	share_index_free(share);
	json_t *reply = NULL;
	if (r == 0) {
		reply = reply_ok();
		json_set_str(reply, "digest", got.digest);
		json_set_str(reply, "diff_id", got.diff_id);
		json_set_int(reply, "size", got.size);
		json_set_int(reply, "compressed_size", got.compressed_size);
		json_set(reply, "warnings", json_from_strv(&got.warnings));
	}
	unpack_result_deinit(&got);
	return reply;
}

static json_t *archive_job(const struct unpack_request *q, struct err *e)
{
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no staging folder in the request");
		return NULL;
	}
	return unpack_archive_job(q, e);
}

/* The tar in whatever it is compressed with, for a reader at the other end of a pipe. */
static json_t *inflate_job(const struct unpack_request *q, struct err *e)
{
	const unsigned char *p;
	ssize_t n = -1;
	auto_stream in = q->n_fds < 2 ? NULL : stream_new(q->fds[0], e);
	if (q->n_fds < 2)
		err_set(e, EINVAL, "no pipe in the request");
	while (in && (n = stream_next(in, &p, e)) > 0) {
		int r = write_all(q->fds[1], p, (size_t)n);
		if (r < 0) {
			err_sysn(e, -r, "cannot write the archive");
			return NULL;
		}
	}
	return n == 0 ? reply_ok() : NULL;
}

/* What the second descriptor of a job is. */
enum folder { FOLDER_NONE, FOLDER_STAGING, FOLDER_SOURCE };

struct job {
	const char *op;
	enum folder folder;
	json_t *(*run)(const struct unpack_request *q, struct err *e);
};

static const struct job jobs[] = {
	{"manifest", FOLDER_NONE, manifest_job},
	{"config", FOLDER_NONE, config_job},
	{"describe", FOLDER_NONE, unpack_describe_job},
	{"layer", FOLDER_STAGING, layer_job},
	{"archive", FOLDER_STAGING, archive_job},
	{"top", FOLDER_STAGING, unpack_top_job},
	{"blobs", FOLDER_STAGING, unpack_blobs_job},
	{"sum", FOLDER_NONE, unpack_sum_job},
	{"inflate", FOLDER_NONE, inflate_job},
	{"layout-add", FOLDER_NONE, unpack_layout_job},
	{"commit", FOLDER_STAGING, unpack_commit_job},
	{"assemble", FOLDER_SOURCE, unpack_assemble_job},
	{"link", FOLDER_STAGING, unpack_link_job},
	{"check", FOLDER_SOURCE, unpack_check_job},
	{"signatures", FOLDER_NONE, unpack_signatures_job},
	{"verify", FOLDER_NONE, unpack_verify_job},
	{"measure", FOLDER_SOURCE, unpack_measure_job},
};

static const struct job *job_find(const json_t *msg)
{
	const char *op = json_str_or(msg, "op", "");
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (!strcmp(op, jobs[i].op))
			return &jobs[i];
	return NULL;
}

static const char *kind_of(const struct err *e)
{
	switch (e->code) {
	case EBADMSG:
	case ENAMETOOLONG:
	case EFBIG:
		return "corrupt";
	case ENOSPC:
	case EDQUOT:
		return "no-space";
	case ENOTSUP:
		return "unsupported";
	case ENOENT:
	case ESTALE:
		return "not-found";
	default:
		return "other";
	}
}

static int answer(int sock, json_t *taken_reply, const struct err *failure, struct err *e)
{
	auto_json reply = taken_reply ? taken_reply : proto_failure(failure, kind_of(failure));
	int r = proto_send(sock, reply, NULL, 0, e);
	if (r == -EMSGSIZE && taken_reply) {
		auto_json sorry = proto_failure(e, "unsupported");
		r = proto_send(sock, sorry, NULL, 0, e);
	}
	return r;
}

struct role_state {
	bool is_confined, is_single_id;
};

/* A staging folder may be followed by a source; both are replaced. */
static int confine(const struct job *job, struct unpack_request *q, struct err *e)
{
	int no_staging = -1, no_source = -1, *staging = &no_staging, *source = &no_source;
	if (job->folder == FOLDER_STAGING && q->n_fds >= 2)
		staging = &q->fds[1];
	if (job->folder == FOLDER_STAGING && q->n_fds >= 3)
		source = &q->fds[2];
	if (job->folder == FOLDER_SOURCE && q->n_fds >= 2)
		source = &q->fds[1];
	bool is_taken = job->folder == FOLDER_STAGING && json_bool_or(q->job, "take", false);
	return confine_unpacker(staging, source, is_taken, e);
}

/* Confinement is that of the first job: a folder must come with it. */
static json_t *serve(struct role_state *st, struct unpack_request *q, struct err *e)
{
	const struct job *job = job_find(q->job);
	if (!job) {
		err_set(e, EINVAL, "unknown request");
		return NULL;
	}
	if (st->is_confined && job->folder != FOLDER_NONE && q->n_fds >= 2) {
		err_set(e, EINVAL, "a layer needs a process of its own");
		return NULL;
	}
	if (!st->is_confined) {
		st->is_single_id = userns_is_single_id();
		if (confine(job, q, e) < 0)
			_exit((answer(q->sock, NULL, e, e), 1));
		st->is_confined = true;
	}
	q->is_single_id = st->is_single_id;
	return job->run(q, e);
}

int unpack_role_run(int sock, struct err *e)
{
	struct role_state st = {0};
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	/* Every file is made with the mode it is to have. */
	(void)umask(0);
	(void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error to tell */
	for (;;) {
		struct unpack_request q = {.sock = sock, .n_fds = ARRAY_LEN(q.fds)};
		auto_json msg = proto_recv(sock, q.fds, &q.n_fds, e);
		if (!msg)
			return e->code ? -e->code : 0;
		struct err failure = {0};
		q.job = msg;
		json_t *reply = serve(&st, &q, &failure);
		for (size_t i = 0; i < q.n_fds; i++)
			close(q.fds[i]);
		if (answer(sock, reply, &failure, e) < 0)
			return -e->code;
	}
}
