/* Memory, cpu, pid and block I/O limits of run and create (engine/limits.h). */
#include <errno.h>

#include "base/err.h"
#include "base/scope.h"
#include "engine/create_plan.h"

/* What Docker's client says before it asks. */
static int check_client(const struct create_request *r, struct strv *warnings, struct err *e)
{
	if (r->memory_swappiness < -1 || r->memory_swappiness > 100) {
		err_set(e, EINVAL, "invalid value: %lld. Valid memory swappiness range is 0-100",
			(long long)r->memory_swappiness);
		return err_status(e, 125);
	}
	if (r->oom_kill_disable && !r->memory)
		strv_add(warnings,
			"WARNING: Disabling the OOM killer on containers without setting a "
			"'-m/--memory' limit may be dangerous.");
	return 0;
}

int create_limits(struct create_plan *p, struct strv *warnings, struct err *e)
{
	const struct create_request *r = p->r;
	const struct limit_flags flags = {
		.cpus = r->cpus,
		.cpuset_cpus = r->cpuset_cpus,
		.cpuset_mems = r->cpuset_mems,
		.cpu_shares = r->cpu_shares,
		.cpu_period = r->cpu_period,
		.cpu_quota = r->cpu_quota,
		.memory = r->memory,
		.memory_reservation = r->memory_reservation,
		.memory_swap = r->memory_swap,
		.memory_swappiness = r->memory_swappiness,
		.pids_limit = r->pids_limit,
		.blkio_weight = r->blkio_weight,
		.oom_kill_disable = r->oom_kill_disable,
		.io = {[IO_WEIGHT] = &r->blkio_weight_device,
			[IO_READ_BPS] = &r->device_read_bps,
			[IO_WRITE_BPS] = &r->device_write_bps,
			[IO_READ_IOPS] = &r->device_read_iops,
			[IO_WRITE_IOPS] = &r->device_write_iops},
	};
	auto_strv found = STRV_INIT;
	int rc = check_client(r, warnings, e);
	if (rc < 0 || (rc = limits_parse(&flags, &p->limits, e)) < 0)
		return rc;
	rc = limits_check(&p->limits, false, &found, e);
	for (size_t i = 0; i < found.n; i++)
		strv_addf(warnings, "WARNING: %s", found.v[i]);
	return rc < 0 ? rc : limits_to_spec(&p->limits, &p->resources, e);
}
