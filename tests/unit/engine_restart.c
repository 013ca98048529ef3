/* Restart policies: the pauses, and what starts again at an end and after a boot. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "engine/restart.h"
#include "storage/db/container_row.h"

#include <string.h>

static void pauses(void **state)
{
	static const int expected[] = {
		100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000};
	int ms = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		ms = restart_delay_ms(ms, NS_PER_S);
		assert_int_equal(ms, expected[i]);
	}
	assert_int_equal(restart_delay_ms(ms, 10 * NS_PER_S), 60000);
	assert_int_equal(restart_delay_ms(ms, 10 * NS_PER_S + 1), 100);
	assert_int_equal(restart_delay_ms(1600, -5), 3200); /* the clock was set back */
}

static struct container_row row_of(const char *policy, const char *row_state, int code, int count)
{
	return (struct container_row){.restart_policy = (char *)policy,
		.state = (char *)row_state,
		.exit_code = code,
		.restart_count = count};
}

static void at_end(void **state)
{
	static const struct {
		const char *policy;
		int code, count;
		bool is_wanted;
	} cases[] = {
		{NULL, 1, 0, false},
		{"nonsense", 1, 0, false},
		{"always", 0, 99, true},
		{"unless-stopped", 0, 99, true},
		{"on-failure", 0, 0, false},
		{"on-failure", 1, 1000, true},
		{"on-failure:2", 1, 1, true},
		{"on-failure:2", 1, 2, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct container_row row = row_of(cases[i].policy, "running", 0, cases[i].count);
		assert_int_equal(restart_wanted_at_end(&row, cases[i].code), cases[i].is_wanted);
		row.is_stopped = true;
		assert_false(restart_wanted_at_end(&row, cases[i].code));
		row.is_stopped = false;
		row.auto_remove = true;
		assert_false(restart_wanted_at_end(&row, cases[i].code));
	}
}

/* As Docker's daemon does when it starts. */
static void at_boot(void **state)
{
	static const struct {
		const char *policy, *state;
		int code, count;
		bool is_wanted, is_wanted_stopped;
	} cases[] = {
		{NULL, "exited", 255, 0, false, false},
		{"always", "exited", 0, 0, true, true},
		{"always", "created", 0, 0, false, false},
		{"always", "running", 0, 0, false, false},
		{"always", "restarting", 1, 0, false, false},
		{"unless-stopped", "exited", 255, 0, true, false},
		{"on-failure", "exited", 255, 0, true, true},
		{"on-failure", "exited", 0, 0, false, false},
		{"on-failure:2", "exited", 1, 2, false, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct container_row row =
			row_of(cases[i].policy, cases[i].state, cases[i].code, cases[i].count);
		assert_int_equal(restart_wanted_at_boot(&row), cases[i].is_wanted);
		row.is_stopped = true;
		assert_int_equal(restart_wanted_at_boot(&row), cases[i].is_wanted_stopped);
	}
}

static void texts(void **state)
{
	struct restart_policy p;
	struct err e = {0};
	static const char *const same[] = {
		"always", "unless-stopped", "on-failure", "on-failure:7"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		assert_int_equal(restart_parse(same[i], &p, &e), 0);
		auto_free char *text = restart_policy_text(&p);
		assert_string_equal(text, same[i]);
	}
	assert_int_equal(restart_parse("never", &p, &e), 0);
	assert_null(restart_policy_text(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses),
		cmocka_unit_test(at_end),
		cmocka_unit_test(at_boot),
		cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
