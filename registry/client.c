#include "registry/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/certs.h"
#include "registry/failure.h"
#include "registry/reference.h"

enum {
	REDIRECTS_MAX = 10,
	PAUSE_MAX_MS = 8000,
	RETRY_AFTER_MAX_S = 60,
	TAGS_PAGE_MAX = 8 * 1024 * 1024,
	TAGS_PAGES_MAX = 1000,
	TAGS_MAX = 100000,
};

static const char *const manifest_types[] = {
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.oci.image.index.v1+json",
};

struct client *client_new(const struct reference *ref, const struct client_options *o,
	struct credentials *credentials, const char *cert_dir, struct err *e)
{
	struct client *c = xcalloc(1, sizeof(*c));
	c->options = *o;
	c->host = xstrdup(strcmp(ref->domain, "docker.io") ? ref->domain : "registry-1.docker.io");
	c->path = xstrdup(ref->path);
	c->scope = xasprintf("repository:%s:pull", ref->path);
	c->auth.credentials = *credentials;
	*credentials = (struct credentials){0};
	if (certs_load(ref->domain, cert_dir, &c->ca, &c->cert, &c->key, e) < 0) {
		client_free(c);
		return NULL;
	}
	c->tls = (struct http_tls){.verify = o->tls_verify != 0,
		.ca = c->ca.len ? &c->ca : NULL,
		.cert = c->cert.len ? &c->cert : NULL,
		.key = c->key.len ? &c->key : NULL};
	return c;
}

void client_open(struct client *c) { c->http = http_new(); }

void client_free(struct client *c)
{
	if (!c)
		return;
	http_free(c->http);
	auth_deinit(&c->auth);
	free(c->host);
	free(c->path);
	free(c->scope);
	free(c->base);
	buf_free(&c->ca);
	buf_free(&c->cert);
	buf_free(&c->key);
	strv_free(&c->unmountable);
	free(c);
}

/* Does the registry speak TLS? Asked without credentials and without a check of its certificate;
 * the real requests make the check. */
static int speaks_tls(struct client *c, bool *yes, struct err *e)
{
	auto_free char *url = xasprintf("https://%s/v2/", c->host);
	struct http_exchange x;
	http_exchange_init(&x);
	x.url = url;
	x.tls = c->tls;
	x.tls.verify = false;
	int r = http_run(c->http, &x, e);
	/* An alert is TLS, too: it may want a certificate of ours. Else: no TLS there, nothing
	 * there, something that hangs up on a TLS greeting, or a name that only the proxy for plain
	 * HTTP knows. */
	*yes = !x.curl_code || x.connected || x.greeted ||
	       x.curl_code == CURLE_PEER_FAILED_VERIFICATION ||
	       x.curl_code == CURLE_OPERATION_TIMEDOUT || x.curl_code == CURLE_SSL_CERTPROBLEM ||
	       strstr(x.why, "alert");
	http_exchange_deinit(c->http, &x);
	return r;
}

int client_connect(struct client *c, struct err *e)
{
	bool tls = true;
	if (c->base)
		return 0;
	if (c->options.tls_verify == 0 ||
		(c->options.tls_verify < 0 && http_is_loopback(c->host))) {
		int r = speaks_tls(c, &tls, e);
		if (r < 0)
			return r;
	}
	c->base = xasprintf("%s://%s", tls ? "https" : "http", c->host);
	return 0;
}

void client_get_init(struct client_get *g, struct client *c, char *url)
{
	*g = (struct client_get){.client = c, .origin = url};
	http_exchange_init(&g->x);
}

void client_get_deinit(struct client_get *g)
{
	if (g->client)
		http_exchange_deinit(g->client->http, &g->x);
	free(g->origin);
	free(g->url);
	*g = (struct client_get){0};
}

static void drop_authorization(struct strv *headers)
{
	size_t kept = 0;
	for (size_t i = 0; i < headers->n; i++) {
		if (str_starts(headers->v[i], "Authorization:"))
			free(headers->v[i]);
		else
			headers->v[kept++] = headers->v[i];
	}
	headers->n = kept;
	if (headers->v)
		headers->v[kept] = NULL;
}

/* Sends the request to g->url, with our credentials only to the registry itself. */
static int get_send(struct client_get *g, struct err *e)
{
	struct client *c = g->client;
	bool own = http_same_origin(g->url, c->base);
	g->x.url = g->url;
	g->x.tls = c->tls;
	if (!own)
		g->x.tls.ca = g->x.tls.cert = g->x.tls.key = NULL;
	drop_authorization(&g->x.headers);
	if (own && c->auth.header)
		strv_add(&g->x.headers, c->auth.header);
	g->auth_serial = c->auth.serial;
	return http_start(c->http, &g->x, e);
}

int client_get_start(struct client_get *g, struct err *e)
{
	free(g->url);
	g->url = xstrdup(g->origin);
	g->redirects = 0;
	return get_send(g, e);
}

static int get_redirect(struct client_get *g, struct err *e)
{
	auto_free char *next = http_resolve(g->url, g->x.reply.location);
	if (!next)
		return err_set(e, EBADMSG, "%s redirects to no valid address", g->x.shown);
	if (http_is_tls(g->url) && !http_is_tls(next))
		return err_set(e, EPERM, "%s redirects from HTTPS to HTTP: refused", g->x.shown);
	if (++g->redirects > REDIRECTS_MAX)
		return err_set(
			e, ELOOP, "%s: stopped after %d redirects", g->x.shown, REDIRECTS_MAX);
	free(g->url);
	g->url = take_ptr(next);
	int r = get_send(g, e);
	return r < 0 ? r : SETTLED_AGAIN;
}

static int get_authorise(struct client_get *g, const char **kind, struct err *e)
{
	struct client *c = g->client;
	/* Another request may have got a newer token meanwhile. */
	if (g->auth_serial == c->auth.serial) {
		int r = auth_answer(&c->auth, c->http, &c->tls, c->base, &g->x.reply.challenge,
			c->scope, kind, e);
		if (r < 0)
			return err_ctx(e, "%s \"%s\"", failure_op(&g->x), g->x.shown);
	}
	int r = get_send(g, e);
	return r < 0 ? r : SETTLED_AGAIN;
}

int client_get_settle(struct client_get *g, const char **kind, struct err *e)
{
	const struct http_exchange *x = &g->x;
	long status = x->reply.status;
	*kind = "network";
	if (x->curl_code)
		return SETTLED_ANSWER;
	bool is_read = !x->method || !strcmp(x->method, "HEAD");
	if (x->reply.location &&
		(status == 307 || status == 308 ||
			(is_read && (status == 301 || status == 302 || status == 303))))
		return get_redirect(g, e);
	bool own = http_same_origin(g->url, g->client->base);
	if (status == 401 && own && x->reply.challenge.kind != CHALLENGE_NONE)
		return get_authorise(g, kind, e);
	if (own && status != 401)
		g->client->auth.tries = 0;
	return SETTLED_ANSWER;
}

int64_t client_get_pause_ms(struct client_get *g)
{
	const struct client_options *o = &g->client->options;
	if (!failure_is_passing(&g->x) || g->failures >= o->retries)
		return -1;
	int64_t pause = o->retry_delay_ms << (g->failures < 10 ? g->failures : 10);
	if (pause > PAUSE_MAX_MS)
		pause = o->retry_delay_ms > PAUSE_MAX_MS ? o->retry_delay_ms : PAUSE_MAX_MS;
	g->failures++;
	int64_t told = g->x.reply.retry_after_s;
	if (g->x.curl_code || told < 0)
		return pause;
	return told > RETRY_AFTER_MAX_S ? -1 : told * 1000;
}

int client_get_run(struct client_get *g, const char **kind, struct err *e)
{
	struct http *h = g->client->http;
	for (;;) {
		int r = client_get_start(g, e);
		while (r >= 0) {
			while (r >= 0 && !g->x.done)
				r = http_pump(h, NULL, 0, 1000, e);
			if (r < 0)
				break;
			r = client_get_settle(g, kind, e);
			if (r == SETTLED_ANSWER)
				break;
		}
		if (r < 0)
			return r;
		int64_t pause = client_get_pause_ms(g);
		if (pause < 0)
			return 0;
		log_debug("%s: again in %lld ms", g->x.shown, (long long)pause);
		usleep((useconds_t)(pause * 1000));
	}
}

static int get_whole(
	struct client_get *g, const struct reference *ref, const char **kind, struct err *e)
{
	int r = client_get_run(g, kind, e);
	if (r < 0)
		return ref && str_ends(e->msg, DENIED) ? failure_denied(ref, NULL, e) : r;
	if (g->x.too_large) {
		*kind = "corrupt";
		return err_set(e, EFBIG, "%s: the answer is larger than %zu bytes", g->x.shown,
			g->x.body_max);
	}
	if (g->x.curl_code)
		return failure_connection(&g->x, kind, e);
	if (g->x.reply.status != 200)
		return failure_answer(&g->x, ref, kind, e);
	return 0;
}

static char *digest_of(const struct buf *b)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	size_t n = sizeof(md);
	if (!EVP_Q_digest(NULL, "SHA256", NULL, b->data ? b->data : "", b->len, md, &n))
		die_oom();
	hex_encode(hex, md, n);
	return xasprintf("sha256:%s", hex);
}

int client_manifest(struct client *c, const struct reference *ref, size_t max, struct buf *out,
	char **media_type, char **digest_out, const char **kind, struct err *e)
{
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	struct client_get g;
	client_get_init(&g, c,
		xasprintf("%s/v2/%s/manifests/%s", c->base, c->path,
			ref->digest ? ref->digest : ref->tag));
	g.x.body_max = max;
	for (size_t i = 0; i < ARRAY_LEN(manifest_types); i++)
		strv_addf(&g.x.headers, "Accept: %s", manifest_types[i]);
	r = get_whole(&g, ref, kind, e);
	auto_free char *digest = r < 0 ? NULL : digest_of(&g.x.body);
	if (r == 0 && ref->digest && strcmp(ref->digest, digest)) {
		*kind = "corrupt";
		auto_free char *name = reference_familiar(ref);
		r = err_set(e, EBADMSG, "manifest verification failed for digest %s: %s has %s",
			ref->digest, name, digest);
	}
	if (r == 0) {
		*out = g.x.body;
		g.x.body = BUF_INIT;
		*media_type = xstrdup(g.x.reply.content_type ? g.x.reply.content_type : "");
		*digest_out = take_ptr(digest);
	}
	client_get_deinit(&g);
	return r;
}

static bool is_tag(const char *s)
{
	auto_free char *name = xasprintf("x:%s", s);
	struct err ignored;
	auto_reference r;
	return reference_parse(name, false, &r, &ignored) == 0 && !r.digest;
}

static int add_tags(const struct buf *body, struct strv *tags, struct err *e)
{
	auto_json list = json_parse(body->data ? body->data : "", body->len, "list of tags", e);
	if (!list)
		return -e->code;
	size_t i;
	json_t *tag;
	json_array_foreach (json_at(list, "tags"), i, tag) {
		if (json_is_string(tag) && is_tag(json_string_value(tag)) && tags->n < TAGS_MAX)
			strv_add(tags, json_string_value(tag));
	}
	return 0;
}

/* Of a list: the address of what follows; *next NULL at its end. */
static int next_page(const struct client_get *g, char **next, const char **kind, struct err *e)
{
	bool own = http_same_origin(g->url, g->client->base);
	auto_free char *url = own ? http_next_page(g->url, g->x.reply.link) : NULL;
	if (url && (!strcmp(url, g->url) || !strcmp(url, g->origin))) {
		*kind = "corrupt";
		return err_set(
			e, ELOOP, "%s: the list does not end: its next page is itself", g->x.shown);
	}
	*next = take_ptr(url);
	return 0;
}

static int get_page(struct client *c, char *url, size_t max, const struct reference *ref,
	struct buf *out, char **next, const char **kind, struct err *e)
{
	struct client_get g;
	client_get_init(&g, c, url);
	g.x.body_max = max;
	int r = get_whole(&g, ref, kind, e);
	if (r == 0) {
		*out = g.x.body;
		g.x.body = BUF_INIT;
		if (next)
			r = next_page(&g, next, kind, e);
	}
	client_get_deinit(&g);
	return r;
}

int client_page(struct client *c, char *url, size_t max, struct buf *out, char **next,
	const char **kind, struct err *e)
{
	return get_page(c, url, max, NULL, out, next, kind, e);
}

int client_tags(struct client *c, const struct reference *ref, struct strv *tags, const char **kind,
	struct err *e)
{
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	auto_free char *url = xasprintf("%s/v2/%s/tags/list", c->base, c->path);
	for (int page = 0; r == 0 && url && page < TAGS_PAGES_MAX; page++) {
		auto_buf body = BUF_INIT;
		char *next = NULL;
		r = get_page(c, take_ptr(url), TAGS_PAGE_MAX, ref, &body, &next, kind, e);
		url = next;
		if (r == 0)
			r = add_tags(&body, tags, e);
	}
	if (r == 0 && url) {
		*kind = "corrupt";
		r = err_set(e, EFBIG, "the list of tags of %s does not end: stopped after %d pages",
			c->path, TAGS_PAGES_MAX);
	}
	return r;
}
