/* The option parser: Docker's grammar and words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/scope.h"
#include "cmd/opt.h"

struct inner {
	bool given;
	int64_t time;
};

struct args {
	bool unused;
	bool all, tty, interactive, proxy, env_given;
	char *name, *cpus;
	struct strv env, filters, where;
	struct inner inner;
	int64_t last, memory, interval;
	uint64_t weight;
};

// clang-format off
static const struct opt inner_opts[] = {
	{"time", 't', OPT_INT, FIELD(struct inner, time), "int", "Seconds",
		.def = "10"},
	{0},
};
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct args, all), "", "All"},
	{"blkio-weight", 0, OPT_UINT, FIELD(struct args, weight), "uint16", "Weight"},
	{"cpus", 0, OPT_DECIMAL, FIELD(struct args, cpus), "decimal", "CPUs"},
	{"env", 'e', OPT_LIST, FIELD(struct args, env), "list", "Env",
		.given_offset = FIELD(struct args, env_given)},
	{"filter", 0, OPT_CSV, FIELD(struct args, filters), "list", "Filter"},
	{"where", 'w', OPT_FILTER, FIELD(struct args, where), "filter", "Filter"},
	{"gpus", 0, OPT_UNSUPPORTED, 0, "gpu-request", "GPUs"},
	{"oom-kill-disable", 0, OPT_UNSUPPORTED, 0, "", "OOM"},
	{"health-interval", 0, OPT_DURATION, FIELD(struct args, interval), "duration", "Time"},
	{"interactive", 'i', OPT_BOOL, FIELD(struct args, interactive), "", "Stdin"},
	{"last", 'n', OPT_INT, FIELD(struct args, last), "int", "Last", .def = "-1"},
	{"latest", 'l', OPT_IGNORED_BOOL, 0, "", "Latest"},
	{"memory", 'm', OPT_BYTES, FIELD(struct args, memory), "bytes", "Memory"},
	{"memory-swap", 0, OPT_BYTES, FIELD(struct args, memory), "bytes", "Swap",
		.flags = OPTF_MINUS_ONE},
	{"name", 0, OPT_STR, FIELD(struct args, name), "string", "Name", .def = "x"},
	{"names", 0, OPT_STR, FIELD(struct args, name), "string", "Name", .flags = OPTF_ALIAS},
	{"sig-proxy", 0, OPT_BOOL, FIELD(struct args, proxy), "", "Proxy", .def = "true",
		.flags = OPTF_NEGATABLE},
	{"tty", 'T', OPT_BOOL, FIELD(struct args, tty), "", "TTY"},
	OPT_SHARED(struct args, inner, inner_opts),
	{0},
};
// clang-format on

/* Parses words that are separated by blanks; the result in a, the operands joined with ','. */
static int parse(const char *line, bool stop, struct args *a, char **operands, struct err *e)
{
	auto_strv words = STRV_INIT, rest = STRV_INIT;
	if (*line)
		strv_split(&words, line, ' ');
	*a = (struct args){0};
	*e = (struct err){0};
	int r = opt_parse(opts, a, (int)words.n, words.v, stop, &rest, e);
	*operands = strv_join(&rest, ",");
	return r;
}

static void good(const char *line, bool stop, struct args *a, const char *operands)
{
	struct err e;
	auto_free char *got = NULL;
	int r = parse(line, stop, a, &got, &e);
	if (r != 0)
		fail_msg("%s: %d %s", line, r, e.msg);
	assert_string_equal(got, operands);
}

static void bad(const char *line, const char *message)
{
	struct args a;
	struct err e;
	auto_free char *got = NULL;
	int r = parse(line, false, &a, &got, &e);
	opt_free(opts, &a);
	if (r >= 0)
		fail_msg("%s was accepted", line);
	assert_string_equal(e.msg, message);
	assert_int_equal(e.status, 125);
}

static void defaults(void **state)
{
	(void)state;
	struct args a;
	good("", false, &a, "");
	assert_int_equal(a.last, -1);
	assert_string_equal(a.name, "x");
	assert_true(a.proxy);
	assert_int_equal(a.inner.time, 10);
	assert_false(a.env_given);
	opt_free(opts, &a);
	assert_null(a.name);
}

static void spellings(void **state)
{
	(void)state;
	struct args a;
	good("-aiT one --name=web -e A=1 -eB=2 --env C=3 two -n5 --time=0x10 --names web2", false,
		&a, "one,two");
	assert_true(a.all && a.interactive && a.tty && a.env_given);
	assert_string_equal(a.name, "web2");
	assert_int_equal(a.env.n, 3);
	assert_string_equal(a.env.v[1], "B=2");
	assert_int_equal(a.last, 5);
	assert_int_equal(a.inner.time, 16);
	opt_free(opts, &a);

	good("-an=7 -t=-1 --all=false -T=1 --no-sig-proxy --latest", false, &a, "");
	assert_false(a.all);
	assert_true(a.tty);
	assert_false(a.proxy);
	assert_int_equal(a.last, 7);
	assert_int_equal(a.inner.time, -1);
	opt_free(opts, &a);

	good("--filter a,b --filter c --no-sig-proxy=false -e -x", false, &a, "");
	assert_int_equal(a.filters.n, 3);
	assert_string_equal(a.env.v[0], "-x");
	assert_true(a.proxy);
	opt_free(opts, &a);
}

static void operands(void **state)
{
	(void)state;
	struct args a;
	good("-a -- -i --name", false, &a, "-i,--name");
	opt_free(opts, &a);
	good("-a - x", false, &a, "-,x");
	opt_free(opts, &a);
	good("-a image -i -- --foo", true, &a, "image,-i,--,--foo");
	assert_false(a.interactive);
	opt_free(opts, &a);
	good("-a -- image -i", true, &a, "image,-i");
	opt_free(opts, &a);
}

static void values(void **state)
{
	(void)state;
	// clang-format off
	static const struct { const char *line; int64_t memory; } sizes[] = {
		{"-m 0", 0}, {"-m 512", 512}, {"-m 1b", 1}, {"-m 4k", 4096}, {"-m 64M", 64 << 20},
		{"-m 1.5g", 3LL << 29}, {"-m 2GB", 2LL << 30}, {"-m 2GiB", 2LL << 30},
		{"-m 1t", 1LL << 40}, {"--memory-swap -1", -1}, {"--memory-swap=-1", -1},
	};
	static const struct { const char *line; int64_t ns; } durations[] = {
		{"0", 0}, {"1s", 1000000000}, {"1m30s", 90000000000}, {"1.5h", 5400000000000},
		{"100ms", 100000000}, {"-2s", -2000000000}, {"3us", 3000}, {"7ns", 7},
	};
	// clang-format on
	struct args a;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		good(sizes[i].line, false, &a, "");
		if (a.memory != sizes[i].memory)
			fail_msg("%s: %lld", sizes[i].line, (long long)a.memory);
		opt_free(opts, &a);
	}
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		auto_free char *line = xasprintf("--health-interval=%s", durations[i].line);
		good(line, false, &a, "");
		if (a.interval != durations[i].ns)
			fail_msg("%s: %lld", line, (long long)a.interval);
		opt_free(opts, &a);
	}
	good("-w a=b --where= --where c= -w=d=e=f", false, &a, "");
	assert_int_equal(a.where.n, 3);
	assert_string_equal(a.where.v[1], "c=");
	assert_string_equal(a.where.v[2], "d=e=f");
	opt_free(opts, &a);
	good("--cpus 1.5 --blkio-weight 300", false, &a, "");
	assert_string_equal(a.cpus, "1.5");
	assert_int_equal(a.weight, 300);
	opt_free(opts, &a);
}

/* Docker 26's texts. */
static void refusals(void **state)
{
	(void)state;
	bad("--foo", "unknown flag: --foo");
	bad("--foo=x", "unknown flag: --foo");
	bad("-aZi", "unknown shorthand flag: 'Z' in -Zi");
	bad("-=", "unknown shorthand flag: '=' in -=");
	bad("---", "bad flag syntax: ---");
	bad("--=x", "bad flag syntax: --=x");
	bad("--name", "flag needs an argument: --name");
	bad("-n", "flag needs an argument: 'n' in -n");
	bad("-an", "flag needs an argument: 'n' in -n");
	bad("--no-tty", "unknown flag: --no-tty");
	bad("-t=", "invalid argument \"=\" for \"-t, --time\" flag: "
		   "strconv.ParseInt: parsing \"=\": invalid syntax");
	bad("--all=x", "invalid argument \"x\" for \"-a, --all\" flag: "
		       "strconv.ParseBool: parsing \"x\": invalid syntax");
	bad("--last 99999999999999999999", "invalid argument \"99999999999999999999\" for \"-n, "
					   "--last\" flag: strconv.ParseInt: "
					   "parsing \"99999999999999999999\": value out of range");
	bad("--blkio-weight -1", "invalid argument \"-1\" for \"--blkio-weight\" flag: "
				 "strconv.ParseUint: parsing \"-1\": invalid syntax");
	bad("--cpus 1/2x", "invalid argument \"1/2x\" for \"--cpus\" flag: "
			   "failed to parse 1/2x as a rational number");
	bad("--cpus 0.0000000001", "invalid argument \"0.0000000001\" for \"--cpus\" flag: "
				   "value is too precise");
	static const char *const sizes[] = {"x", "1x", "1.x", "-1", "1q", "1 ", "", "1kk", "1bb"};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_free char *line = xasprintf("--memory=%s", sizes[i]);
		auto_free char *message = xasprintf("invalid argument \"%s\" for \"-m, --memory\" "
						    "flag: invalid size: '%s'",
			sizes[i], sizes[i]);
		if (!strchr(sizes[i], ' '))
			bad(line, message);
	}
	bad("--health-interval x", "invalid argument \"x\" for \"--health-interval\" flag: "
				   "time: invalid duration \"x\"");
	bad("--health-interval 5", "invalid argument \"5\" for \"--health-interval\" flag: "
				   "time: missing unit in duration \"5\"");
	bad("--health-interval 5y", "invalid argument \"5y\" for \"--health-interval\" flag: "
				    "time: unknown unit \"y\" in duration \"5y\"");
	bad("-w x", "invalid argument \"x\" for \"-w, --where\" flag: bad format of filter "
		    "(expected name=value)");
	bad("--gpus all", "--gpus is not supported yet");
	bad("--oom-kill-disable", "--oom-kill-disable is not supported yet");
}

static void refused_switch_may_be_off(void **state)
{
	(void)state;
	struct args a;
	good("--oom-kill-disable=false x", false, &a, "x");
	opt_free(opts, &a);
}

static void nearest(void **state)
{
	(void)state;
	struct args a;
	struct err e;
	auto_free char *rest = NULL;
	assert_true(parse("--intractive", false, &a, &rest, &e) < 0);
	assert_string_equal(e.hint, "Did you mean '--interactive'?");
	opt_free(opts, &a);
}

static void help_is_asked_for(void **state)
{
	(void)state;
	static const char *const lines[] = {"--help", "-h", "-ah", "x --help"};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct args a;
		struct err e;
		auto_free char *rest = NULL;
		assert_int_equal(parse(lines[i], false, &a, &rest, &e), 1);
		opt_free(opts, &a);
	}
}

static void quoting(void **state)
{
	(void)state;
	auto_free char *q = opt_quote("a\"b\\c\n\x01");
	assert_string_equal(q, "\"a\\\"b\\\\c\\n\\x01\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(spellings),
		cmocka_unit_test(operands),
		cmocka_unit_test(values),
		cmocka_unit_test(refusals),
		cmocka_unit_test(refused_switch_may_be_off),
		cmocka_unit_test(nearest),
		cmocka_unit_test(help_is_asked_for),
		cmocka_unit_test(quoting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
