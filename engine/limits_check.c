/* Docker's checks of resources, and what this user's cgroups can do of them. */
#include "engine/limits.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MEMORY_MIN = 6 << 20,
	PERIOD_MIN = 1000,
	PERIOD_MAX = 1000000,
	QUOTA_MIN = 1000,
	CPUS_MAX = 8192,
};

struct check {
	struct limits *l;
	unsigned available;
	bool is_update;
	struct strv *warnings;
};

static void discard(struct check *c, const char *what)
{
	strv_addf(c->warnings, "Your kernel does not support %s", what);
}

/* The file's number of a cgroup of ours tells of the kernel: without swap accounting there is a
 * limit for memory, and none for swap. */
static bool has_swap_limit(void)
{
	auto_free char *own = cgroup_own();
	auto_fd dir = own ? cgroup_open(own) : -1;
	return dir < 0 || faccessat(dir, "memory.max", F_OK, 0) < 0 ||
	       faccessat(dir, "memory.swap.max", F_OK, 0) == 0;
}

static void support_memory(struct check *c)
{
	struct limits *l = c->l;
	bool memory = c->available & CGROUP_MEMORY;
	if (l->memory > 0 && !memory) {
		discard(c, "memory limit capabilities or the cgroup is not mounted. Limitation "
			   "discarded.");
		l->memory = 0;
		l->memory_swap = -1;
	}
	if (l->memory > 0 && l->memory_swap != -1 && !has_swap_limit()) {
		discard(c, "swap limit capabilities or the cgroup is not mounted. Memory limited "
			   "without swap.");
		l->memory_swap = -1;
	}
}

static int check_memory(struct check *c, struct err *e)
{
	struct limits *l = c->l;
	bool memory = c->available & CGROUP_MEMORY;
	if (l->memory && l->memory < MEMORY_MIN)
		return err_set(e, EINVAL, "Minimum memory limit allowed is 6MB");
	support_memory(c);
	if (l->memory > 0 && l->memory_swap > 0 && l->memory_swap < l->memory)
		return err_set(e, EINVAL,
			"Minimum memoryswap limit should be larger than memory limit, see usage");
	if (!l->memory && l->memory_swap > 0 && !c->is_update)
		return err_set(e, EINVAL,
			"You should always set the Memory limit when using Memoryswap limit, see "
			"usage");
	if (l->memory_swappiness != -1) {
		/* cgroup v2 has no such knob. */
		discard(c, "memory swappiness capabilities or the cgroup is not mounted. Memory "
			   "swappiness discarded.");
		l->memory_swappiness = -1;
	}
	if (l->memory_reservation > 0 && !memory) {
		discard(c,
			"memory soft limit capabilities or the cgroup is not mounted. Limitation "
			"discarded.");
		l->memory_reservation = 0;
	}
	if (l->memory_reservation > 0 && l->memory_reservation < MEMORY_MIN)
		return err_set(e, EINVAL, "Minimum memory reservation allowed is 6MB");
	if (l->memory > 0 && l->memory_reservation > 0 && l->memory < l->memory_reservation)
		return err_set(e, EINVAL,
			"Minimum memory limit can not be less than memory reservation limit, see "
			"usage");
	if (l->oom_kill_disable)
		discard(c, "OomKillDisable. OomKillDisable discarded.");
	l->oom_kill_disable = false;
	/* As much swap as memory, unless told otherwise. */
	if (l->memory > 0 && !l->memory_swap && !c->is_update)
		l->memory_swap = l->memory * 2;
	return 0;
}

static int check_cpu(struct check *c, struct err *e)
{
	struct limits *l = c->l;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (l->nano_cpus > 0 && (l->cpu_period > 0 || l->cpu_quota > 0))
		return err_set(e, EINVAL,
			"Conflicting options: Nano CPUs and CPU %s cannot both be set",
			l->cpu_period > 0 ? "Period" : "Quota");
	if (l->nano_cpus > 0 && !(c->available & CGROUP_CPU)) {
		err_set(e, ENOTSUP,
			"NanoCPUs can not be set, as your kernel does not support CPU CFS "
			"scheduler or the cgroup is not mounted");
		return err_hint(e, "a cgroup with the controller cpu must be delegated to you: "
				   "systemd-run --user --scope -p Delegate=yes moss ...");
	}
	if (l->nano_cpus < 0 || l->nano_cpus > cpus * INT64_C(1000000000))
		return err_set(e, EINVAL,
			"Range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs "
			"available",
			cpus, cpus);
	if (l->cpu_shares > 0 && !(c->available & CGROUP_CPU)) {
		discard(c, "CPU shares or the cgroup is not mounted. Shares discarded.");
		l->cpu_shares = 0;
	}
	if ((l->cpu_period || l->cpu_quota) && !(c->available & CGROUP_CPU)) {
		discard(c, "CPU CFS scheduler. CPU period/quota discarded.");
		l->cpu_period = l->cpu_quota = 0;
	}
	if (l->cpu_period && (l->cpu_period < PERIOD_MIN || l->cpu_period > PERIOD_MAX))
		return err_set(e, EINVAL,
			"CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
			"(i.e. "
			"1000000)");
	if (l->cpu_quota > 0 && l->cpu_quota < QUOTA_MIN)
		return err_set(e, EINVAL, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	return 0;
}

/* "0-3,5": sets[n] for each; false where the text is not such a list. */
static bool parse_set(const char *text, bool set[CPUS_MAX])
{
	auto_strv ranges = STRV_INIT;
	strv_split(&ranges, text, ',');
	memset(set, 0, CPUS_MAX * sizeof(*set));
	for (size_t i = 0; i < ranges.n; i++) {
		uint32_t first, last;
		char *dash = strchr(ranges.v[i], '-');
		if (dash)
			*dash = '\0';
		if (!parse_u32(ranges.v[i], &first) ||
			!parse_u32(dash ? dash + 1 : ranges.v[i], &last) || first > last ||
			last >= CPUS_MAX)
			return false;
		for (; first <= last; first++)
			set[first] = true;
	}
	return true;
}

static int check_set(const char *wanted, const char *file, const char *invalid, const char *missing,
	struct err *e)
{
	bool asked[CPUS_MAX], there[CPUS_MAX];
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (!wanted)
		return 0;
	if (!parse_set(wanted, asked))
		return err_set(e, EINVAL, "Invalid value %s for %s", wanted, invalid);
	if (read_file(file, 65536, &text, &ignored) < 0 || !text.len)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (!parse_set(text.data, there))
		return 0;
	for (size_t i = 0; i < CPUS_MAX; i++)
		if (asked[i] && !there[i])
			return err_set(e, EINVAL,
				"Requested %s are not available - requested %s, available: %s",
				missing, wanted, text.data);
	return 0;
}

static int check_cpuset(struct check *c, struct err *e)
{
	struct limits *l = c->l;
	if ((l->cpuset_cpus || l->cpuset_mems) && !(c->available & CGROUP_CPUSET)) {
		discard(c, "cpuset or the cgroup is not mounted. Cpuset discarded.");
		free(take_ptr(l->cpuset_cpus));
		free(take_ptr(l->cpuset_mems));
	}
	int r = check_set(
		l->cpuset_cpus, "/sys/devices/system/cpu/online", "cpuset cpus", "CPUs", e);
	return r < 0 ? r
		     : check_set(l->cpuset_mems, "/sys/devices/system/node/online", "cpuset mems",
			       "memory nodes", e);
}

static void drop_io(struct limits *l, enum io_limit_kind kind)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n_io; i++) {
		if (l->io[i].kind == kind)
			free(l->io[i].path);
		else
			l->io[kept++] = l->io[i];
	}
	l->n_io = kept;
}

static int check_io(struct check *c, struct err *e)
{
	static const char *const words[IO_KINDS] = {
		[IO_WEIGHT] = "Block I/O weight_device or the cgroup is not mounted. "
			      "Weight-device discarded.",
		[IO_READ_BPS] = "BPS Block I/O read limit or the cgroup is not mounted. Block I/O "
				"BPS read limit discarded.",
		[IO_WRITE_BPS] =
			"BPS Block I/O write limit or the cgroup is not mounted. Block I/O "
			"BPS write limit discarded.",
		[IO_READ_IOPS] =
			"IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS "
			"read limit discarded.",
		[IO_WRITE_IOPS] = "IOPS Block write limit or the cgroup is not mounted. Block I/O "
				  "IOPS write limit discarded.",
	};
	struct limits *l = c->l;
	bool io = c->available & CGROUP_IO;
	if (l->blkio_weight > 0 && !io) {
		discard(c, "Block I/O weight or the cgroup is not mounted. Weight discarded.");
		l->blkio_weight = 0;
	}
	if (l->blkio_weight && (l->blkio_weight < 10 || l->blkio_weight > 1000))
		return err_set(e, EINVAL, "Range of blkio weight is from 10 to 1000");
	for (int kind = 0; kind < IO_KINDS && !io; kind++) {
		size_t before = l->n_io;
		drop_io(l, (enum io_limit_kind)kind);
		if (l->n_io < before)
			discard(c, words[kind]);
	}
	return 0;
}

int limits_check(struct limits *l, bool is_update, struct strv *warnings, struct err *e)
{
	struct check c = {.l = l, .is_update = is_update, .warnings = warnings};
	if (limits_are_none(l))
		return 0;
	c.available = cgroup_available();
	int r = check_memory(&c, e);
	if (r == 0 && l->pids && !(c.available & CGROUP_PIDS)) {
		if (l->pids > 0)
			discard(&c,
				"PIDs limit capabilities or the cgroup is not mounted. PIDs limit "
				"discarded.");
		l->pids = 0;
	}
	if (r == 0)
		r = check_cpu(&c, e);
	if (r == 0)
		r = check_cpuset(&c, e);
	return r < 0 ? r : check_io(&c, e);
}
