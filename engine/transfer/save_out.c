#include "engine/transfer/save_internal.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/transfer/assemble.h"
#include "storage/pack_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}";

static int write_out(struct save *v, const void *p, size_t n, struct err *e)
{
	int r = write_all(v->out_fd, p, n);
	return r < 0 ? err_go(e, -r, "write") : 0;
}

/* ---- a blob's content ---- */

static int copy_staged(struct save *v, const struct save_blob *b, int to, struct err *e)
{
	char name[32], piece[64 * 1024];
	snprintf(name, sizeof(name), "%d", b->staged);
	auto_fd fd = openat(v->stage_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s/%s", v->stage, name);
	/* Within the kernel where both ends allow it. */
	while (copy_file_range(fd, NULL, to, NULL, 1 << 30, 0) > 0)
		;
	for (;;) {
		ssize_t n = read_full(fd, piece, sizeof(piece));
		if (n < 0)
			return err_sysn(e, (int)-n, "cannot read %s/%s", v->stage, name);
		if (n == 0)
			return 0;
		int r = write_all(to, piece, (size_t)n);
		if (r < 0)
			return err_go(e, -r, "write");
	}
}

/* Its place in the archive is known: it is made at the end, beside others. */
static int leave_out(struct save *v, struct save_blob *b, struct err *e)
{
	b->offset = lseek(v->out_fd, 0, SEEK_CUR);
	if (b->offset < 0 || lseek(v->out_fd, (off_t)b->size, SEEK_CUR) < 0)
		return err_go(e, errno, "seek");
	return 0;
}

static int write_blob(struct save *v, struct save_blob *b, bool is_later, struct err *e)
{
	struct assembled got;
	if (b->data)
		return write_out(v, b->data, (size_t)b->size, e);
	if (b->staged >= 0)
		return copy_staged(v, b, v->out_fd, e);
	if (is_later)
		return leave_out(v, b, e);
	const struct assemble_job job = {
		.layer_id = b->layer_id, .diff_id = b->diff_id, .compression = "none"};
	if (layer_assemble(v->store, &job, v->out_fd, &got, e) < 0)
		return -e->code;
	if (got.size != b->size)
		return err_set(e, EBADMSG, "layer %s is not as long as it was", b->diff_id);
	return 0;
}

/* ---- archives ---- */

static int put_header(
	struct save *v, char type, const char *path, int64_t size, int64_t mtime_s, struct err *e)
{
	auto_buf header = BUF_INIT;
	auto_free char *name = xstrdup(path);
	const struct tar_entry en = {
		.type = type,
		.path = name,
		.mode = type == '5' ? 0755 : 0644,
		.stored = (uint64_t)size,
		.size = (uint64_t)size,
		.mtime_s = mtime_s,
	};
	pack_header(&en, &header);
	return write_out(v, header.data, header.len, e);
}

static int put_padding(struct save *v, int64_t size, struct err *e)
{
	static const char zeros[TAR_BLOCK];
	size_t over = (size_t)(size % TAR_BLOCK);
	return over ? write_out(v, zeros, TAR_BLOCK - over, e) : 0;
}

static int put_text(
	struct save *v, const char *path, const char *text, int64_t mtime_s, struct err *e)
{
	int64_t size = (int64_t)strlen(text);
	if (put_header(v, '0', path, size, mtime_s, e) < 0 ||
		write_out(v, text, (size_t)size, e) < 0)
		return -e->code;
	return put_padding(v, size, e);
}

static int put_blobs(struct save *v, bool is_later, struct err *e)
{
	if (put_header(v, '5', "blobs/", 0, v->newest_s, e) < 0 ||
		put_header(v, '5', "blobs/sha256/", 0, v->newest_s, e) < 0)
		return -e->code;
	for (size_t i = 0; i < v->n_blobs; i++) {
		struct save_blob *b = &v->blobs[i];
		auto_free char *path = xasprintf("blobs/sha256/%s", b->digest + strlen("sha256:"));
		if (put_header(v, '0', path, b->size, b->mtime_s, e) < 0 ||
			write_blob(v, b, is_later, e) < 0 || put_padding(v, b->size, e) < 0)
			return -e->code;
	}
	return 0;
}

/* The output once more, with a position of its own; -errno. */
static int reopen(const struct save *v)
{
	char self[32];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", v->out_fd);
	int fd = open(self, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_place(struct save *v, const struct save_blob *b, struct err *e)
{
	auto_fd fd = reopen(v);
	if (fd < 0)
		return err_go(e, -fd, "open");
	return lseek(fd, b->offset, SEEK_SET) < 0 ? err_go(e, errno, "seek") : take_fd(fd);
}

/* Can layers be put where they belong, in any order? */
static bool takes_any_order(const struct save *v)
{
	struct stat st;
	int flags = fcntl(v->out_fd, F_GETFL);
	if (v->options->compress || fstat(v->out_fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		flags < 0 || (flags & O_APPEND))
		return false;
	auto_fd again = reopen(v);
	return again >= 0;
}

int save_write_archive(struct save *v, struct err *e)
{
	static const char end[2 * TAR_BLOCK];
	bool is_docker = v->options->format == TRANSPORT_DOCKER_ARCHIVE,
	     is_later = takes_any_order(v);
	auto_free char *index = save_index_json(v);
	auto_free char *manifest = is_docker ? save_manifest_json(v) : NULL;
	auto_free char *repositories = is_docker ? save_repositories(v) : NULL;
	if (put_blobs(v, is_later, e) < 0 || put_text(v, "index.json", index, v->newest_s, e) < 0 ||
		(manifest && put_text(v, "manifest.json", manifest, 0, e) < 0) ||
		put_text(v, "oci-layout", layout, 0, e) < 0 ||
		(repositories && put_text(v, "repositories", repositories, 0, e) < 0) ||
		write_out(v, end, sizeof(end), e) < 0)
		return -e->code;
	return is_later ? save_make_layers(v, open_place, e) : 0;
}

/* ---- folders ---- */

static int store_text(int dir, const char *name, const char *text, struct err *e)
{
	return write_file_at(dir, name, text, strlen(text), 0644, false, e);
}

int save_open_folder(struct save *v, struct err *e)
{
	bool is_oci = v->options->format == TRANSPORT_OCI;
	if (is_oci && (mkdirat(v->out_fd, "blobs", 0755) < 0 ||
			      mkdirat(v->out_fd, "blobs/sha256", 0755) < 0))
		return err_sys(e, "cannot create blobs/sha256");
	v->blobs_fd = openat(
		v->out_fd, is_oci ? "blobs/sha256" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return v->blobs_fd < 0 ? err_sys(e, "cannot open blobs/sha256") : 0;
}

static int open_blob(struct save *v, const struct save_blob *b, struct err *e)
{
	const char *name = b->digest + strlen("sha256:");
	int fd = openat(v->blobs_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd < 0 ? err_sys(e, "cannot create %s", name) : fd;
}

/* A member of a list has its manifest under a name of its own in a dir:. */
static int store_document(struct save *v, const struct save_blob *b, struct err *e)
{
	bool is_flat = v->options->format == TRANSPORT_DIR;
	auto_free char *name = xasprintf("%s%s", b->digest + strlen("sha256:"),
		is_flat && b->is_manifest ? ".manifest.json" : "");
	return write_file_at(v->blobs_fd, name, b->data, (size_t)b->size, 0644, false, e);
}

/* What came from elsewhere is staged in the store. */
static int store_staged(struct save *v, const struct save_blob *b, struct err *e)
{
	auto_fd fd = open_blob(v, b, e);
	return fd < 0 ? fd : copy_staged(v, b, fd, e);
}

/* What is compressed is there already, under its number. */
static int store_blob(struct save *v, const struct save_blob *b, struct err *e)
{
	char number[32];
	const char *name = b->digest + strlen("sha256:");
	if (b->data)
		return store_document(v, b, e);
	if (!b->layer_id)
		return store_staged(v, b, e);
	snprintf(number, sizeof(number), "%d", b->staged);
	if (b->staged >= 0 && renameat(v->blobs_fd, number, v->blobs_fd, name) < 0)
		return err_sys(e, "cannot rename %s to %s", number, name);
	return 0;
}

static int store_blobs(struct save *v, const struct save_blob *skipped, struct err *e)
{
	for (size_t i = 0; i < v->n_blobs; i++)
		if (&v->blobs[i] != skipped && store_blob(v, &v->blobs[i], e) < 0)
			return -e->code;
	return v->options->compress ? 0 : save_make_layers(v, open_blob, e);
}

static int write_oci_folder(struct save *v, struct err *e)
{
	auto_free char *index = save_index_json(v);
	if (store_blobs(v, NULL, e) < 0 || store_text(v->out_fd, "index.json", index, e) < 0)
		return -e->code;
	return store_text(v->out_fd, "oci-layout", layout, e);
}

/* The manifest has a name of its own there. */
static int write_docker_folder(struct save *v, struct err *e)
{
	const struct save_blob *manifest = NULL;
	for (size_t i = 0; i < v->n_blobs; i++)
		if (!strcmp(v->blobs[i].digest, save_top(v)->digest))
			manifest = &v->blobs[i];
	if (!manifest)
		BUG("an image without a manifest is saved");
	if (store_blobs(v, manifest, e) < 0 ||
		store_text(v->out_fd, "manifest.json", manifest->data, e) < 0)
		return -e->code;
	return store_text(v->out_fd, "version", "Directory Transport Version: 1.1\n", e);
}

int save_write_folder(struct save *v, struct err *e)
{
	int r = v->options->format == TRANSPORT_DIR ? write_docker_folder(v, e)
						    : write_oci_folder(v, e);
	if (r == 0 && syncfs(v->out_fd) < 0)
		return err_sys(e, "cannot write the image");
	return r;
}
