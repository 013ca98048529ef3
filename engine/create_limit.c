/* Memory, cpu, pid and block I/O limits. They need a cgroup v2 that is delegated to the user; where
 * there is none Docker's warnings say that the limit is discarded. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/create_plan.h"

enum { MEMORY_MIN = 6 << 20 };

struct limit {
	bool asked;
	const char *flag, *controller, *warning;
};

/* The folder of this process's cgroup v2; NULL where there is none. Owned. */
static char *own_cgroup(void)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (read_file("/proc/self/cgroup", 65536, &text, &ignored) < 0 || !text.data)
		return NULL;
	const char *line = text.data;
	while (line && !str_starts(line, "0::/")) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return NULL;
	return xasprintf("/sys/fs/cgroup%.*s", (int)strcspn(line + 3, "\n"), line + 3);
}

/* Is the controller there for a cgroup that this user may make? */
static bool has_controller(const char *cgroup, const char *controller)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (!cgroup || access(cgroup, W_OK) < 0)
		return false;
	auto_free char *path = xasprintf("%s/cgroup.controllers", cgroup);
	if (read_file(path, 65536, &text, &ignored) < 0 || !text.data)
		return false;
	auto_strv words = STRV_INIT;
	text.data[strcspn(text.data, "\n")] = '\0';
	strv_split(&words, text.data, ' ');
	return strv_has(&words, controller);
}

static int check_values(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	if (r->memory && r->memory < MEMORY_MIN)
		return err_set(e, EINVAL, "Minimum memory limit allowed is 6MB");
	if (r->memory_swap > 0 && !r->memory)
		return err_set(e, EINVAL,
			"You should always set the Memory limit when using Memoryswap limit, see "
			"usage");
	if (r->memory_swap > 0 && r->memory_swap < r->memory)
		return err_set(e, EINVAL,
			"Minimum memoryswap limit should be larger than memory limit, see usage");
	if (r->memory && r->memory_reservation > r->memory)
		return err_set(e, EINVAL,
			"Minimum memory limit can not be less than memory reservation limit, see "
			"usage");
	if (r->memory_swappiness < -1 || r->memory_swappiness > 100) {
		err_set(e, EINVAL, "invalid value: %lld. Valid memory swappiness range is 0-100",
			(long long)r->memory_swappiness);
		return err_status(e, 125);
	}
	if (p->nano_cpus && (r->cpu_quota || r->cpu_period))
		return err_set(e, EINVAL,
			"Conflicting options: Nano CPUs and CPU %s cannot both be set",
			r->cpu_quota ? "Quota" : "Period");
	if (r->blkio_weight && (r->blkio_weight < 10 || r->blkio_weight > 1000))
		return err_set(e, EINVAL, "Range of blkio weight is from 10 to 1000");
	return 0;
}

/* "1.5" -> 1500000000; the parser has checked that it is a decimal number. */
static int cpus_parse(struct create_plan *p, struct err *e)
{
	const char *text = p->r->cpus;
	int64_t value = 0, unit = 1000000000;
	bool fraction = false;
	if (str_empty(text))
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*c < '0' || *c > '9' || value > INT64_MAX / 100) {
			err_set(e, EINVAL,
				"invalid argument \"%s\" for \"--cpus\" flag: failed to parse %s "
				"as a "
				"rational number",
				text, text);
			return err_status(e, 125);
		}
		if (fraction && unit == 1)
			return err_set(e, EINVAL, "value is too precise: --cpus %s", text);
		value = value * 10 + (*c - '0');
		if (fraction)
			unit /= 10;
	}
	if (value > INT64_MAX / unit)
		return err_set(e, EINVAL, "value is too large: --cpus %s", text);
	p->nano_cpus = value * unit;
	return 0;
}

int create_limits(struct create_plan *p, struct strv *warnings, struct err *e)
{
	const struct create_request *r = p->r;
	int rc;
	if ((rc = cpus_parse(p, e)) < 0 || (rc = check_values(p, e)) < 0)
		return rc;
	if (r->oom_kill_disable && !r->memory)
		strv_add(warnings,
			"WARNING: Disabling the OOM killer on containers without setting a "
			"'-m/--memory' limit may be dangerous.");
	const struct limit limits[] = {
		{r->memory != 0, "--memory", "memory",
			"memory limit capabilities or the cgroup is not mounted. Limitation "
			"discarded."},
		{r->memory_reservation != 0, "--memory-reservation", "memory",
			"memory soft limit capabilities or the cgroup is not mounted. Limitation "
			"discarded."},
		{p->nano_cpus != 0, "--cpus", "cpu",
			"CPU CFS scheduler or the cgroup is not mounted. CPU limit discarded."},
		{r->cpu_quota || r->cpu_period, "--cpu-quota", "cpu",
			"CPU CFS scheduler. CPU period/quota discarded."},
		{r->cpu_shares != 0, "--cpu-shares", "cpu",
			"CPU shares or the cgroup is not mounted. Shares discarded."},
		{!str_empty(r->cpuset_cpus) || !str_empty(r->cpuset_mems), "--cpuset-cpus",
			"cpuset", "cpuset or the cgroup is not mounted. Cpuset discarded."},
		{r->pids_limit > 0, "--pids-limit", "pids",
			"PIDs limit capabilities or the cgroup is not mounted. PIDs limit "
			"discarded."},
		{r->blkio_weight != 0, "--blkio-weight", "io",
			"Block I/O weight or the cgroup is not mounted. Weight discarded."},
		{r->memory_swappiness > 0, "--memory-swappiness", "",
			"memory swappiness capabilities or the cgroup is not mounted. Memory "
			"swappiness discarded."},
		{r->oom_kill_disable, "--oom-kill-disable", "",
			"OomKillDisable. OomKillDisable discarded."},
	};
	auto_free char *cgroup = NULL;
	bool looked = false;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (!limits[i].asked)
			continue;
		if (!looked)
			cgroup = own_cgroup();
		looked = true;
		if (p->has_cgroup2 && has_controller(cgroup, limits[i].controller))
			return err_set(e, ENOTSUP, "%s is not supported yet", limits[i].flag);
		strv_addf(warnings, "WARNING: Your kernel does not support %s", limits[i].warning);
	}
	return 0;
}
