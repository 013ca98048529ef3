/* The json-file log: written byte for byte as Docker writes it, read back, cut, turned over. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/log_read.h"
#include "engine/log_record.h"
#include "engine/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define T0 INT64_C(1767366245123456789) /* 2026-01-02T15:04:05.123456789Z */

struct place {
	char path[64];
	int fd;
	enum log_driver driver;
	struct log_writer w;
};

static void place_reopen(
	struct place *p, enum log_driver driver, int64_t max_size, int64_t max_files)
{
	struct err e = {0};
	const struct log_config c = {
		.driver = driver, .max_size = max_size, .max_files = max_files};
	p->driver = driver;
	assert_int_equal(log_writer_open(&p->w, p->fd, "id", &c, &e), 0);
}

static void place_open_as(
	struct place *p, enum log_driver driver, int64_t max_size, int64_t max_files)
{
	strcpy(p->path, "/tmp/moss-unit-log.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place_reopen(p, driver, max_size, max_files);
}

static void place_open(struct place *p, int64_t max_size, int64_t max_files)
{
	place_open_as(p, LOG_JSON_FILE, max_size, max_files);
}

static void place_close(struct place *p)
{
	struct err e;
	log_writer_close(&p->w);
	assert_int_equal(path_remove_at(AT_FDCWD, p->path, &e), 0);
	close(p->fd);
}

static char *text_of(struct place *p, const char *name)
{
	struct buf b = BUF_INIT;
	struct err e = {0};
	assert_int_equal(read_file_at(p->fd, name, 1 << 26, &b, &e), 0);
	return buf_take(&b);
}

static void add(struct place *p, enum log_stream s, const char *text, int64_t at)
{
	log_writer_add(&p->w, s, text, strlen(text), at);
}

static void format(void **state)
{
	(void)state;
	struct place p;
	place_open(&p, LOG_JSON_MAX_SIZE, 2);
	add(&p, LOG_STDOUT, "a\tb<>&\"\\\x01\xff\xe2\x80\xa8\xc3\xa9\x1bx\r\n\n", T0);
	add(&p, LOG_STDERR, "half", T0 + 211);
	add(&p, LOG_STDOUT, "other\n", T0 - 123456789);
	add(&p, LOG_STDERR, " a line\nrest", T0 + 1000);
	log_writer_close(&p.w);
	auto_free char *text = text_of(&p, "id-json.log");
	assert_string_equal(text,
		"{\"log\":"
		"\"a\\u0009b\\u003c\\u003e\\u0026\\\"\\\\\\u0001\\ufffd\\u2028\xc3\xa9\\u001bx\\r\\"
		"n\","
		"\"stream\":\"stdout\",\"time\":\"2026-01-02T15:04:05.123456789Z\"}\n"
		"{\"log\":\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T15:04:05."
		"123456789Z\"}\n"
		"{\"log\":\"other\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T15:04:05Z\"}\n"
		"{\"log\":\"half a "
		"line\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-02T15:04:05.123457Z\"}\n"
		"{\"log\":\"rest\",\"stream\":\"stderr\",\"time\":\"2026-01-02T15:04:05."
		"123457789Z\"}\n");
	place_close(&p);
}

static int count_up(void *arg, const struct log_record *r, struct err *e)
{
	struct buf *b = arg;
	(void)e;
	buf_printf(b, "%zu%s%s ", r->len, r->text[r->len - 1] == '\n' ? "n" : "",
		r->stream == LOG_STDERR ? "e" : "");
	assert_int_equal(r->time_ns, T0);
	return 0;
}

static char *lengths(struct place *p, const struct log_query *q)
{
	struct buf out = BUF_INIT;
	struct err e = {0};
	struct log_reader *r = NULL;
	assert_int_equal(log_reader_open(&r, p->driver, p->path, "id", q, count_up, &out, &e), 0);
	assert_in_range(log_reader_pump(r, true, &e), 0, LOG_READ_OVER);
	log_reader_free(r);
	return buf_take(&out);
}

/* Pieces of 16 KiB, however the bytes arrive; a line of exactly that has its newline apart. */
static void pieces(void **state)
{
	(void)state;
	static const size_t steps[] = {1000, 16384, 40000, 65536, 7};
	auto_free char *line = malloc(60000);
	memset(line, 'x', 40000);
	line[40000] = '\n';
	memset(line + 40001, 'y', 16384);
	memcpy(line + 56385, "\nz\n", 3);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct place p;
		place_open(&p, LOG_JSON_MAX_SIZE, 2);
		for (size_t at = 0; at < 56388; at += steps[i]) {
			size_t n = 56388 - at < steps[i] ? 56388 - at : steps[i];
			log_writer_add(&p.w, LOG_STDOUT, line + at, n, T0);
		}
		auto_free char *got = lengths(&p, &(struct log_query){.tail = -1});
		assert_string_equal(got, "16384 16384 7233n 16384 1n 2n ");
		place_close(&p);
	}
}

static void tail(void **state)
{
	(void)state;
	struct place p;
	place_open(&p, 200, 3); /* three records a file */
	for (int i = 1; i <= 9; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%.*s\n", i, "123456789");
		add(&p, i == 9 ? LOG_STDERR : LOG_STDOUT, text, T0);
	}
	auto_free char *all = lengths(&p, &(struct log_query){.tail = -1});
	assert_string_equal(all, "2n 3n 4n 5n 6n 7n 8n 9n 10ne ");
	auto_free char *two = lengths(&p, &(struct log_query){.tail = 2});
	assert_string_equal(two, "9n 10ne ");
	auto_free char *five = lengths(&p, &(struct log_query){.tail = 5});
	assert_string_equal(five, "6n 7n 8n 9n 10ne ");
	auto_free char *none = lengths(&p, &(struct log_query){.tail = 0});
	assert_string_equal(none, "");
	auto_free char *many = lengths(&p, &(struct log_query){.tail = 100});
	assert_string_equal(many, all);
	auto_free char *later = lengths(&p, &(struct log_query){.tail = -1, .since_ns = T0 + 1});
	assert_string_equal(later, "");
	auto_free char *until = lengths(&p, &(struct log_query){.tail = -1, .until_ns = T0 - 1});
	assert_string_equal(until, "");
	add(&p, LOG_STDOUT, "0123456789ab\n", T0);
	auto_free char *turned = lengths(&p, &(struct log_query){.tail = -1});
	assert_string_equal(turned, "5n 6n 7n 8n 9n 10ne 13n "); /* the oldest file went */
	place_close(&p);
}

static void one_file(void **state)
{
	(void)state;
	struct place p;
	place_open(&p, 70, 1);
	add(&p, LOG_STDOUT, "one\n", T0);
	add(&p, LOG_STDOUT, "three\n", T0);
	auto_free char *got = lengths(&p, &(struct log_query){.tail = -1});
	assert_string_equal(got, "6n ");
	assert_int_equal(faccessat(p.fd, "id-json.log.1", F_OK, 0), -1);
	place_close(&p);
}

/* What a crash cut is passed over. */
static void cut(void **state)
{
	(void)state;
	struct place p;
	place_open(&p, 1 << 20, 1);
	add(&p, LOG_STDOUT, "one\n", T0);
	auto_free char *text = text_of(&p, "id-json.log");
	auto_fd fd = openat(p.fd, "id-json.log", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, text, 20), 20);
	assert_int_equal(write(fd, "\n{\"log\"}\n\n", 10), 10);
	add(&p, LOG_STDOUT, "three\n", T0);
	auto_free char *got = lengths(&p, &(struct log_query){.tail = -1});
	assert_string_equal(got, "4n 6n ");
	place_close(&p);
}

static void parse(void **state)
{
	(void)state;
	auto_buf scratch = BUF_INIT;
	struct log_record r;
	static const char line[] =
		" { \"time\" : \"2026-01-02T15:04:05.1+01:00\", "
		"\"attrs\":{\"a\":\"1\",\"b\":\"x\"},"
		"\"log\":\"\\ud83d\\ude00\\/\\b\\u0000.\", \"other\":\"\", \"stream\":\"stderr\"}";
	assert_true(log_format_json.parse(line, strlen(line), &scratch, &r));
	assert_int_equal(r.len, 8);
	assert_memory_equal(r.text, "\xf0\x9f\x98\x80/\b\0.", 8);
	assert_string_equal(r.attrs, "a=1,b=x");
	assert_int_equal(r.stream, LOG_STDERR);
	for (size_t i = 0; i < strlen(line); i++) /* every cut is refused, none is a crash */
		assert_false(log_format_json.parse(line, i, &scratch, &r));
}

static void times(void **state)
{
	(void)state;
	struct err e = {0};
	int64_t t;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(log_parse_time("since", "2026-01-02T15:04:05.5Z", 0, &t, &e), 0);
	assert_int_equal(t, T0 - 123456789 + 500000000);
	assert_int_equal(log_parse_time("since", "2026-01-02T16:04:05+01:00", 0, &t, &e), 0);
	assert_int_equal(t, T0 - 123456789);
	assert_int_equal(log_parse_time("since", "2026-01-02T15:04:05", 0, &t, &e), 0);
	assert_int_equal(t, T0 - 123456789);
	assert_int_equal(log_parse_time("since", "2026-01-02", 0, &t, &e), 0);
	assert_int_equal(t, INT64_C(1767312000) * 1000000000);
	assert_int_equal(log_parse_time("since", "1767366245.123456789", 0, &t, &e), 0);
	assert_int_equal(t, T0);
	assert_int_equal(log_parse_time("since", "1767366245", 0, &t, &e), 0);
	assert_int_equal(t, T0 - 123456789);
	assert_int_equal(log_parse_time("since", "1m30s", T0, &t, &e), 0);
	assert_int_equal(t, T0 - INT64_C(90000000000));
	assert_int_equal(log_parse_time("since", "2026-01-02T16:04+01:00", 0, &t, &e), 0);
	assert_int_equal(t, T0 - INT64_C(5123456789));
	assert_int_equal(log_parse_time("since", "2026-01-02Z", 0, &t, &e), 0);
	assert_int_equal(t, INT64_C(1767312000) * 1000000000);
	assert_int_equal(log_parse_time("since", "+5", 0, &t, &e), 0);
	assert_int_equal(t, INT64_C(5000000000));
	assert_int_equal(log_parse_time("since", "10.1234567890", 0, &t, &e), 0);
	assert_int_equal(t, INT64_C(10123456789));
	static const char *const bad[][2] = {
		{"-5", "parsing time \"-5\" as \"2006-01-02\": cannot parse \"-5\" as \"2006\""},
		{"2013-13-02", "parsing time \"2013-13-02\": month out of range"},
		{"2013-1-2", "parsing time \"2013-1-2\" as \"2006-01-02\": cannot parse \"1-2\" as "
			     "\"01\""},
		{"2013-01-02T25", "parsing time \"2013-01-02T25\": hour out of range"},
		{"2013-02-30", "parsing time \"2013-02-30\": day out of range"},
		{"2013-01-02x", "parsing time \"2013-01-02x\": extra text: \"x\""},
		{"10.", "failed to parse value as time or duration: \"10.\""},
		{".5", "failed to parse value as time or duration: \".5\""},
		{"1e3", "failed to parse value as time or duration: \"1e3\""},
		{" ", "failed to parse value as time or duration: \" \""},
		{"1d", "failed to parse value as time or duration: \"1d\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(log_parse_time(NULL, bad[i][0], 0, &t, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i][1]);
	}
	assert_int_equal(log_parse_time("since", "xyz", 0, &t, &e), -EINVAL);
	assert_string_equal(e.msg, "invalid value for \"since\": failed to parse value as time or "
				   "duration: \"xyz\"");
}

static int config(const char *text, struct log_config *c, struct err *e)
{
	auto_json j = json_parse(text, strlen(text), "test", e);
	assert_non_null(j);
	return log_config_parse(j, c, e);
}

static void configs(void **state)
{
	(void)state;
	struct log_config c;
	struct err e = {0};
	assert_int_equal(config("{}", &c, &e), 0);
	assert_int_equal(c.driver, LOG_JSON_FILE);
	assert_int_equal(c.max_size, LOG_JSON_MAX_SIZE);
	assert_int_equal(c.max_files, LOG_JSON_MAX_FILES);
	assert_int_equal(
		config("{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1.5k\","
		       "\"max-file\":\"3\"}}}",
			&c, &e),
		0);
	assert_int_equal(c.max_size, 1500); /* thousands, as Docker */
	assert_int_equal(c.max_files, 3);
	assert_int_equal(
		config("{\"LogConfig\":{\"Config\":{\"max-size\":\"1 MiB\"}}}", &c, &e), 0);
	assert_int_equal(c.max_size, 1000000);
	assert_int_equal(c.max_files, 1);
	assert_int_equal(config("{\"LogConfig\":{\"Type\":\"none\",\"Config\":{}}}", &c, &e), 0);
	assert_int_equal(c.driver, LOG_NONE);
	assert_int_equal(config("{\"LogConfig\":{\"Type\":\"local\"}}", &c, &e), 0);
	assert_int_equal(c.max_size, LOG_LOCAL_MAX_SIZE);
	assert_int_equal(c.max_files, LOG_LOCAL_MAX_FILES);
	assert_true(c.compress);
	assert_int_equal(config("{\"LogConfig\":{\"Type\":\"syslog\"}}", &c, &e), -ENOTSUP);
	static const struct {
		const char *options, *words;
	} bad[] = {
		{"\"max-size\":\"1q\"", "invalid size: '1q'"},
		{"\"max-size\":\"-1\"", "invalid size: '-1'"},
		{"\"max-size\":\".5k\"", "invalid size: '.5k'"},
		{"\"max-size\":\"1bb\"", "invalid size: '1bb'"},
		{"\"max-size\":\"0\"", "max-size must be a positive number"},
		{"\"max-size\":\"9999999999g\"", "max-size must be a positive number"},
		{"\"max-file\":\"0\"", "max-file cannot be less than 1"},
		{"\"max-file\":\"x\"", "strconv.Atoi: parsing \"x\": invalid syntax"},
		{"\"max-file\":\"99999999999999999999\"",
			"strconv.Atoi: parsing \"99999999999999999999\": value out of range"},
		{"\"compress\":\"x\"", "strconv.ParseBool: parsing \"x\": invalid syntax"},
		{"\"compress\":\"true\"", "compress cannot be true when max-file is less than 2 or "
					  "max-size is not set"},
		{"\"labels-regex\":\"(\"", "error parsing regexp: missing closing ): `(`"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *text =
			xasprintf("{\"LogConfig\":{\"Config\":{%s}}}", bad[i].options);
		assert_true(config(text, &c, &e) < 0);
		assert_string_equal(e.msg, bad[i].words);
	}
}

/* What `create` refuses. */
static void checks(void **state)
{
	(void)state;
	static const struct {
		const char *type, *options, *words; /* NULL: fine */
	} cases[] = {
		{"json-file", "\"max-size\":\"1q\"", NULL},
		{"json-file", "\"foo\":\"0\"", "unknown log opt 'foo' for json-file log driver"},
		{"local", "\"tag\":\"x\"", "unknown log opt 'tag' for log driver local"},
		{"journald", "\"max-size\":\"1k\"",
			"unknown log opt 'max-size' for journald log driver"},
		{"journald", "\"tag\":\"x\",\"mode\":\"blocking\"", NULL},
		{"none", "", NULL},
		{"none", "\"foo\":\"0\"", "invalid logging opts for driver none"},
		{"json-file", "\"mode\":\"x\"", "logger: logging mode not supported: x"},
		{"json-file", "\"max-buffer-size\":\"1m\"",
			"logger: max-buffer-size option is only supported with "
			"'mode=non-blocking'"},
		{"local", "\"mode\":\"non-blocking\",\"max-buffer-size\":\"x\"",
			"error parsing option max-buffer-size: invalid size: 'x'"},
		{"splunk", "", "the logging driver splunk is not supported"},
		{"nope", "", "error looking up logging plugin nope: plugin \"nope\" not found"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_free char *text = xasprintf(
			"{\"Type\":\"%s\",\"Config\":{%s}}", cases[i].type, cases[i].options);
		auto_json j = json_parse(text, strlen(text), "test", &e);
		assert_non_null(j);
		int r = log_config_check(j, &e);
		if (cases[i].words) {
			assert_true(r < 0);
			assert_string_equal(e.msg, cases[i].words);
		} else {
			assert_int_equal(r, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format),
		cmocka_unit_test(pieces),
		cmocka_unit_test(tail),
		cmocka_unit_test(one_file),
		cmocka_unit_test(cut),
		cmocka_unit_test(parse),
		cmocka_unit_test(times),
		cmocka_unit_test(configs),
		cmocka_unit_test(checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
