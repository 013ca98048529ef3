#include "cmd/stop_opts.h"

#include <limits.h>

#include "base/str.h"
#include "engine/start.h"

// clang-format off
const struct opt stop_opts[] = {
	{"signal", 's', OPT_STR, FIELD(struct stop_args, signal), "string",
		"Signal to send to the container"},
	{"timeout", 't', OPT_INT, FIELD(struct stop_args, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.given_offset = FIELD(struct stop_args, timeout_given)},
	{"time", 0, OPT_INT, FIELD(struct stop_args, timeout), "int",
		"Seconds to wait before killing the container", .def = "0",
		.flags = OPTF_ALIAS | OPTF_HIDDEN,
		.given_offset = FIELD(struct stop_args, timeout_given)},
	{0},
};
// clang-format on

int stop_timeout(int64_t seconds)
{
	if (seconds < 0)
		return -1;
	return seconds > INT_MAX / 1000 ? INT_MAX / 1000 : (int)seconds;
}

int stop_args_read(const struct stop_args *a, int *signal, int *timeout_s, struct err *e)
{
	*signal = 0;
	*timeout_s = a->timeout_given ? stop_timeout(a->timeout) : -2;
	if (!str_empty(a->signal) && (*signal = signal_parse(a->signal, e)) < 0)
		return *signal;
	return 0;
}
