/* What an answer says in its header (registry/http.h). */
#include "registry/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/scope.h"

/* A number that is larger is a moment, not a duration. */
enum { EPOCH_MIN = 1000000000 };

void http_reply_reset(struct http_reply *r)
{
	free(r->content_type);
	free(r->location);
	free(r->link);
	free(r->digest);
	challenge_deinit(&r->challenge);
	*r = (struct http_reply){.retry_after_s = -1,
		.length = -1,
		.range_start = -1,
		.upload_end = -1,
		.limit = -1,
		.limit_left = -1,
		.limit_window_s = -1,
		.limit_reset_s = -1};
}

static void replace(char **field, char *value)
{
	free(*field);
	*field = value;
}

static int64_t until(time_t when)
{
	time_t now = time(NULL);
	return when > now ? (int64_t)(when - now) : 0;
}

static int64_t parse_retry_after(const char *value)
{
	uint64_t seconds;
	if (parse_u64(value, &seconds)) {
		if (seconds >= EPOCH_MIN && seconds <= INT32_MAX)
			return until((time_t)seconds);
		return seconds > INT32_MAX ? INT32_MAX : (int64_t)seconds;
	}
	time_t when = curl_getdate(value, NULL);
	return when == (time_t)-1 ? -1 : until(when);
}

/* The number that a value begins with; -1 where it is none. */
static int64_t leading_number(const char *value)
{
	uint64_t n;
	auto_free char *digits = xstrndup(value, strspn(value, "0123456789"));
	return parse_u64(digits, &n) && n <= INT32_MAX ? (int64_t)n : -1;
}

/* "100;w=21600": a hundred in six hours. */
static void read_limit(struct http_reply *r, const char *name, const char *value)
{
	if (!strcasecmp(name, "limit")) {
		const char *window = strstr(value, ";w=");
		r->limit = leading_number(value);
		if (window)
			r->limit_window_s = leading_number(window + 3);
	} else if (!strcasecmp(name, "remaining")) {
		r->limit_left = leading_number(value);
	} else if (!strcasecmp(name, "reset")) {
		r->limit_reset_s = parse_retry_after(value);
	}
}

static void read_header(struct http_reply *r, const char *name, const char *value)
{
	uint64_t n;
	if (!strcasecmp(name, "content-type")) {
		replace(&r->content_type, xstrndup(value, strcspn(value, "; \t")));
		str_lower(r->content_type);
	} else if (!strcasecmp(name, "content-length")) {
		r->length = parse_u64(value, &n) && n <= INT64_MAX ? (int64_t)n : -1;
	} else if (!strcasecmp(name, "content-range") && str_starts(value, "bytes ")) {
		auto_free char *start = xstrndup(value + 6, strcspn(value + 6, "-"));
		r->range_start = parse_u64(start, &n) && n <= INT64_MAX ? (int64_t)n : -1;
	} else if (!strcasecmp(name, "range")) {
		r->upload_end = http_parse_upload_range(value);
	} else if (!strcasecmp(name, "docker-content-digest")) {
		replace(&r->digest, xstrdup(value));
	} else if (!strcasecmp(name, "location")) {
		replace(&r->location, xstrdup(value));
	} else if (!strcasecmp(name, "link")) {
		replace(&r->link, xstrdup(value));
	} else if (!strcasecmp(name, "retry-after") || !strcasecmp(name, "x-retry-after")) {
		r->retry_after_s = parse_retry_after(value);
	} else if (!strcasecmp(name, "www-authenticate")) {
		challenge_read(&r->challenge, value);
	} else if (!strncasecmp(name, "ratelimit-", 10)) {
		read_limit(r, name + 10, value);
	} else if (!strncasecmp(name, "x-ratelimit-", 12)) {
		read_limit(r, name + 12, value);
	}
}

void http_reply_line(struct http_reply *r, const char *line)
{
	const char *colon = strchr(line, ':');
	if (!colon)
		return;
	auto_free char *name = xstrndup(line, (size_t)(colon - line));
	const char *start = colon + 1 + strspn(colon + 1, " \t");
	size_t n = strlen(start);
	while (n && strchr(" \t\r\n", start[n - 1]))
		n--;
	auto_free char *value = xstrndup(start, n);
	read_header(r, name, value);
}

/* Has this link, from behind its ">" to the next one, the relation "next"? */
static bool is_next(const char *parameters, size_t n)
{
	auto_free char *text = xstrndup(parameters, n);
	for (const char *at = text; (at = strchr(at, ';'));) {
		at += 1 + strspn(at + 1, " \t");
		const char *value = strncasecmp(at, "rel=", 4) ? NULL : at + 4;
		if (value &&
			(!strncasecmp(value, "\"next\"", 6) || !strcasecmp(value, "next") ||
				!strncasecmp(value, "next;", 5) || !strncasecmp(value, "next,", 5)))
			return true;
	}
	return false;
}

char *http_next_page(const char *url, const char *link)
{
	for (const char *at = link; at && (at = strchr(at, '<')); at++) {
		size_t n = strcspn(at + 1, ">");
		if (!at[1 + n])
			return NULL;
		const char *parameters = at + 1 + n + 1;
		if (!is_next(parameters, strcspn(parameters, "<")))
			continue;
		auto_free char *address = xstrndup(at + 1, n);
		auto_free char *next = http_resolve(url, address);
		return next && http_same_origin(url, next) ? take_ptr(next) : NULL;
	}
	return NULL;
}
