/* A container as one end of a copy: everything about its files is asked of the process that sees
 * them. */
#include "engine/copy_internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/copy_inside.h"
#include "engine/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int side_open(struct store *s, const char *name, struct copy_side *side, struct err *e)
{
	const struct rootview_job job = {
		.what = ROOTVIEW_WHOLE,
		.run = copy_inside,
		.arg = (void *)name,
		.fd = -1,
		.has_guard = true,
	};
	*side = (struct copy_side){.name = name, .view = ROOTVIEW_INIT};
	int r = container_get(s, name, &side->row, e);
	if (r < 0)
		return r;
	r = rootview_start(s, &side->row, &job, &side->view, e);
	wire_init(&side->wire, side->view.sock);
	return r;
}

char *side_user(const struct copy_side *side)
{
	struct err ignored;
	auto_json config = json_parse(side->row.config, strlen(side->row.config),
		"the container's configuration", &ignored);
	return xstrdup(config ? json_str_or(config, "Config/User", "") : "");
}

int side_close(struct copy_side *side, int r, struct err *e)
{
	struct err inside = {0};
	wire_deinit(&side->wire);
	if (side->view.pid <= 0)
		return r;
	int ended = rootview_end(&side->view, &inside);
	/* It could not even begin: that is why nothing was heard of it. */
	if (ended < 0 && (r >= 0 || e->code == EPIPE)) {
		*e = inside;
		return ended;
	}
	return r;
}

int side_expect(struct copy_side *side, enum wire_kind kind, struct err *e)
{
	int r = wire_read(&side->wire, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, EPIPE, "the copying process has ended");
	if (side->wire.in.kind == WIRE_ERROR) {
		*e = side->wire.in.e;
		return -e->code;
	}
	return side->wire.in.kind == kind
		       ? 0
		       : err_set(e, EPROTO, "the copying process sent what it should not");
}

int side_lost(struct copy_side *side, int sent, struct err *e)
{
	int r;
	while ((r = side_expect(side, WIRE_ERROR, e)) == -EPROTO)
		;
	return r < 0 && e->code != EPIPE
		       ? r
		       : err_set(e, EPIPE, "cannot go on copying: %s", strerror(-sent));
}

static int ask_stat(struct copy_side *side, const char *path, struct err *e)
{
	int r = wire_send_request(&side->wire, WIRE_STAT, path, NULL, NULL, -1);
	return r < 0 ? side_lost(side, r, e) : side_expect(side, WIRE_STATED, e);
}

/* "/" in front, cleaned, with its ending. Owned. */
static char *inside_path(const char *typed)
{
	auto_free char *whole = path_join("/", typed);
	auto_free char *clean = path_clean(whole);
	return copy_keep_ending(clean, typed);
}

static int stat_failed(const struct copy_side *side, const char *typed, struct err *e)
{
	int code = side->wire.in.stat.failed;
	if (code == ENOENT)
		return err_set(
			e, ENOENT, "Could not find the file %s in container %s", typed, side->name);
	if (code == ELOOP)
		return err_set(e, ELOOP, "evalSymlinksInScope: too many links in %s", typed);
	auto_free char *path = inside_path(typed);
	return err_go(e, code, "lstat %s", path);
}

int side_source(
	struct copy_side *side, const char *typed, bool follow, struct copy_end *out, struct err *e)
{
	const struct wire_message *m = &side->wire.in;
	if (!*typed)
		return err_set(e, EINVAL, "bad parameter: 'path' cannot be empty");
	out->path = inside_path(typed);
	int r = ask_stat(side, out->path, e);
	if (r < 0)
		return r;
	if (follow && !m->stat.failed && m->name) {
		char *next = copy_followed(out->path, m->name, &out->rebase);
		free(out->path);
		out->path = next;
		if ((r = ask_stat(side, next, e)) < 0)
			return r;
		typed = next;
	}
	if (m->stat.failed)
		return stat_failed(side, typed, e);
	if (m->stat.loops)
		return err_set(e, ELOOP, "evalSymlinksInScope: too many links in %s", out->path);
	if (S_ISCHR(m->stat.mode) || S_ISBLK(m->stat.mode))
		return err_set(e, EINVAL, "%s in container %s is a device", typed, side->name);
	out->exists = true;
	out->is_folder = S_ISDIR(m->stat.mode);
	return 0;
}

int side_destination(struct copy_side *side, const char *typed, struct copy_end *out, struct err *e)
{
	const struct wire_message *m = &side->wire.in;
	out->path = xstrdup(typed);
	if (!*typed)
		return 0;
	auto_free char *path = inside_path(typed);
	int r = ask_stat(side, path, e);
	if (r == 0 && !m->stat.failed && m->name) {
		free(out->path);
		out->path = xstrdup(m->name);
		r = ask_stat(side, out->path, e);
	}
	if (r < 0 || m->stat.failed || m->stat.loops)
		return r; /* a file may still be made there: the copying will tell */
	if (S_ISCHR(m->stat.mode) || S_ISBLK(m->stat.mode))
		return err_set(e, EINVAL,
			"destination \"%s:%s\" must be a directory or a regular file: got a device",
			side->name, typed);
	out->exists = true;
	out->is_folder = S_ISDIR(m->stat.mode);
	return 0;
}
