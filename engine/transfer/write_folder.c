#include "engine/transfer/write_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/save.h"
#include "engine/transfer/unpacker.h"
#include "registry/transport.h"

#define DIR_VERSION "Directory Transport Version: "
#define TEMPORARY ".moss-"

/* Who makes or moves something within it holds a lock on it; for a dir: that is until the end. */
struct folder {
	const struct transport *to;
	int fd;
	bool is_new;
	char temporary[32]; /* the folder within it */
	int temporary_fd; /* locked while it is in use */
};

/* Where the file system knows no locks, two at once are not told from one. */
static void lock(int fd) { (void)flock(fd, LOCK_EX); }

static void unlock(int fd) { (void)flock(fd, LOCK_UN); }

/* ---- moving up ---- */

static int open_list(int fd, const char *name, DIR **out, struct err *e)
{
	int copy = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*out = copy < 0 ? NULL : fdopendir(copy);
	return *out ? 0 : err_sys(e, "cannot read the folder");
}

static bool is_dots(const char *name) { return !strcmp(name, ".") || !strcmp(name, ".."); }

/* Every file of one folder into another, the last one last. */
static int move_files(int from, int to, const char *last, struct err *e)
{
	auto_dir dir = NULL;
	const struct dirent *d;
	if (open_list(from, ".", &dir, e) < 0)
		return -e->code;
	while ((d = readdir(dir))) {
		if (is_dots(d->d_name) || (last && !strcmp(d->d_name, last)))
			continue;
		if (renameat(from, d->d_name, to, d->d_name) < 0)
			return err_go(e, errno, "rename %s", d->d_name);
	}
	if (last && renameat(from, last, to, last) < 0)
		return err_go(e, errno, "rename %s", last);
	return 0;
}

/* ---- dir: ---- */

/* Only what such an image was in before, or nothing, is written over. */
static int check_dir(const struct folder *f, struct err *e)
{
	char version[sizeof(DIR_VERSION)] = "";
	auto_dir dir = NULL;
	const struct dirent *d;
	bool is_empty = true;
	if (open_list(f->fd, ".", &dir, e) < 0)
		return -e->code;
	while ((d = readdir(dir)))
		is_empty = is_empty && is_dots(d->d_name);
	auto_fd fd = openat(f->fd, "version", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (is_empty || (fd >= 0 && read_full(fd, version, sizeof(version) - 1) > 0 &&
				!strcmp(version, DIR_VERSION)))
		return 0;
	return err_set(e, EEXIST,
		"not a containers image directory, don't want to overwrite important data");
}

static int empty_dir(const struct folder *f, struct err *e)
{
	auto_dir dir = NULL;
	const struct dirent *d;
	if (open_list(f->fd, ".", &dir, e) < 0)
		return -e->code;
	while ((d = readdir(dir)))
		if (!is_dots(d->d_name) && strcmp(d->d_name, f->temporary) != 0 &&
			path_remove_at(f->fd, d->d_name, e) < 0)
			return -e->code;
	return 0;
}

static int finish_dir(const struct folder *f, struct err *e)
{
	if (empty_dir(f, e) < 0)
		return -e->code;
	return move_files(f->temporary_fd, f->fd, "manifest.json", e);
}

/* ---- oci: ---- */

/* A link that stays within the layout is followed. */
static int open_within(int fd, const char *name, int flags, struct err *e)
{
	int found = path_open_beneath(fd, name, flags);
	if (found == -EXDEV)
		return err_set(e, EXDEV, "%s leads out of the folder", name);
	return found < 0 ? err_go(e, -found, "open %s", name) : found;
}

static int open_blobs(int fd, bool is_made, struct err *e)
{
	if (is_made && ((mkdirat(fd, "blobs", 0755) < 0 && errno != EEXIST) ||
			       (mkdirat(fd, "blobs/sha256", 0755) < 0 && errno != EEXIST)))
		return err_go(e, errno, "mkdir blobs/sha256");
	return open_within(fd, "blobs/sha256", O_RDONLY | O_DIRECTORY, e);
}

static json_t *index_entry(const struct folder *f, const struct save_manifest *m)
{
	json_t *entry = json_object();
	json_set_str(entry, "mediaType", m->media_type);
	json_set_str(entry, "digest", m->digest);
	json_set_int(entry, "size", m->size);
	if (f->to->ref)
		json_set(entry, "annotations",
			json_pack("{s:s}", "org.opencontainers.image.ref.name", f->to->ref));
	return entry;
}

/* The index that is there, or an empty file. */
static int open_index(const struct folder *f, struct err *e)
{
	struct stat st;
	struct err cause;
	auto_fd fd = open_within(f->fd, "index.json", O_RDONLY | O_NONBLOCK, &cause);
	if (fd == -ENOENT)
		return fetcher_memory_file(e);
	if (fd < 0) {
		*e = cause;
		return fd;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "index.json is no regular file");
	return take_fd(fd);
}

/* An unpacker reads what others wrote there. */
static int make_index(struct store *s, const struct folder *f, const struct save_manifest *m,
	struct buf *out, struct err *e)
{
	struct unpacker u;
	auto_fd old = open_index(f, e), new = fetcher_memory_file(e);
	if (old < 0 || new < 0)
		return -e->code;
	auto_json job = json_object();
	json_set_str(job, "op", "layout-add");
	json_set(job, "entry", index_entry(f, m));
	const int fds[2] = {old, new};
	if (unpacker_start(s, &u, e) < 0)
		return -e->code;
	int r = unpacker_send(&u, job, fds, 2, e);
	auto_json reply = r < 0 ? NULL : unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	if (!reply)
		return -e->code;
	(void)lseek(new, 0, SEEK_SET);
	r = read_fd(new, MANIFEST_MAX, out);
	return r < 0 ? err_sysn(e, -r, "cannot read a memory file") : 0;
}

static int add_to_layout(
	struct store *s, const struct folder *f, const struct save_manifest *m, struct err *e)
{
	auto_buf index = BUF_INIT;
	if (make_index(s, f, m, &index, e) < 0)
		return -e->code;
	auto_fd from = open_blobs(f->temporary_fd, false, e);
	auto_fd to = from < 0 ? from : open_blobs(f->fd, true, e);
	if (to < 0 || move_files(from, to, NULL, e) < 0)
		return -e->code;
	if (faccessat(f->fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		renameat(f->temporary_fd, "oci-layout", f->fd, "oci-layout") < 0)
		return err_go(e, errno, "rename oci-layout");
	return write_file_at(f->fd, "index.json", index.data, index.len, 0644, true, e);
}

/* Of two who write to one layout none loses the other's entry. */
static int finish_layout(
	struct store *s, const struct folder *f, const struct save_manifest *m, struct err *e)
{
	lock(f->fd);
	int r = add_to_layout(s, f, m, e);
	unlock(f->fd);
	return r;
}

/* ---- both ---- */

/* What a push that was killed has left. */
static int sweep(const struct folder *f, struct err *e)
{
	auto_dir dir = NULL;
	const struct dirent *d;
	if (open_list(f->fd, ".", &dir, e) < 0)
		return -e->code;
	while ((d = readdir(dir))) {
		if (!str_starts(d->d_name, TEMPORARY))
			continue;
		auto_fd fd =
			openat(f->fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
			path_remove_at(f->fd, d->d_name, e) < 0)
			return -e->code;
	}
	return 0;
}

static int make_temporary(struct folder *f, struct err *e)
{
	unsigned char bytes[8];
	char hex[17];
	random_bytes(bytes, sizeof(bytes));
	hex_encode(hex, bytes, sizeof(bytes));
	snprintf(f->temporary, sizeof(f->temporary), TEMPORARY "%s", hex);
	if (mkdirat(f->fd, f->temporary, 0700) < 0)
		return err_go(e, errno, "write to %s", f->to->path);
	f->temporary_fd = openat(f->fd, f->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->temporary_fd < 0)
		return err_go(e, errno, "open %s/%s", f->to->path, f->temporary);
	lock(f->temporary_fd);
	return 0;
}

static int folder_open(struct folder *f, struct err *e)
{
	bool is_dir = f->to->kind == TRANSPORT_DIR;
	f->is_new = mkdir(f->to->path, 0755) == 0;
	if (!f->is_new && errno != EEXIST)
		return err_go(e, errno, "mkdir %s", f->to->path);
	f->fd = open(f->to->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return err_go(e, errno, "open %s", f->to->path);
	lock(f->fd);
	if (sweep(f, e) < 0 || (is_dir && check_dir(f, e) < 0) || make_temporary(f, e) < 0)
		return -e->code;
	if (!is_dir)
		unlock(f->fd);
	return 0;
}

static void folder_close(struct folder *f, bool failed)
{
	struct err ignored;
	if (f->temporary_fd >= 0) {
		close(f->temporary_fd);
		(void)path_remove_at(f->fd, f->temporary, &ignored);
	}
	if (f->fd >= 0)
		close(f->fd);
	if (failed && f->is_new)
		(void)rmdir(f->to->path);
}

int write_folder(struct store *s, const struct transport *to, const struct save_item *items,
	size_t n, const struct save_options *o, struct err *e)
{
	struct folder f = {.to = to, .fd = -1, .temporary_fd = -1};
	int r = folder_open(&f, e);
	if (r == 0)
		r = images_save(s, items, n, o, f.temporary_fd, e);
	if (r == 0)
		r = to->kind == TRANSPORT_DIR ? finish_dir(&f, e)
					      : finish_layout(s, &f, o->manifests, e);
	if (r == 0 && fsync(f.fd) < 0)
		r = err_go(e, errno, "sync %s", to->path);
	folder_close(&f, r < 0);
	return r;
}
