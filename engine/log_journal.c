#include "engine/log_journal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SEND_BUFFER = 8 << 20, LAST_TRY_MS = 1000, PRIORITY_ERR = 3, PRIORITY_INFO = 6 };

static int connect_journal(void)
{
	static const struct sockaddr_un there = {
		.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
	const int size = SEND_BUFFER;
	auto_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&there, sizeof(there)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return take_fd(fd);
}

void log_journal_field(struct buf *out, const char *name, const char *value, size_t n)
{
	buf_puts(out, name);
	if (memchr(value, '\n', n)) {
		unsigned char len[8];
		for (int i = 0; i < 8; i++)
			len[i] = (unsigned char)((uint64_t)n >> (8 * i));
		buf_putc(out, '\n');
		buf_add(out, len, sizeof(len));
	} else {
		buf_putc(out, '=');
	}
	buf_add(out, value, n);
	buf_putc(out, '\n');
}

static void text_field(struct buf *out, const char *name, const char *value)
{
	log_journal_field(out, name, value, strlen(value));
}

int log_journal_open(
	struct log_journal *j, const char *pairs, size_t n, int64_t buffer, struct err *e)
{
	unsigned char random[16];
	*j = (struct log_journal){.fd = connect_journal(), .buffer = buffer};
	if (j->fd < 0) {
		int code = -j->fd;
		j->fd = -1;
		err_set(e, code, "journald is not enabled on this host");
		return err_hint(e, "use --log-driver json-file, or start systemd-journald");
	}
	for (const char *p = pairs, *end = pairs + n; p < end;) {
		size_t len = strnlen(p, (size_t)(end - p));
		const char *eq = memchr(p, '=', len);
		auto_free char *name = xstrndup(p, eq ? (size_t)(eq - p) : 0);
		if (*name)
			log_journal_field(&j->fixed, name, eq + 1, len - (size_t)(eq + 1 - p));
		p += len + 1;
	}
	random_bytes(random, sizeof(random));
	hex_encode(j->epoch, random, sizeof(random));
	text_field(&j->fixed, "CONTAINER_LOG_EPOCH", j->epoch);
	return 0;
}

static ssize_t send_bytes(int fd, const char *p, size_t n)
{
	ssize_t r;
	do
		r = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* A record that is larger than a datagram. */
static ssize_t send_memfd(int fd, const char *p, size_t n)
{
	auto_fd file = memfd_create("moss-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0 || write_all(file, p, n) < 0 ||
		fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) <
			0)
		return -errno;
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	struct msghdr m = {.msg_control = &control, .msg_controllen = sizeof(control.space)};
	memcpy(CMSG_DATA(&control.h), &file, sizeof(int));
	ssize_t r;
	do
		r = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* 0, -EAGAIN where the journal is behind, or -errno. A journal that came again is connected to
 * once. */
static int send_record(struct log_journal *j, const char *p, size_t n)
{
	for (int tries = 0; tries < 2; tries++) {
		ssize_t r = j->fd < 0 ? -ENOTCONN : send_bytes(j->fd, p, n);
		if (r == -EMSGSIZE || r == -ENOBUFS)
			r = send_memfd(j->fd, p, n);
		if (r >= 0)
			return 0;
		if (r != -ECONNREFUSED && r != -ENOTCONN && r != -ECONNRESET && r != -EPIPE)
			return (int)r;
		scope_close(&j->fd);
		j->fd = connect_journal();
		if (j->fd < 0) {
			int code = j->fd;
			j->fd = -1;
			return code;
		}
	}
	return -ECONNREFUSED;
}

bool log_journal_has_queue(const struct log_journal *j) { return j->queue.len > j->at; }

static void keep(struct log_journal *j, const char *p, size_t n)
{
	uint32_t len = (uint32_t)n;
	buf_add(&j->queue, &len, sizeof(len));
	buf_add(&j->queue, p, n);
}

static void begin_record(struct log_journal *j, enum log_stream stream, int64_t time_ns)
{
	auto_free char *time = clock_rfc3339(time_ns);
	char number[24];
	j->record.len = 0;
	buf_add(&j->record, j->fixed.data, j->fixed.len);
	snprintf(number, sizeof(number), "%d", stream == LOG_STDERR ? PRIORITY_ERR : PRIORITY_INFO);
	text_field(&j->record, "PRIORITY", number);
	text_field(&j->record, "SYSLOG_TIMESTAMP", time);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)++j->ordinal);
	text_field(&j->record, "CONTAINER_LOG_ORDINAL", number);
}

static int send_or_keep(struct log_journal *j)
{
	if (log_journal_has_queue(j)) {
		if (j->buffer && (int64_t)(j->queue.len - j->at + j->record.len) > j->buffer)
			return -ENOBUFS;
		keep(j, j->record.data, j->record.len);
		return 0;
	}
	int r = send_record(j, j->record.data, j->record.len);
	if (r == -EAGAIN) {
		keep(j, j->record.data, j->record.len);
		return 0;
	}
	return r;
}

/* What was lost meanwhile. */
static int say_gap(struct log_journal *j, int64_t time_ns)
{
	char text[160];
	int n = snprintf(text, sizeof(text),
		"[moss: about %llu bytes of output are missing here: %s]",
		(unsigned long long)j->lost, strerror(j->lost_errno));
	begin_record(j, LOG_STDERR, time_ns);
	log_journal_field(&j->record, "MESSAGE", text, (size_t)n);
	int r = send_or_keep(j);
	if (r == 0)
		j->lost = 0;
	return r;
}

void log_journal_put(struct log_journal *j, const struct log_piece *p)
{
	char number[24];
	int r = j->lost > 0 ? say_gap(j, p->time_ns) : 0;
	if (r == 0) {
		begin_record(j, p->stream, p->time_ns);
		if (p->ordinal) {
			snprintf(number, sizeof(number), "%u", p->ordinal);
			text_field(&j->record, "CONTAINER_PARTIAL_ID", p->line_id);
			text_field(&j->record, "CONTAINER_PARTIAL_ORDINAL", number);
			text_field(&j->record, "CONTAINER_PARTIAL_LAST",
				p->ends_line ? "true" : "false");
			if (!p->ends_line)
				text_field(&j->record, "CONTAINER_PARTIAL_MESSAGE", "true");
		}
		log_journal_field(&j->record, "MESSAGE", p->text, p->len);
		r = send_or_keep(j);
	}
	if (r < 0) {
		j->lost += p->len + p->ends_line;
		j->lost_errno = -r;
	}
}

void log_journal_flush(struct log_journal *j)
{
	while (log_journal_has_queue(j)) {
		uint32_t len;
		memcpy(&len, j->queue.data + j->at, sizeof(len));
		int r = send_record(j, j->queue.data + j->at + sizeof(len), len);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			j->lost += len;
			j->lost_errno = -r;
		}
		j->at += sizeof(len) + len;
	}
	buf_free(&j->queue);
	j->queue = BUF_INIT;
	j->at = 0;
	if (j->record.cap > 32768) {
		buf_free(&j->record);
		j->record = BUF_INIT;
	}
}

bool log_journal_is_behind(const struct log_journal *j)
{
	return j->buffer == 0 && log_journal_has_queue(j);
}

void log_journal_close(struct log_journal *j)
{
	int64_t end = clock_monotonic_ns() + LAST_TRY_MS * INT64_C(1000000);
	while (j->fd >= 0 && log_journal_has_queue(j)) {
		struct pollfd p = {.fd = j->fd, .events = POLLOUT};
		int64_t left = (end - clock_monotonic_ns()) / 1000000;
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			break;
		log_journal_flush(j);
	}
	scope_close(&j->fd);
	buf_free(&j->fixed);
	buf_free(&j->record);
	buf_free(&j->queue);
	*j = (struct log_journal){.fd = -1};
}
