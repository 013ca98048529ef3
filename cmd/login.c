/* login: asks for credentials, tries them, keeps them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/prompt.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "engine/transfer/login.h"
#include "registry/credential_store.h"
#include "registry/credentials.h"
#include "registry/credentials_file.h"
#include "registry/reference.h"

enum { PASSWORD_MAX = 64 * 1024 };

struct login {
	struct registry_opts registry;
	char *username, *password, *compat_auth_file;
	bool password_stdin, get_login, verbose;
};

/* One run: where the credentials go, and what is known of them. */
struct session {
	struct cmd_call *call;
	const struct login *a;
	struct credentials_server server;
	char *path; /* of the file */
	struct credential_store store;
	struct credentials found, now;
};

static void session_deinit(struct session *s)
{
	credentials_server_deinit(&s->server);
	credentials_deinit(&s->found);
	credentials_deinit(&s->now);
	credential_store_close(&s->store);
	free(s->path);
}

static int check_options(const struct login *a, struct err *e)
{
	if (!str_empty(a->password)) {
		fflush(stdout);
		fprintf(stderr, "WARNING! Using --password via the CLI is insecure. Use "
				"--password-stdin.\n");
		if (a->password_stdin)
			return err_set(e, EINVAL,
				"--password and --password-stdin are mutually exclusive");
	}
	if (a->password_stdin && str_empty(a->username))
		return err_set(e, EINVAL, "Must provide --username with --password-stdin");
	if (a->compat_auth_file && a->registry.authfile)
		return err_set(e, EINVAL,
			"options for paths to the credential file and to the Docker-compatible "
			"credential file can not be set simultaneously");
	return 0;
}

static int find_place(struct session *s, struct err *e)
{
	const struct login *a = s->a;
	bool is_authfile;
	const char *file = a->compat_auth_file ? a->compat_auth_file : a->registry.authfile;
	s->path = credentials_file_path(s->call->globals->config_dir, file, &is_authfile, e);
	if (!s->path)
		return -e->code;
	int r = credentials_server_parse(s->call->argc ? s->call->argv[0] : "",
		is_authfile && !a->compat_auth_file, &s->server, e);
	return r < 0 ? r : credential_store_open(&s->store, s->path, a->compat_auth_file, e);
}

static int print_login(struct session *s, struct err *e)
{
	struct reference ref = {.domain = s->server.host, .path = (char *)"-"};
	int r = credentials_find(
		s->call->globals->config_dir, s->a->registry.authfile, &ref, &s->found, e);
	if (r < 0)
		return r;
	if (r == CREDENTIALS_NONE || !s->found.username)
		return err_set(e, ENOENT, "not logged into %s", s->server.host);
	printf("%s\n", s->found.username);
	return 0;
}

static int try_login(struct session *s, struct credentials *c, struct err *e)
{
	struct pull_options o = registry_pull_options(s->call, &s->a->registry);
	fflush(stdout);
	return registry_login(s->call->store, s->server.host, &o, c, e);
}

static char *password_from_stdin(struct err *e)
{
	struct buf text = BUF_INIT;
	buf_reserve(&text, PASSWORD_MAX + 1);
	buf_puts(&text, "");
	int r = read_fd(STDIN_FILENO, PASSWORD_MAX, &text);
	if (r < 0)
		err_sysn(e, -r, "cannot read the password");
	while (text.len && strchr("\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	char *password = r < 0 ? NULL : xstrdup(text.data);
	explicit_bzero(text.data, text.cap);
	buf_free(&text);
	return password;
}

static int ask_username(struct session *s, char **username, struct err *e)
{
	const char *before = s->found.username;
	if (!strcmp(s->server.host, "docker.io"))
		printf("Log in with your Docker ID or email address.\n\n");
	fflush(stdout);
	auto_free char *question =
		before ? xasprintf("Username (%s): ", before) : xstrdup("Username: ");
	int r = prompt_line(question, false, username, e);
	if (r == 0 && !**username && before) {
		free(*username);
		*username = xstrdup(before);
	}
	if (r == 0 && !**username)
		return err_set(e, EINVAL, "Non-null Username Required");
	return r;
}

/* From the flags, else from the person at the terminal. */
static int get_credentials(struct session *s, struct err *e)
{
	const struct login *a = s->a;
	struct credentials *c = &s->now;
	int r = 0;
	c->username = str_empty(a->username) ? NULL : xstrdup(a->username);
	if (a->password_stdin) {
		c->password = password_from_stdin(e);
		if (!c->password)
			return -e->code;
	} else if (!str_empty(a->password)) {
		c->password = xstrdup(a->password);
	}
	if ((!c->username || str_empty(c->password)) && (a->password_stdin || !prompt_possible()))
		return err_set(
			e, ENOTTY, "Cannot perform an interactive login from a non TTY device");
	if (!c->username)
		r = ask_username(s, &c->username, e);
	if (r == 0 && str_empty(c->password)) {
		free(take_ptr(c->password));
		fflush(stdout);
		r = prompt_line("Password: ", true, &c->password, e);
	}
	if (r == 0 && str_empty(c->password))
		return err_set(e, EINVAL, "Password Required");
	return r;
}

static int keep(struct session *s, const struct credentials *c, struct err *e)
{
	bool in_clear;
	auto_free char *where = NULL;
	int r = credential_store_put(&s->store, &s->server, c, &where, &in_clear, e);
	if (r < 0)
		return r;
	if (in_clear && !c->identity_token)
		fprintf(stderr,
			"WARNING! Your password will be stored unencrypted in %s.\n"
			"Configure a credential helper to remove this warning. See\n"
			"https://docs.docker.com/engine/reference/commandline/login/"
			"#credentials-store\n\n",
			s->path);
	if (s->a->verbose)
		printf("Used:  %s\n", where);
	printf("Login Succeeded\n");
	return 0;
}

/* What is kept already is tried first, where the user gave nothing. 1 = it was good. */
static int try_found(struct session *s, struct err *e)
{
	const struct login *a = s->a;
	struct err ignored = {0};
	if (!str_empty(a->username) || !str_empty(a->password) || a->password_stdin)
		return 0;
	int r = credential_store_get(&s->store, &s->server, &s->found, &ignored);
	if (r < 0)
		log_warn("%s", ignored.msg);
	bool is_usable = s->found.identity_token || !str_empty(s->found.password);
	if (r != CREDENTIALS_FOUND || !is_usable)
		return 0;
	struct err cause = {0};
	printf("Authenticating with existing credentials...\n");
	if (try_login(s, &s->found, &cause) == 0) {
		r = keep(s, &s->found, e);
		return r < 0 ? r : 1;
	}
	fflush(stdout);
	fprintf(stderr, "Login did not succeed, error: %s\n", cause.msg);
	return 0;
}

static int session_run(struct session *s, struct err *e)
{
	int r = find_place(s, e);
	if (r < 0)
		return r;
	if (s->a->get_login)
		return print_login(s, e);
	r = try_found(s, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = get_credentials(s, e);
	if (r == 0)
		r = try_login(s, &s->now, e);
	return r < 0 ? r : keep(s, &s->now, e);
}

static int login_run(struct cmd_call *call, void *args, struct err *e)
{
	struct session s = {.call = call, .a = args};
	int r = check_options(args, e);
	if (r == 0)
		r = session_run(&s, e);
	session_deinit(&s);
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"password", 'p', OPT_STR, FIELD(struct login, password), "string", "Password"},
	{"password-stdin", 0, OPT_BOOL, FIELD(struct login, password_stdin), NULL,
		"Take the password from stdin"},
	{"username", 'u', OPT_STR, FIELD(struct login, username), "string", "Username"},
	{"compat-auth-file", 0, OPT_STR, FIELD(struct login, compat_auth_file), "string",
		"Write this file, in Docker's format", .complete = COMPLETE_FILE},
	{"get-login", 0, OPT_BOOL, FIELD(struct login, get_login), NULL,
		"Print the user name that is kept for the registry"},
	{"secret", 0, OPT_UNSUPPORTED, 0, "string", "Take the password from a secret",
		.hint = "there are no secrets yet: use --password-stdin"},
	{"verbose", 'v', OPT_BOOL, FIELD(struct login, verbose), NULL,
		"Tell which file was written"},
	OPT_SHARED(struct login, registry, registry_opt_rows),
	{0},
};
// clang-format on

const struct cmd cmd_login = {
	.name = "login",
	.brief = "Log in to a registry",
	.operands = "[SERVER]",
	.min = 0,
	.max = 1,
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct login),
	.about = "Tries the credentials at the registry (docker.io where none is named) and keeps "
		 "them in ~/.docker/config.json ($DOCKER_CONFIG, --config), or in the file that "
		 "--authfile or REGISTRY_AUTH_FILE names, where HOST/NAMESPACE may be a key of its "
		 "own. Where that file names a credential helper (credHelpers, credsStore), "
		 "docker-credential-NAME keeps the secret. credential-helpers of "
		 "registries.conf(5) come first, in its order.\n\n"
		 "Without --username and --password what is kept is tried first. A registry that "
		 "gives an identity token has that kept instead of the password.",
	.examples = "moss login ghcr.io\n"
		    "pass show registry | moss login -u alice --password-stdin localhost:5000",
	.run = login_run,
};
