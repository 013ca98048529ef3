/* limits: what a container may use, in the form of HostConfig's resources, on its way from the
 * flags of run, create and update to the row's JSON and to linux.resources of the runtime spec
 * (engine/cgroup.h writes that into the cgroup).
 *
 * limits_check is Docker's: the same questions in the same order, the same words. What this user's
 * cgroups cannot do is taken out with a warning, --cpus is an error.
 */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/cgroup.h"

struct err;

/* As typed; 0 or NULL: not given. */
struct limit_flags {
	const char *cpus, *cpuset_cpus, *cpuset_mems;
	int64_t cpu_shares, cpu_period, cpu_quota;
	int64_t memory, memory_reservation, memory_swap;
	int64_t memory_swappiness; /* -1 = not given */
	int64_t pids_limit, blkio_weight;
	bool oom_kill_disable;
	const struct strv *io[IO_KINDS]; /* "/dev/sda:1mb"; NULL = none */
};

struct device_limit {
	enum io_limit_kind kind;
	char *path;
	uint64_t value;
};

/* 0 or NULL: not set. */
struct limits {
	int64_t memory, memory_swap, memory_reservation; /* bytes; -1 = without end */
	int64_t memory_swappiness; /* -1 = not set */
	bool oom_kill_disable;
	int64_t nano_cpus, cpu_shares, cpu_period, cpu_quota;
	char *cpuset_cpus, *cpuset_mems;
	int64_t pids;
	int64_t blkio_weight;
	struct device_limit *io;
	size_t n_io;
};
void limits_deinit(struct limits *l);

/* Text only. Status 125 on what Docker's client reports. */
int limits_parse(const struct limit_flags *f, struct limits *l, struct err *e);
/* available: cgroup_available(), asked for only where something is. */
int limits_check(struct limits *l, bool is_update, struct strv *warnings, struct err *e);
bool limits_are_none(const struct limits *l);
/* Sets the resources' keys of a HostConfig, in Docker's order where they are new. */
void limits_to_host_config(const struct limits *l, json_t *host_config);
void limits_from_host_config(const json_t *host_config, struct limits *l);
/* linux.resources; NULL where there is nothing to limit. New reference. A device that is not there
 * is an error. */
int limits_to_spec(const struct limits *l, json_t **resources, struct err *e);

#endif
