#include "registry/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "registry/no_proxy.h"

enum {
	CONNECT_TIMEOUT_S = 30,
	UPLOAD_STALL_S = 300,
	STALL_S = 60, /* a transfer that moves nothing for so long is cut; $MOSS_STALL_SECONDS */
	RECEIVE_BUFFER = 256 * 1024,
	SEND_BUFFER = 512 * 1024,
	EXPECT_MS = 500,
	ERROR_BODY_MAX = 64 * 1024,
	WAKES_MAX = 64,
};

struct http {
	CURLM *multi;
	long stall_s;
};

struct http_handle {
	CURL *easy;
	struct curl_slist *headers;
};

struct http *http_new(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		die_oom();
	struct http *h = xcalloc(1, sizeof(*h));
	h->multi = curl_multi_init();
	if (!h->multi)
		die_oom();
	uint32_t stall_s;
	const char *told = getenv("MOSS_STALL_SECONDS");
	h->stall_s = told && parse_u32(told, &stall_s) && stall_s > 0 ? (long)stall_s : STALL_S;
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	free(h);
}

void http_exchange_init(struct http_exchange *x)
{
	*x = (struct http_exchange){
		.tls.verify = true, .body_max = ERROR_BODY_MAX, .source_size = -1};
	http_reply_reset(&x->reply);
}

static void handle_free(struct http *h, struct http_exchange *x)
{
	if (!x->handle)
		return;
	curl_multi_remove_handle(h->multi, x->handle->easy);
	curl_easy_cleanup(x->handle->easy);
	curl_slist_free_all(x->handle->headers);
	free(x->handle);
	x->handle = NULL;
}

void http_exchange_deinit(struct http *h, struct http_exchange *x)
{
	handle_free(h, x);
	strv_free(&x->headers);
	buf_free(&x->body);
	http_reply_reset(&x->reply);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	n *= size;
	/* Each status line begins anew: what a proxy or a "100 Continue" said is void. */
	if (n >= 5 && !memcmp(p, "HTTP/", 5)) {
		http_reply_reset(&x->reply);
		return n;
	}
	auto_free char *line = xstrndup(p, n);
	http_reply_line(&x->reply, line);
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	n *= size;
	if (!x->connected) {
		x->connected = true;
		curl_easy_getinfo(x->handle->easy, CURLINFO_RESPONSE_CODE, &x->reply.status);
	}
	bool good = x->reply.status == 200 || x->reply.status == 206;
	if (good && x->sink) {
		x->sink_result = x->sink(x->sink_arg, p, n);
		return x->sink_result < 0 ? 0 : n;
	}
	size_t max = good ? x->body_max : ERROR_BODY_MAX;
	if (n > max - x->body.len) {
		x->too_large = true;
		return 0;
	}
	buf_add(&x->body, p, n);
	return n;
}

static size_t on_source(char *p, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	long got = x->source(x->source_arg, x->sent, p, size * n);
	if (got == HTTP_LATER) {
		x->is_waiting = true;
		return CURL_READFUNC_PAUSE;
	}
	if (got < 0) {
		x->sink_result = (int)got;
		return CURL_READFUNC_ABORT;
	}
	x->sent += got;
	return (size_t)got;
}

/* A connection was closed before the server took the request: the body begins anew. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_exchange *x = arg;
	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	x->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static void set_blob(CURL *easy, CURLoption option, const struct buf *pem)
{
	struct curl_blob blob = {.data = pem->data, .len = pem->len, .flags = CURL_BLOB_NOCOPY};
	curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct http_tls *tls)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (tls->verify && tls->ca)
		set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca);
	if (tls->cert && tls->key) {
		set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->cert);
		set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key);
	}
}

/* As Go's proxy rules, not libcurl's: among them that the own machine is never asked for through a
 * proxy. */
static bool is_without_proxy(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	bool without = false;
	if (!curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
		!curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
		size_t n = strlen(host);
		bool has_brackets = *host == '[' && host[n - 1] == ']';
		auto_free char *bare = has_brackets ? xstrndup(host + 1, n - 2) : xstrdup(host);
		without = http_is_loopback(host) || no_proxy_has(getenv("no_proxy"), bare, port);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return without;
}

/* What is not a plain GET or a form. A body is sent chunked where its size is not known; for a
 * large one the server is asked first (Expect), so that a refusal does not cost the transfer. */
static void set_method(CURL *easy, struct http_exchange *x)
{
	if (!strcmp(x->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	/* The last word on an upload may take a store of objects a while. */
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)UPLOAD_STALL_S);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
	curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)EXPECT_MS);
	if (!x->source) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
	} else {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_source);
		curl_easy_setopt(easy, CURLOPT_READDATA, x);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->source_size);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, x->method);
}

static void set_request(const struct http *h, CURL *easy, struct http_exchange *x)
{
	curl_easy_setopt(easy, CURLOPT_URL, x->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "moss/" MOSS_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, h->stall_s);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->handle->headers);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (is_without_proxy(x->url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (x->form)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->form);
	if (x->method)
		set_method(easy, x);
	if (x->from > 0) {
		char range[32];
		snprintf(range, sizeof(range), "%lld-", (long long)x->from);
		curl_easy_setopt(easy, CURLOPT_RANGE, range);
	}
}

int http_start(struct http *h, struct http_exchange *x, struct err *e)
{
	handle_free(h, x);
	x->done = x->connected = x->too_large = x->is_waiting = false;
	x->sent = 0;
	x->curl_code = x->sink_result = 0;
	x->why[0] = '\0';
	x->body.len = 0;
	http_reply_reset(&x->reply);
	shown_url(x->url, x->shown, sizeof(x->shown));
	CURL *easy = curl_easy_init();
	if (!easy)
		die_oom();
	x->handle = xcalloc(1, sizeof(*x->handle));
	x->handle->easy = easy;
	for (size_t i = 0; i < x->headers.n; i++)
		x->handle->headers = curl_slist_append(x->handle->headers, x->headers.v[i]);
	set_request(h, easy, x);
	set_tls(easy, &x->tls);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
	CURLMcode code = curl_multi_add_handle(h->multi, easy);
	return code ? err_set(e, EIO, "cannot start a request: %s", curl_multi_strerror(code)) : 0;
}

void http_resume(struct http_exchange *x)
{
	if (!x->is_waiting || !x->handle)
		return;
	x->is_waiting = false;
	(void)curl_easy_pause(x->handle->easy, CURLPAUSE_CONT);
}

int64_t http_parse_upload_range(const char *value)
{
	uint64_t end;
	const char *text = str_after(value, "bytes=");
	text = str_after(text ? text : value, "0-");
	if (!text || !parse_u64(text, &end) || end >= INT64_MAX)
		return -1;
	/* The registries' own reading: "0-0" is what an empty upload says. */
	return end ? (int64_t)end + 1 : 0;
}

/* libcurl's words quote the address as it is, with its password, and have two codes for it. */
static void hide_proxy(struct http_exchange *x)
{
	if (!x->curl_code || !str_starts(x->why, "Unsupported proxy"))
		return;
	x->curl_code = CURLE_COULDNT_RESOLVE_PROXY;
	snprintf(x->why, sizeof(x->why), "the proxy's address is malformed or of an unknown kind");
}

/* True where anything ended. */
static bool collect_done(struct http *h)
{
	CURLMsg *m;
	int left;
	bool any = false;
	while ((m = curl_multi_info_read(h->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		char *private = NULL;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		struct http_exchange *x = (struct http_exchange *)(void *)private;
		x->curl_code = (int)m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &x->reply.status);
		if (x->reply.status)
			x->connected = true;
		long os_errno = 0;
		if (x->curl_code)
			curl_easy_getinfo(m->easy_handle, CURLINFO_OS_ERRNO, &os_errno);
		x->os_errno = (int)os_errno;
		curl_off_t greeting_us = 0;
		curl_easy_getinfo(m->easy_handle, CURLINFO_APPCONNECT_TIME_T, &greeting_us);
		x->greeted = greeting_us > 0;
		x->proxy_status = 0;
		curl_easy_getinfo(m->easy_handle, CURLINFO_HTTP_CONNECTCODE, &x->proxy_status);
		if (x->curl_code && !x->why[0])
			snprintf(x->why, sizeof(x->why), "%s", curl_easy_strerror(m->data.result));
		hide_proxy(x);
		log_debug("%s: status %ld, %s", x->shown, x->reply.status,
			x->curl_code ? x->why : "done");
		handle_free(h, x);
		x->done = any = true;
	}
	return any;
}

int http_pump(struct http *h, struct http_wake *wakes, size_t n, int timeout_ms, struct err *e)
{
	struct curl_waitfd fds[WAKES_MAX];
	int running, ready;
	if (n > WAKES_MAX)
		BUG("too many descriptors to wait for");
	CURLMcode code = curl_multi_perform(h->multi, &running);
	if (code)
		return err_set(e, EIO, "cannot go on: %s", curl_multi_strerror(code));
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct curl_waitfd){.fd = wakes[i].fd,
			.events = wakes[i].writable ? CURL_WAIT_POLLOUT : CURL_WAIT_POLLIN};
	if (collect_done(h))
		timeout_ms = 0;
	code = curl_multi_poll(h->multi, fds, (unsigned)n, timeout_ms, &ready);
	if (code)
		return err_set(e, EIO, "cannot wait: %s", curl_multi_strerror(code));
	for (size_t i = 0; i < n; i++)
		wakes[i].ready = fds[i].revents != 0;
	return 0;
}

int http_run(struct http *h, struct http_exchange *x, struct err *e)
{
	int r = http_start(h, x, e);
	while (r == 0 && !x->done)
		r = http_pump(h, NULL, 0, 1000, e);
	return r;
}

static char *url_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	return curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) ? NULL : text;
}

static bool parts_equal(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = url_part(a, part), *y = url_part(b, part);
	bool equal = x && y && !strcasecmp(x, y);
	curl_free(x);
	curl_free(y);
	return equal;
}

bool http_same_origin(const char *a, const char *b)
{
	CURLU *u = curl_url(), *v = curl_url();
	bool same = !curl_url_set(u, CURLUPART_URL, a, 0) &&
		    !curl_url_set(v, CURLUPART_URL, b, 0) && parts_equal(u, v, CURLUPART_SCHEME) &&
		    parts_equal(u, v, CURLUPART_HOST) && parts_equal(u, v, CURLUPART_PORT);
	curl_url_cleanup(u);
	curl_url_cleanup(v);
	return same;
}

char *http_resolve(const char *base, const char *location)
{
	CURLU *u = curl_url();
	char *text = NULL, *out = NULL;
	if (!curl_url_set(u, CURLUPART_URL, base, 0) &&
		!curl_url_set(u, CURLUPART_URL, location, CURLU_DISALLOW_USER) &&
		!curl_url_get(u, CURLUPART_URL, &text, 0) &&
		(str_starts(text, "https://") || str_starts(text, "http://")))
		out = xstrdup(text);
	curl_free(text);
	curl_url_cleanup(u);
	return out;
}

bool http_is_tls(const char *url) { return !strncasecmp(url, "https:", 6); }

bool http_is_loopback(const char *host)
{
	const char *rest = str_after(host, "[::1]");
	if ((rest && (!*rest || *rest == ':')) || !strcmp(host, "::1"))
		return true;
	size_t n = strcspn(host, ":");
	if (n == strlen("localhost") && !memcmp(host, "localhost", n))
		return true;
	unsigned a, b, c, d;
	int end = 0;
	return sscanf(host, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &end) == 4 && (size_t)end == n &&
	       a == 127 && b < 256 && c < 256 && d < 256;
}
