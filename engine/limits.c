#include "engine/limits.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/parse_limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { DEFAULT_PERIOD = 100000 };

static const struct {
	const char *key; /* of HostConfig */
	const char *spec; /* of linux.resources.blockIO */
	const char *value; /* the number's key in HostConfig; in the spec it is in lower case */
} io_names[IO_KINDS] = {
	[IO_WEIGHT] = {"BlkioWeightDevice", "weightDevice", "Weight"},
	[IO_READ_BPS] = {"BlkioDeviceReadBps", "throttleReadBpsDevice", "Rate"},
	[IO_WRITE_BPS] = {"BlkioDeviceWriteBps", "throttleWriteBpsDevice", "Rate"},
	[IO_READ_IOPS] = {"BlkioDeviceReadIOps", "throttleReadIOPSDevice", "Rate"},
	[IO_WRITE_IOPS] = {"BlkioDeviceWriteIOps", "throttleWriteIOPSDevice", "Rate"},
};

void limits_deinit(struct limits *l)
{
	free(l->cpuset_cpus);
	free(l->cpuset_mems);
	for (size_t i = 0; i < l->n_io; i++)
		free(l->io[i].path);
	free(l->io);
	*l = (struct limits){.memory_swappiness = -1};
}

static void add_device(struct limits *l, enum io_limit_kind kind, const char *path, uint64_t value)
{
	l->io = xrealloc(l->io, (l->n_io + 1) * sizeof(*l->io));
	l->io[l->n_io++] =
		(struct device_limit){.kind = kind, .path = xstrdup(path), .value = value};
}

int limits_parse(const struct limit_flags *f, struct limits *l, struct err *e)
{
	*l = (struct limits){
		.memory = f->memory,
		.memory_swap = f->memory_swap,
		.memory_reservation = f->memory_reservation,
		.memory_swappiness = f->memory_swappiness,
		.oom_kill_disable = f->oom_kill_disable,
		.cpu_shares = f->cpu_shares,
		.cpu_period = f->cpu_period,
		.cpu_quota = f->cpu_quota,
		.cpuset_cpus = str_empty(f->cpuset_cpus) ? NULL : xstrdup(f->cpuset_cpus),
		.cpuset_mems = str_empty(f->cpuset_mems) ? NULL : xstrdup(f->cpuset_mems),
		.pids = f->pids_limit,
		.blkio_weight = f->blkio_weight,
	};
	int r = str_empty(f->cpus) ? 0 : cpus_parse(f->cpus, &l->nano_cpus, e);
	for (int kind = 0; kind < IO_KINDS; kind++)
		for (size_t i = 0; r == 0 && f->io[kind] && i < f->io[kind]->n; i++) {
			char *path = NULL;
			uint64_t value = 0;
			r = io_limit_parse(
				f->io[kind]->v[i], (enum io_limit_kind)kind, &path, &value, e);
			if (r == 0)
				add_device(l, (enum io_limit_kind)kind, path, value);
			free(path);
		}
	if (r < 0)
		limits_deinit(l);
	return r;
}

bool limits_are_none(const struct limits *l)
{
	return !l->memory && !l->memory_swap && !l->memory_reservation &&
	       l->memory_swappiness == -1 && !l->oom_kill_disable && !l->nano_cpus &&
	       !l->cpu_shares && !l->cpu_period && !l->cpu_quota && !l->cpuset_cpus &&
	       !l->cpuset_mems && !l->pids && !l->blkio_weight && !l->n_io;
}

static json_t *io_list(const struct limits *l, enum io_limit_kind kind)
{
	json_t *a = json_array();
	for (size_t i = 0; i < l->n_io; i++)
		if (l->io[i].kind == kind)
			json_array_append_new(
				a, json_pack("{s:s, s:I}", "Path", l->io[i].path,
					   io_names[kind].value, (json_int_t)l->io[i].value));
	return a;
}

void limits_to_host_config(const struct limits *l, json_t *o)
{
	json_set_int(o, "CpuShares", l->cpu_shares);
	json_set_int(o, "Memory", l->memory);
	json_set_int(o, "NanoCpus", l->nano_cpus);
	json_set_int(o, "BlkioWeight", l->blkio_weight);
	for (int kind = 0; kind < IO_KINDS; kind++)
		json_set(o, io_names[kind].key, io_list(l, (enum io_limit_kind)kind));
	json_set_int(o, "CpuPeriod", l->cpu_period);
	json_set_int(o, "CpuQuota", l->cpu_quota);
	json_set_str(o, "CpusetCpus", l->cpuset_cpus ? l->cpuset_cpus : "");
	json_set_str(o, "CpusetMems", l->cpuset_mems ? l->cpuset_mems : "");
	json_set_int(o, "MemoryReservation", l->memory_reservation);
	json_set_int(o, "MemorySwap", l->memory_swap);
	/* A cgroup v2 has neither: the check has taken them out. */
	json_set(o, "MemorySwappiness", json_null());
	json_set(o, "OomKillDisable", json_null());
	json_set(o, "PidsLimit", l->pids ? json_integer(l->pids) : json_null());
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_str(o, key);
	return str_empty(text) ? NULL : xstrdup(text);
}

void limits_from_host_config(const json_t *o, struct limits *l)
{
	*l = (struct limits){
		.memory = json_int_or(o, "Memory", 0),
		.memory_swap = json_int_or(o, "MemorySwap", 0),
		.memory_reservation = json_int_or(o, "MemoryReservation", 0),
		.memory_swappiness = -1,
		.nano_cpus = json_int_or(o, "NanoCpus", 0),
		.cpu_shares = json_int_or(o, "CpuShares", 0),
		.cpu_period = json_int_or(o, "CpuPeriod", 0),
		.cpu_quota = json_int_or(o, "CpuQuota", 0),
		.cpuset_cpus = text_of(o, "CpusetCpus"),
		.cpuset_mems = text_of(o, "CpusetMems"),
		.pids = json_int_or(o, "PidsLimit", 0),
		.blkio_weight = json_int_or(o, "BlkioWeight", 0),
	};
	for (int kind = 0; kind < IO_KINDS; kind++) {
		size_t i;
		json_t *item;
		json_array_foreach (json_object_get(o, io_names[kind].key), i, item)
			add_device(l, (enum io_limit_kind)kind, json_str_or(item, "Path", ""),
				(uint64_t)json_int_or(item, io_names[kind].value, 0));
	}
}

/* ---- the runtime spec ---- */

static void set_number(json_t *o, const char *key, int64_t value)
{
	if (value)
		json_set_int(o, key, value);
}

static void set_part(json_t *resources, const char *key, json_t *part)
{
	if (json_object_size(part))
		json_object_set(resources, key, part);
	json_decref(part);
}

static json_t *memory_part(const struct limits *l)
{
	json_t *o = json_object();
	set_number(o, "limit", l->memory);
	set_number(o, "reservation", l->memory_reservation);
	set_number(o, "swap", l->memory ? l->memory_swap : 0);
	return o;
}

static json_t *cpu_part(const struct limits *l)
{
	json_t *o = json_object();
	set_number(o, "shares", l->cpu_shares);
	set_number(o, "quota",
		l->nano_cpus ? l->nano_cpus / (1000000000 / DEFAULT_PERIOD) : l->cpu_quota);
	set_number(o, "period", l->nano_cpus ? DEFAULT_PERIOD : l->cpu_period);
	if (l->cpuset_cpus)
		json_set_str(o, "cpus", l->cpuset_cpus);
	if (l->cpuset_mems)
		json_set_str(o, "mems", l->cpuset_mems);
	return o;
}

static int io_part(const struct limits *l, json_t *o, struct err *e)
{
	set_number(o, "weight", l->blkio_weight);
	for (size_t i = 0; i < l->n_io; i++) {
		const struct device_limit *d = &l->io[i];
		struct stat st;
		if (stat(d->path, &st) < 0)
			return err_sys(e, "cannot look at the device %s", d->path);
		if (!S_ISBLK(st.st_mode))
			return err_set(e, ENOTBLK, "%s is not a block device", d->path);
		json_t *list = json_object_get(o, io_names[d->kind].spec);
		if (!list) {
			list = json_array();
			json_set(o, io_names[d->kind].spec, list);
		}
		json_array_append_new(list,
			json_pack("{s:I, s:I, s:I}", "major", (json_int_t)major(st.st_rdev),
				"minor", (json_int_t)minor(st.st_rdev),
				d->kind == IO_WEIGHT ? "weight" : "rate", (json_int_t)d->value));
	}
	return 0;
}

int limits_to_spec(const struct limits *l, json_t **resources, struct err *e)
{
	auto_json o = json_object();
	json_t *io = json_object();
	*resources = NULL;
	int r = io_part(l, io, e);
	set_part(o, "memory", memory_part(l));
	set_part(o, "cpu", cpu_part(l));
	if (l->pids)
		json_set(o, "pids", json_pack("{s:I}", "limit", (json_int_t)l->pids));
	set_part(o, "blockIO", io);
	if (r == 0 && json_object_size(o))
		*resources = take_ptr(o);
	return r;
}
