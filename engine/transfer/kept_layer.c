#include "engine/transfer/kept_layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "registry/parts.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

enum { DONE_MAX = 64 * 1024 };

static char *done_name(const char *digest) { return xasprintf("parts/%s.done", digest); }
static char *layer_name(const char *digest) { return xasprintf("parts/%s.layer", digest); }

void kept_layer_drop(struct store *s, const char *digest)
{
	struct err ignored;
	auto_free char *done = done_name(digest), *layer = layer_name(digest);
	(void)unlinkat(s->root_fd, done, 0);
	if (store_trash(s, layer, &ignored) < 0)
		log_debug("%s", ignored.msg);
}

void kept_layer_drop_incomplete(struct store *s, const char *digest)
{
	auto_free char *links = xasprintf("parts/%s.layer/links", digest);
	if (faccessat(s->root_fd, links, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		kept_layer_drop(s, digest);
}

/* Half of it is no JSON: so it needs no temporary file, which a kill would leave behind. */
static int describe(struct store *s, const char *done, const char *text, struct err *e)
{
	auto_fd fd = openat(
		s->root_fd, done, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	return r < 0 ? err_sysn(e, -r, "cannot write %s/%s", s->root, done) : 0;
}

int kept_layer_put(struct store *s, const struct kept_layer *k, const struct strv *warnings,
	char **path, int *stage_lock, struct err *e)
{
	auto_free char *done = done_name(k->digest), *layer = layer_name(k->digest);
	auto_json j = json_object();
	json_set_str(j, "boot", proc_boot_id());
	json_set_str(j, "diff_id", k->diff_id);
	json_set_int(j, "size", k->size);
	json_set(j, "warnings", json_from_strv(warnings));
	auto_free char *text = json_text(j);
	kept_layer_drop(s, k->digest);
	/* The folder first: a description without it is nothing, while one that described another
	 * folder would be a lie. */
	if (renameat(AT_FDCWD, *path, s->root_fd, layer) < 0)
		return err_sys(e, "cannot move %s to %s/%s", *path, s->root, layer);
	store_unstage(s, *path, stage_lock);
	free(*path);
	*path = store_path(s, "%s", layer);
	return describe(s, done, text, e);
}

/* 1 where the description is that of such a layer, made in this boot. */
static int is_usable(struct store *s, struct kept_layer *k, struct strv *warnings)
{
	struct err ignored;
	auto_buf text = BUF_INIT;
	auto_free char *done = done_name(k->digest), *layer = layer_name(k->digest);
	if (read_file_at(s->root_fd, done, DONE_MAX, &text, &ignored) < 0 || !text.len)
		return 0;
	auto_json j = json_parse(text.data, text.len, done, &ignored);
	k->size = json_int_or(j, "size", -1);
	if (k->size < 0 || strcmp(json_str_or(j, "boot", ""), proc_boot_id()) ||
		strcmp(json_str_or(j, "diff_id", ""), k->diff_id) ||
		faccessat(s->root_fd, layer, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	json_to_strv(json_at(j, "warnings"), warnings);
	return 1;
}

int kept_layer_find(struct store *s, struct kept_layer *k, struct strv *warnings, char **path)
{
	if (!is_usable(s, k, warnings)) {
		kept_layer_drop(s, k->digest);
		return ROW_ABSENT;
	}
	*path = store_path(s, "parts/%s.layer", k->digest);
	return ROW_OK;
}

static void drop_orphan(struct store *s, int parts_fd, const char *name)
{
	struct err ignored;
	const char *suffix = strrchr(name, '.');
	if (!suffix || strcmp(suffix, ".layer"))
		return;
	auto_free char *digest = xstrndup(name, (size_t)(suffix - name));
	if (!digest_valid(digest) || faccessat(parts_fd, digest, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	int lock = parts_take(parts_fd, digest, &ignored);
	if (lock < 0)
		return;
	kept_layer_drop(s, digest);
	parts_drop(parts_fd, digest);
	close(lock);
}

void kept_layers_sweep(struct store *s, int parts_fd)
{
	int fd = openat(parts_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		drop_orphan(s, parts_fd, d->d_name);
}

int64_t kept_downloads_clear(struct store *s)
{
	struct err ignored;
	auto_fd parts =
		openat(s->root_fd, "parts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (parts < 0)
		return 0;
	int64_t before = s->freed ? *s->freed : 0;
	int64_t cleared = parts_clear(parts);
	kept_layers_sweep(s, parts);
	if (store_purge(s, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
	if (!s->freed)
		return cleared;
	*s->freed += cleared;
	return *s->freed - before;
}

bool kept_downloads_any(const struct store *s)
{
	int fd = openat(s->root_fd, "parts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		if (digest_valid(d->d_name))
			return true;
	return false;
}
