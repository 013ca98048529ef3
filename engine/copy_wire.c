#include "engine/copy_wire.h"
#include "base/msg.h"
#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Every message: this, then first and second text with their NULs (an attribute's value has none).
 */
struct head {
	uint32_t kind;
	uint32_t first_len, second_len;
	union {
		struct wire_stat stat;
		struct wire_request request;
		struct {
			char type;
			uint32_t mode, dev_major, dev_minor, n_xattrs;
			uint64_t uid, gid, size;
			int64_t mtime_s;
			int32_t mtime_ns;
		} entry;
		uint64_t number;
	};
};

enum { SEND_TRIES = 5000, SEND_PAUSE_NS = 1000000 };

void wire_init(struct wire *w, int sock)
{
	*w = (struct wire){.sock = sock, .in = {.fd = -1}};
	w->buffer = xmalloc(WIRE_MESSAGE_MAX);
}

static void forget(struct wire *w)
{
	struct tar_entry *en = &w->in.entry;
	for (size_t i = 0; i < en->n_xattrs; i++)
		free(en->xattrs[i].name);
	free(en->xattrs);
	scope_close(&w->in.fd);
	w->in = (struct wire_message){.fd = -1};
	w->texts.len = 0;
}

void wire_deinit(struct wire *w)
{
	if (!w->buffer)
		return;
	forget(w);
	buf_free(&w->texts);
	free(w->buffer);
	w->buffer = NULL;
}

/* ---- out ---- */

static int send_message(
	struct wire *w, struct head *h, const void *first, const void *second, int fd)
{
	char *p = w->buffer;
	if (sizeof(*h) + h->first_len + h->second_len > WIRE_MESSAGE_MAX)
		return -ENAMETOOLONG;
	memcpy(p, h, sizeof(*h));
	if (h->first_len)
		memcpy(p + sizeof(*h), first, h->first_len);
	if (h->second_len)
		memcpy(p + sizeof(*h) + h->first_len, second, h->second_len);
	for (int i = 0;; i++) {
		int r = msg_send(w->sock, p, sizeof(*h) + h->first_len + h->second_len,
			fd >= 0 ? &fd : NULL, fd >= 0 ? 1 : 0);
		/* Too many descriptors of this user's are on their way: until some have arrived. */
		if (r != -ETOOMANYREFS || i == SEND_TRIES)
			return r;
		(void)nanosleep(&(struct timespec){.tv_nsec = SEND_PAUSE_NS}, NULL);
	}
}

static uint32_t room_of(const char *text) { return (uint32_t)strlen(text) + 1; }

int wire_send_stat(struct wire *w, const struct wire_stat *st, const char *target)
{
	struct head h = {.kind = WIRE_STATED};
	h.stat = *st;
	h.second_len = target ? room_of(target) : 0;
	return send_message(w, &h, NULL, target, -1);
}

int wire_send_request(struct wire *w, enum wire_kind kind, const char *path, const char *name,
	const struct wire_request *r, int fd)
{
	struct head h = {.kind = kind};
	h.first_len = room_of(path);
	h.second_len = name ? room_of(name) : 0;
	if (r)
		h.request = *r;
	return send_message(w, &h, path, name, fd);
}

int wire_send_plain(struct wire *w, enum wire_kind kind, uint64_t number)
{
	struct head h = {.kind = kind};
	h.number = number;
	return send_message(w, &h, NULL, NULL, -1);
}

int wire_send_error(struct wire *w, const struct err *e)
{
	struct head h = {.kind = WIRE_ERROR};
	h.first_len = sizeof(*e);
	return send_message(w, &h, e, NULL, -1);
}

int wire_send_entry(struct wire *w, const struct tar_entry *en, int fd)
{
	struct head h = {.kind = WIRE_ENTRY};
	h.first_len = room_of(en->path);
	h.second_len = en->link ? room_of(en->link) : 0;
	h.entry.type = en->type;
	h.entry.mode = en->mode;
	h.entry.dev_major = en->dev_major;
	h.entry.dev_minor = en->dev_minor;
	h.entry.uid = en->uid;
	h.entry.gid = en->gid;
	h.entry.size = en->size;
	h.entry.mtime_s = en->mtime_s;
	h.entry.mtime_ns = en->mtime_ns;
	h.entry.n_xattrs = (uint32_t)en->n_xattrs;
	int r = send_message(w, &h, en->path, en->link, fd);
	for (size_t i = 0; r == 0 && i < en->n_xattrs; i++) {
		struct head x = {.kind = WIRE_XATTR};
		x.first_len = room_of(en->xattrs[i].name);
		x.second_len = (uint32_t)en->xattrs[i].len;
		r = send_message(w, &x, en->xattrs[i].name, en->xattrs[i].value, -1);
	}
	return r;
}

/* ---- in ---- */

static bool is_text(const char *p, size_t n)
{
	return n > 0 && n <= WIRE_TEXT_MAX && p[n - 1] == '\0' && strlen(p) == n - 1;
}

/* How many texts a kind has. */
static int texts_of(uint32_t kind)
{
	switch (kind) {
	case WIRE_STAT:
		return 1;
	case WIRE_RECEIVE:
	case WIRE_UNPACK:
	case WIRE_SEND:
	case WIRE_PACK:
		return 2;
	default:
		return 0;
	}
}

static int parse_entry(struct wire *w, const struct head *h, const char *first, const char *second)
{
	struct tar_entry *en = &w->in.entry;
	if (!is_text(first, h->first_len) || !*first ||
		(h->second_len && !is_text(second, h->second_len)) ||
		h->entry.n_xattrs > TAR_XATTRS_MAX || h->entry.size > INT64_MAX ||
		h->entry.mtime_ns < 0 || h->entry.mtime_ns > 999999999)
		return -EBADMSG;
	bool has_link = h->entry.type == '1' || h->entry.type == '2';
	if (has_link != (h->second_len != 0))
		return -EBADMSG;
	buf_add(&w->texts, first, h->first_len + h->second_len);
	*en = (struct tar_entry){
		.type = h->entry.type,
		.path = w->texts.data,
		.link = has_link ? w->texts.data + h->first_len : NULL,
		.stored = h->entry.size,
		.size = h->entry.size,
		.mode = h->entry.mode & 07777,
		.uid = h->entry.uid,
		.gid = h->entry.gid,
		.mtime_s = h->entry.mtime_s,
		.mtime_ns = h->entry.mtime_ns,
		.dev_major = h->entry.dev_major,
		.dev_minor = h->entry.dev_minor,
	};
	return (int)h->entry.n_xattrs;
}

static int parse_request(
	struct wire *w, const struct head *h, const char *first, const char *second)
{
	int texts = texts_of(h->kind);
	if (!is_text(first, h->first_len) || (texts == 2) != (h->second_len != 0) ||
		(texts == 2 && !is_text(second, h->second_len)))
		return -EBADMSG;
	buf_add(&w->texts, first, h->first_len + h->second_len);
	w->in.path = w->texts.data;
	w->in.name = texts == 2 ? w->texts.data + h->first_len : NULL;
	w->in.request = h->request;
	return 0;
}

/* 0, the number of attributes that follow, -EBADMSG. */
int wire_parse(struct wire *w, const char *p, size_t n)
{
	struct head h;
	if (n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, p, sizeof(h));
	const char *first = p + sizeof(h);
	if (h.first_len > n - sizeof(h) || h.second_len != n - sizeof(h) - h.first_len)
		return -EBADMSG;
	const char *second = first + h.first_len;
	w->in.kind = (enum wire_kind)h.kind;
	if (h.kind == WIRE_ENTRY)
		return parse_entry(w, &h, first, second);
	if (texts_of(h.kind))
		return parse_request(w, &h, first, second);
	if (h.kind == WIRE_STATED) {
		w->in.stat = h.stat;
		if (h.first_len || (h.second_len && !is_text(second, h.second_len)))
			return -EBADMSG;
		buf_add(&w->texts, second, h.second_len);
		w->in.name = h.second_len ? w->texts.data : NULL;
		return 0;
	}
	if (h.kind == WIRE_ERROR) {
		if (h.first_len != sizeof(struct err) || h.second_len)
			return -EBADMSG;
		memcpy(&w->in.e, first, sizeof(struct err));
		w->in.e.msg[sizeof(w->in.e.msg) - 1] = '\0';
		w->in.e.hint[sizeof(w->in.e.hint) - 1] = '\0';
		if (w->in.e.code <= 0)
			w->in.e.code = EIO;
		w->in.e.status = 0;
		return 0;
	}
	if ((h.kind != WIRE_END && h.kind != WIRE_READY) || h.first_len || h.second_len)
		return -EBADMSG;
	w->in.entries = h.number;
	return 0;
}

static int parse_xattr(struct wire *w, const char *p, size_t n)
{
	struct head h;
	struct tar_entry *en = &w->in.entry;
	if (n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, p, sizeof(h));
	p += sizeof(h);
	n -= sizeof(h);
	if (h.kind != WIRE_XATTR || h.first_len > n || h.second_len != n - h.first_len ||
		!is_text(p, h.first_len))
		return -EBADMSG;
	en->xattrs = xrealloc(en->xattrs, (en->n_xattrs + 1) * sizeof(*en->xattrs));
	struct tar_xattr *x = &en->xattrs[en->n_xattrs++];
	x->name = xmalloc(n + 1);
	memcpy(x->name, p, n);
	x->value = x->name + h.first_len;
	x->len = h.second_len;
	return 0;
}

static ssize_t receive(struct wire *w, int *fd, struct err *e)
{
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	ssize_t n = msg_recv(w->sock, w->buffer, WIRE_MESSAGE_MAX, fds, &n_fds);
	for (size_t i = n_fds; i-- > (fd ? 1 : 0);)
		close(fds[i]);
	if (fd)
		*fd = n_fds ? fds[0] : -1;
	return n < 0 ? err_sysn(e, (int)-n, "cannot hear from the copying process") : n;
}

int wire_read(struct wire *w, struct err *e)
{
	forget(w);
	ssize_t n = receive(w, &w->in.fd, e);
	if (n <= 0)
		return (int)n;
	int more = wire_parse(w, w->buffer, (size_t)n);
	for (; more > 0; more--) {
		n = receive(w, NULL, e);
		if (n < 0)
			return (int)n;
		if (n == 0 || parse_xattr(w, w->buffer, (size_t)n) < 0)
			more = -EBADMSG;
		if (more < 0)
			break;
	}
	return more < 0 ? err_set(e, EBADMSG, "the copying process sent what it should not") : 1;
}
