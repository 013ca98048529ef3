#include "engine/transfer/pull_transport.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/admit.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/transport_blobs.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

json_t *transport_selection(const struct transport *t)
{
	json_t *j = json_object();
	json_set_str(j, "transport", transport_name(t->kind));
	if (t->ref)
		json_set_str(j, "ref", t->ref);
	if (t->index >= 0)
		json_set_int(j, "index", t->index);
	return j;
}

static void say(const struct pull_options *o, const struct strv *lines)
{
	for (size_t i = 0; i < lines->n && !o->quiet; i++)
		dprintf(o->progress_fd, "%s\n", lines->v[i]);
}

static int pull(struct store *s, const struct transport *t, const struct pull_options *o,
	struct strv *ids, struct strv *names, struct err *e)
{
	auto_strv lines = STRV_INIT;
	int r = admit_ready(o->signature_policy, e);
	auto_fd fd = r < 0 ? r : transport_open(t, e);
	if (fd < 0)
		return fd;
	const struct load_source from = {.fd = fd,
		.path = t->path,
		.platform = str_empty(o->platform) ? NULL : o->platform,
		.signature_policy = o->signature_policy,
		.transport = t,
		.ids = ids,
		.names = names};
	struct progress *progress =
		progress_new(o->progress_fd, o->quiet ? PROGRESS_QUIET : o->progress);
	r = image_load(s, &from, progress, &lines, e);
	progress_free(progress);
	if (r == 0)
		say(o, &lines);
	return r;
}

int image_pull_transport(struct store *s, const char *typed, const struct pull_options *o,
	struct image *out, struct err *e)
{
	auto_transport t;
	auto_strv ids = STRV_INIT, names = STRV_INIT;
	struct image image = {0};
	if (transport_parse(typed, &t, e) < 0)
		return -e->code;
	int r = pull(s, &t, o, &ids, &names, e);
	if (r < 0)
		return err_ctx(e, "%s", typed);
	r = ids.n ? image_find(s, ids.v[0], NULL, &image, e) : ROW_ABSENT;
	if (r == ROW_ABSENT)
		return err_set(e, ENOENT, "%s: its image was removed meanwhile", typed);
	if (r == ROW_OK && o->pulled && names.n)
		*o->pulled = xstrdup(names.v[0]);
	if (r == ROW_OK && out)
		*out = image;
	else
		image_deinit(&image);
	return r < 0 ? r : 0;
}
