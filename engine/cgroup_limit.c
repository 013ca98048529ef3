/* linux.resources of a runtime spec, and the files of cgroup v2 that they become. The spec's
 * numbers are those of the old hierarchies: shares and weights are scaled as every runtime does. */
#include "engine/cgroup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHARES_MIN = 2, SHARES_MAX = 262144, DEFAULT_PERIOD = 100000 };

static const char *const io_keys[IO_KINDS] = {
	[IO_WEIGHT] = "weightDevice",
	[IO_READ_BPS] = "throttleReadBpsDevice",
	[IO_WRITE_BPS] = "throttleWriteBpsDevice",
	[IO_READ_IOPS] = "throttleReadIOPSDevice",
	[IO_WRITE_IOPS] = "throttleWriteIOPSDevice",
};

static int load_io(const json_t *block, struct cgroup_limits *l, struct err *e)
{
	size_t i;
	json_t *item;
	l->io_weight = (unsigned)json_int_or(block, "weight", 0);
	for (int kind = 0; kind < IO_KINDS; kind++) {
		json_t *list = json_object_get(block, io_keys[kind]);
		if (!json_array_size(list))
			continue;
		l->io = xrealloc(l->io, (l->n_io + json_array_size(list)) * sizeof(*l->io));
		json_array_foreach (list, i, item) {
			int64_t major = json_int_or(item, "major", -1),
				minor = json_int_or(item, "minor", -1),
				value = json_int_or(
					item, kind == IO_WEIGHT ? "weight" : "rate", -1);
			if (major < 0 || minor < 0 || value < 0)
				return err_set(e, EINVAL,
					"config.json: linux.resources.blockIO.%s is not valid",
					io_keys[kind]);
			l->io[l->n_io++] = (struct io_limit){.kind = (enum io_limit_kind)kind,
				.major = (unsigned)major,
				.minor = (unsigned)minor,
				.value = (uint64_t)value};
		}
	}
	return 0;
}

int cgroup_limits_load(const json_t *resources, struct cgroup_limits *l, struct err *e)
{
	int64_t shares = json_int_or(resources, "cpu/shares", 0);
	int64_t period = json_int_or(resources, "cpu/period", 0);
	*l = (struct cgroup_limits){
		.memory = json_int_or(resources, "memory/limit", 0),
		.memory_swap = json_int_or(resources, "memory/swap", 0),
		.memory_reservation = json_int_or(resources, "memory/reservation", 0),
		.cpu_quota = json_int_or(resources, "cpu/quota", 0),
		.cpu_period = period > 0 ? (uint64_t)period : 0,
		.cpu_shares = shares > 0 ? (uint64_t)shares : 0,
		.cpuset_cpus = json_str(resources, "cpu/cpus"),
		.cpuset_mems = json_str(resources, "cpu/mems"),
		.pids = json_int_or(resources, "pids/limit", 0),
	};
	int r = load_io(json_at(resources, "blockIO"), l, e);
	if (r < 0)
		cgroup_limits_deinit(l);
	return r;
}

void cgroup_limits_deinit(struct cgroup_limits *l)
{
	free(l->io);
	*l = (struct cgroup_limits){0};
}

unsigned cgroup_limits_need(const struct cgroup_limits *l)
{
	unsigned needs = 0;
	if (l->memory > 0 || l->memory_reservation > 0 || (l->memory && l->memory_swap))
		needs |= CGROUP_MEMORY;
	if (l->cpu_quota > 0 || l->cpu_period || l->cpu_shares)
		needs |= CGROUP_CPU;
	if (!str_empty(l->cpuset_cpus) || !str_empty(l->cpuset_mems))
		needs |= CGROUP_CPUSET;
	if (l->pids > 0)
		needs |= CGROUP_PIDS;
	if (l->io_weight || l->n_io)
		needs |= CGROUP_IO;
	return needs;
}

static int put(int dir, const char *file, const char *text, struct err *e)
{
	int r = write_existing_at(dir, file, text);
	return r < 0 ? err_sysn(e, -r, "cannot write \"%s\" to %s of the cgroup", text, file) : 0;
}

/* A number, or "max" for one below 0. */
static int put_number(int dir, const char *file, int64_t value, struct err *e)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return put(dir, file, value < 0 ? "max" : text, e);
}

/* The spec's swap is memory and swap together, the file's is swap alone. */
static int apply_memory(int dir, const struct cgroup_limits *l, struct err *e)
{
	int r = 0;
	if (l->memory)
		r = put_number(dir, "memory.max", l->memory, e);
	if (r == 0 && l->memory_reservation)
		r = put_number(dir, "memory.low", l->memory_reservation, e);
	if (r < 0 || !l->memory_swap || faccessat(dir, "memory.swap.max", W_OK, AT_EACCESS) < 0)
		return r;
	int64_t swap = l->memory_swap;
	if (swap > 0)
		swap -= l->memory > 0 ? l->memory : cgroup_read_number(dir, "memory.max");
	else
		swap = -1;
	if (l->memory_swap > 0 && swap < 0)
		return err_set(e, EINVAL, "unable to set swap limit without memory limit");
	return put_number(dir, "memory.swap.max", swap, e);
}

static int apply_cpu(int dir, const struct cgroup_limits *l, struct err *e)
{
	char text[64];
	int r = 0;
	if (l->cpu_shares) {
		uint64_t shares = l->cpu_shares < SHARES_MIN ? SHARES_MIN : l->cpu_shares;
		shares = shares > SHARES_MAX ? SHARES_MAX : shares;
		r = put_number(dir, "cpu.weight",
			(int64_t)(1 + (shares - SHARES_MIN) * 9999 / (SHARES_MAX - SHARES_MIN)), e);
	}
	if (r < 0 || (!l->cpu_quota && !l->cpu_period))
		return r;
	if (l->cpu_quota > 0)
		snprintf(text, sizeof(text), "%lld %llu", (long long)l->cpu_quota,
			(unsigned long long)(l->cpu_period ? l->cpu_period : DEFAULT_PERIOD));
	else
		snprintf(text, sizeof(text), "max %llu",
			(unsigned long long)(l->cpu_period ? l->cpu_period : DEFAULT_PERIOD));
	return put(dir, "cpu.max", text, e);
}

static int apply_cpuset(int dir, const struct cgroup_limits *l, struct err *e)
{
	int r = str_empty(l->cpuset_cpus) ? 0 : put(dir, "cpuset.cpus", l->cpuset_cpus, e);
	return r < 0 || str_empty(l->cpuset_mems) ? r : put(dir, "cpuset.mems", l->cpuset_mems, e);
}

static unsigned scale_weight(unsigned weight) { return 1 + (weight - 10) * 9999 / 990; }

/* BFQ has a file of its own, and its weights are those of the spec. */
static int put_weight(int dir, const char *device, unsigned weight, struct err *e)
{
	bool has_bfq = faccessat(dir, "io.bfq.weight", W_OK, AT_EACCESS) == 0;
	if (!has_bfq && faccessat(dir, "io.weight", W_OK, AT_EACCESS) < 0) {
		err_set(e, ENOTSUP, "this kernel cannot weigh block I/O in a cgroup");
		return err_hint(e, "leave out --blkio-weight and --blkio-weight-device, or use "
				   "--device-read-bps and its like");
	}
	auto_free char *text = xasprintf("%s %u", device, has_bfq ? weight : scale_weight(weight));
	return put(dir, has_bfq ? "io.bfq.weight" : "io.weight", text, e);
}

static int apply_io(int dir, const struct cgroup_limits *l, struct err *e)
{
	static const char *const words[IO_KINDS] = {[IO_READ_BPS] = "rbps",
		[IO_WRITE_BPS] = "wbps",
		[IO_READ_IOPS] = "riops",
		[IO_WRITE_IOPS] = "wiops"};
	int r = l->io_weight ? put_weight(dir, "default", l->io_weight, e) : 0;
	for (size_t i = 0; i < l->n_io && r == 0; i++) {
		const struct io_limit *io = &l->io[i];
		auto_free char *device = xasprintf("%u:%u", io->major, io->minor);
		if (io->kind == IO_WEIGHT) {
			r = put_weight(dir, device, (unsigned)io->value, e);
		} else {
			auto_free char *text =
				io->value ? xasprintf("%s %s=%llu", device, words[io->kind],
						    (unsigned long long)io->value)
					  : xasprintf("%s %s=max", device, words[io->kind]);
			r = put(dir, "io.max", text, e);
		}
	}
	return r;
}

int cgroup_limits_apply(const char *path, const struct cgroup_limits *l, struct err *e)
{
	auto_fd dir = cgroup_open(path);
	if (dir < 0)
		return err_sysn(e, -dir, "cannot open the cgroup %s", path);
	int r = apply_memory(dir, l, e);
	if (r == 0)
		r = apply_cpu(dir, l, e);
	if (r == 0)
		r = apply_cpuset(dir, l, e);
	if (r == 0 && l->pids)
		r = put_number(dir, "pids.max", l->pids > 0 ? l->pids : -1, e);
	return r < 0 ? r : apply_io(dir, l, e);
}
