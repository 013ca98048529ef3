#include "registry/auth.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "registry/failure.h"

enum { TOKEN_MAX = 64 * 1024, TRIES_MAX = 2 };

void auth_deinit(struct auth *a)
{
	credentials_deinit(&a->credentials);
	free(a->header);
	if (a->refresh_token)
		explicit_bzero(a->refresh_token, strlen(a->refresh_token));
	free(a->refresh_token);
	*a = (struct auth){0};
}

static void set_header(struct auth *a, char *header)
{
	free(a->header);
	a->header = header;
	a->serial++;
}

static char *basic_header(const struct credentials *c)
{
	auto_free char *plain = xasprintf("%s:%s", c->username, c->password);
	size_t n = strlen(plain);
	auto_free char *coded = base64_encode(plain, n);
	char *header = xasprintf("Authorization: Basic %s", coded);
	explicit_bzero(plain, n);
	explicit_bzero(coded, strlen(coded));
	return header;
}

static void add_field(struct buf *form, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	char *text = curl_easy_escape(NULL, value, 0);
	buf_printf(form, "%s%s=%s", form->len ? "&" : "", name, text ? text : "");
	curl_free(text);
}

/* In a query each scope is a field of its own. */
static void add_scopes(struct buf *form, const char *scopes)
{
	auto_strv list = STRV_INIT;
	strv_split(&list, scopes ? scopes : "", ' ');
	for (size_t i = 0; i < list.n; i++)
		add_field(form, "scope", list.v[i]);
}

/* OAuth 2: a form. The owned strings live as long as the exchange runs. */
static void fill_form(struct http_exchange *x, const struct auth *a, const struct challenge *ch,
	const char *scope, char **form)
{
	const struct credentials *c = &a->credentials;
	auto_buf fields = BUF_INIT;
	add_field(&fields, "grant_type", c->identity_token ? "refresh_token" : "password");
	add_field(&fields, "refresh_token", c->identity_token);
	if (!c->identity_token) {
		add_field(&fields, "username", c->username);
		add_field(&fields, "password", c->password);
	}
	if (a->wants_identity)
		add_field(&fields, "access_type", "offline");
	add_field(&fields, "client_id", "moss");
	add_field(&fields, "service", ch->service);
	add_field(&fields, "scope", scope);
	x->form = *form = buf_take(&fields);
}

static void fill_query(struct http_exchange *x, const struct auth *a, const struct challenge *ch,
	const char *server, const char *scope, char **url)
{
	const struct credentials *c = &a->credentials;
	auto_buf fields = BUF_INIT;
	if (c->username) {
		add_field(&fields, "account", c->username);
		strv_take(&x->headers, basic_header(c));
	}
	if (a->wants_identity) {
		add_field(&fields, "client_id", "moss");
		add_field(&fields, "offline_token", "true");
	}
	add_field(&fields, "service", ch->service);
	add_scopes(&fields, scope);
	if (fields.len)
		x->url = *url =
			xasprintf("%s%c%s", server, strchr(server, '?') ? '&' : '?', fields.data);
}

/* A header must not be broken by what the server sent. */
static bool is_token_text(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

int auth_take_answer(struct auth *a, const char *text, size_t n, const char *url, struct err *e)
{
	auto_json reply = json_parse_secret(text, n, "answer of the token server", e);
	if (!reply)
		return -e->code;
	const char *token = json_str(reply, "token");
	if (str_empty(token))
		token = json_str(reply, "access_token");
	if (str_empty(token) || !is_token_text(token))
		return err_set(e, EBADMSG, "the token server %s gave no token", url);
	set_header(a, xasprintf("Authorization: Bearer %s", token));
	const char *refresh = json_str(reply, "refresh_token");
	if (a->wants_identity && !str_empty(refresh) && is_token_text(refresh)) {
		free(a->refresh_token);
		a->refresh_token = xstrdup(refresh);
	}
	return 0;
}

/* The token server's address as it is asked; owned. NULL with e set. */
static char *token_server(const char *base_url, const char *realm, struct err *e)
{
	auto_free char *url = http_resolve(realm, realm);
	char shown[256];
	if (!url) {
		(void)err_set(e, EBADMSG, "the registry names no valid token server");
		return NULL;
	}
	url[strcspn(url, "#")] = '\0';
	shown_url(url, shown, sizeof(shown));
	if (http_is_tls(base_url) && !http_is_tls(url)) {
		(void)err_set(e, EPERM,
			"the registry wants credentials sent to %s without TLS: refused", shown);
		return NULL;
	}
	return take_ptr(url);
}

/* One request to the token server, by query or by form. *status: of its answer. */
static int ask_token(struct auth *a, struct http *h, const struct http_tls *tls,
	const char *base_url, const char *server, const struct challenge *c, const char *scope,
	bool by_form, long *status, const char **kind, struct err *e)
{
	auto_free char *url = NULL, *form = NULL;
	struct http_exchange x;
	http_exchange_init(&x);
	x.url = server;
	if (by_form)
		fill_form(&x, a, c, scope, &form);
	else
		fill_query(&x, a, c, server, scope, &url);
	x.body_max = TOKEN_MAX;
	/* A CA and client certificate of the registry's folder are for the registry. */
	x.tls = *tls;
	if (!http_same_origin(base_url, server))
		x.tls.ca = x.tls.cert = x.tls.key = NULL;
	int r = http_run(h, &x, e);
	*status = r == 0 && !x.curl_code ? x.reply.status : 0;
	if (r == 0 && x.too_large)
		r = err_set(e, EFBIG, "the answer of the token server %s is larger than %zu bytes",
			x.shown, x.body_max);
	else if (r == 0 && x.curl_code)
		r = failure_connection(&x, kind, e);
	else if (r == 0 && x.reply.status != 200)
		r = failure_answer(&x, NULL, kind, e);
	else if (r == 0)
		r = auth_take_answer(a, x.body.data ? x.body.data : "", x.body.len, x.shown, e);
	if (form)
		explicit_bzero(form, strlen(form));
	http_exchange_deinit(h, &x);
	return r;
}

static int get_token(struct auth *a, struct http *h, const struct http_tls *tls,
	const char *base_url, const struct challenge *c, const char *scope, const char **kind,
	struct err *e)
{
	long status;
	*kind = "unauthorized";
	auto_free char *server = token_server(base_url, c->realm, e);
	if (!server)
		return -e->code;
	bool by_form = a->credentials.identity_token != NULL;
	int r = ask_token(a, h, tls, base_url, server, c, scope, by_form, &status, kind, e);
	/* Some speak OAuth 2 only. */
	if (r < 0 && !by_form && a->credentials.username && (status == 404 || status == 405))
		r = ask_token(a, h, tls, base_url, server, c, scope, true, &status, kind, e);
	return r;
}

/* Docker's words, and how to log in there. */
static int refused(const char *base_url, const char *words, struct err *e)
{
	const char *host = strstr(base_url, "://");
	host = host ? host + strlen("://") : base_url;
	bool is_default = str_starts(host, "registry-1.docker.io");
	err_set(e, EACCES, "%s", words);
	return err_hint(e, "log in: moss login%s%.*s", is_default ? "" : " ",
		is_default ? 0 : (int)strcspn(host, "/"), host);
}

int auth_answer(struct auth *a, struct http *h, const struct http_tls *tls, const char *base_url,
	const struct challenge *c, const char *scope, const char **kind, struct err *e)
{
	const struct credentials *cred = &a->credentials;
	*kind = "unauthorized";
	if (++a->tries > TRIES_MAX) {
		/* Good enough to be known by, but not for this. */
		bool is_denied = c->error && !strcmp(c->error, "insufficient_scope");
		*kind = is_denied ? "denied" : "unauthorized";
		return err_set(e, EACCES, "%s",
			is_denied ? DENIED : "unauthorized: authentication required");
	}
	if (cred->registry_token && !a->serial) {
		set_header(a, xasprintf("Authorization: Bearer %s", cred->registry_token));
		return 0;
	}
	if (c->kind == CHALLENGE_BEARER)
		return get_token(a, h, tls, base_url, c, scope, kind, e);
	if (c->kind != CHALLENGE_BASIC)
		return err_set(e, EACCES, "unauthorized: authentication required");
	if (!cred->username)
		return refused(base_url, "no basic auth credentials", e);
	if (a->header)
		return refused(base_url, "unauthorized: authentication required", e);
	set_header(a, basic_header(cred));
	return 0;
}
