#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/toml.h"
#include "registry/reference.h"
#include "registry/registries.h"

static struct registries *empty(void)
{
	struct registries *r = xcalloc(1, sizeof(*r));
	r->aliases = json_object();
	return r;
}

static int add(struct registries *r, const char *text, const char *file, struct err *e)
{
	auto_json conf = toml_parse(text, strlen(text), file, e);
	return conf ? registries_add(r, conf, file, e) : -e->code;
}

static struct registries *from(const char *text)
{
	struct err e = {0};
	struct registries *r = empty();
	if (add(r, text, "f", &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	return r;
}

/* "place place!": "!" = insecure, "~" = a mirror. */
static char *places(const struct registries *r, const char *name, struct err *e)
{
	auto_reference ref = {0};
	auto_endpoints l = {0};
	auto_buf out = BUF_INIT;
	buf_puts(&out, "");
	assert_int_equal(reference_parse(name, true, &ref, e), 0);
	if (registries_endpoints(r, &ref, &l, e) < 0)
		return NULL;
	for (size_t i = 0; i < l.n; i++)
		buf_printf(&out, "%s%s%s%s", i ? " " : "", l.v[i].name, l.v[i].is_mirror ? "~" : "",
			l.v[i].is_insecure ? "!" : "");
	return buf_take(&out);
}

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_places(void **state)
{
	(void)state;
	static const char conf[] =
		"[[registry]]\nprefix = 'docker.io'\nlocation = 'hub.example/proxy/'\n"
		"[[registry.mirror]]\nlocation = 'm1:5000/hub'\ninsecure = true\n"
		"[[registry.mirror]]\nlocation = 'm2:5000'\npull-from-mirror = 'digest-only'\n"
		"[[registry.mirror]]\nlocation = 'm3:5000'\npull-from-mirror = 'tag-only'\n"
		"[[registry]]\nlocation = 'quay.io'\ninsecure = true\nmirror-by-digest-only = "
		"true\n"
		"[[registry.mirror]]\nlocation = 'm:1'\n"
		"[[registry]]\nprefix = 'quay.io/team'\nlocation = 'team.example'\n"
		"[[registry]]\nprefix = '*.example.com'\n[[registry.mirror]]\nlocation = 'w:1/x'\n"
		"[[registry]]\nprefix = '*.a.example.org'\nlocation = 'a.example'\n"
		"[[registry]]\nprefix = 'bad.example'\nblocked = true\n";
	static const struct {
		const char *name, *places;
	} cases[] = {
		{"debian", "m1:5000/hub/library/debian~! m3:5000/library/debian~ "
			   "hub.example/proxy/library/debian"},
		{"debian" DIGEST, "m1:5000/hub/library/debian~! m2:5000/library/debian~ "
				  "hub.example/proxy/library/debian"},
		{"quay.io/x/y", "quay.io/x/y!"},
		{"quay.io/x/y" DIGEST, "m:1/x/y~ quay.io/x/y!"},
		{"quay.io/team/y", "team.example/y"},
		{"quay.io/teams/y", "quay.io/teams/y!"},
		{"a.example.com/y", "w:1/x/y~ a.example.com/y"},
		{"b.a.example.com:80/y", "w:1/x/y~ b.a.example.com:80/y"},
		{"example.com/y", "example.com/y"},
		{"x.a.example.org/y", "a.example/y"},
		{"other.example/y", "other.example/y"},
		{"[::1]:5000/y", "[::1]:5000/y"},
	};
	auto_registries r = from(conf);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_free char *got = places(r, cases[i].name, &e);
		if (!got)
			fail_msg("%s: %s", cases[i].name, e.msg);
		assert_string_equal(got, cases[i].places);
	}
	struct err e = {0};
	assert_null(places(r, "bad.example/x", &e));
	assert_int_equal(e.code, EACCES);
	assert_string_equal(e.msg, "registry bad.example is blocked in f");
}

static void test_later_files(void **state)
{
	(void)state;
	struct err e = {0};
	auto_registries r = from("unqualified-search-registries = ['a.example']\n"
				 "[[registry]]\nlocation = 'x.example'\nblocked = true\n"
				 "[aliases]\n'one' = 'a.example/1'\n'two' = 'a.example/2'\n");
	assert_int_equal(add(r,
				 "[[registry]]\nlocation = 'x.example'\ninsecure = true\n"
				 "[aliases]\n'one' = ''\n'two' = 'b.example/2'\n",
				 "g", &e),
		0);
	auto_free char *got = places(r, "x.example/y", &e);
	assert_string_equal(got, "x.example/y!");
	auto_strv one = STRV_INIT, two = STRV_INIT;
	assert_int_equal(short_name_candidates(r, "one:3", &one, &e), 0);
	assert_int_equal(short_name_candidates(r, "two:3", &two, &e), 0);
	assert_string_equal(one.v[0], "a.example/one:3");
	assert_string_equal(two.v[0], "b.example/2:3");
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"[[registry]]\n", "f: [[registry]] number 1: both location and prefix are unset"},
		{"[registry]\n", "f: registries are [[registry]] tables"},
		{"registry = [1]\n", "f: [[registry]] number 1: no table"},
		{"[[registry]]\nlocation = 1\n", "f: [[registry]] number 1: location is no string"},
		{"[[registry]]\nlocation = 'https://x'\n",
			"f: [[registry]] number 1: invalid location 'https://x': URI schemes are "
			"not supported"},
		{"[[registry]]\nprefix = 'a.*.b'\n",
			"f: [[registry]] number 1: invalid prefix 'a.*.b': a wildcard stands only "
			"as \"*.\" at its start"},
		{"[[registry]]\nlocation = 'x'\nblocked = 'yes'\n",
			"f: [[registry]] number 1: blocked is neither true nor false"},
		{"[[registry]]\nlocation = 'x.y'\n[[registry]]\nlocation = 'x.y'\n",
			"f: registry 'x.y' is defined twice"},
		{"[[registry]]\nlocation = 'x'\n[[registry.mirror]]\ninsecure = true\n",
			"f: [[registry]] number 1: a mirror's location is unset"},
		{"[[registry]]\nlocation = 'x'\nmirror-by-digest-only = true\n"
		 "[[registry.mirror]]\nlocation = 'y'\npull-from-mirror = 'all'\n",
			"f: [[registry]] number 1: cannot set pull-from-mirror per mirror where "
			"mirror-by-digest-only is true"},
		{"short-name-mode = 'maybe'\n",
			"f: invalid short-name mode: \"maybe\": enforcing, permissive or disabled"},
		{"unqualified-search-registries = ['https://x']\n",
			"f: unqualified-search-registries: \"https://x\" is no registry"},
		{"unqualified-search-registries = 'x'\n",
			"f: unqualified-search-registries is no list"},
		{"[aliases]\na = 'b'\n", "f: alias a = \"b\": needs a registry and a repository, "
					 "no tag and no digest"},
		{"[aliases]\na = 'b.c/d:1'\n", "f: alias a = \"b.c/d:1\": needs a registry and a "
					       "repository, no tag and no digest"},
		{"[registries.search]\nregistries = ['x.y']\n[[registry]]\nlocation = 'x.y'\n",
			"f: mixing sysregistry v1/v2 is not supported"},
		{"[registries]\ninsecure = 1\n", "f: [registries.insecure] is no table"},
		{"registries = []\n", "f: [registries.search] is no table"},
		{"[registries.block]\nregistries = 'x'\n", "f: registries is no list"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_registries r = empty();
		if (add(r, cases[i].text, "f", &e) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.msg, cases[i].error);
	}
	struct err e = {0};
	auto_registries r = from("[[registry]]\nprefix = 'x.example'\nlocation = 'nohost'\n");
	assert_null(places(r, "x.example/y", &e));
	assert_string_equal(e.msg, "f: \"nohost/y\" is no name of a registry and a repository");
}

static void test_short_names(void **state)
{
	(void)state;
	struct err e = {0};
	auto_registries none = from("");
	auto_registries some = from("unqualified-search-registries = ['a.example', 'docker.io']\n");
	auto_registries nothing = from("unqualified-search-registries = []\n");
	auto_strv a = STRV_INIT, b = STRV_INIT, c = STRV_INIT;
	assert_int_equal(short_name_candidates(none, "x:1", &a, &e), 0);
	assert_string_equal(a.v[0], "x:1");
	assert_int_equal(short_name_candidates(some, "t/x:1", &b, &e), 0);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.v[0], "a.example/t/x:1");
	assert_string_equal(b.v[1], "docker.io/t/x:1");
	assert_int_equal(short_name_candidates(nothing, "x", &c, &e), -ENOENT);
	assert_int_equal(short_name_candidates(nothing, "localhost/x", &c, &e), 0);
	assert_string_equal(c.v[0], "localhost/x");
	assert_true(short_name_is("x") && short_name_is("x:80") && short_name_is("a/b"));
	assert_false(short_name_is("a:1/b") || short_name_is("localhost/b") ||
		     short_name_is("a.b/c") || short_name_is("A/b") || short_name_is("[::1]/x"));
}

static void test_version_1(void **state)
{
	(void)state;
	struct err e = {0};
	auto_registries r =
		from("[registries.search]\nregistries = ['a.example', 'b.example']\n"
		     "[registries.insecure]\nregistries = ['i.example', 'both.example']\n"
		     "[registries.block]\nregistries = ['x.example', 'both.example']\n");
	auto_strv names = STRV_INIT;
	assert_int_equal(short_name_candidates(r, "n", &names, &e), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[1], "b.example/n");
	auto_free char *insecure = places(r, "i.example/n", &e);
	assert_string_equal(insecure, "i.example/n!");
	assert_null(places(r, "x.example/n", &e));
	assert_string_equal(e.msg, "registry x.example is blocked in f");
	assert_null(places(r, "both.example/n", &e));
	assert_true(registries_rule(r, "both.example/n")->is_insecure);
}

static int add_docker(struct registries *r, const char *text, struct err *e)
{
	auto_json conf = json_parse(text, strlen(text), "d", e);
	return registries_add_docker(r, conf, "d", e);
}

static void test_docker(void **state)
{
	(void)state;
	struct err e = {0};
	auto_registries r = from("");
	assert_int_equal(
		add_docker(r,
			"{\"registry-mirrors\":[\"https://m.example/\",\"http://n.example:80\"],"
			"\"insecure-registries\":[\"i.example:5000\",\"10.1.0.0/16\",\"fd00::/"
			"8\"]}",
			&e),
		0);
	auto_free char *hub = places(r, "debian", &e);
	assert_string_equal(hub, "m.example/library/debian~ n.example:80/library/debian~! "
				 "docker.io/library/debian");
	auto_free char *other = places(r, "i.example:5000/x", &e);
	assert_string_equal(other, "i.example:5000/x!");
	assert_true(registries_is_docker_insecure(r, "10.1.255.1:5000"));
	assert_true(registries_is_docker_insecure(r, "[fdff::1]:5000"));
	assert_false(registries_is_docker_insecure(r, "10.2.0.1"));
	assert_false(registries_is_docker_insecure(r, "i.example"));
	assert_int_equal(add_docker(r, "{\"registry-mirrors\":[\"m.example\"]}", &e), -EINVAL);
	assert_int_equal(add_docker(r, "[]", &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_later_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_short_names),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_version_1),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
