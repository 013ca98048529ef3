/* migrate: what is listed in a store of containers/storage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "engine/transfer/migrate_internal.h"

#define ID(c) c c c c c c c c c c c c c c c c
#define A ID("aaaa")
#define B ID("bbbb")
#define C ID("cccc")

static void drop(struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		strv_free(&l->v[i].names);
	}
	free(l->v);
	*l = (struct found_list){0};
}

static int list(const char *images, const char *layers, struct found_list *l)
{
	struct err e = {0};
	auto_json i = json_parse(images, strlen(images), "images", &e);
	auto_json y = json_parse(layers, strlen(layers), "layers", &e);
	assert_non_null(i);
	assert_non_null(y);
	*l = (struct found_list){0};
	return migrate_storage_read(i, y, l, &e);
}

static void test_names_and_parents(void **state)
{
	struct found_list l;
	(void)state;
	/* A has no name and B's layer stands on its: a step of a build. C has no name either. */
	assert_int_equal(list("[{\"id\":\"" A "\",\"layer\":\"one\"},"
			      "{\"id\":\"" B "\",\"layer\":\"two\",\"names\":[\"localhost/b:1\","
			      "\"--help\",7,\"localhost/b@sha256:" A "\"]},"
			      "{\"id\":\"" C "\",\"layer\":\"three\"}]",
				 "[{\"id\":\"one\"},{\"id\":\"two\",\"parent\":\"one\"}]", &l),
		0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].id, "sha256:" B);
	assert_int_equal(l.v[0].names.n, 1);
	assert_string_equal(l.v[0].names.v[0], "localhost/b:1");
	assert_string_equal(l.v[1].id, "sha256:" C);
	assert_int_equal(l.v[1].names.n, 0);
	drop(&l);
	/* With a name it is no mere step. */
	assert_int_equal(
		list("[{\"id\":\"" A "\",\"layer\":\"one\",\"names\":[\"localhost/a:1\"]}]",
			"[{\"id\":\"two\",\"parent\":\"one\"}]", &l),
		0);
	assert_int_equal(l.n, 1);
	drop(&l);
}

static void test_nonsense(void **state)
{
	struct found_list l;
	(void)state;
	assert_int_equal(list("{}", "[]", &l), -EBADMSG);
	drop(&l);
	assert_int_equal(list("[{\"id\":\"../x\"}]", "[]", &l), -EBADMSG);
	drop(&l);
	assert_int_equal(list("[7]", "{}", &l), -EBADMSG);
	drop(&l);
	assert_int_equal(list("[]", "{\"a\":1}", &l), 0);
	assert_int_equal(l.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_parents),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
