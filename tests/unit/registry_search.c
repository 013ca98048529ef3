/* What of a search's answer is taken, and what it becomes. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "registry/search.h"

static json_t *index_of(const char *text, size_t limit)
{
	struct err e = {0};
	json_t *results = json_array();
	if (search_read_index(text, strlen(text), limit, results, &e) < 0)
		fail_msg("%s", e.msg);
	return results;
}

static void of_an_index(void **state)
{
	(void)state;
	auto_json r = index_of(
		"{\"results\": [{\"name\": \"debian\", \"description\": \"a\\nb\\tc\\u001b[2Jd\","
		" \"star_count\": 7, \"is_official\": true}, {\"name\": \"x/y\","
		" \"is_automated\": true}, {\"name\": \"third\"}]}",
		2);
	assert_int_equal(json_array_size(r), 2);
	const json_t *first = json_array_get(r, 0), *second = json_array_get(r, 1);
	assert_string_equal(json_str(first, "description"), "a b c?[2Jd");
	assert_int_equal(json_int_or(first, "stars", 0), 7);
	assert_true(json_bool_or(first, "official", false));
	assert_false(json_bool_or(first, "automated", true));
	assert_string_equal(json_str(second, "description"), "");
	assert_true(json_bool_or(second, "automated", false));
}

static void names(void **state)
{
	(void)state;
	auto_json r = index_of(
		"{\"results\": [{\"name\": \"Upper\"}, {\"name\": \"a:tag\"}, {\"name\": 7},"
		" {}, 3, {\"name\": \"\\u001b[0m\"}, {\"name\": \"good\"}]}",
		25);
	assert_int_equal(json_array_size(r), 1);
	assert_string_equal(json_str(json_array_get(r, 0), "name"), "good");
}

static void long_description(void **state)
{
	(void)state;
	static char text[3 * SEARCH_DESCRIPTION_MAX];
	strcpy(text, "{\"results\": [{\"name\": \"a\", \"description\": \"x");
	while (strlen(text) < 2 * SEARCH_DESCRIPTION_MAX)
		strcat(text, "é");
	strcat(text, "\"}]}");
	auto_json r = index_of(text, 25);
	const char *description = json_str(json_array_get(r, 0), "description");
	/* Cut between characters: "x" and whole pairs of bytes. */
	assert_int_equal(strlen(description), SEARCH_DESCRIPTION_MAX - 1);
}

static void of_a_catalog(void **state)
{
	(void)state;
	static const char text[] =
		"{\"repositories\": [\"debian\", \"x/mydebian\", \"nginx\", 5, \"DEB\"]}";
	struct err e = {0};
	auto_json r = json_array();
	assert_int_equal(search_read_catalog(text, strlen(text), "deb", 25, r, &e), 0);
	assert_int_equal(json_array_size(r), 2);
	assert_string_equal(json_str(json_array_get(r, 1), "name"), "x/mydebian");
	assert_int_equal(search_read_catalog(text, strlen(text), "", 4, r, &e), 0);
	assert_int_equal(json_array_size(r), 4);
	assert_int_equal(search_read_catalog("{}", 2, "", 4, r, &e), -EBADMSG);
	assert_int_equal(search_read_index("[]", 2, 4, r, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(of_an_index), cmocka_unit_test(names),
		cmocka_unit_test(long_description), cmocka_unit_test(of_a_catalog)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
