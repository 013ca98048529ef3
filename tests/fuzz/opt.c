/* The option parser over arbitrary words: one word a line of the input. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	int64_t time;
	struct strv filters;
};

struct args {
	bool all, given;
	char *name, *cpus;
	struct strv env;
	struct inner inner;
	int64_t last, memory, interval;
	uint64_t weight;
};

// clang-format off
static const struct opt inner_opts[] = {
	{"time", 't', OPT_INT, FIELD(struct inner, time), "int", "", .def = "10"},
	{"filter", 'f', OPT_CSV, FIELD(struct inner, filters), "list", ""},
	{0},
};
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct args, all), "", "", .flags = OPTF_NEGATABLE},
	{"weight", 'w', OPT_UINT, FIELD(struct args, weight), "uint16", ""},
	{"cpus", 'c', OPT_DECIMAL, FIELD(struct args, cpus), "decimal", ""},
	{"env", 'e', OPT_LIST, FIELD(struct args, env), "list", "",
		.given_offset = FIELD(struct args, given)},
	{"gpus", 0, OPT_UNSUPPORTED, 0, "gpu-request", ""},
	{"oom", 'o', OPT_UNSUPPORTED, 0, "", ""},
	{"interval", 'i', OPT_DURATION, FIELD(struct args, interval), "duration", ""},
	{"latest", 'l', OPT_IGNORED_BOOL, 0, "", ""},
	{"memory", 'm', OPT_BYTES, FIELD(struct args, memory), "bytes", "",
		.flags = OPTF_MINUS_ONE},
	{"name", 'n', OPT_STR, FIELD(struct args, name), "string", "", .def = "x"},
	{"version", 'v', OPT_BOOL, FIELD(struct args, all), "", "", .flags = OPTF_STOP},
	OPT_SHARED(struct args, inner, inner_opts),
	{0},
};
// clang-format on

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_strv words = STRV_INIT, operands = STRV_INIT;
	struct args args = {0};
	struct err e = {0};
	auto_free char *text = xstrndup((const char *)data, size);
	strv_split(&words, text, '\n');
	int r = opt_parse(opts, &args, (int)words.n, words.v, size % 2, &operands, &e);
	if (operands.n > words.n || (r < 0 && (!e.msg[0] || e.status != 125)))
		__builtin_trap();
	opt_free(opts, &args);
	return 0;
}
