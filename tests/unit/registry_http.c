/* Whom a credential may be shown to hangs on these three. */
#include "registry/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/scope.h"
#include "registry/no_proxy.h"

static void test_same_origin(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"https://r.io/v2/x", "https://r.io/other", true},
		{"https://r.io/", "https://r.io:443/", true},
		{"https://r.io/", "https://R.IO/", true},
		{"http://r.io/", "http://r.io:80/", true},
		{"https://r.io/", "http://r.io/", false},
		{"https://r.io/", "https://r.io:444/", false},
		{"https://r.io/", "https://sub.r.io/", false},
		{"https://r.io/", "https://r.io.evil.io/", false},
		{"https://r.io/", "https://r.io@evil.io/", false},
		{"https://r.io/", "https://evil.io/r.io", false},
		{"https://r.io/", "https://evil.io?@r.io/", false},
		{"https://r.io/", "https://evil.io#@r.io/", false},
		{"http://127.0.0.1:5000/", "http://localhost:5000/", false},
		{"https://r.io/", "", false},
		{"", "", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (http_same_origin(cases[i].a, cases[i].b) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
}

static void test_resolve(void **state)
{
	(void)state;
	static const struct {
		const char *location, *url;
	} cases[] = {
		{"/y", "https://r.io:444/y"},
		{"y?q=1", "https://r.io:444/v2/y?q=1"},
		{"//cdn.io/z", "https://cdn.io/z"},
		{"http://cdn.io/z", "http://cdn.io/z"},
		{"HTTPS://cdn.io/z", "https://cdn.io/z"},
		{"file:///etc/passwd", NULL},
		{"ftp://cdn.io/z", NULL},
		{"gopher://127.0.0.1:25/x", NULL},
		{"https://user:pw@cdn.io/z", NULL},
		{"https://", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *url = http_resolve("https://r.io:444/v2/x", cases[i].location);
		if (!cases[i].url && url)
			fail_msg("%s gave %s", cases[i].location, url);
		if (cases[i].url)
			assert_string_equal(url, cases[i].url);
	}
}

static void test_loopback(void **state)
{
	(void)state;
	static const char *const yes[] = {"localhost", "localhost:5000", "127.0.0.1",
		"127.0.0.1:5000", "127.255.1.2", "[::1]", "[::1]:5000", "::1"};
	static const char *const no[] = {"", "localhost.evil.io", "127.0.0.1.evil.io",
		"127.0.0.1.evil.io:5000", "127.0.0.256", "127.0.0", "128.0.0.1", "10.0.0.1",
		"1127.0.0.1", "[::1].evil.io", "evil.io", "0.0.0.0"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (!http_is_loopback(yes[i]))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (http_is_loopback(no[i]))
			fail_msg("%s", no[i]);
}

static void test_next_page(void **state)
{
	(void)state;
	static const char base[] = "https://r.io/v2/x/tags/list?n=2";
	static const struct {
		const char *link, *url;
	} cases[] = {
		{"</v2/x/tags/list?last=b&n=2>; rel=\"next\"",
			"https://r.io/v2/x/tags/list?last=b&n=2"},
		{"<https://r.io/p2>;rel=next", "https://r.io/p2"},
		{"</p1>; rel=\"prev\", </p2>; title=\"a\"; REL=\"next\"", "https://r.io/p2"},
		{"</p1>; rel=\"prev\"", NULL},
		{"</next>; rel=\"prev\"", NULL},
		{"<https://evil.io/p2>; rel=\"next\"", NULL},
		{"<http://r.io/p2>; rel=\"next\"", NULL},
		{"<file:///etc/passwd>; rel=\"next\"", NULL},
		{"</p2; rel=\"next\"", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *url = http_next_page(base, cases[i].link);
		if (!cases[i].url && url)
			fail_msg("%s gave %s", cases[i].link, url);
		if (cases[i].url && (!url || strcmp(url, cases[i].url) != 0))
			fail_msg("%s gave %s", cases[i].link, url ? url : "nothing");
	}
	assert_null(http_next_page(base, NULL));
}

static void test_reply_lines(void **state)
{
	(void)state;
	struct http_reply r = {0};
	http_reply_reset(&r);
	http_reply_line(&r, "RateLimit-Limit: 100;w=21600\r\n");
	http_reply_line(&r, "ratelimit-remaining:7;w=21600");
	http_reply_line(&r, "Retry-After: 120 \r\n");
	http_reply_line(&r, "Content-Range: bytes 5-9/10");
	http_reply_line(&r, "no header");
	assert_int_equal(r.limit, 100);
	assert_int_equal(r.limit_window_s, 21600);
	assert_int_equal(r.limit_left, 7);
	assert_int_equal(r.retry_after_s, 120);
	assert_int_equal(r.range_start, 5);
	http_reply_line(&r, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT");
	assert_int_equal(r.retry_after_s, 0);
	http_reply_line(&r, "Retry-After: soon");
	assert_int_equal(r.retry_after_s, -1);
	http_reply_line(&r, "X-RateLimit-Limit: many");
	assert_int_equal(r.limit, -1);
	/* A moment, as some registries say it. */
	auto_free char *reset = xasprintf("X-RateLimit-Reset: %lld", (long long)time(NULL) + 100);
	http_reply_line(&r, reset);
	assert_in_range(r.limit_reset_s, 98, 100);
	http_reply_reset(&r);
	assert_int_equal(r.limit, -1);
}

static void test_upload_range(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		int64_t end;
	} cases[] = {
		{"0-41", 42},
		{"bytes=0-41", 42},
		{"0-0", 0},
		{"0-9223372036854775806", INT64_MAX},
		{"0-9223372036854775807", -1},
		{"1-41", -1},
		{"0-", -1},
		{"-41", -1},
		{"41", -1},
		{"", -1},
		{"0-4x", -1},
		{"0--4", -1},
		{"bytes 0-41", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (http_parse_upload_range(cases[i].value) != cases[i].end)
			fail_msg("%s", cases[i].value);
}

static void test_no_proxy(void **state)
{
	/* As golang.org/x/net/http/httpproxy reads them. */
	static const struct {
		const char *list, *host, *port;
		bool has;
	} cases[] = {
		{NULL, "a.example", "443", false},
		{"", "a.example", "443", false},
		{"*", "a.example", "443", true},
		{"x, *", "10.1.2.3", "443", true},
		{"a.example", "a.example", "443", true},
		{"A.Example", "a.eXample", "443", true},
		{"example", "a.example", "443", true},
		{"ample", "a.example", "443", false},
		{".example", "a.example", "443", true},
		{".a.example", "a.example", "443", false},
		{"*.example", "a.example", "443", true},
		{"*.a.example", "a.example", "443", false},
		{"a.example:443", "a.example", "443", true},
		{"a.example:80", "a.example", "443", false},
		{":443", "a.example", "443", false},
		{".", "a.example", "443", false},
		{"*.", "a.example", "443", false},
		{",,", "a.example", "443", false},
		{"10.1.2.3", "10.1.2.3", "443", true},
		{"10.1.2.3:80", "10.1.2.3", "443", false},
		{"10.0.0.0/8", "10.1.2.3", "443", true},
		{"10.0.0.0/8", "11.1.2.3", "443", false},
		{"10.1.2.2/31", "10.1.2.3", "443", true},
		{"10.1.2.2/31", "10.1.2.4", "443", false},
		{"0.0.0.0/0", "10.1.2.3", "443", true},
		{"10.0.0.0/33", "10.1.2.3", "443", false},
		{"10.0.0.0/8", "a.example", "443", false},
		{"fd00::/8", "fd12::1", "443", true},
		{"fd00::/8", "fe80::1", "443", false},
		{"fd12::1", "fd12:0::1", "443", true},
		{"[fd12::1]:443", "fd12::1", "443", true},
		{"[fd12::1]:80", "fd12::1", "443", false},
		{"[fd12::1]", "fd12::1", "443", true},
		{"[fd12::1]x", "fd12::1", "443", false},
		{"[", "fd12::1", "443", false},
		{"::/0", "10.1.2.3", "443", false},
		{"::/0", "fd12::1", "443", true},
		{"0.0.0.0/0", "fd12::1", "443", false},
		{"::ffff:10.0.0.0/104", "10.1.2.3", "443", true},
		{"x,\ta.example\r\n", "a.example", "443", true},
		{"a.example b.example", "a.example", "443", false},
		{"a.example b.example", "b.example", "443", false},
		{"* a.example", "b.example", "443", false},
		{"[fd12::1] x", "fd12::1", "443", false},
		{"10.0.0.0/8 x", "10.1.2.3", "443", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (no_proxy_has(cases[i].list, cases[i].host, cases[i].port) != cases[i].has)
			fail_msg("%s: %s:%s", cases[i].list, cases[i].host, cases[i].port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_origin),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_next_page),
		cmocka_unit_test(test_reply_lines),
		cmocka_unit_test(test_upload_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
