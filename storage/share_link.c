#include "storage/share_link.h"
#include "storage/share_internal.h"
#include "storage/share_joining.h"
#include "storage/copy_data.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MATCHES_MAX = 256 * 1024 };

/* The folder whose entries are being replaced; its times are as they were. */
struct folder {
	char *path; /* below layers/ */
	int fd;
	struct stat st;
};

struct linker {
	int layers_fd;
	const struct share_link_job *job;
	struct share_link_result *out;
	struct folder in;
	bool no_clone, no_dedupe; /* the file system cannot */
	struct strv busy;
	struct strv matches; /* new layer, its twin's layer, path: found equal */
	struct strv later; /* the same: to be copied */
	struct strv marked; /* layers that have their mark */
};

static int leave_folder(struct linker *l, struct err *e)
{
	const struct timespec times[2] = {l->in.st.st_atim, l->in.st.st_mtim};
	int r = 0;
	if (l->in.fd >= 0 && futimens(l->in.fd, times) < 0)
		r = err_sys(e, "cannot set the time of %s", l->in.path);
	scope_close(&l->in.fd);
	l->in.fd = -1;
	free(take_ptr(l->in.path));
	return r;
}

static int enter_folder(struct linker *l, const char *path, struct err *e)
{
	if (l->in.path && !strcmp(l->in.path, path))
		return 0;
	if (leave_folder(l, e) < 0)
		return -e->code;
	int fd = path_open_plain(l->layers_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot open %s", path);
	l->in.fd = fd;
	l->in.path = xstrdup(path);
	return fstat(fd, &l->in.st) < 0 ? err_sys(e, "cannot look at %s", path) : 0;
}

/* One line of the list, looked at. */
struct pair {
	const char *layer, *twin, *path; /* path: within both */
	bool is_full; /* the new one has its content, which is the twin's */
	char *whole; /* of the new one, below layers/ */
	const char *last;
	struct stat empty;
	int from; /* the twin, open for reading */
	struct stat st;
};

static void pair_deinit(struct pair *p)
{
	free(p->whole);
	scope_close(&p->from);
}
#define auto_pair __attribute__((cleanup(pair_deinit))) struct pair

static bool is_alike(const struct stat *a, const struct stat *b)
{
	return a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int open_pair(struct linker *l, struct pair *p, struct err *e)
{
	p->whole = xasprintf("%s/diff/%s", p->layer, p->path);
	auto_free char *dir = path_dir(p->whole), *from = NULL;
	p->last = path_base(p->whole);
	if (enter_folder(l, dir, e) < 0)
		return -e->code;
	if (fstatat(l->in.fd, p->last, &p->empty, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot look at %s", p->whole);
	if (p->is_full && p->empty.st_nlink != 1)
		return err_set(e, ESTALE, "%s is shared already", p->whole);
	if (!S_ISREG(p->empty.st_mode) || (p->empty.st_size != 0) != p->is_full ||
		p->empty.st_nlink != 1)
		return err_set(e, EBADMSG, "%s is not %s", p->whole,
			p->is_full ? "a file that may be shared" : "an empty file");
	from = xasprintf("%s/diff/%s", p->twin, p->path);
	p->from = path_open_plain(l->layers_fd, from, O_RDONLY | O_NONBLOCK);
	if (p->from < 0)
		return err_sysn(e, p->from == -ENOENT ? ESTALE : -p->from, "cannot open %s", from);
	if (fstat(p->from, &p->st) < 0)
		return err_sys(e, "cannot look at %s", from);
	if (!S_ISREG(p->st.st_mode) || !is_alike(&p->st, &p->empty) ||
		!share_allowed(p->path, p->st.st_mode, (uint64_t)p->st.st_size) ||
		!share_has_no_xattrs(p->from))
		return err_set(e, EBADMSG, "%s may not be shared", from);
	return 0;
}

static int set_back_time(const struct pair *p, int fd, struct err *e)
{
	const struct timespec times[2] = {p->empty.st_mtim, p->empty.st_mtim};
	return futimens(fd, times) < 0 ? err_sys(e, "cannot set the time of %s", p->whole) : 0;
}

static int open_empty(struct linker *l, const struct pair *p, struct err *e)
{
	int fd = openat(l->in.fd, p->last, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", p->whole) : fd;
}

/* 1 where the file shares the twin's blocks now. */
static int clone(struct linker *l, const struct pair *p, struct err *e)
{
	if (l->no_clone)
		return 0;
	auto_fd to = open_empty(l, p, e);
	if (to < 0)
		return to;
	if (ioctl(to, FICLONE, p->from) < 0) {
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
			return err_sys(e, "cannot write %s", p->whole);
		l->no_clone = true;
		return 0;
	}
	return set_back_time(p, to, e) < 0 ? -e->code : 1;
}

/* The same for a file that has its content: neither its content nor its time changes. */
static int dedupe(struct linker *l, const struct pair *p, struct err *e)
{
	const uint64_t size = (uint64_t)p->st.st_size;
	union {
		struct file_dedupe_range range;
		char room[sizeof(struct file_dedupe_range) + sizeof(struct file_dedupe_range_info)];
	} u = {0};
	if (l->no_dedupe)
		return 0;
	auto_fd to = open_empty(l, p, e);
	if (to < 0)
		return to;
	for (uint64_t at = 0; at < size; at += u.range.info[0].bytes_deduped) {
		u.range.src_offset = at;
		u.range.src_length = size - at;
		u.range.dest_count = 1;
		u.range.info[0] = (struct file_dedupe_range_info){.dest_fd = to, .dest_offset = at};
		if (ioctl(p->from, FIDEDUPERANGE, &u.range) < 0 || u.range.info[0].status < 0) {
			l->no_dedupe = true;
			return 0;
		}
		if (u.range.info[0].bytes_deduped == 0)
			return err_set(e, ESTALE, "%s has changed", p->whole);
	}
	return 1;
}

/* Both layers are known to have files of several names from now on (engine/share.h). */
static int mark(struct linker *l, const char *layer, struct err *e)
{
	if (strv_has(&l->marked, layer))
		return 0;
	auto_free char *name = xasprintf("%s/shared", layer);
	auto_fd fd = openat(l->layers_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot create %s", name);
	strv_add(&l->marked, layer);
	return 0;
}

/* The twin's file may be that of a layer in use, too: it always has the same path. */
static bool is_in_use(const struct linker *l, const struct pair *p)
{
	struct stat st;
	if (strv_has(&l->busy, p->twin))
		return true;
	for (size_t i = 0; i < l->busy.n && p->st.st_nlink > 1; i++) {
		auto_free char *name = xasprintf("%s/diff/%s", l->busy.v[i], p->path);
		if (fstatat(l->layers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_ino == p->st.st_ino && st.st_dev == p->st.st_dev)
			return true;
	}
	return false;
}

/* 1 where it was linked, 0 where it has to be copied. */
static int link_twin(struct linker *l, const struct pair *p, struct err *e)
{
	struct stat st;
	auto_free char *from = xasprintf("%s/diff/%s", p->twin, p->path);
	auto_free char *temp = xasprintf("%s/" SHARE_LINK_TEMP, p->layer);
	if (is_in_use(l, p))
		return 0;
	if (mark(l, p->twin, e) < 0 || mark(l, p->layer, e) < 0)
		return -e->code;
	if (linkat(l->layers_fd, from, l->layers_fd, temp, 0) < 0)
		return errno == EMLINK || errno == EXDEV || errno == EPERM || errno == ENOTSUP
			       ? 0
			       : err_sysn(e, errno == ENOENT ? ESTALE : errno, "cannot link %s",
					 from);
	bool is_it = fstatat(l->layers_fd, temp, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		     st.st_ino == p->st.st_ino && st.st_dev == p->st.st_dev;
	if (is_it && renameat(l->layers_fd, temp, l->in.fd, p->last) == 0)
		return 1;
	int code = is_it ? errno : ESTALE;
	(void)unlinkat(l->layers_fd, temp, 0);
	return err_sysn(e, code, "cannot link %s", from);
}

static int take_pair(
	struct linker *l, const char *layer, const char *twin, const char *path, struct err *e)
{
	auto_pair p = {.layer = layer, .twin = twin, .path = path, .from = -1};
	int r = open_pair(l, &p, e);
	if (r == 0 && (r = clone(l, &p, e)) > 0) {
		l->out->cloned++;
		return 0;
	}
	if (r == 0 && (r = link_twin(l, &p, e)) > 0) {
		l->out->linked++;
		return 0;
	}
	if (r == 0) {
		strv_add(&l->later, layer);
		strv_add(&l->later, twin);
		strv_add(&l->later, path);
	}
	return r;
}

static int note_match(
	void *arg, const char *layer, const char *twin, const char *path, struct err *e)
{
	struct linker *l = arg;
	(void)e;
	if (l->matches.n >= 3 * MATCHES_MAX)
		return 0;
	strv_add(&l->matches, layer);
	strv_add(&l->matches, twin);
	strv_add(&l->matches, path);
	return 0;
}

/* What cannot be shared now stays as it is, as does all of a recorded layer that is in use. */
static int take_match(struct linker *l, struct pair *p, struct err *e)
{
	if (l->job->is_recorded && strv_has(&l->busy, p->layer))
		return 0;
	int r = open_pair(l, p, e);
	if (r == -ESTALE)
		return 0;
	if (r == 0 && (r = dedupe(l, p, e)) > 0) {
		l->out->cloned++;
		return 0;
	}
	if (r == 0 && (r = link_twin(l, p, e)) > 0)
		l->out->linked++;
	return r < 0 && r != -ESTALE ? r : 0;
}

static int take_matches(struct linker *l, struct err *e)
{
	for (size_t i = 0; i < l->matches.n; i += 3) {
		auto_pair p = {.layer = l->matches.v[i],
			.twin = l->matches.v[i + 1],
			.path = l->matches.v[i + 2],
			.is_full = true,
			.from = -1};
		if (take_match(l, &p, e) < 0)
			return -e->code;
	}
	return leave_folder(l, e);
}

static int copy_later(struct linker *l, struct err *e)
{
	for (size_t i = 0; i < l->later.n; i += 3) {
		auto_pair p = {.layer = l->later.v[i],
			.twin = l->later.v[i + 1],
			.path = l->later.v[i + 2],
			.from = -1};
		if (open_pair(l, &p, e) < 0)
			return -e->code;
		auto_fd to = open_empty(l, &p, e);
		if (to < 0)
			return to;
		if (copy_data(p.from, to, p.st.st_size, e) < 0)
			return err_ctx(e, "%s", p.whole);
		if (set_back_time(&p, to, e) < 0)
			return -e->code;
		l->out->copied++;
	}
	return leave_folder(l, e);
}

/* The next text of the list, or NULL where what is left is none. */
static const char *next_text(const struct buf *list, size_t *at)
{
	const char *p = list->data + *at;
	const char *end = memchr(p, '\0', list->len - *at);
	if (!end || end == p)
		return NULL;
	*at += (size_t)(end - p) + 1;
	return p;
}

static int take_list(struct linker *l, const char *layer, const struct buf *list, struct err *e)
{
	const size_t start = strlen(SHARE_LINKS_MAGIC);
	if (list->len < start || memcmp(list->data, SHARE_LINKS_MAGIC, start) != 0)
		return err_set(e, EBADMSG, "%s/links is not a list of links", layer);
	for (size_t at = start; at < list->len;) {
		const char *twin = next_text(list, &at);
		const char *path = twin ? next_text(list, &at) : NULL;
		if (!path || !share_layer_id_valid(twin))
			return err_set(e, EBADMSG, "%s/links is damaged", layer);
		if (take_pair(l, layer, twin, path, e) < 0)
			return -e->code;
	}
	return leave_folder(l, e);
}

static int link_layer(struct linker *l, const char *layer, struct err *e)
{
	auto_buf list = BUF_INIT;
	auto_free char *name = xasprintf("%s/links", layer);
	if (!share_layer_id_valid(layer))
		return err_set(e, EBADMSG, "invalid layer");
	auto_fd fd = path_open_plain(l->layers_fd, name, O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT)
		return 0;
	int r = fd < 0 ? fd : read_fd(fd, SHARE_NOTE_MAX, &list);
	if (r < 0)
		return err_sysn(e, -r, "cannot read %s", name);
	return take_list(l, layer, &list, e);
}

/* The list goes last: while it is there, the layer is not whole. */
static int drop_lists(struct linker *l, struct err *e)
{
	for (size_t i = 0; i < l->job->layers->n; i++) {
		auto_free char *name = xasprintf("%s/links", l->job->layers->v[i]);
		if (unlinkat(l->layers_fd, name, 0) < 0 && errno != ENOENT)
			return err_sys(e, "cannot remove %s", name);
	}
	return 0;
}

static int note_files(struct linker *l, const char *layer, struct err *e)
{
	auto_strv paths = STRV_INIT;
	for (size_t i = 0; i < l->matches.n; i += 3)
		if (!strcmp(l->matches.v[i], layer))
			strv_add(&paths, l->matches.v[i + 2]);
	return paths.n ? share_joining_note(l->layers_fd, layer, &paths, e) : 0;
}

static int join_recorded(struct linker *l, struct err *e)
{
	const struct strv *layers = l->job->layers, none = STRV_INIT;
	if (!l->matches.n)
		return 0;
	for (size_t i = 0; i < layers->n; i++)
		if (note_files(l, layers->v[i], e) < 0)
			return -e->code;
	if (l->job->ready(l->job->arg, &l->busy, e) < 0 || take_matches(l, e) < 0)
		return -e->code;
	for (size_t i = 0; i < layers->n; i++)
		if (share_joining_settle(l->layers_fd, layers->v[i], &none, e) < 0)
			return -e->code;
	return 0;
}

static int run(struct linker *l, struct err *e)
{
	const struct share_link_job *job = l->job;
	if (share_match(l->layers_fd, job->layers, job->others, job->is_single_id, note_match, l,
		    e) < 0)
		return -e->code;
	if (job->is_recorded)
		return join_recorded(l, e);
	if (job->ready(job->arg, &l->busy, e) < 0 || take_matches(l, e) < 0)
		return -e->code;
	for (size_t i = 0; i < job->layers->n; i++)
		if (link_layer(l, job->layers->v[i], e) < 0)
			return -e->code;
	if (job->linked && job->linked(job->arg, e) < 0)
		return -e->code;
	return copy_later(l, e) < 0 ? -e->code : drop_lists(l, e);
}

int share_link(int layers_fd, const struct share_link_job *job, struct share_link_result *out,
	struct err *e)
{
	struct linker l = {.layers_fd = layers_fd, .job = job, .out = out, .in = {.fd = -1}};
	*out = (struct share_link_result){0};
	int r = run(&l, e);
	scope_close(&l.in.fd);
	free(l.in.path);
	strv_free(&l.busy);
	strv_free(&l.matches);
	strv_free(&l.later);
	strv_free(&l.marked);
	return r;
}
