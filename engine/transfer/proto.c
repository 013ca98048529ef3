#include "engine/transfer/proto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int proto_helper_stderr(void)
{
#ifdef __SANITIZE_ADDRESS__
	return STDERR_FILENO;
#else
	return log_debug_on ? STDERR_FILENO : -1;
#endif
}

int proto_send(int sock, const json_t *msg, const int *fds, size_t n_fds, struct err *e)
{
	auto_free char *text = json_text(msg);
	size_t n = strlen(text);
	if (n > PROTO_MSG_MAX)
		return err_set(e, EMSGSIZE, "message of %zu bytes is too long", n);
	int r = msg_send(sock, text, n, fds, n_fds);
	return r < 0 ? err_sysn(e, -r, "cannot reach the other process") : 0;
}

static void close_all(int *fds, size_t *n_fds)
{
	for (size_t i = 0; n_fds && i < *n_fds; i++)
		close(fds[i]);
	if (n_fds)
		*n_fds = 0;
}

json_t *proto_recv(int sock, int *fds, size_t *n_fds, struct err *e)
{
	auto_free char *text = xmalloc(PROTO_MSG_MAX);
	e->code = 0;
	ssize_t n = msg_recv(sock, text, PROTO_MSG_MAX, fds, n_fds);
	/* A peer that was killed with unread messages gives ECONNRESET: the same as its end. */
	if (n == 0 || n == -ECONNRESET)
		return NULL;
	if (n < 0) {
		err_sysn(e, (int)-n, "cannot hear the other process");
		return NULL;
	}
	json_t *msg = json_parse(text, (size_t)n, "message", e);
	if (msg && !json_is_object(msg)) {
		json_decref(msg);
		msg = NULL;
		err_set(e, EBADMSG, "message: not a JSON object");
	}
	if (!msg)
		close_all(fds, n_fds);
	return msg;
}

/* The kinds a caller may compare with; anything else becomes "other". */
static const char *known_kind(const char *kind)
{
	static const char *const kinds[] = {
		"not-found",
		"denied",
		"unauthorized",
		"rate-limited",
		"network",
		"corrupt",
		"no-space",
		"unsupported",
		"no-platform",
		"stale",
		"timeout",
		"bad-request",
	};
	for (size_t i = 0; kind && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return kinds[i];
	return "other";
}

int proto_error(const json_t *reply, const char **kind, struct err *e)
{
	const json_t *error = json_object_get(reply, "error");
	if (!error)
		return 0;
	if (kind)
		*kind = known_kind(json_str(error, "kind"));
	int64_t code = json_int_or(error, "code", EIO);
	if (code <= 0 || code > 4095)
		code = EIO;
	int r = err_set(e, (int)code, "%s", json_str_or(error, "message", "unknown error"));
	const char *hint = json_str(error, "hint");
	if (hint && *hint)
		(void)err_hint(e, "%s", hint);
	shown_text(e->msg, "");
	shown_text(e->hint, "");
	return r;
}

json_t *proto_failure(const struct err *e, const char *kind)
{
	json_t *error = json_object(), *reply = json_object();
	json_set_str(error, "message", e->msg);
	if (e->hint[0])
		json_set_str(error, "hint", e->hint);
	json_set_int(error, "code", e->code);
	if (kind)
		json_set_str(error, "kind", kind);
	json_set(reply, "error", error);
	return reply;
}
