#include "engine/copy.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/copy_internal.h"
#include "engine/event.h"
#include "engine/start.h"
#include "storage/pack.h"
#include "storage/pack_header.h"
#include "storage/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAR_END = 1024 };

/* One copy under way. */
struct copying {
	const struct copy_options *o;
	struct copy_result *result;
	struct copy_side *to; /* a container; NULL: the host */
	struct copy_side *from;
	struct placer placer; /* of the host's destination */
	struct buf header;
};

void copy_result_deinit(struct copy_result *r)
{
	free(r->to);
	r->to = NULL;
}

static void count(struct copying *c, const struct tar_entry *en)
{
	c->header.len = 0;
	pack_header(en, &c->header);
	c->result->bytes += c->header.len + (en->stored + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	if (c->o->progress)
		c->o->progress(c->o->arg, c->result->bytes);
}

/* An entry from wherever to where it goes. */
static int deliver(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	struct copying *c = arg;
	count(c, en);
	if (!c->to) {
		const struct place_content content = {.fd = fd};
		return place_entry(&c->placer, en, &content, e);
	}
	int r = wire_send_entry(&c->to->wire, en, fd);
	if (r == -ENAMETOOLONG)
		return err_go(e, ENAMETOOLONG, "%s", en->path);
	return r < 0 ? side_lost(c->to, r, e) : 0;
}

/* Is it what was asked for, or below it? */
static bool belongs(const char *path, const char *name)
{
	size_t n = strlen(name);
	if (!strcmp(name, "/"))
		return *path == '/';
	return !strncmp(path, name, n) && (!path[n] || path[n] == '/');
}

static int fetch(struct copying *c, const char *path, const char *name, struct err *e)
{
	int r = wire_send_request(&c->from->wire, WIRE_SEND, path, name, NULL, -1);
	if (r < 0)
		return side_lost(c->from, r, e);
	while ((r = wire_read(&c->from->wire, e)) > 0) {
		const struct wire_message *m = &c->from->wire.in;
		if (m->kind == WIRE_END)
			return 0;
		if (m->kind == WIRE_ERROR) {
			*e = m->e;
			return -e->code;
		}
		if (m->kind != WIRE_ENTRY || !belongs(m->entry.path, name))
			return err_set(e, EPROTO, "the copying process sent what it should not");
		if ((r = deliver(c, &m->entry, m->fd, e)) < 0)
			return r;
	}
	return r < 0 ? r : err_set(e, EPIPE, "the copying process has ended");
}

/* From the host. */
static int gather(struct copying *c, const struct copy_end *src, const char *name, struct err *e)
{
	struct pack_result result;
	auto_free char *prefix = xasprintf("%s%s", name, str_ends(name, "/") ? "" : "/");
	auto_free char *above = path_dir(src->path);
	const char *folder = src->is_folder ? src->path : above;
	struct pack_options o = {.mode = PACK_PLAIN};
	auto_fd dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_go(e, errno, "open %s", folder);
	if (src->is_folder) {
		o.prefix = prefix;
	} else {
		o.only = path_base(src->path);
		o.as = name;
	}
	return pack_walk(dir, &o, deliver, c, &result, e);
}

static struct wire_request request_of(const struct copy_options *o)
{
	return (struct wire_request){
		.place_flags = PLACE_OWNERS | (o->overwrite ? PLACE_OVERWRITE : 0u),
	};
}

static int begin_receive(struct copying *c, const char *folder, struct err *e)
{
	const struct wire_request request = request_of(c->o);
	auto_free char *user = c->o->archive ? side_user(c->to) : xstrdup("");
	int r = wire_send_request(&c->to->wire, WIRE_RECEIVE, folder, user, &request, -1);
	return r < 0 ? side_lost(c->to, r, e) : side_expect(c->to, WIRE_READY, e);
}

static int end_receive(struct copying *c, struct err *e)
{
	int r = wire_send_plain(&c->to->wire, WIRE_END, 0);
	if (r < 0)
		return side_lost(c->to, r, e);
	r = side_expect(c->to, WIRE_END, e);
	c->result->devices_left_out = c->to->wire.in.entries;
	return r;
}

static int into_container(
	struct copying *c, const struct copy_end *src, const struct copy_plan *p, struct err *e)
{
	int r = begin_receive(c, p->folder, e);
	if (r == 0 && c->from == c->to) { /* within one container: its process does it alone */
		r = wire_send_request(&c->to->wire, WIRE_SEND, src->path, p->name, NULL, -1);
		r = r < 0 ? side_lost(c->to, r, e) : 0;
	} else if (r == 0) {
		r = c->from ? fetch(c, src->path, p->name, e) : gather(c, src, p->name, e);
	}
	return r < 0 ? r : end_receive(c, e);
}

static int onto_host(
	struct copying *c, const struct copy_end *src, const struct copy_plan *p, struct err *e)
{
	auto_fd dir = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_go(e, errno, "open %s", p->folder);
	auto_free char *shown = path_clean(p->folder);
	placer_init(
		&c->placer, dir, shown, PLACE_BENEATH | (c->o->overwrite ? PLACE_OVERWRITE : 0u));
	int r = fetch(c, src->path, p->name, e);
	if (r == 0)
		r = placer_finish(&c->placer, e);
	c->result->devices_left_out = c->placer.devices_left_out;
	placer_deinit(&c->placer);
	return r;
}

static int copy_between(
	struct copying *c, const struct copy_end *src, const struct copy_end *dst, struct err *e)
{
	auto_copy_plan plan = {0};
	int r = copy_plan_make(src, dst, &plan, e);
	if (r == 0)
		r = c->to ? into_container(c, src, &plan, e) : onto_host(c, src, &plan, e);
	c->result->bytes += TAR_END;
	buf_free(&c->header);
	return r;
}

/* ---- the three directions ---- */

static int told(
	struct store *s, const struct copy_side *side, const char *action, int r, struct err *e)
{
	return r < 0 ? r : event_container(s, &side->row, action, NULL, e);
}

static int copy_out(struct store *s, const char *name, const char *path, const char *dst,
	const struct copy_options *o, struct copy_result *out, struct err *e)
{
	struct copy_side from;
	struct copying c = {.o = o, .result = out, .from = &from};
	auto_copy_end source = {0};
	auto_copy_end target = {0};
	out->is_stream = !strcmp(dst, "-");
	auto_free char *shown = out->is_stream ? xstrdup("-") : host_path(dst);
	int r = copy_check_output(shown, e);
	if (r < 0)
		return r;
	r = side_open(s, name, &from, e);
	if (r == 0)
		r = side_source(&from, path, o->follow_link, &source, e);
	if (r == 0 && out->is_stream)
		r = copy_to_stdout(&from, source.path, e);
	else if (r == 0 && (r = host_destination(dst, &target, e)) == 0)
		r = copy_between(&c, &source, &target, e);
	r = side_close(&from, r, e);
	r = told(s, &from, "archive-path", r, e);
	container_row_deinit(&from.row);
	out->to = take_ptr(shown);
	return r;
}

static int copy_in(struct store *s, const char *src, const char *name, const char *path,
	const struct copy_options *o, struct copy_result *out, struct err *e)
{
	struct copy_side to;
	struct copying c = {.o = o, .result = out, .to = &to};
	const struct wire_request request = request_of(o);
	auto_copy_end source = {0};
	auto_copy_end target = {0};
	auto_free char *user = NULL;
	out->is_stream = !strcmp(src, "-");
	int r = side_open(s, name, &to, e);
	if (r == 0)
		r = side_destination(&to, path, &target, e);
	if (r == 0 && out->is_stream && !target.is_folder)
		r = err_set(e, ENOTDIR, "destination \"%s:%s\" must be a directory", name, path);
	if (r == 0 && out->is_stream) {
		user = o->archive ? side_user(&to) : xstrdup("");
		r = copy_from_stdin(s, &to, target.path, user, &request, out, e);
	} else if (r == 0 && (r = host_source(src, o->follow_link, &source, e)) == 0) {
		r = copy_between(&c, &source, &target, e);
	}
	r = side_close(&to, r, e);
	r = told(s, &to, "extract-to-dir", r, e);
	container_row_deinit(&to.row);
	out->to = xasprintf("%s:%s", name, target.path ? target.path : path);
	return r;
}

/* Podman's: from one container into another, or into itself. */
static int copy_across(struct store *s, const char *const names[2], const char *const paths[2],
	const struct copy_options *o, struct copy_result *out, struct err *e)
{
	struct copy_side from, second = {.view = ROOTVIEW_INIT}, *to = &second;
	auto_copy_end source = {0};
	auto_copy_end target = {0};
	int r = side_open(s, names[0], &from, e);
	if (r == 0)
		r = container_get(s, names[1], &second.row, e);
	if (r == 0 && !strcmp(from.row.id, second.row.id)) {
		to = &from;
	} else if (r == 0) {
		container_row_deinit(&second.row);
		r = side_open(s, names[1], &second, e);
	}
	struct copying c = {.o = o, .result = out, .from = &from, .to = to};
	if (r == 0)
		r = side_source(&from, paths[0], o->follow_link, &source, e);
	if (r == 0)
		r = side_destination(to, paths[1], &target, e);
	if (r == 0)
		r = copy_between(&c, &source, &target, e);
	r = side_close(&from, r, e);
	r = side_close(&second, r, e);
	r = told(s, &from, "archive-path", r, e);
	r = told(s, &second, "extract-to-dir", r, e);
	container_row_deinit(&from.row);
	container_row_deinit(&second.row);
	out->to = xasprintf("%s:%s", names[1], target.path ? target.path : paths[1]);
	return r;
}

int copy_run(struct store *s, const char *src, const char *dst, const struct copy_options *o,
	struct copy_result *out, struct err *e)
{
	auto_free char *from = NULL;
	auto_free char *to = NULL;
	const char *src_path = copy_split(src, &from);
	const char *dst_path = copy_split(dst, &to);
	*out = (struct copy_result){0};
	if (!*src)
		return err_set(e, EINVAL, "source can not be empty");
	if (!*dst)
		return err_set(e, EINVAL, "destination can not be empty");
	if (from && to)
		return copy_across(s, (const char *const[]){from, to},
			(const char *const[]){src_path, dst_path}, o, out, e);
	if (from)
		return copy_out(s, from, src_path, dst_path, o, out, e);
	if (to)
		return copy_in(s, src_path, to, dst_path, o, out, e);
	return err_set(e, EINVAL, "must specify at least one container source");
}
