/* The health check's states, settings and texts. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create.h"
#include "engine/health.h"

#include <stdlib.h>
#include <string.h>

#define S NS_PER_S

static const struct health_config config = {.retries = 2,
	.start_period_ns = 10 * S,
	.max_log_count = HEALTH_LOG_MAX,
	.max_log_size = HEALTH_OUTPUT_MAX};

/* One result after another, at these seconds after the start; what the state is then. */
struct step {
	int at_s, code, streak;
	enum health_status status;
};

static int64_t streak_of(const char *text)
{
	struct err e;
	auto_json j = json_parse(text, strlen(text), "health", &e);
	return json_int_or(j, "FailingStreak", -1);
}

static void walk(const struct step *steps, size_t n)
{
	char *health = health_begin(NULL);
	assert_int_equal(health_status(health), HEALTH_STARTING);
	for (size_t i = 0; i < n; i++) {
		struct health_result r = {.start_ns = 1000 * S + steps[i].at_s * S,
			.end_ns = 1000 * S + steps[i].at_s * S + 1,
			.exit_code = steps[i].code,
			.output = "x"};
		char *next = health_judge(health, &config, &r, 1000 * S);
		free(health);
		health = next;
		assert_int_equal(health_status(health), steps[i].status);
		assert_int_equal(streak_of(health), steps[i].streak);
	}
	free(health);
}

static void states(void **state)
{
	static const struct step never[] = {{1, 1, 0, HEALTH_STARTING}, {9, 1, 0, HEALTH_STARTING},
		{10, 1, 1, HEALTH_STARTING}, {11, -1, 2, HEALTH_UNHEALTHY},
		{12, 7, 3, HEALTH_UNHEALTHY}};
	/* The first success ends the start period. */
	static const struct step early[] = {{1, 0, 0, HEALTH_HEALTHY}, {2, 1, 1, HEALTH_HEALTHY},
		{3, 1, 2, HEALTH_UNHEALTHY}, {4, 0, 0, HEALTH_HEALTHY}, {5, 1, 1, HEALTH_HEALTHY},
		{6, 0, 0, HEALTH_HEALTHY}};
	(void)state;
	walk(never, ARRAY_LEN(never));
	walk(early, ARRAY_LEN(early));
}

static void log_is_short(void **state)
{
	struct err e;
	char *health = health_begin("{\"Status\":\"unhealthy\",\"FailingStreak\":9,\"Log\":[1]}");
	(void)state;
	assert_int_equal(streak_of(health), 0);
	for (int i = 0; i < 9; i++) {
		struct health_result r = {.start_ns = S, .end_ns = S, .exit_code = i, .output = ""};
		char *next = health_judge(health, &config, &r, 0);
		free(health);
		health = next;
	}
	auto_json j = json_parse(health, strlen(health), "health", &e);
	const json_t *log = json_at(j, "Log");
	assert_int_equal(json_array_size(log), HEALTH_LOG_MAX);
	assert_int_equal(json_int_or(json_array_get(log, 4), "ExitCode", -1), 8);
	auto_free char *end = health_suspend(health);
	assert_int_equal(health_status(end), HEALTH_UNHEALTHY);
	auto_free char *again = health_begin(end);
	assert_int_equal(health_status(again), HEALTH_STARTING);
	auto_json kept = json_parse(again, strlen(again), "health", &e);
	assert_int_equal(json_array_size(json_at(kept, "Log")), HEALTH_LOG_MAX);
	free(health);
}

/* What is in a database may be anything. */
static void broken_texts(void **state)
{
	static const char *const texts[] = {NULL, "", "{", "[]", "1", "{\"Log\":7}",
		"{\"Status\":\"great\"}", "{\"Status\":\"healthy"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct health_result r = {.exit_code = 0, .output = ""};
		assert_int_equal(health_status(texts[i]), HEALTH_NONE);
		auto_free char *begun = health_begin(texts[i]);
		auto_free char *judged = health_judge(texts[i], &config, &r, 0);
		auto_free char *ended = health_suspend(texts[i]);
		assert_int_equal(health_status(begun), HEALTH_STARTING);
		assert_int_equal(health_status(judged), HEALTH_HEALTHY);
		assert_int_equal(health_status(ended), HEALTH_UNHEALTHY);
	}
}

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {{0, "0s"}, {1, "1ns"}, {1100, "1.1µs"}, {2200000, "2.2ms"}, {S, "1s"},
		{1500 * INT64_C(1000000), "1.5s"}, {90 * S, "1m30s"}, {3600 * S, "1h0m0s"},
		{3661 * S + 50000000, "1h1m1.05s"}, {999999999, "999.999999ms"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text = health_duration_text(cases[i].ns);
		assert_string_equal(text, cases[i].text);
	}
}

static void outputs(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		int64_t max;
		const char *out;
	} cases[] = {{"", 0, 5, ""}, {"hello", 5, 5, "hello"}, {"hello!", 6, 5, "hello..."},
		{"hello!", 6, 0, "hello!"},
		{"a\0b", 3, 5,
			"a\xef\xbf\xbd"
			"b"},
		{"\xc3\xa4", 2, 1, "\xef\xbf\xbd..."}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *text = health_output_text(cases[i].in, cases[i].n, cases[i].max);
		assert_string_equal(text, cases[i].out);
	}
}

static void one_config(const struct create_request *r, const char *image_text, const char *expected)
{
	struct err e = {0};
	json_t *made = NULL;
	auto_json image =
		image_text ? json_parse(image_text, strlen(image_text), "image", &e) : NULL;
	int rc = health_make_config(r, image, &made, &e);
	if (rc < 0) {
		assert_string_equal(e.msg, expected);
		return;
	}
	auto_free char *text = made ? json_text(made) : xstrdup("none");
	json_decref(made);
	assert_string_equal(text, expected);
}

#define IMAGE "{\"Test\":[\"CMD\",\"a\"],\"Interval\":5000000000,\"Retries\":9}"

static void configs(void **state)
{
	(void)state;
	one_config(&(struct create_request){0}, NULL, "none");
	one_config(&(struct create_request){0}, IMAGE, IMAGE);
	one_config(&(struct create_request){.health_cmd = (char *)"x y"}, NULL,
		"{\"Test\":[\"CMD-SHELL\",\"x y\"]}");
	one_config(&(struct create_request){.health_retries = 2, .health_timeout = S}, IMAGE,
		"{\"Test\":[\"CMD\",\"a\"],\"Interval\":5000000000,\"Timeout\":1000000000,"
		"\"Retries\":2}");
	one_config(&(struct create_request){.no_healthcheck = true}, IMAGE,
		"{\"Test\":[\"NONE\"],\"Interval\":5000000000,\"Retries\":9}");
	one_config(&(struct create_request){.no_healthcheck = true, .health_retries = 1}, IMAGE,
		"--no-healthcheck conflicts with --health-* options");
	one_config(&(struct create_request){.health_start_period = -1}, NULL,
		"--health-start-period cannot be negative");
	one_config(&(struct create_request){.health_start_interval = 1000}, NULL,
		"StartInterval in Healthcheck cannot be less than 1ms");
}

static void one_load(const char *text, const char *args)
{
	struct err e = {0};
	struct health_config c;
	auto_json row = json_parse(text, strlen(text), "config", &e);
	assert_non_null(row);
	assert_int_equal(health_load(row, &c), args != NULL);
	auto_free char *joined = strv_join(&c.args, "|");
	if (args)
		assert_string_equal(joined, args);
	health_config_deinit(&c);
}

static void loads(void **state)
{
	(void)state;
	one_load("{}", NULL);
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[]}}}", NULL);
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[\"NONE\"]}}}", NULL);
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\"]}}}", NULL);
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[\"WHAT\",\"a\"]}}}", NULL);
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"a\",\"b\"]}}}", "a|b");
	one_load("{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a b\"]}}}",
		"/bin/sh|-c|a b");
	one_load("{\"Config\":{\"Shell\":[\"bash\",\"-ec\"],\"Healthcheck\":{\"Test\":"
		 "[\"CMD-SHELL\",\"a b\"]}}}",
		"bash|-ec|a b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(log_is_short),
		cmocka_unit_test(broken_texts),
		cmocka_unit_test(durations),
		cmocka_unit_test(outputs),
		cmocka_unit_test(configs),
		cmocka_unit_test(loads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
