#include "engine/commit_base.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/layer_row.h"
#include "storage/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the place of what the image says of its own. */
static int take_chain(struct store *s, const char *id, struct image *out, struct err *e)
{
	char **ids = NULL, **diffs;
	size_t n = 0;
	int r = container_row_layers(s->db, id, &ids, &n, e);
	if (r < 0)
		return r;
	diffs = xcalloc(n + 1, sizeof(*diffs));
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = layer_row_diff_id(s->db, ids[i], &diffs[i], e);
		if (r == ROW_ABSENT)
			r = err_set(e, EAGAIN, "layer %s was removed meanwhile", ids[i]);
	}
	for (size_t i = 0; i < out->n_layers; i++) {
		free(out->layer_ids[i]);
		free(out->diff_ids[i]);
	}
	free(out->layer_ids);
	free(out->diff_ids);
	out->layer_ids = ids;
	out->diff_ids = diffs;
	out->n_layers = n;
	return r < 0 ? r : 0;
}

int commit_base_load(
	struct store *s, const struct container_row *row, struct image *out, struct err *e)
{
	int r = row->image_id ? image_find(s, row->image_id, NULL, out, e) : ROW_ABSENT;
	if (r < 0)
		return r;
	if (r != ROW_OK)
		*out = (struct image){.id = xstrdup(""), .config = xstrdup("{}")};
	r = take_chain(s, row->id, out, e);
	if (r < 0)
		image_deinit(out);
	return r;
}

/* Is the folder as it is in the layers below, or as moss makes one? Times do not count: mounting
 * points changed them. */
static bool is_as_below(
	struct store *s, const char *folder, const char *name, const struct image *base)
{
	struct stat here, below;
	auto_free char *path = xasprintf("%s/%s", folder, name);
	if (lstat(path, &here) < 0 || !S_ISDIR(here.st_mode))
		return false;
	for (size_t i = base->n_layers; i-- > 0;) {
		auto_free char *in = store_path(s, "layers/%s/diff/%s", base->layer_ids[i], name);
		if (lstat(in, &below) < 0)
			continue;
		return here.st_mode == below.st_mode && here.st_uid == below.st_uid &&
		       here.st_gid == below.st_gid;
	}
	return (here.st_mode & 07777) == 0755 && here.st_uid == geteuid();
}

void commit_drop_list(
	struct store *s, const char *folder, const struct image *base, struct strv *out)
{
	static const char *const files[] = {
		".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf"};
	static const char *const folders[] = {"etc", "dev", "proc", "sys"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		strv_add(out, files[i]);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (is_as_below(s, folder, folders[i], base))
			strv_add(out, folders[i]);
}
