/* moss container clone: Podman's */
#include "cmd/cmd.h"
#include "base/scope.h"
#include "cmd/image_names.h"
#include "engine/clone.h"
#include "engine/create.h"
#include "engine/limits.h"
#include "engine/parse_limit.h"
#include "engine/start.h"
#include "engine/update.h"
#include "storage/image.h"
#include "storage/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct clone {
	bool destroy, force, run;
	char *name, *cpus, *cpuset_cpus, *cpuset_mems;
	int64_t cpu_shares, cpu_period, cpu_quota;
	int64_t memory, memory_reservation, memory_swap, memory_swappiness;
	int64_t blkio_weight;
	struct strv io[IO_KINDS];
};

// clang-format off
static const struct opt clone_opts[] = {
	{"blkio-weight", 0, OPT_INT, FIELD(struct clone, blkio_weight), "uint16",
		"Block IO weight (relative weight), between 10 and 1000"},
	{"blkio-weight-device", 0, OPT_LIST, FIELD(struct clone, io[IO_WEIGHT]), "list",
		"Block IO weight (relative device weight)"},
	{"cpu-period", 0, OPT_INT, FIELD(struct clone, cpu_period), "int",
		"Limit the CPU CFS (Completely Fair Scheduler) period"},
	{"cpu-quota", 0, OPT_INT, FIELD(struct clone, cpu_quota), "int",
		"Limit the CPU CFS (Completely Fair Scheduler) quota"},
	{"cpu-rt-period", 0, OPT_UNSUPPORTED, 0, "int",
		"Limit the CPU real-time period in microseconds"},
	{"cpu-rt-runtime", 0, OPT_UNSUPPORTED, 0, "int",
		"Limit the CPU real-time runtime in microseconds"},
	{"cpu-shares", 'c', OPT_INT, FIELD(struct clone, cpu_shares), "int",
		"CPU shares (relative weight)"},
	{"cpus", 0, OPT_DECIMAL, FIELD(struct clone, cpus), "decimal", "Number of CPUs"},
	{"cpuset-cpus", 0, OPT_STR, FIELD(struct clone, cpuset_cpus), "string",
		"CPUs in which to allow execution (0-3, 0,1)"},
	{"cpuset-mems", 0, OPT_STR, FIELD(struct clone, cpuset_mems), "string",
		"Memory nodes in which to allow execution (0-3, 0,1)"},
	{"destroy", 0, OPT_BOOL, FIELD(struct clone, destroy), "",
		"Remove the original container once it is cloned"},
	{"device-read-bps", 0, OPT_LIST, FIELD(struct clone, io[IO_READ_BPS]), "list",
		"Limit read rate (bytes per second) from a device"},
	{"device-write-bps", 0, OPT_LIST, FIELD(struct clone, io[IO_WRITE_BPS]), "list",
		"Limit write rate (bytes per second) to a device"},
	{"force", 'f', OPT_BOOL, FIELD(struct clone, force), "",
		"With --destroy: also where the original runs"},
	{"memory", 'm', OPT_BYTES, FIELD(struct clone, memory), "bytes", "Memory limit"},
	{"memory-reservation", 0, OPT_BYTES, FIELD(struct clone, memory_reservation), "bytes",
		"Memory soft limit"},
	{"memory-swap", 0, OPT_BYTES, FIELD(struct clone, memory_swap), "bytes",
		"Swap limit equal to memory plus swap: -1 to enable unlimited swap",
		.flags = OPTF_MINUS_ONE},
	{"memory-swappiness", 0, OPT_INT, FIELD(struct clone, memory_swappiness), "int",
		"Tune container memory swappiness (0 to 100)", .def = "-1"},
	{"name", 0, OPT_STR, FIELD(struct clone, name), "string",
		"Name of the clone (default: <name>-clone)"},
	{"pod", 0, OPT_UNSUPPORTED, 0, "string", "Create the clone in a pod",
		.hint = "moss has no pods yet"},
	{"run", 0, OPT_BOOL, FIELD(struct clone, run), "", "Start the clone"},
	{0},
};
// clang-format on

static int set_limits(
	struct cmd_call *call, const struct clone *a, struct container_row *row, struct err *e)
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
		.blkio_weight = a->blkio_weight,
	};
	struct limits l;
	auto_strv warnings = STRV_INIT;
	for (int kind = 0; kind < IO_KINDS; kind++)
		f.io[kind] = &a->io[kind];
	int r = limits_parse(&f, &l, e);
	if (r < 0)
		return r;
	if (!limits_are_none(&l) && (r = limits_check(&l, true, &warnings, e)) == 0)
		r = container_update(call->store, row, &l, NULL, e);
	limits_deinit(&l);
	for (size_t i = 0; i < warnings.n; i++)
		log_warn("%s", warnings.v[i]);
	return r;
}

/* The row is left in `made`. */
static int make_clone(struct cmd_call *call, const struct clone *a, struct container_row *from,
	struct container_row *made, struct err *e)
{
	struct container_new c;
	struct image image = {0};
	const char *name = a->name ? a->name : call->argc > 1 ? call->argv[1] : NULL;
	const char *typed = call->argc > 2 ? call->argv[2] : NULL;
	if (name && !container_name_valid(name))
		return err_set(e, EINVAL,
			"Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			name);
	int r = typed ? image_named(call->store, typed, &image, e) : 0;
	if (r < 0)
		return r;
	r = container_clone(call->store, from, name, typed ? &image : NULL, typed, &c, e);
	image_deinit(&image);
	if (r < 0)
		return r;
	r = container_insert(call->store, &c, e);
	if (r < 0)
		container_discard(call->store, &c);
	else
		r = container_row_find(call->store->db, c.row.id, made, e);
	container_new_deinit(&c);
	return r;
}

static int clone_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct clone *a = args;
	auto_container_row from = {0}, made = {0};
	const struct start_options detached = {.sig_proxy = false};
	if (a->force && !a->destroy)
		return err_set(e, EINVAL, "--force is of use with --destroy only");
	int r = container_get(call->store, call->argv[0], &from, e);
	if (r == 0)
		r = make_clone(call, a, &from, &made, e);
	if (r == 0)
		r = set_limits(call, a, &made, e);
	if (r == 0 && a->destroy) {
		call->store->keeps = true;
		r = container_remove(call->store, &from, a->force, false, e);
	}
	if (r < 0)
		return r;
	if (a->run && (r = container_start(call->store, &made, &detached, e)) < 0)
		return r;
	puts(made.id);
	return 0;
}

const struct cmd cmd_container_clone = {
	.name = "container clone",
	.brief = "Make a container like another one",
	.operands = "CONTAINER [NAME [IMAGE]]",
	.min = 1,
	.max = 3,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = clone_opts,
	.args_size = sizeof(struct clone),
	.about = "The clone has the configuration, the mounts, the published ports and the limits "
		 "of the other container as it was created, but none of the files that one wrote "
		 "(moss commit keeps those). Volumes are shared. With IMAGE it stands on that "
		 "image instead. The original, where --destroy removes it, can be brought back "
		 "with moss undo.",
	.examples = "moss container clone --cpus 2 --run web web2",
	.run = clone_run,
};
