#include "storage/share_joining.h"
#include "storage/share_link.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Magic, and for each file: the time of its folder, its path, a zero byte. */
static const char magic[] = "moss-joining 1\n";
enum { NOTE_MAX = 64 * 1024 * 1024 };

struct record {
	int64_t s;
	int64_t ns;
};

static char *folder_of(const char *layer, const char *path)
{
	auto_free char *whole = xasprintf("%s/diff/%s", layer, path);
	return path_dir(whole);
}

static int look_at_folder(int layers_fd, const char *folder, struct stat *st, struct err *e)
{
	auto_fd fd = path_open_plain(layers_fd, folder, O_PATH | O_DIRECTORY);
	if (fd < 0 || fstat(fd, st) < 0)
		return err_sysn(e, fd < 0 ? -fd : errno, "cannot look at %s", folder);
	return 0;
}

int share_joining_note(int layers_fd, const char *layer, const struct strv *paths, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_free char *name = xasprintf("%s/" SHARE_JOINING, layer);
	struct stat st;
	buf_puts(&text, magic);
	for (size_t i = 0; i < paths->n; i++) {
		auto_free char *folder = folder_of(layer, paths->v[i]);
		if (look_at_folder(layers_fd, folder, &st, e) < 0)
			return -e->code;
		const struct record r = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
		buf_add(&text, &r, sizeof(r));
		buf_add(&text, paths->v[i], strlen(paths->v[i]) + 1);
	}
	if (text.len > NOTE_MAX)
		return err_set(e, EFBIG, "too many files of layer %s to note", layer);
	return write_file_at(layers_fd, name, text.data, text.len, 0600, false, e);
}

/* ---- settling ---- */

struct note {
	int layers_fd;
	const char *layer;
	struct buf text;
	size_t at;
};

/* 1 and the next file, 0 at the end. */
static int next_file(struct note *n, struct record *r, const char **path, struct err *e)
{
	const size_t left = n->text.len - n->at;
	if (left == 0)
		return 0;
	*path = n->text.data + n->at + sizeof(*r);
	const char *end = left > sizeof(*r) ? memchr(*path, '\0', left - sizeof(*r)) : NULL;
	if (!end)
		return err_set(e, EBADMSG, "%s/" SHARE_JOINING " is damaged", n->layer);
	memcpy(r, n->text.data + n->at, sizeof(*r));
	n->at += sizeof(*r) + (size_t)(end - *path) + 1;
	return 1;
}

/* Where it is as it was nothing is done: the change time of a folder that a running container has
 * is not ours to change. */
static int set_back(const struct note *n, const char *path, const struct record *r, struct err *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {r->s, r->ns}};
	auto_free char *folder = folder_of(n->layer, path);
	struct stat st;
	if (look_at_folder(n->layers_fd, folder, &st, e) < 0)
		return -e->code;
	if (st.st_mtim.tv_sec == r->s && st.st_mtim.tv_nsec == r->ns)
		return 0;
	auto_fd fd = path_open_plain(n->layers_fd, folder, O_RDONLY | O_DIRECTORY);
	return fd < 0 || futimens(fd, times) < 0
		       ? err_sysn(e, fd < 0 ? -fd : errno, "cannot set the time of %s", folder)
		       : 0;
}

static bool is_one_of(
	const struct note *n, const struct strv *busy, const char *path, const struct stat *temp)
{
	struct stat st;
	for (size_t i = 0; i < busy->n; i++) {
		auto_free char *name = xasprintf("%s/diff/%s", busy->v[i], path);
		if (fstatat(n->layers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_ino == temp->st_ino && st.st_dev == temp->st_dev)
			return true;
	}
	return false;
}

static int take_note(struct note *n, const struct strv *busy, struct err *e)
{
	auto_free char *name = xasprintf("%s/" SHARE_LINK_TEMP, n->layer);
	struct stat temp;
	struct record r;
	const char *path;
	bool has_temp = fstatat(n->layers_fd, name, &temp, AT_SYMLINK_NOFOLLOW) == 0, waits = false;
	int more;
	while ((more = next_file(n, &r, &path, e)) > 0) {
		if (set_back(n, path, &r, e) < 0)
			return -e->code;
		waits |= has_temp && is_one_of(n, busy, path, &temp);
	}
	if (more < 0 || waits)
		return more < 0 ? more : 1;
	return has_temp && unlinkat(n->layers_fd, name, 0) < 0
		       ? err_sys(e, "cannot remove %s", name)
		       : 0;
}

static int read_note(struct note *n, const char *name, struct err *e)
{
	const size_t start = sizeof(magic) - 1;
	auto_fd fd = path_open_plain(n->layers_fd, name, O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT)
		return 0;
	int r = fd < 0 ? fd : read_fd(fd, NOTE_MAX, &n->text);
	if (r < 0)
		return err_sysn(e, -r, "cannot read %s", name);
	if (n->text.len < start || memcmp(n->text.data, magic, start) != 0)
		return err_set(e, EBADMSG, "%s is damaged", name);
	n->at = start;
	return 1;
}

int share_joining_settle(int layers_fd, const char *layer, const struct strv *busy, struct err *e)
{
	auto_free char *name = xasprintf("%s/" SHARE_JOINING, layer);
	struct note n = {.layers_fd = layers_fd, .layer = layer, .text = BUF_INIT};
	int r = read_note(&n, name, e);
	bool is_there = r > 0;
	if (is_there)
		r = take_note(&n, busy, e);
	buf_free(&n.text);
	if (!is_there || r != 0)
		return r;
	return unlinkat(layers_fd, name, 0) < 0 && errno != ENOENT
		       ? err_sys(e, "cannot remove %s", name)
		       : 0;
}
