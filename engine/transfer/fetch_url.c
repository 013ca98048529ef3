/* The fetcher's other use: one file from a URL into a descriptor (import, later ADD). No
 * credentials are sent anywhere. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "engine/transfer/confine.h"
#include "engine/transfer/roles.h"
#include "registry/certs.h"
#include "registry/failure.h"
#include "registry/http.h"

enum { REDIRECTS_MAX = 10 };

static int into(void *arg, const void *p, size_t n) { return write_all(*(const int *)arg, p, n); }

/* A registry's cures, its folder of certificates and --tls-verify, are none here. */
static int no_connection(const struct http_exchange *x, struct err *e)
{
	const char *kind;
	/* EPIPE stands for a reader of ours that has gone. */
	if (failure_connection(x, &kind, e) == -EPIPE)
		e->code = EIO;
	bool is_untrusted = x->curl_code == CURLE_PEER_FAILED_VERIFICATION;
	if (is_untrusted && (strstr(x->why, "self-signed") || strstr(x->why, "self signed") ||
				    strstr(x->why, "local issuer")))
		return err_hint(e, "SSL_CERT_FILE names a file with the certificates of the "
				   "authorities to trust");
	if (is_untrusted || x->curl_code == CURLE_SSL_CONNECT_ERROR || failure_wants_certificate(x))
		return err_hint(e, "%s", "");
	return -e->code;
}

/* 1 where it goes on at another place, which replaces *url. */
static int settle(const struct http_exchange *x, const char *first, char **url, struct err *e)
{
	const struct http_reply *r = &x->reply;
	if (x->sink_result < 0)
		return err_sysn(e, -x->sink_result, "cannot pass on what %s sends", first);
	if (x->curl_code)
		return no_connection(x, e);
	if (r->status == 301 || r->status == 302 || r->status == 303 || r->status == 307 ||
		r->status == 308) {
		char *next = r->location ? http_resolve(*url, r->location) : NULL;
		if (!next)
			return err_set(e, EBADMSG, "Get \"%s\": a redirect without a place", first);
		bool is_downgrade = http_is_tls(*url) && !http_is_tls(next);
		free(*url);
		*url = next;
		return is_downgrade ? err_set(e, EPERM,
					      "Get \"%s\": redirected from HTTPS to HTTP: refused",
					      first)
				    : 1;
	}
	if (r->status != 200)
		return err_set(e, r->status == 404 ? ENOENT : EIO,
			"failed to GET %s with status %ld", first, r->status);
	return 0;
}

int fetch_url(const char *address, int out, struct err *e)
{
	char first[1024];
	shown_url(address, first, sizeof(first));
	if (strncasecmp(address, "http://", 7) != 0 && strncasecmp(address, "https://", 8) != 0)
		return err_set(e, EINVAL, "%s: neither http:// nor https://", first);
	/* While files can still be read. */
	auto_buf ca = BUF_INIT;
	int r = certs_load_system(&ca, e);
	if (r == 0)
		r = confine_fetcher(NULL, 0, e);
	if (r < 0)
		return r;
	auto_free char *url = xstrdup(address);
	struct http *http = http_new();
	r = 1;
	for (int i = 0; r == 1; i++) {
		struct http_exchange x;
		http_exchange_init(&x);
		x.url = url;
		x.tls.verify = true;
		x.tls.ca = ca.len ? &ca : NULL;
		x.sink = into;
		x.sink_arg = &out;
		r = http_run(http, &x, e);
		if (r == 0)
			r = settle(&x, first, &url, e);
		http_exchange_deinit(http, &x);
		if (r == 1 && i == REDIRECTS_MAX)
			r = err_set(e, ELOOP, "Get \"%s\": stopped after %d redirects", first,
				REDIRECTS_MAX);
	}
	http_free(http);
	return r;
}
