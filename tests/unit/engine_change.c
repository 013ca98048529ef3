/* --change: what Docker makes of each instruction (recorded from Docker 26 on a container with
 * Env FOO=bar, Cmd [sh -c x], WorkingDir /srv). */
#include "engine/commit_change.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *base(void)
{
	return json_pack("{s:[s], s:[s,s,s], s:s, s:n}", "Env", "FOO=bar", "Cmd", "sh", "-c", "x",
		"WorkingDir", "/srv", "Entrypoint");
}

static json_t *apply(const char *text, struct err *e)
{
	auto_strv changes = STRV_INIT;
	auto_json b = base();
	strv_add(&changes, text);
	return change_config(b, &changes, e);
}

static const struct {
	const char *text, *key, *value;
} good[] = {
	{"CMD [", "Cmd", "[\"/bin/sh\",\"-c\",\"[\"]"},
	{"CMD", "Cmd", "[\"/bin/sh\",\"-c\"]"},
	{"CMD []", "Cmd", "[\"sh\",\"-c\",\"x\"]"},
	{"CMD echo $HOME", "Cmd", "[\"/bin/sh\",\"-c\",\"echo $HOME\"]"},
	{"CMD [ \"a\" , \"b\\u0041\" ]", "Cmd", "[\"a\",\"bA\"]"},
	{"CMD [\"a\" 1]", "Cmd", "[\"/bin/sh\",\"-c\",\"[\\\"a\\\" 1]\"]"},
	{"CMD a \\\n b", "Cmd", "[\"/bin/sh\",\"-c\",\"a  b\"]"},
	{"ENTRYPOINT [\"x\"]", "Cmd", "null"},
	{"ENTRYPOINT [\"x\"]", "Entrypoint", "[\"x\"]"},
	{"ENTRYPOINT []", "Cmd", "[\"sh\",\"-c\",\"x\"]"},
	{"CMD [\"a\"]\nENTRYPOINT top -b", "Cmd", "[\"a\"]"},
	{"ENV a b c", "Env", "[\"FOO=bar\",\"a=b c\"]"},
	{"ENV FOO=zz", "Env", "[\"FOO=zz\"]"},
	{"ENV A=$PATH:x", "Env", "[\"FOO=bar\",\"A=:x\"]"},
	{"ENV A=1\nENV B=2", "Env", "[\"FOO=bar\",\"A=1\",\"B=2\"]"},
	{"ENV Z=$FOO W=${FOO:-1} V=${NO:-def} U=\"$FOO\" T=\\$FOO", "Env",
		"[\"FOO=bar\",\"Z=bar\",\"W=bar\",\"V=def\",\"U=bar\",\"T=$FOO\"]"},
	{"ENV a=${FOO#b} b=${FOO%r} c=${FOO/a/x}", "Env",
		"[\"FOO=bar\",\"a=ar\",\"b=ba\",\"c=bxr\"]"},
	{"EXPOSE 80-82/tcp", "ExposedPorts", "{\"80/tcp\":{},\"81/tcp\":{},\"82/tcp\":{}}"},
	{"EXPOSE 127.0.0.1:80:80", "ExposedPorts", "{\"80/tcp\":{}}"},
	{"EXPOSE 0", "ExposedPorts", "{\"0/tcp\":{}}"},
	{"HEALTHCHECK NONE", "Healthcheck", "{\"Test\":[\"NONE\"]}"},
	{"HEALTHCHECK --retries=0 CMD x", "Healthcheck", "{\"Test\":[\"CMD-SHELL\",\"x\"]}"},
	{"LABEL a=$FOO", "Labels", "{\"a\":\"bar\"}"},
	{"LABEL multi.a=\"x y\" multi.b=z\\ w", "Labels",
		"{\"multi.a\":\"x y\",\"multi.b\":\"z w\"}"},
	{"ONBUILD FOO x", "OnBuild", "[\"FOO x\"]"},
	{"onbuild   run    x  y", "OnBuild", "[\"run    x  y\"]"},
	{"STOPSIGNAL 99", "StopSignal", "\"99\""},
	{"USER a b", "User", "\"a b\""},
	{"USER \"a b\"", "User", "\"a b\""},
	{"USER $FOO", "User", "\"bar\""},
	{"VOLUME [\"/a b\",\"/c\"]", "Volumes", "{\"/a b\":{},\"/c\":{}}"},
	{"VOLUME /a /b", "Volumes", "{\"/a\":{},\"/b\":{}}"},
	{"VOLUME $FOO", "Volumes", "{\"bar\":{}}"},
	{"WORKDIR $FOO", "WorkingDir", "\"/srv/bar\""},
	{"WORKDIR /a/../b/./c/", "WorkingDir", "\"/b/c\""},
	{"WORKDIR ..", "WorkingDir", "\"/\""},
};

static const struct {
	const char *text, *why;
} bad[] = {
	{"", "file with no instructions"},
	{"# comment", "file with no instructions"},
	{"RUN x", "RUN is not a valid change command"},
	{"maintainer bob", "maintainer is not a valid change command"},
	{"ENV x", "ENV must have two arguments"},
	{"ENV ", "ENV requires at least one argument"},
	{"ENV =x", "ENV names can not be blank"},
	{"ENV a=b c", "Syntax error - can't find = in \"c\". Must be of the form: name=value"},
	{"ENV a='b", "failed to process \"'b\": unexpected end of statement while looking for "
		     "matching single-quote"},
	{"ENV a=${x:?err}", "failed to process \"${x:?err}\": x: err"},
	{"ENV --x=1 a=b", "unknown flag: x"},
	{"CMD --x a", "unknown flag: x"},
	{"CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"},
	{"EXPOSE abc", "Invalid containerPort: abc"},
	{"EXPOSE 80/foo", "Invalid proto: foo"},
	{"EXPOSE 8080-8079", "Invalid containerPort: 8080-8079"},
	{"EXPOSE 70000", "Invalid containerPort: 70000"},
	{"HEALTHCHECK", "HEALTHCHECK requires at least one argument"},
	{"HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"},
	{"HEALTHCHECK FOO", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"},
	{"HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"},
	{"HEALTHCHECK --foo=1 CMD x", "unknown flag: foo"},
	{"HEALTHCHECK --interval CMD x", "missing a value on flag: interval"},
	{"HEALTHCHECK --interval=5 CMD x", "time: missing unit in duration \"5\""},
	{"HEALTHCHECK --interval=1ns CMD x", "Interval \"interval\" cannot be less than 1ms"},
	{"HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"},
	{"HEALTHCHECK --retries=x CMD x", "strconv.ParseInt: parsing \"x\": invalid syntax"},
	{"LABEL =x", "LABEL names can not be blank"},
	{"LABEL \"a", "LABEL must have two arguments"},
	{"ONBUILD", "ONBUILD requires at least one argument"},
	{"ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
	{"ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"},
	{"STOPSIGNAL FOO", "invalid signal: FOO"},
	{"STOPSIGNAL 0", "invalid signal: 0"},
	{"USER", "USER requires exactly one argument"},
	{"VOLUME []", "VOLUME requires at least one argument"},
	{"VOLUME [\"\"]", "VOLUME specified can not be an empty string"},
	{"WORKDIR", "WORKDIR requires exactly one argument"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		auto_json config = apply(good[i].text, &e);
		if (!config)
			fail_msg("%s: %s", good[i].text, e.msg);
		auto_free char *got = json_dumps(
			json_object_get(config, good[i].key), JSON_COMPACT | JSON_ENCODE_ANY);
		if (!got || strcmp(got, good[i].value) != 0)
			fail_msg("%s: %s instead of %s", good[i].text, got, good[i].value);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		auto_json config = apply(bad[i].text, &e);
		if (config || strcmp(e.msg, bad[i].why) != 0)
			fail_msg("%s: %s instead of %s", bad[i].text, e.msg, bad[i].why);
	}
}

static void test_not_text(void **state)
{
	(void)state;
	struct err e = {0};
	assert_null(apply("ENV a=\xff", &e));
	assert_string_equal(e.msg, "--change: the text is not UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_not_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
