#include "engine/cgroup_scope.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 1 << 16,
	ANSWER_MS = 10000,
	CALL = 1,
	RETURN = 2,
	ERROR = 3,
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
};

/* ---- D-Bus's way of writing values: each at a multiple of its size, counted from the start ----
 */

static void align(struct buf *b, size_t to)
{
	while (b->len % to)
		buf_putc(b, '\0');
}

static void put_u32(struct buf *b, uint32_t v)
{
	align(b, 4);
	buf_add(b, &v, sizeof(v)); /* in our own byte order, which the first byte names */
}

static void put_string(struct buf *b, const char *s)
{
	put_u32(b, (uint32_t)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

static void put_signature(struct buf *b, const char *s)
{
	buf_putc(b, (char)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

/* Where an array's length goes once it is known; its elements begin at a multiple of 8. */
static size_t begin_array(struct buf *b)
{
	put_u32(b, 0);
	size_t at = b->len;
	align(b, 8);
	return at;
}

static void end_array(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->len - (at + 7) / 8 * 8);
	memcpy(b->data + at - 4, &n, sizeof(n));
}

static void put_field(struct buf *b, int number, const char *type, const char *value)
{
	align(b, 8);
	buf_putc(b, (char)number);
	put_signature(b, type);
	if (*type == 'g')
		put_signature(b, value);
	else
		put_string(b, value);
}

static void put_property(struct buf *b, const char *name, const char *type)
{
	align(b, 8);
	put_string(b, name);
	put_signature(b, type);
}

static void put_own_pid(struct buf *b)
{
	put_u32(b, sizeof(uint32_t)); /* the length of the array */
	put_u32(b, (uint32_t)getpid());
}

/* StartTransientUnit("moss-ID.scope", "replace", properties, no further units) */
static void put_start(struct buf *b, const char *unit, const char *id)
{
	auto_free char *description = xasprintf("Container %.12s of moss", id);
	put_string(b, unit);
	put_string(b, "replace");
	size_t properties = begin_array(b);
	put_property(b, "Description", "s");
	put_string(b, description);
	put_property(b, "Delegate", "b");
	put_u32(b, 1);
	put_property(b, "CollectMode", "s");
	put_string(b, "inactive-or-failed");
	put_property(b, "PIDs", "au");
	put_own_pid(b);
	end_array(b, properties);
	size_t others = begin_array(b);
	end_array(b, others);
}

/* AttachProcessesToUnit("moss-ID.scope", "/moss-session", [we]) */
static void put_attach(struct buf *b, const char *unit)
{
	put_string(b, unit);
	put_string(b, "/" CGROUP_LEAF);
	put_own_pid(b);
}

static void put_call(
	struct buf *b, const char *method, const char *signature, const struct buf *body)
{
	static const uint16_t order = 1;
	buf_putc(b, *(const char *)&order ? 'l' : 'B');
	buf_putc(b, CALL);
	buf_putc(b, 0); /* flags */
	buf_putc(b, 1); /* version */
	put_u32(b, (uint32_t)body->len);
	put_u32(b, 1); /* serial */
	size_t fields = begin_array(b);
	put_field(b, FIELD_PATH, "o", "/org/freedesktop/systemd1");
	put_field(b, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
	put_field(b, FIELD_MEMBER, "s", method);
	put_field(b, FIELD_DESTINATION, "s", "org.freedesktop.systemd1");
	put_field(b, FIELD_SIGNATURE, "g", signature);
	end_array(b, fields);
	align(b, 8);
	buf_add(b, body->data, body->len);
}

/* ---- the conversation ---- */

static char *socket_path(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	return str_empty(run) ? NULL : xasprintf("%s/systemd/private", run);
}

static int open_socket(struct err *e)
{
	auto_free char *path = socket_path();
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (!path || strlen(path) >= sizeof(to.sun_path))
		return err_set(e, ENOENT, "there is no service manager of the user");
	strcpy(to.sun_path, path);
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_sys(e, "cannot reach the user's service manager at %s", path);
	return take_fd(fd);
}

static int no_answer(struct err *e)
{
	return err_set(e, EPROTO, "the user's service manager does not answer as expected");
}

/* Who we are is told by the socket itself: the name may be left empty. "DATA", then "OK ...". */
static int authenticate(int fd, struct err *e)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	char line[256];
	size_t n = 0;
	if (write_all(fd, hello, sizeof(hello) - 1) < 0)
		return err_sys(e, "cannot write to the user's service manager");
	while (n < sizeof(line) - 1) {
		if (read_full(fd, line + n, 1) != 1)
			return no_answer(e);
		n++;
		if (n < 2 || memcmp(line + n - 2, "\r\n", 2) != 0)
			continue;
		if (n >= 2 && !memcmp(line, "OK", 2))
			return 0;
		if (memcmp(line, "DATA", 4) != 0)
			return no_answer(e);
		n = 0;
	}
	return no_answer(e);
}

static uint32_t get_u32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* One message: its type, and what an error says. */
static int read_message(int fd, struct buf *body, struct err *e)
{
	char head[16];
	if (read_full(fd, head, sizeof(head)) != (ssize_t)sizeof(head))
		return no_answer(e);
	uint32_t body_len = get_u32(head + 4), fields = get_u32(head + 12);
	if (body_len > ANSWER_MAX || fields > ANSWER_MAX)
		return no_answer(e);
	fields = (fields + 7) / 8 * 8;
	buf_reserve(body, fields + body_len + 1);
	if (read_full(fd, body->data, fields + body_len) != (ssize_t)(fields + body_len))
		return no_answer(e);
	memmove(body->data, body->data + fields, body_len);
	body->len = body_len;
	body->data[body_len] = '\0';
	return head[1];
}

static int call(const char *method, const char *signature, const struct buf *body, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_fd fd = open_socket(e);
	int r = fd < 0 ? fd : authenticate(fd, e);
	if (r < 0)
		return r;
	put_call(&text, method, signature, body);
	if (write_all(fd, text.data, text.len) < 0)
		return err_sys(e, "cannot write to the user's service manager");
	for (;;) {
		auto_buf answer = BUF_INIT;
		int type = read_message(fd, &answer, e);
		if (type < 0 || type == RETURN)
			return type < 0 ? type : 0;
		if (type == ERROR)
			return err_set(e, EPERM, "the user's service manager refuses: %s",
				answer.len > 4 ? answer.data + 4 : "no reason given");
	}
}

/* The answer comes when the job is queued. */
static int wait_until_in(const char *unit, struct err *e)
{
	int64_t end = clock_monotonic_ns() + ANSWER_MS * INT64_C(1000000);
	do {
		auto_free char *own = cgroup_own();
		if (own && strstr(own, unit))
			return 0;
		(void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	} while (clock_monotonic_ns() < end);
	return err_set(e, ETIMEDOUT, "the user's service manager has not moved us to %s", unit);
}

int scope_enter(const char *id, struct err *e)
{
	auto_buf body = BUF_INIT;
	auto_free char *unit = xasprintf("moss-%.12s.scope", id);
	put_start(&body, unit, id);
	int r = call("StartTransientUnit", "ssa(sv)a(sa(sv))", &body, e);
	return r < 0 ? r : wait_until_in(unit, e);
}

void scope_join(const char *id, const char *cgroup)
{
	auto_buf body = BUF_INIT;
	struct err why;
	auto_free char *unit = xasprintf("moss-%.12s.scope", id);
	auto_free char *own = strstr(cgroup, unit) ? cgroup_own() : NULL;
	if (!own || strstr(own, unit))
		return;
	put_attach(&body, unit);
	if (call("AttachProcessesToUnit", "ssau", &body, &why) < 0 || wait_until_in(unit, &why) < 0)
		log_debug("exec stays outside of the container's limits: %s", why.msg);
}

bool scope_is_there(void)
{
	struct stat st;
	auto_free char *path = socket_path();
	return path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

unsigned scope_available(void)
{
	if (!scope_is_there())
		return 0;
	/* Named as systemd names it everywhere. */
	auto_free char *group = xasprintf("/user.slice/user-%u.slice/user@%u.service",
		(unsigned)getuid(), (unsigned)getuid());
	return cgroup_controllers(group);
}
