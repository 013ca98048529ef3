#include "registry/credential_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "registry/credentials.h"

enum { ANSWER_MAX = 1024 * 1024, REQUEST_MAX = 60 * 1024 /* fits in a pipe: no deadlock */ };

static char *program_of(const char *name, struct err *e)
{
	if (!*name || strchr(name, '/')) {
		err_set(e, EINVAL, "the credential helper \"%s\" has no valid name", name);
		return NULL;
	}
	return xasprintf("docker-credential-%s", name);
}

/* A helper that does not read its input must not end us. */
static int write_request(int fd, const char *input, size_t n)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigaction(SIGPIPE, &ignore, &before);
	int r = write_all(fd, input, n);
	sigaction(SIGPIPE, &before, NULL);
	return r == -EPIPE ? 0 : r;
}

/* Starts the helper with the request on its input and collects its output. Exit code. */
static int run(
	const char *program, const char *verb, const char *input, struct buf *out, struct err *e)
{
	int in[2], back[2];
	size_t n = strlen(input);
	if (n > REQUEST_MAX)
		return err_set(e, E2BIG, "the secret is too long for %s", program);
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd in_read = in[0], in_write = in[1];
	if (pipe2(back, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd out_read = back[0], out_write = back[1];
	char *argv[] = {(char *)program, (char *)verb, NULL};
	struct spawn sp = SPAWN_INIT;
	sp.file = program;
	sp.argv = argv;
	sp.fd_in = in_read;
	sp.fd_out = out_write;
	pid_t pid;
	int r = spawn_start(&sp, &pid, NULL, e);
	if (r == -ENOENT) {
		err_set(e, ENOENT, "%s: executable file not found in $PATH", program);
		return err_hint(e, "install it, or take it out of the configuration (credsStore, "
				   "credHelpers, credential-helpers)");
	}
	if (r < 0)
		return r;
	close(take_fd(in_read));
	close(take_fd(out_write));
	int sent = write_request(in_write, input, n);
	close(take_fd(in_write));
	r = read_fd(out_read, ANSWER_MAX, out);
	close(take_fd(out_read));
	int code = spawn_wait(pid);
	if (sent < 0)
		return err_sysn(e, -sent, "cannot write to %s", program);
	return r < 0 ? err_sysn(e, -r, "cannot read from %s", program) : code;
}

static bool says_none(const struct buf *text)
{
	return text->data && strstr(text->data, "credentials not found");
}

static int failed(
	const char *program, const char *verb, int code, const struct buf *text, struct err *e)
{
	if (code < 0)
		return code;
	const char *words = text->data ? text->data : "";
	return err_set(e, EIO, "%s %s failed (exit status %d): %.*s", program, verb, code,
		(int)strcspn(words, "\n"), words);
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
}

int credential_helper_parse(
	const char *text, size_t len, const char *program, struct credentials *out, struct err *e)
{
	*out = (struct credentials){0};
	auto_json reply = json_parse_secret(text, len, program, e);
	if (!reply)
		return -e->code;
	const char *user = json_str(reply, "Username"), *secret = json_str(reply, "Secret");
	if (!user || !secret)
		return err_set(e, EBADMSG, "%s gave no credentials in its answer", program);
	if (!strcmp(user, "<token>")) {
		out->identity_token = xstrdup(secret);
	} else {
		out->username = xstrdup(user);
		out->password = xstrdup(secret);
	}
	return CREDENTIALS_FOUND;
}

int credential_helper_get(
	const char *name, const char *server, struct credentials *out, struct err *e)
{
	*out = (struct credentials){0};
	auto_free char *program = program_of(name, e);
	if (!program)
		return -e->code;
	auto_buf text = BUF_INIT;
	int code = run(program, "get", server, &text, e);
	int r = CREDENTIALS_NONE;
	if (code == 0)
		r = credential_helper_parse(text.data ? text.data : "", text.len, program, out, e);
	else if (!says_none(&text))
		r = failed(program, "get", code, &text, e);
	wipe(&text);
	return r;
}

int credential_helper_store(
	const char *name, const char *server, const struct credentials *c, struct err *e)
{
	auto_free char *program = program_of(name, e);
	if (!program)
		return -e->code;
	auto_json request = json_object();
	json_set_str(request, "ServerURL", server);
	json_set_str(request, "Username", c->identity_token ? "<token>" : c->username);
	json_set_str(request, "Secret", c->identity_token ? c->identity_token : c->password);
	auto_free char *line = json_text(request), *input = xasprintf("%s\n", line);
	explicit_bzero(line, strlen(line));
	auto_buf text = BUF_INIT;
	int code = run(program, "store", input, &text, e);
	explicit_bzero(input, strlen(input));
	return code == 0 ? 0 : failed(program, "store", code, &text, e);
}

int credential_helper_erase(const char *name, const char *server, struct err *e)
{
	auto_free char *program = program_of(name, e);
	if (!program)
		return -e->code;
	auto_buf text = BUF_INIT;
	int code = run(program, "erase", server, &text, e);
	return code == 0 || says_none(&text) ? 0 : failed(program, "erase", code, &text, e);
}

int credential_helper_parse_list(
	const char *text, size_t len, const char *program, struct strv *servers, struct err *e)
{
	auto_json reply = json_parse_secret(text, len, program, e);
	if (!reply)
		return -e->code;
	if (!json_is_object(reply))
		return err_set(e, EBADMSG, "%s gave no list in its answer", program);
	const char *server;
	json_t *user;
	json_object_foreach (reply, server, user)
		strv_add(servers, server);
	return 0;
}

int credential_helper_list(const char *name, struct strv *servers, struct err *e)
{
	auto_free char *program = program_of(name, e);
	if (!program)
		return -e->code;
	auto_buf text = BUF_INIT;
	int code = run(program, "list", "", &text, e);
	if (code != 0)
		return failed(program, "list", code, &text, e);
	return credential_helper_parse_list(
		text.data ? text.data : "", text.len, program, servers, e);
}
