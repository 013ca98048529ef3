#include "registry/failure.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "registry/reference.h"

enum { FOREIGN_TEXT_MAX = 300 };

/* The host and port of a URL. Owned. */
static char *url_authority(const char *url)
{
	const char *start = strstr(url, "://");
	start = start ? start + 3 : url;
	return xstrndup(start, strcspn(start, "/?#"));
}

const char *failure_op(const struct http_exchange *x)
{
	static const char *const names[][2] = {
		{"HEAD", "Head"}, {"PATCH", "Patch"}, {"POST", "Post"}, {"PUT", "Put"}};
	for (size_t i = 0; x->method && i < ARRAY_LEN(names); i++)
		if (!strcmp(x->method, names[i][0]))
			return names[i][1];
	return x->form ? "Post" : "Get";
}

/* Foreign text made harmless. Owned. */
static char *clean_text(const char *s)
{
	char *out = xstrndup(s, FOREIGN_TEXT_MAX);
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	shown_text(out, "");
	return out;
}

/* What libcurl's words mean, and what helps. Without a hint: a certificate of the authority does.
 */
static const struct tls_cause {
	const char *sign, *words, *hint;
} tls_causes[] = {
	{"not yet valid", "certificate is not yet valid",
		"check this machine's clock; else the registry's operator has to replace the "
		"certificate"},
	{"expired", "certificate has expired",
		"check this machine's clock; else the registry's operator has to renew the "
		"certificate"},
	{"revoked", "certificate has been revoked",
		"do not trust this registry until its operator has replaced the certificate"},
	{"subject name", "certificate is valid for other names, not this one",
		"use the name that the certificate is for, or have it issued for this one"},
	{"does not match", "certificate is valid for other names, not this one",
		"use the name that the certificate is for, or have it issued for this one"},
	{"self-signed", "certificate signed by unknown authority", NULL},
	{"self signed", "certificate signed by unknown authority", NULL},
	{"local issuer", "certificate signed by unknown authority", NULL},
	{NULL, "certificate is not valid", NULL},
};

/* The registry asks who we are, or what we show is of no use. In TLS 1.3 a registry refuses after
 * our side is done, and libcurl has no words for it. */
static int client_certificate(const struct http_exchange *x, const char *host, struct err *e)
{
	bool is_told = strstr(x->why, "alert") || x->curl_code == CURLE_SSL_CERTPROBLEM;
	(void)err_set(e, EPROTO, "Get \"%s\": tls: %s", x->shown,
		is_told ? x->why : "the server ended the connection after the greeting");
	return err_hint(e,
		"where the registry wants a client certificate: NAME.cert and its NAME.key belong "
		"into ~/.config/docker/certs.d/%s/",
		host);
}

bool failure_wants_certificate(const struct http_exchange *x)
{
	bool is_cut = x->curl_code == CURLE_RECV_ERROR || x->curl_code == CURLE_SEND_ERROR;
	if (is_cut && x->greeted && !x->connected && !x->tls.cert)
		return true;
	return x->curl_code == CURLE_SSL_CERTPROBLEM || strstr(x->why, "certificate required") ||
	       strstr(x->why, "alert bad certificate") ||
	       strstr(x->why, "alert handshake failure") || strstr(x->why, "alert unknown ca");
}

static int tls_failure(const struct http_exchange *x, const char *host, struct err *e)
{
	if (strstr(x->why, "wrong version number") || strstr(x->why, "packet length too long")) {
		(void)err_set(e, EPROTO,
			"%s \"%s\": http: server gave HTTP response to HTTPS client", failure_op(x),
			x->shown);
		return err_hint(e, "use --tls-verify=false if this registry has no TLS");
	}
	if (x->curl_code != CURLE_PEER_FAILED_VERIFICATION)
		return err_set(e, EPROTO, "%s \"%s\": tls: %s", failure_op(x), x->shown, x->why);
	const struct tls_cause *cause = tls_causes;
	while (cause->sign && !strstr(x->why, cause->sign))
		cause++;
	(void)err_set(e, EPERM, "%s \"%s\": tls: failed to verify certificate: x509: %s (%s)",
		failure_op(x), x->shown, cause->words, x->why);
	if (cause->hint)
		return err_hint(e, "%s", cause->hint);
	return err_hint(e,
		"put the certificate of its authority into ~/.config/docker/certs.d/%s/ca.crt, or "
		"use --tls-verify=false",
		host);
}

static const char *status_words(long status)
{
	static const struct {
		long status;
		const char *words;
	} table[] = {
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{407, "Proxy Authentication Required"},
		{408, "Request Timeout"},
		{416, "Requested Range Not Satisfiable"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].status == status)
			return table[i].words;
	return "";
}

static int proxy_refused(const char *what, long status, const char *url, struct err *e)
{
	(void)err_set(e, status == 407 ? EACCES : EIO,
		"Get \"%s\": the proxy refused the %s: %ld %s", url, what, status,
		status_words(status));
	if (status != 407)
		return err_hint(
			e, "check the proxy in the environment, or name the host in no_proxy");
	return err_hint(e, "name the proxy with its user: %s_proxy=http://USER:PASSWORD@HOST:PORT",
		http_is_tls(url) ? "https" : "http");
}

/* Who did not answer: libcurl's words name it, and it may be a proxy. */
static int not_connected(const struct http_exchange *x, const char *host, struct err *e)
{
	char name[256];
	unsigned port;
	bool is_told = sscanf(x->why, "Failed to connect to %255s port %u", name, &port) == 2;
	auto_free char *bare = *host == '[' ? xstrndup(host + 1, strcspn(host + 1, "]"))
					    : xstrndup(host, strcspn(host, ":"));
	bool is_proxy = is_told && strcasecmp(name, bare) != 0;
	auto_free char *who = is_proxy ? xasprintf("%s:%u", name, port) : xstrdup(host);
	const char *how = is_proxy ? "proxyconnect tcp: " : "";
	int code = x->os_errno ? x->os_errno : EIO;
	if (!x->os_errno)
		(void)err_set(
			e, code, "%s \"%s\": %sdial tcp: %s", failure_op(x), x->shown, how, x->why);
	else
		(void)err_set(e, code, "%s \"%s\": %sdial tcp %s: connect: %s", failure_op(x),
			x->shown, how, who,
			code == ECONNREFUSED ? "connection refused" : strerror(code));
	if (is_proxy)
		return err_hint(e, "check the proxy in the environment (http_proxy, https_proxy, "
				   "all_proxy), or name the host in no_proxy");
	return code == ECONNREFUSED ? err_hint(e, "nothing listens there: is the server running?")
				    : -code;
}

static int unknown_host(const struct http_exchange *x, const char *host, struct err *e)
{
	if (x->curl_code == CURLE_COULDNT_RESOLVE_PROXY) {
		(void)err_set(e, ENOENT, "%s \"%s\": proxyconnect tcp: %s", failure_op(x), x->shown,
			x->why);
		return err_hint(e, "check the proxy in the environment (http_proxy, https_proxy, "
				   "all_proxy)");
	}
	size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	(void)err_set(e, ENOENT, "%s \"%s\": dial tcp: lookup %.*s: no such host", failure_op(x),
		x->shown, (int)n, host);
	return err_hint(e, "check the name, the network and the name servers in /etc/resolv.conf");
}

int failure_connection(const struct http_exchange *x, const char **kind, struct err *e)
{
	auto_free char *host = url_authority(x->shown);
	*kind = "network";
	if (x->proxy_status >= 300)
		return proxy_refused("connection", x->proxy_status, x->shown, e);
	if (failure_wants_certificate(x))
		return client_certificate(x, host, e);
	switch (x->curl_code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return unknown_host(x, host, e);
	case CURLE_COULDNT_CONNECT:
		return not_connected(x, host, e);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ETIMEDOUT, "%s \"%s\": i/o timeout (%s)", failure_op(x), x->shown,
			x->why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return tls_failure(x, host, e);
	case CURLE_GOT_NOTHING:
		return err_set(e, EPIPE, "%s \"%s\": EOF", failure_op(x), x->shown);
	case CURLE_PARTIAL_FILE:
		return err_set(e, EPIPE, "%s \"%s\": unexpected EOF", failure_op(x), x->shown);
	default:
		return err_set(e, EIO, "%s \"%s\": %s", failure_op(x), x->shown, x->why);
	}
}

bool failure_is_passing(const struct http_exchange *x)
{
	switch (x->curl_code) {
	case CURLE_OK:
		return x->reply.status == 408 || x->reply.status == 429 ||
		       (x->reply.status >= 500 && x->reply.status != 501);
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_WEIRD_SERVER_REPLY:
		return true;
	case CURLE_COULDNT_CONNECT:
		/* Refused is an answer; the rest may pass. */
		return x->os_errno != ECONNREFUSED;
	default:
		return false;
	}
}

/* "MANIFEST_UNKNOWN" and its message as "manifest unknown: <message>". Owned; NULL where the
 * body is no list of errors. *code gets the code (owned). */
static char *first_error(const struct http_exchange *x, char **code)
{
	struct err ignored = {0};
	auto_json body =
		x->body.len ? json_parse(x->body.data, x->body.len, "answer", &ignored) : NULL;
	json_t *first = json_array_get(json_at(body, "errors"), 0);
	const char *name = json_str(first, "code");
	if (str_empty(name)) {
		const char *details = json_str(body, "details");
		return details ? clean_text(details) : NULL;
	}
	*code = clean_text(name);
	auto_free char *words = xstrdup(*code);
	for (char *p = words; *p; p++)
		if (*p == '_')
			*p = ' ';
	str_lower(words);
	const char *message = json_str(first, "message");
	auto_free char *text = clean_text(str_empty(message) ? words : message);
	return xasprintf("%s: %s", words, text);
}

/* "2 h 5 min". Owned. */
static char *duration_words(int64_t s)
{
	if (s < 60)
		return xasprintf("%lld s", (long long)s);
	if (s < 3600)
		return s % 60 ? xasprintf(
					"%lld min %lld s", (long long)(s / 60), (long long)(s % 60))
			      : xasprintf("%lld min", (long long)(s / 60));
	int64_t big = s < 2 * 86400 ? 3600 : 86400, small = big == 3600 ? 60 : 3600;
	const char *const units[] = {big == 3600 ? "h" : "d", big == 3600 ? "min" : "h"};
	int64_t rest = s % big / small;
	return rest ? xasprintf("%lld %s %lld %s", (long long)(s / big), units[0], (long long)rest,
			      units[1])
		    : xasprintf("%lld %s", (long long)(s / big), units[0]);
}

/* When it answers again, as told; -1 where it was not. */
static int64_t wait_s(const struct http_reply *r)
{
	return r->retry_after_s >= 0 ? r->retry_after_s : r->limit_reset_s;
}

static int rate_limited(const struct http_exchange *x, const char *text, struct err *e)
{
	const struct http_reply *r = &x->reply;
	auto_buf hint = BUF_INIT;
	buf_puts(&hint, "the registry ");
	(void)err_set(e, EBUSY, "%s", text ? text : "toomanyrequests: too many requests");
	if (r->limit >= 0) {
		buf_printf(&hint, "allows %lld requests", (long long)r->limit);
		if (r->limit_window_s > 0) {
			auto_free char *window = duration_words(r->limit_window_s);
			buf_printf(&hint, " in %s", window);
		}
		if (r->limit_left >= 0)
			buf_printf(&hint, ", %lld are left", (long long)r->limit_left);
		buf_puts(&hint, "; it ");
	}
	int64_t wait = wait_s(r);
	if (wait < 0 && r->limit >= 0 && r->limit_window_s > 0) {
		auto_free char *window = duration_words(r->limit_window_s);
		buf_printf(&hint,
			"answers again in %s at the latest; with credentials (moss login) "
			"more may be allowed",
			window);
		return err_hint(e, "%s", hint.data);
	}
	if (wait < 0) {
		buf_puts(&hint, "limits how often it may be asked: wait, or use credentials (moss "
				"login)");
		return err_hint(e, "%s", hint.data);
	}
	time_t when = time(NULL) + (time_t)wait;
	struct tm tm;
	char at[64] = "";
	auto_free char *words = duration_words(wait);
	if (localtime_r(&when, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S %z", &tm);
	buf_printf(&hint, "answers again after %s (in %s)", at, words);
	return err_hint(e, "%s", hint.data);
}

/* In Docker's words whatever the registry's are: scripts look for them. */
static int missing(const struct reference *ref, const char *text, struct err *e)
{
	auto_free char *name = reference_familiar(ref);
	if (ref->tag || ref->digest)
		return err_set(e, ENOENT,
			"manifest for %s not found: manifest unknown: manifest unknown", name);
	return err_set(e, ENOENT, "repository %s not found: %s", name,
		text ? text : "name unknown: repository name not known to registry");
}

int failure_denied(const struct reference *ref, const char *text, struct err *e)
{
	auto_free char *name = reference_familiar_name(ref);
	return err_set(e, EACCES,
		"pull access denied for %s, repository does not exist or may require "
		"'docker login': %s",
		name, text ? text : DENIED);
}

int failure_answer(const struct http_exchange *x, const struct reference *ref, const char **kind,
	struct err *e)
{
	auto_free char *code = NULL;
	auto_free char *text = first_error(x, &code);
	long status = x->reply.status;
	if (status == 429) {
		*kind = "rate-limited";
		return rate_limited(x, text, e);
	}
	if (status == 407) {
		*kind = "denied";
		return proxy_refused("request", status, x->shown, e);
	}
	if (ref && status == 404) {
		*kind = "not-found";
		return missing(ref, text, e);
	}
	if (ref && (status == 403 || (code && !strcmp(code, "DENIED")))) {
		*kind = "denied";
		return failure_denied(ref, text, e);
	}
	if (status == 401) {
		*kind = "unauthorized";
		return err_set(
			e, EACCES, "%s", text ? text : "unauthorized: authentication required");
	}
	if (status == 403) {
		*kind = "denied";
		return err_set(e, EACCES, "%s", text ? text : DENIED);
	}
	*kind = status >= 500 ? "network" : "bad-request";
	if (text)
		return err_set(e, EIO, "%s (HTTP status %ld)", text, status);
	return err_set(
		e, EIO, "received unexpected HTTP status: %ld %s", status, status_words(status));
}
