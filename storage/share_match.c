/* share: equal files of layers that could not see each other while they were unpacked: those of one
 * archive, or of one pull. */
#include "storage/share_internal.h"
#include "storage/unpack_tar.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 256, BLOCK = 512 };

struct matching {
	const struct share_index *x;
	const char *layer;
	bool is_single_id;
	share_found found;
	void *arg;
	size_t path_len;
	char path[TAR_PATH_MAX + 1]; /* of what is looked at */
};

static bool is_equal(int a, int b)
{
	static char one[128 * 1024], other[sizeof(one)];
	for (;;) {
		ssize_t n = read_full(a, one, sizeof(one));
		if (n < 0 || read_full(b, other, sizeof(other)) != n ||
			memcmp(one, other, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
	}
}

static int look_at_file(
	struct matching *m, int at, const char *name, const struct stat *st, struct err *e)
{
	const struct tar_entry en = {
		.size = (uint64_t)st->st_size,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_s = st->st_mtim.tv_sec,
		.mtime_ns = (int32_t)st->st_mtim.tv_nsec,
	};
	uint32_t layer;
	bool is_sparse = st->st_blocks * BLOCK < st->st_size;
	if (st->st_nlink != 1 || is_sparse || !share_allowed(m->path, en.mode, en.size))
		return 0;
	auto_fd fd = -1;
	size_t tried = 0;
	for (;;) {
		auto_fd twin =
			share_index_next(m->x, m->path, &en, m->is_single_id, &tried, &layer);
		if (twin < 0)
			return 0;
		if (fd < 0)
			fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || !share_has_no_xattrs(fd) || lseek(fd, 0, SEEK_SET) < 0)
			return 0;
		if (is_equal(fd, twin))
			break;
	}
	return m->found(m->arg, m->layer, share_index_layer(m->x, layer), m->path, e);
}

static int look_into(struct matching *m, int at, const char *name, int depth, struct err *e)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return fd < 0 && errno == EACCES ? 0 : err_sys(e, "cannot read %s", m->path);
	size_t len = m->path_len;
	const struct dirent *d;
	while ((d = readdir(dir))) {
		struct stat st;
		size_t n = strlen(d->d_name);
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
			len + 1 + n > TAR_PATH_MAX ||
			fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		m->path_len = len + (len > 0) + n;
		memcpy(m->path + len, "/", len > 0);
		memcpy(m->path + m->path_len - n, d->d_name, n + 1);
		int r = 0;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			r = look_into(m, fd, d->d_name, depth + 1, e);
		else if (S_ISREG(st.st_mode))
			r = look_at_file(m, fd, d->d_name, &st, e);
		if (r < 0)
			return r;
	}
	m->path_len = len;
	m->path[len] = '\0';
	return 0;
}

static int match_layer(int layers_fd, struct matching *m, struct err *e)
{
	auto_free char *diff = xasprintf("%s/diff", m->layer);
	m->path_len = 0;
	m->path[0] = '\0';
	return look_into(m, layers_fd, diff, 0, e);
}

int share_match(int layers_fd, const struct strv *layers, const struct strv *others,
	bool is_single_id, share_found found, void *arg, struct err *e)
{
	struct share_index *x = share_index_new(layers_fd, others);
	int r = 0;
	for (size_t i = 0; i < layers->n && r == 0; i++) {
		struct matching m = {
			.x = x,
			.layer = layers->v[i],
			.is_single_id = is_single_id,
			.found = found,
			.arg = arg,
		};
		if (!share_layer_id_valid(layers->v[i]))
			r = err_set(e, EBADMSG, "invalid layer");
		else if (share_index_meets(x, layers->v[i]))
			r = match_layer(layers_fd, &m, e);
		share_index_add(x, layers->v[i]);
	}
	share_index_free(x);
	return r;
}
