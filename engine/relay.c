#include "engine/relay.h"
#include "base/scope.h"
#include "engine/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void relay_init(struct relay *r, int fd) { *r = (struct relay){.fd = fd}; }

void relay_deinit(struct relay *r)
{
	scope_close(&r->fd);
	r->fd = -1;
	buf_free(&r->out);
	r->out = BUF_INIT;
	r->out_at = 0;
}

int relay_flush(struct relay *r)
{
	while (relay_is_behind(r)) {
		ssize_t n = send(r->fd, r->out.data + r->out_at, r->out.len - r->out_at,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		r->out_at += (size_t)n;
	}
	/* Given back: an idle monitor keeps no buffers. */
	buf_free(&r->out);
	r->out = BUF_INIT;
	r->out_at = 0;
	return 0;
}

int relay_send(struct relay *r, uint8_t type, const void *p, size_t n)
{
	uint8_t head[RELAY_HEADER] = {type, 0, 0, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n};
	size_t sent = 0;
	if (!relay_is_behind(r)) {
		struct iovec iov[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)p, n}};
		struct msghdr m = {.msg_iov = iov, .msg_iovlen = n ? 2 : 1};
		ssize_t k;
		do
			k = sendmsg(r->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (k < 0 && errno == EINTR);
		if (k < 0 && errno != EAGAIN)
			return -errno;
		sent = k < 0 ? 0 : (size_t)k;
	}
	if (sent < sizeof(head)) {
		buf_add(&r->out, head + sent, sizeof(head) - sent);
		sent = sizeof(head);
	}
	sent -= sizeof(head);
	if (sent < n)
		buf_add(&r->out, (const char *)p + sent, n - sent);
	return 0;
}

/* What may be longer than a small frame. */
static bool is_stream(uint8_t type) { return type <= ATTACH_STDERR || type == ATTACH_FAILED; }

static int finish(struct relay *r, relay_fn *fn, void *arg)
{
	int result = is_stream(r->head[0]) ? 0 : fn(arg, r->head[0], r->small, r->payload);
	r->in_payload = false;
	r->have = 0;
	return result;
}

/* Takes bytes from *p; advances it. */
static int step(struct relay *r, const uint8_t **p, size_t *n, relay_fn *fn, void *arg)
{
	size_t want = (r->in_payload ? r->payload : RELAY_HEADER) - r->have;
	size_t k = *n < want ? *n : want;
	int result = 0;
	if (!r->in_payload)
		memcpy(r->head + r->have, *p, k);
	else if (!is_stream(r->head[0]))
		memcpy(r->small + r->have, *p, k);
	else
		result = fn(arg, r->head[0], *p, k);
	r->have += k;
	*p += k;
	*n -= k;
	if (result || k < want)
		return result;
	if (r->in_payload)
		return finish(r, fn, arg);
	r->payload = (size_t)r->head[4] << 24 | (size_t)r->head[5] << 16 | (size_t)r->head[6] << 8 |
		     r->head[7];
	r->have = 0;
	r->in_payload = true;
	if (r->payload > (is_stream(r->head[0]) ? (size_t)ATTACH_FRAME_MAX : (size_t)RELAY_SMALL))
		return -EPROTO;
	return r->payload ? 0 : finish(r, fn, arg);
}

int relay_receive(struct relay *r, void *buf, size_t size, relay_fn *fn, void *arg)
{
	ssize_t got = recv(r->fd, buf, size, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -EPIPE;
	const uint8_t *p = buf;
	size_t n = (size_t)got;
	while (n > 0) {
		int result = step(r, &p, &n, fn, arg);
		if (result)
			return result;
	}
	return 1;
}
