/* moss update */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/limits.h"
#include "engine/parse_limit.h"
#include "engine/start.h"
#include "engine/update.h"

struct update {
	bool latest;
	char *cpus, *cpuset_cpus, *cpuset_mems, *restart;
	int64_t cpu_shares, cpu_period, cpu_quota;
	int64_t memory, memory_reservation, memory_swap, memory_swappiness;
	int64_t pids_limit, blkio_weight;
	struct strv io[IO_KINDS];
	struct strv *warnings; /* of all containers, for the end */
};

#define PODMAN "An option of Podman's"
#define RUN_HINT "give it to moss run or moss create"

// clang-format off
static const struct opt update_opts[] = {
	{"blkio-weight", 0, OPT_INT, FIELD(struct update, blkio_weight), "uint16",
		"Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)"},
	{"blkio-weight-device", 0, OPT_LIST, FIELD(struct update, io[IO_WEIGHT]), "list",
		"Block IO weight (relative device weight)"},
	{"cpu-period", 0, OPT_INT, FIELD(struct update, cpu_period), "int",
		"Limit CPU CFS (Completely Fair Scheduler) period"},
	{"cpu-quota", 0, OPT_INT, FIELD(struct update, cpu_quota), "int",
		"Limit CPU CFS (Completely Fair Scheduler) quota"},
	{"cpu-rt-period", 0, OPT_UNSUPPORTED, 0, "int",
		"Limit the CPU real-time period in microseconds"},
	{"cpu-rt-runtime", 0, OPT_UNSUPPORTED, 0, "int",
		"Limit the CPU real-time runtime in microseconds"},
	{"cpu-shares", 'c', OPT_INT, FIELD(struct update, cpu_shares), "int",
		"CPU shares (relative weight)"},
	{"cpus", 0, OPT_DECIMAL, FIELD(struct update, cpus), "decimal", "Number of CPUs"},
	{"cpuset-cpus", 0, OPT_STR, FIELD(struct update, cpuset_cpus), "string",
		"CPUs in which to allow execution (0-3, 0,1)"},
	{"cpuset-mems", 0, OPT_STR, FIELD(struct update, cpuset_mems), "string",
		"MEMs in which to allow execution (0-3, 0,1)"},
	{"device-read-bps", 0, OPT_LIST, FIELD(struct update, io[IO_READ_BPS]), "list",
		"Limit read rate (bytes per second) from a device"},
	{"device-read-iops", 0, OPT_LIST, FIELD(struct update, io[IO_READ_IOPS]), "list",
		"Limit read rate (IO per second) from a device"},
	{"device-write-bps", 0, OPT_LIST, FIELD(struct update, io[IO_WRITE_BPS]), "list",
		"Limit write rate (bytes per second) to a device"},
	{"device-write-iops", 0, OPT_LIST, FIELD(struct update, io[IO_WRITE_IOPS]), "list",
		"Limit write rate (IO per second) to a device"},
	{"env", 'e', OPT_UNSUPPORTED, 0, "list", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-cmd", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-interval", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-log-destination", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-max-log-count", 0, OPT_UNSUPPORTED, 0, "uint", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-max-log-size", 0, OPT_UNSUPPORTED, 0, "uint", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-on-failure", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-retries", 0, OPT_UNSUPPORTED, 0, "uint", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-start-period", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-startup-cmd", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-startup-interval", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-startup-retries", 0, OPT_UNSUPPORTED, 0, "uint", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-startup-success", 0, OPT_UNSUPPORTED, 0, "uint", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-startup-timeout", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"health-timeout", 0, OPT_UNSUPPORTED, 0, "string", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"kernel-memory", 0, OPT_UNSUPPORTED, 0, "bytes", "Kernel memory limit", .flags = OPTF_HIDDEN,
		.hint = "it is a part of --memory"},
	{"latest", 'l', OPT_BOOL, FIELD(struct update, latest), "",
		"Act on the container that was created last"},
	{"memory", 'm', OPT_BYTES, FIELD(struct update, memory), "bytes", "Memory limit"},
	{"memory-reservation", 0, OPT_BYTES, FIELD(struct update, memory_reservation), "bytes",
		"Memory soft limit"},
	{"memory-swap", 0, OPT_BYTES, FIELD(struct update, memory_swap), "bytes",
		"Swap limit equal to memory plus swap: -1 to enable unlimited swap",
		.flags = OPTF_MINUS_ONE},
	{"memory-swappiness", 0, OPT_INT, FIELD(struct update, memory_swappiness), "int",
		"Tune container memory swappiness (0 to 100)", .def = "-1", .flags = OPTF_HIDDEN},
	{"no-healthcheck", 0, OPT_UNSUPPORTED, 0, "", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"pids-limit", 0, OPT_INT, FIELD(struct update, pids_limit), "int",
		"Tune container pids limit (set -1 for unlimited)"},
	{"restart", 0, OPT_STR, FIELD(struct update, restart), "string",
		"Restart policy to apply when a container exits"},
	{"ulimit", 0, OPT_UNSUPPORTED, 0, "ulimit", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{"unsetenv", 0, OPT_UNSUPPORTED, 0, "list", PODMAN, .flags = OPTF_HIDDEN, .hint = RUN_HINT},
	{0},
};
// clang-format on

static int parse(const struct update *a, struct limits *l, struct err *e)
{
	struct limit_flags f = {
		.cpus = a->cpus,
		.cpuset_cpus = a->cpuset_cpus,
		.cpuset_mems = a->cpuset_mems,
		.cpu_shares = a->cpu_shares,
		.cpu_period = a->cpu_period,
		.cpu_quota = a->cpu_quota,
		.memory = a->memory,
		.memory_reservation = a->memory_reservation,
		.memory_swap = a->memory_swap,
		.memory_swappiness = a->memory_swappiness,
		.pids_limit = a->pids_limit,
		.blkio_weight = a->blkio_weight,
	};
	for (int kind = 0; kind < IO_KINDS; kind++)
		f.io[kind] = &a->io[kind];
	return limits_parse(&f, l, e);
}

static int update_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct update *a = args;
	struct container_row row;
	struct limits l;
	int r = parse(a, &l, e);
	if (r < 0)
		return r;
	r = limits_check(&l, true, a->warnings, e);
	if (r == 0)
		r = container_get(call->store, name, &row, e);
	if (r == 0) {
		r = container_update(call->store, &row, &l, a->restart, e);
		container_row_deinit(&row);
	}
	limits_deinit(&l);
	return r;
}

/* What Docker's client finds before it asks. */
static int check(const struct update *a, struct err *e)
{
	struct restart_policy ignored;
	struct limits l;
	int r = parse(a, &l, e);
	bool has_limits = r == 0 && !limits_are_none(&l);
	if (r == 0)
		limits_deinit(&l);
	if (r == 0 && !has_limits && !a->restart)
		r = err_set(
			e, EINVAL, "you must provide one or more flags when using this command");
	if (r == 0 && a->restart && (r = restart_parse(a->restart, &ignored, e)) < 0)
		e->status = 0; /* 1, where run says 125 */
	return r;
}

static int update_run(struct cmd_call *call, void *args, struct err *e)
{
	struct update *a = args;
	const struct pick pick = {.latest = a->latest};
	auto_strv warnings = STRV_INIT;
	if (!a->latest &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	int r = check(a, e);
	if (r < 0)
		return r;
	a->warnings = &warnings;
	r = pick_each(call, &pick, NULL, a, update_one, e);
	for (size_t i = 0; i < warnings.n; i++)
		puts(warnings.v[i]);
	return r;
}

static const char *const update_aliases[] = {"container update", NULL};
const struct cmd cmd_update = {
	.name = "update",
	.aliases = update_aliases,
	.brief = "Update configuration of one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = update_opts,
	.args_size = sizeof(struct update),
	.about =
		"Changes limits and the restart policy. A running container is limited at once, by "
		"the cgroup it was started in; limits that this machine's or this login's cgroups "
		"cannot set are discarded with a line that says so, as with run.",
	.examples = "moss update --memory 512m --cpus 1.5 web\n"
		    "moss update --restart unless-stopped web",
	.run = update_run,
};
