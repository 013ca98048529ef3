/* What the golden cases cannot say: limits, partial output, rows without columns. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/listing.h"
#include "cmd/format/template.h"

static int run(const char *text, const char *data, struct buf *out, struct err *e)
{
	struct template *t = NULL;
	int r = template_compile(text, &t, e);
	if (r < 0)
		return r;
	auto_json j = json_parse(data, strlen(data), "data", e);
	assert_non_null(j);
	r = template_execute(t, j, out, e);
	template_free(t);
	return r;
}

static void expect(const char *text, const char *data, const char *want)
{
	struct err e = {0};
	auto_buf out = BUF_INIT;
	int r = run(text, data, &out, &e);
	if (r < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(out.data ? out.data : "", want);
}

static void expect_error(const char *text, const char *data, int status, const char *part)
{
	struct err e = {0};
	auto_buf out = BUF_INIT;
	assert_true(run(text, data, &out, &e) < 0);
	assert_int_equal(e.status, status);
	if (!strstr(e.msg, part))
		fail_msg("%s: %s", text, e.msg);
}

static void test_plain_data(void **state)
{
	(void)state;
	static const char data[] =
		"{\"Client\":{\"Version\":\"1\"},\"NCPU\":8,\"F\":1.5,\"L\":[\"a\",\"b\"],"
		"\"M\":{\"b\":1,\"a\":2},\"N\":null}";
	expect("{{.Client.Version}} {{.NCPU}} {{.F}} {{.L}} {{.M}} {{.N}}", data,
		"1 8 1.5 [a b] map[a:2 b:1] <no value>");
	expect("{{if gt .NCPU 4}}many{{end}} {{len .L}}", data, "many 2");
	expect("{{json .}}", data,
		"{\"Client\":{\"Version\":\"1\"},\"F\":1.5,\"L\":[\"a\",\"b\"],\"M\":{\"a\":2,"
		"\"b\":1},\"N\":null,\"NCPU\":8}");
	expect_error("{{.Nope}}", data, 0, "can't evaluate field Nope");
	expect_error(
		"{{.Client", data, 64, "template parsing error: template: :1: unclosed action");
}

static void test_recursion_ends(void **state)
{
	(void)state;
	expect_error("{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", "{}", 0,
		"exceeded maximum template depth");
	expect_error("{{define \"x\"}}{{template \"x\" .}}{{template \"x\" .}}{{end}}"
		     "{{template \"x\" .}}",
		"{}", 0, "exceeded maximum template depth");
}

static void test_endless_work_ends(void **state)
{
	(void)state;
	expect_error("{{range 1000000000000}}{{end}}", "{}", 0, "does too much");
	expect_error("{{$s := \"xxxxxxxxxxxxxxxx\"}}{{range 60}}{{$s = print $s $s}}{{end}}", "{}",
		0, "does too much");
	expect_error("{{pad \"x\" 2000000000 1}}", "{}", 0, "blanks");
}

static char *nested(const char *open, const char *middle, const char *close, size_t n)
{
	auto_buf b = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, open);
	buf_puts(&b, middle);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, close);
	return buf_take(&b);
}

static void test_deep_nesting_is_refused(void **state)
{
	(void)state;
	auto_free char *parens = nested("(", "1", ")", 100000);
	auto_free char *action = xasprintf("{{%s}}", parens);
	auto_free char *ifs = nested("{{if true}}", "x", "{{end}}", 100000);
	auto_free char *elses = nested("{{if true}}{{else ", "if true}}", "", 50000);
	expect_error(action, "{}", 64, "max expression depth exceeded");
	expect_error(ifs, "{}", 64, "too deeply nested");
	expect_error(elses, "{}", 64, "template");
	auto_free char *some = nested("(", "1", ")", 100);
	auto_free char *fine = xasprintf("{{%s}}", some);
	expect(fine, "{}", "1");
}

static void test_many_variables_are_refused(void **state)
{
	(void)state;
	auto_buf b = BUF_INIT;
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "{{$v%d := 1}}", i);
	expect_error(b.data, "{}", 64, "too many variables");
}

static const struct listing_column columns[] = {
	{"Name", "NAME"}, {"Driver", "DRIVER"}, {"Label", NULL}, {NULL, NULL}};
static const struct listing list = {.fields = columns,
	.default_table = "table {{.Driver}}\\t{{.Name}}",
	.quiet_format = "{{.Name}}"};

static void expect_list(const char *format, bool quiet, const char *rows, const char *want)
{
	struct err e = {0};
	auto_buf out = BUF_INIT;
	auto_json j = json_parse(rows, strlen(rows), "rows", &e);
	assert_non_null(j);
	if (listing_text(&list, j, format, quiet, &out, &e) < 0)
		fail_msg("%s: %s", format, e.msg);
	assert_string_equal(out.data ? out.data : "", want);
}

static void test_listing(void **state)
{
	(void)state;
	static const char rows[] = "[{\"Name\":\"a\",\"Driver\":\"local\",\"Label\":{\"k\":\"v\"}},"
				   "{\"Name\":\"b<\",\"Driver\":\"local\"}]";
	expect_list(NULL, false, rows, "DRIVER    NAME\nlocal     a\nlocal     b<\n");
	expect_list("", false, "[]", "DRIVER    NAME\n");
	expect_list("table", true, rows, "a\nb<\n");
	expect_list("json", false, rows,
		"{\"Driver\":\"local\",\"Name\":\"a\"}\n{\"Driver\":\"local\",\"Name\":"
		"\"b\\u003c\"}\n");
	expect_list("{{.Name}}\\t{{.Label \"k\"}}", false, rows, "a\tv\nb<\t\n");
	expect_list("table {{.Label \"com.example.k-x\"}}", false, rows, "k x\n\n\n");
	expect_list("{{.Name}}", true, rows, "a\nb<\n");
	expect_list("raw", false, rows, "raw\nraw\n");
	expect_list("{{.Nope}}", false, "[]", "");
}

static void test_listing_uses(void **state)
{
	(void)state;
	assert_true(listing_uses(&list, "{{.Name}}", "Name"));
	assert_true(listing_uses(&list, "table {{if eq .Driver (lower .Name)}}x{{end}}", "Name"));
	assert_true(listing_uses(&list, "{{json .}}", "Name"));
	assert_true(listing_uses(
		&list, "{{define \"x\"}}{{.Name}}{{end}}{{template \"x\" .}}", "Name"));
	assert_false(listing_uses(&list, "{{.Driver}}", "Name"));
	assert_false(listing_uses(&list, "{{.Name", "Name"));
}

static void test_rows_fail_as_a_whole(void **state)
{
	(void)state;
	struct err e = {0};
	auto_buf out = BUF_INIT;
	static const char rows[] = "[{\"Name\":\"abc\"},{\"Name\":\"a\"}]";
	auto_json j = json_parse(rows, strlen(rows), "rows", &e);
	assert_true(listing_text(&list, j, "{{slice .Name 0 3}}", false, &out, &e) < 0);
	assert_int_equal(out.len, 0);
	assert_non_null(strstr(e.msg, "template parsing error: template: :1:2: executing \"\" at "
				      "<slice .Name 0 3>: error calling slice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_data),
		cmocka_unit_test(test_recursion_ends),
		cmocka_unit_test(test_endless_work_ends),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_many_variables_are_refused),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_listing_uses),
		cmocka_unit_test(test_rows_fail_as_a_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
