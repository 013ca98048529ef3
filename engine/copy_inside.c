#include "engine/copy_inside.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/copy_wire.h"
#include "engine/rootview.h"
#include "engine/user.h"
#include "storage/pack.h"
#include "storage/place.h"
#include "storage/send_data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINKS_MAX = 40, PIECE = 256 * 1024 };

struct side {
	const struct rootview_inside *in;
	struct wire wire;
	char *piece; /* for WIRE_UNPACK */
	int stream; /* of WIRE_PACK and WIRE_UNPACK */
};

/* The client is gone: nobody wants the rest. */
static int gone(struct err *e) { return err_set(e, EPIPE, "the copy was given up"); }

/* ---- looking ---- */

/* Where a link leads in the end, as much of it as there is (Docker's FollowSymlinkInScope). NULL:
 * it goes round in circles. */
static char *follow(int root, const char *path)
{
	auto_free char *at = path_clean(path);
	for (int i = 0; i < LINKS_MAX; i++) {
		const char *last;
		auto_fd parent = path_open_parent_in(root, at, 0, &last);
		if (parent < 0)
			return parent == -ELOOP ? NULL : take_ptr(at);
		auto_free char *above = path_dir(at);
		auto_free char *next = path_link_in(parent, above, last);
		if (!next)
			return take_ptr(at);
		free(at);
		at = path_clean(next);
	}
	return NULL;
}

static int answer_stat(struct side *s, const char *path, struct err *e)
{
	struct wire_stat w = {0};
	struct stat st;
	auto_free char *target = NULL;
	auto_fd fd = path_open_in(s->in->root, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0) {
		w.failed = fd < 0 ? -fd : errno;
	} else {
		w.mode = st.st_mode;
		w.size = (uint64_t)st.st_size;
		if (S_ISLNK(st.st_mode)) {
			target = follow(s->in->root, path);
			w.loops = !target;
		}
	}
	return wire_send_stat(&s->wire, &w, target) < 0 ? gone(e) : 0;
}

/* ---- out of the container ---- */

static int send_entry(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	struct side *s = arg;
	int r = wire_send_entry(&s->wire, en, fd);
	if (r == -ENAMETOOLONG)
		return err_go(e, ENAMETOOLONG, "%s", en->path);
	return r < 0 ? gone(e) : 0;
}

static int write_raw(void *arg, const void *p, size_t n, struct err *e)
{
	struct side *s = arg;
	int r = write_all(s->stream, p, n);
	return r < 0 ? err_go(e, -r, "write") : 0;
}

static int write_content(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	const struct side *s = arg;
	return send_data(en, fd, s->stream, e);
}

static int not_found(const struct side *s, const char *path, int code, struct err *e)
{
	if (code == ENOENT)
		return err_set(e, ENOENT, "Could not find the file %s in container %s", path,
			(const char *)s->in->arg);
	return err_go(e, code, "lstat %s", path);
}

/* What the path names (a link itself, unless a slash stands behind it), called `name`: its folder,
 * and what is to be packed of it. */
struct named {
	int fd;
	struct pack_options o;
	char *text;
};

static int find_named(
	const struct side *s, const char *path, const char *name, struct named *n, struct err *e)
{
	struct stat st;
	const char *last;
	auto_fd fd = path_open_in(s->in->root, path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return not_found(s, path, -fd, e);
	if (fstat(fd, &st) < 0)
		return err_go(e, errno, "stat %s", path);
	if (S_ISDIR(st.st_mode)) {
		n->text = xasprintf("%s%s", name, str_ends(name, "/") ? "" : "/");
		n->o = (struct pack_options){.mode = PACK_PLAIN, .prefix = n->text};
		n->fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return n->fd < 0 ? err_go(e, errno, "open %s", path) : 0;
	}
	n->fd = path_open_parent_in(s->in->root, path, 0, &last);
	if (n->fd < 0)
		return not_found(s, path, -n->fd, e);
	n->text = xstrdup(last);
	n->o = (struct pack_options){.mode = PACK_PLAIN, .only = n->text, .as = name};
	return 0;
}

static void named_deinit(struct named *n)
{
	scope_close(&n->fd);
	free(n->text);
}

static int walk(struct side *s, const char *path, const char *name, pack_entry_fn entry, void *arg,
	struct err *e)
{
	struct named n = {.fd = -1};
	struct pack_result result;
	int r = find_named(s, path, name, &n, e);
	if (r == 0)
		r = pack_walk(n.fd, &n.o, entry, arg, &result, e);
	named_deinit(&n);
	return r;
}

static int stream(struct side *s, const char *path, const char *name, struct err *e)
{
	const struct pack_sink sink = {.raw = write_raw, .content = write_content, .arg = s};
	struct named n = {.fd = -1};
	struct pack_result result;
	int r = find_named(s, path, name, &n, e);
	if (r == 0)
		r = pack_tree(n.fd, &n.o, &sink, &result, e);
	named_deinit(&n);
	return r;
}

static int answer_send(struct side *s, const struct wire_message *m, struct err *e)
{
	auto_free char *path = xstrdup(m->path);
	auto_free char *name = xstrdup(m->name);
	int r;
	if (m->kind == WIRE_PACK) {
		s->stream = m->fd;
		r = stream(s, path, name, e);
	} else {
		r = walk(s, path, name, send_entry, s, e);
	}
	return r < 0 ? r : wire_send_plain(&s->wire, WIRE_END, 0) < 0 ? gone(e) : 0;
}

/* ---- into the container ---- */

static uint64_t mount_of(int fd)
{
	struct statx x;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0 ||
		!(x.stx_mask & STATX_MNT_ID))
		return 0;
	return x.stx_mnt_id;
}

static int check_writable(const struct side *s, int fd, struct err *e)
{
	struct statvfs fs;
	if (fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return 0;
	if (mount_of(fd) == mount_of(s->in->root))
		return err_set(e, EROFS, "container rootfs is marked read-only");
	return err_set(e, EROFS, "mounted volume is marked read-only");
}

/* The folder to write into, every link followed. */
static int open_destination(const struct side *s, const char *path, struct err *e)
{
	struct stat st;
	auto_fd fd = path_open_in(s->in->root, path, O_PATH, 0);
	if (fd < 0)
		return not_found(s, path, -fd, e);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "extraction point is not a directory");
	int r = check_writable(s, fd, e);
	if (r < 0)
		return r;
	auto_fd dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? err_go(e, errno, "open %s", path) : take_fd(dir);
}

static int start_placing(struct side *s, const struct wire_message *m, int dir, const char *shown,
	struct placer *p, struct err *e)
{
	placer_init(p, dir, shown, m->request.place_flags & (PLACE_OWNERS | PLACE_OVERWRITE));
	p->guard = s->in->guard;
	if (str_empty(m->name))
		return 0;
	struct user_ids user = {0};
	int r = user_resolve(s->in->root, m->name, NULL, &user, e);
	p->uid = user.uid;
	p->gid = user.gid;
	p->flags |= PLACE_ONE_OWNER;
	user_ids_deinit(&user);
	return r;
}

static int place_one(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	const struct place_content c = {.fd = fd};
	return place_entry(arg, en, &c, e);
}

static int place_own(struct side *s, struct placer *p, struct err *e)
{
	auto_free char *path = xstrdup(s->wire.in.path);
	auto_free char *name = xstrdup(s->wire.in.name);
	return walk(s, path, name, place_one, p, e);
}

static int take_entries(struct side *s, struct placer *p, struct err *e)
{
	int r;
	while ((r = wire_read(&s->wire, e)) > 0 && s->wire.in.kind != WIRE_END) {
		const struct wire_message *m = &s->wire.in;
		if (m->kind == WIRE_ENTRY)
			r = place_one(p, &m->entry, m->fd, e);
		else
			r = m->kind == WIRE_SEND ? place_own(s, p, e) : gone(e);
		if (r < 0)
			return r;
	}
	/* Without its end the rest is missing: the front was killed, or says why itself. */
	return r < 0 ? r : r == 0 ? gone(e) : placer_finish(p, e);
}

static int answer_receive(struct side *s, const struct wire_message *m, struct err *e)
{
	auto_free char *shown = path_clean(m->path);
	auto_fd dir = open_destination(s, m->path, e);
	auto_placer p = {.own_guard = GUARD_INIT, .parent_fd = -1, .old_umask = 0022};
	if (dir < 0)
		return dir;
	int r = start_placing(s, m, dir, shown, &p, e);
	if (r == 0 && wire_send_plain(&s->wire, WIRE_READY, 0) < 0)
		return gone(e);
	if (r == 0)
		r = take_entries(s, &p, e);
	return r < 0                                                         ? r
	       : wire_send_plain(&s->wire, WIRE_END, p.devices_left_out) < 0 ? gone(e)
									     : 0;
}

/* ---- a tar stream into the container ---- */

static ssize_t next_piece(void *arg, const unsigned char **p, struct err *e)
{
	struct side *s = arg;
	ssize_t n;
	do
		n = read(s->stream, s->piece, PIECE);
	while (n < 0 && errno == EINTR);
	*p = (const unsigned char *)s->piece;
	return n < 0 ? err_go(e, errno, "read") : n;
}

static ssize_t next_content(void *arg, const unsigned char **p, struct err *e)
{
	return tar_data(arg, p, e);
}

static int take_stream(struct side *s, struct placer *p, struct err *e)
{
	const struct tar_io io = {.next = next_piece, .arg = s};
	const struct tar_entry *en;
	auto_tar_reader t = tar_reader_new(&io);
	int r;
	while ((r = tar_next(t, &en, e)) > 0) {
		const struct place_content c = {.fd = -1, .next = next_content, .arg = t};
		if ((r = place_entry(p, en, &c, e)) < 0)
			return r;
	}
	return r < 0 ? r : placer_finish(p, e);
}

static int answer_unpack(struct side *s, const struct wire_message *m, struct err *e)
{
	auto_free char *shown = path_clean(m->path);
	auto_fd dir = open_destination(s, m->path, e);
	auto_placer p = {.own_guard = GUARD_INIT, .parent_fd = -1, .old_umask = 0022};
	if (dir < 0)
		return dir;
	s->stream = m->fd;
	s->piece = s->piece ? s->piece : xmalloc(PIECE);
	int r = start_placing(s, m, dir, shown, &p, e);
	if (r == 0)
		r = take_stream(s, &p, e);
	return r < 0                                                         ? r
	       : wire_send_plain(&s->wire, WIRE_END, p.devices_left_out) < 0 ? gone(e)
									     : 0;
}

/* ---- */

static int answer(struct side *s, struct err *e)
{
	const struct wire_message *m = &s->wire.in;
	switch (m->kind) {
	case WIRE_STAT:
		return answer_stat(s, m->path, e);
	case WIRE_PACK:
		if (m->fd < 0)
			break;
		__attribute__((fallthrough));
	case WIRE_SEND:
		return answer_send(s, m, e);
	case WIRE_RECEIVE:
		return answer_receive(s, m, e);
	case WIRE_UNPACK:
		if (m->fd < 0)
			break;
		return answer_unpack(s, m, e);
	default:
		break;
	}
	return err_set(e, EPROTO, "the copying process was asked what it does not know");
}

int copy_inside(const struct rootview_inside *in, struct err *e)
{
	struct side s = {.in = in, .stream = -1};
	int r;
	wire_init(&s.wire, in->sock);
	while ((r = wire_read(&s.wire, e)) > 0) {
		struct err why = {0};
		if (answer(&s, &why) < 0) {
			(void)wire_send_error(&s.wire, &why);
			break;
		}
	}
	wire_deinit(&s.wire);
	free(s.piece);
	return r < 0 ? r : 0;
}
