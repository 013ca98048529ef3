#include "engine/export.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/rootview.h"
#include "engine/start.h"
#include "storage/pack.h"
#include "storage/pack_header.h"
#include "storage/send_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Docker's, in the order of a walk: a folder before what is in it, names sorted. */
static const struct tar_entry expected[] = {
	{.type = '0', .path = (char *)".dockerenv", .mode = 0755},
	{.type = '5', .path = (char *)"dev/", .mode = 0755},
	{.type = '0', .path = (char *)"dev/console", .mode = 0755},
	{.type = '5', .path = (char *)"dev/pts/", .mode = 0755},
	{.type = '5', .path = (char *)"dev/shm/", .mode = 0755},
	{.type = '5', .path = (char *)"etc/", .mode = 0755},
	{.type = '0', .path = (char *)"etc/hostname", .mode = 0755},
	{.type = '0', .path = (char *)"etc/hosts", .mode = 0755},
	{.type = '2', .path = (char *)"etc/mtab", .link = (char *)"/proc/mounts", .mode = 0777},
	{.type = '0', .path = (char *)"etc/resolv.conf", .mode = 0755},
	{.type = '5', .path = (char *)"proc/", .mode = 0755},
	{.type = '5', .path = (char *)"sys/", .mode = 0755},
};

struct exporting {
	const struct rootview_inside *in;
	int64_t created_s;
	size_t next; /* of expected */
	char *shut; /* what is no folder here: nothing is added below it; owned */
	struct buf header;
};

static int write_out(void *arg, const void *p, size_t n, struct err *e)
{
	const struct exporting *x = arg;
	int r = write_all(x->in->fd, p, n);
	return r < 0 ? err_go(e, -r, "write") : 0;
}

static int write_header(struct exporting *x, const struct tar_entry *en, struct err *e)
{
	x->header.len = 0;
	pack_header(en, &x->header);
	return write_out(x, x->header.data, x->header.len, e);
}

/* As a walk goes: "a/b" before "a-b". The slash at a folder's end does not count. */
static int by_walk(const char *a, const char *b)
{
	for (;; a++, b++) {
		unsigned char x = *a == '/' ? 1 : (unsigned char)*a;
		unsigned char y = *b == '/' ? 1 : (unsigned char)*b;
		if ((!*a || (*a == '/' && !a[1])) && (!*b || (*b == '/' && !b[1])))
			return 0;
		if (*a == '/' && !a[1])
			x = 0;
		if (*b == '/' && !b[1])
			y = 0;
		if (x != y)
			return x < y ? -1 : 1;
	}
}

static int add_expected(struct exporting *x, const struct tar_entry *wanted, struct err *e)
{
	struct tar_entry en = *wanted;
	size_t n = x->shut ? strlen(x->shut) : 0;
	if (n && !strncmp(en.path, x->shut, n) && en.path[n] == '/')
		return 0;
	en.mtime_s = x->created_s;
	return write_header(x, &en, e);
}

/* Those that come before this one and are not there. */
static int catch_up(struct exporting *x, const char *path, struct err *e)
{
	while (x->next < ARRAY_LEN(expected)) {
		int order = path ? by_walk(expected[x->next].path, path) : -1;
		if (order > 0)
			return 0;
		int r = order < 0 ? add_expected(x, &expected[x->next], e) : 0;
		if (r < 0)
			return r;
		x->next++;
	}
	return 0;
}

static int write_entry(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	static const char zeros[TAR_BLOCK];
	struct exporting *x = arg;
	size_t over = en->stored % TAR_BLOCK;
	int r = catch_up(x, en->path, e);
	if (r == 0 && en->type != '5' && !strchr(en->path, '/')) {
		free(x->shut);
		x->shut = xstrdup(en->path);
	}
	if (r == 0)
		r = write_header(x, en, e);
	if (r == 0 && en->stored)
		r = send_data(en, fd, x->in->fd, e);
	return r == 0 && over ? write_out(x, zeros, TAR_BLOCK - over, e) : r;
}

static int export_inside(const struct rootview_inside *in, struct err *e)
{
	static const char end[2 * TAR_BLOCK];
	const struct pack_options o = {.mode = PACK_PLAIN};
	const struct container_row *row = in->arg;
	struct exporting x = {.in = in, .created_s = row->created_ns / 1000000000};
	struct pack_result result;
	int r = pack_walk(in->root, &o, write_entry, &x, &result, e);
	if (r == 0)
		r = catch_up(&x, NULL, e);
	if (r == 0)
		r = write_out(&x, end, sizeof(end), e);
	buf_free(&x.header);
	free(x.shut);
	return r;
}

int container_export(struct store *s, const char *name, int fd, struct err *e)
{
	auto_container_row row = {0};
	int r = container_get(s, name, &row, e);
	if (r < 0)
		return r;
	const struct rootview_job job = {
		.what = ROOTVIEW_ROOT, .run = export_inside, .arg = &row, .fd = fd};
	r = rootview_call(s, &row, &job, e);
	return r < 0 ? r : event_container(s, &row, "export", NULL, e);
}
