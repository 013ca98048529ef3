#include "engine/transfer/transport_blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/transfer/document.h"
#include "engine/transfer/pull_transport.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/store.h"

int transport_stage_open(struct store *s, struct transport_stage *st, struct err *e)
{
	*st = (struct transport_stage){.store = s, .fd = -1, .lock_fd = -1};
	int r = store_stage(s, &st->path, &st->lock_fd, e);
	if (r < 0)
		return r;
	st->fd = open(st->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return st->fd < 0 ? err_sys(e, "cannot open %s", st->path) : 0;
}

void transport_stage_close(struct transport_stage *st)
{
	struct err ignored;
	if (!st->path)
		return;
	scope_close(&st->fd);
	store_unstage(st->store, st->path, &st->lock_fd);
	(void)store_purge(st->store, enter_remove, &ignored);
	free(st->path);
	st->path = NULL;
}

int transport_open(const struct transport *t, struct err *e)
{
	struct stat st;
	auto_fd fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_go(e, errno, "open %s", t->path);
	bool is_folder = S_ISDIR(st.st_mode);
	if (is_folder == transport_is_folder(t->kind))
		return take_fd(fd);
	(void)err_set(e, is_folder ? EISDIR : ENOTDIR, "%s is %s", t->path,
		is_folder ? "a folder" : "no folder");
	return err_hint(e, "%s:%s is for %s", transport_name(transport_other(t->kind)), t->path,
		is_folder ? "folders" : "archives");
}

/* It is read again and again: a pipe would be empty by then, or keep us waiting. */
static int check_source(const struct transport *t, struct err *e)
{
	struct stat st;
	if (t->kind != TRANSPORT_DOCKER_ARCHIVE) {
		if (stat(t->path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			return 0;
		return err_set(e, EINVAL, "%s is no regular file", t->path);
	}
	(void)err_set(e, EOPNOTSUPP, "the images of a docker-archive have no manifest");
	return err_hint(e, "moss pull docker-archive:%s first, then name the image", t->path);
}

/* Where the results of a call are: its own folder in the staging folder. */
static void call_folder(const struct transport_stage *st, char name[24])
{
	snprintf(name, 24, "call-%u", st->calls);
}

static int new_folder(struct transport_stage *st, struct err *e)
{
	char name[24];
	struct err ignored;
	call_folder(st, name);
	if (st->calls++)
		(void)path_remove_at(st->fd, name, &ignored);
	call_folder(st, name);
	if (mkdirat(st->fd, name, 0700) < 0)
		return err_sys(e, "cannot create %s/%s", st->path, name);
	int fd = openat(st->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s/%s", st->path, name) : fd;
}

/* New reference. */
static json_t *call(
	struct transport_stage *st, const struct transport *t, json_t *job, struct err *e)
{
	struct unpacker u;
	if (check_source(t, e) < 0)
		return NULL;
	auto_fd source = transport_open(t, e), nothing = -1;
	auto_fd stage = source < 0 ? -1 : new_folder(st, e);
	if (stage < 0)
		return NULL;
	bool is_folder = transport_is_folder(t->kind);
	if (is_folder && (nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
		err_sys(e, "cannot open /dev/null");
		return NULL;
	}
	json_set(job, "select", transport_selection(t));
	json_set_bool(job, "folder", is_folder);
	const int fds[3] = {is_folder ? nothing : source, stage, source};
	if (unpacker_start(st->store, &u, e) < 0)
		return NULL;
	int r = unpacker_send(&u, job, fds, is_folder ? 3 : 2, e);
	json_t *reply = r < 0 ? NULL : unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	return reply;
}

/* The process that made it has ended; what is no file is not opened. */
static int open_result(const struct transport_stage *st, const char *name, struct err *e)
{
	struct stat file;
	char folder[24];
	call_folder(st, folder);
	auto_free char *path = xasprintf("%s/%s", folder, name);
	auto_fd fd = openat(st->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0)
		return err_sys(e, "cannot open %s/%s", st->path, path);
	if (!S_ISREG(file.st_mode))
		return err_set(e, EBADMSG, "%s/%s is not a file", st->path, path);
	return take_fd(fd);
}

int transport_top(struct transport_stage *st, const struct transport *t, struct document_reader *r,
	struct document *out, struct err *e)
{
	auto_json job = json_object();
	*out = (struct document){0};
	json_set_str(job, "op", "top");
	auto_json reply = call(st, t, job, e);
	if (!reply)
		return -e->code;
	const char *digest = json_str_or(reply, "digest", "");
	if (!digest_valid(digest))
		return err_set(e, EBADMSG, "the unpacker gave a malformed answer");
	auto_fd fd = open_result(st, "top", e);
	return fd < 0 ? fd : document_read(r, fd, json_str(reply, "media_type"), digest, out, e);
}

int transport_blobs(struct transport_stage *st, const struct transport *t,
	const struct transport_blob *want, size_t n, struct err *e)
{
	auto_json job = json_object();
	json_t *list = json_array();
	json_set_str(job, "op", "blobs");
	for (size_t i = 0; i < n; i++) {
		json_t *blob = json_object();
		json_set_str(blob, "digest", want[i].digest);
		json_set_int(blob, "size", want[i].size);
		if (want[i].is_manifest)
			json_set_bool(blob, "is_manifest", true);
		json_array_append_new(list, blob);
	}
	json_set(job, "want", list);
	auto_json reply = call(st, t, job, e);
	return reply ? 0 : -e->code;
}

int transport_blob_open(const struct transport_stage *st, size_t k, struct err *e)
{
	char name[24];
	snprintf(name, sizeof(name), "%zu", k);
	return open_result(st, name, e);
}

int transport_blob_move(
	const struct transport_stage *st, size_t k, int dir_fd, const char *name, struct err *e)
{
	char folder[24];
	auto_fd fd = transport_blob_open(st, k, e);
	if (fd < 0)
		return fd;
	call_folder(st, folder);
	auto_free char *path = xasprintf("%s/%zu", folder, k);
	return renameat(st->fd, path, dir_fd, name) < 0
		       ? err_sys(e, "cannot move %s/%s", st->path, path)
		       : 0;
}
