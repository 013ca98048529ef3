#include "engine/stats.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/cgroup.h"
#include "engine/members.h"
#include "engine/procstat.h"
#include "engine/state.h"
#include "storage/db/container_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { IO_STAT_MAX = 1 << 20, NET_DEV_MAX = 1 << 20 };

/* Lines "8:0 rbytes=1 wbytes=2 ...". */
static bool read_io(int dir, struct stats *s)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (read_file_at(dir, "io.stat", IO_STAT_MAX, &text, &ignored) < 0)
		return false;
	for (const char *p = text.data; p && (p = strstr(p, "rbytes=")); p++)
		s->block_in += strtoll(p + strlen("rbytes="), NULL, 10);
	for (const char *p = text.data; p && (p = strstr(p, "wbytes=")); p++)
		s->block_out += strtoll(p + strlen("wbytes="), NULL, 10);
	return true;
}

/* What is left to be asked of the processes. */
struct wanted {
	bool cpu, memory, io, pids;
};

static void read_cgroup(const char *path, struct stats *s, struct wanted *w)
{
	auto_fd dir = cgroup_open(path);
	if (dir < 0)
		return;
	int64_t cpu = cgroup_read_key(dir, "cpu.stat", "usage_usec");
	int64_t memory = cgroup_read_number(dir, "memory.current");
	int64_t cached = cgroup_read_key(dir, "memory.stat", "inactive_file");
	int64_t limit = cgroup_read_number(dir, "memory.max");
	int64_t pids = cgroup_read_number(dir, "pids.current");
	w->cpu = cpu < 0;
	w->memory = memory < 0;
	w->pids = pids < 0;
	w->io = !read_io(dir, s);
	if (cpu >= 0)
		s->cpu_ns = cpu * 1000;
	if (memory >= 0) /* without what can be dropped at once, as Docker's client counts */
		s->memory = cached > 0 && cached < memory ? memory - cached : memory;
	if (limit > 0 && limit < s->memory_limit)
		s->memory_limit = limit;
	if (pids >= 0)
		s->pids = pids;
}

static void add_process(const struct proc_id *id, struct stats *s, const struct wanted *w)
{
	static int64_t tick_ns;
	struct procstat p;
	if (!procstat_read(id->pid, &p) || p.start != id->start)
		return;
	if (!tick_ns)
		tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
	if (w->cpu)
		s->cpu_ns += (int64_t)(p.user + p.system + p.dead_user + p.dead_system) * tick_ns;
	if (w->pids)
		s->pids += p.threads;
	if (w->memory) {
		int64_t kb = procstat_number(id->pid, "smaps_rollup", "Pss");
		s->memory += kb >= 0 ? kb * 1024 : (int64_t)p.resident_bytes;
	}
	if (w->io) {
		int64_t in = procstat_number(id->pid, "io", "read_bytes");
		int64_t out = procstat_number(id->pid, "io", "write_bytes");
		s->block_in += in > 0 ? in : 0;
		s->block_out += out > 0 ? out : 0;
	}
}

static void read_processes(const struct proc_id *init, struct stats *s, const struct wanted *w)
{
	auto_members m = {0};
	struct err ignored;
	if (members_list(init, &m, &ignored) < 0)
		return;
	for (size_t i = 0; i < m.n; i++)
		add_process(&m.v[i], s, w);
}

/* "  tap0: bytes packets errs drop fifo frame compressed multicast bytes ..." */
static void read_network(pid_t pid, struct stats *s)
{
	char path[64];
	auto_buf text = BUF_INIT;
	auto_strv lines = STRV_INIT;
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (proc_ns_inode(pid, "net") == proc_ns_inode(getpid(), "net") ||
		read_file(path, NET_DEV_MAX, &text, &ignored) < 0 || !text.len)
		return;
	strv_split(&lines, text.data, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char name[32];
		long long in, out;
		if (sscanf(lines.v[i], " %31[^: ]: %lld %*d %*d %*d %*d %*d %*d %*d %lld", name,
			    &in, &out) != 3 ||
			!strcmp(name, "lo"))
			continue;
		s->net_in += in;
		s->net_out += out;
	}
}

void stats_read(const struct container_row *row, struct stats *s)
{
	struct wanted w = {true, true, true, true};
	struct sysinfo machine = {0};
	enum container_state state = state_parse(row->state);
	*s = (struct stats){.time_ns = clock_monotonic_ns()};
	auto_fd pidfd =
		state == STATE_RUNNING || state == STATE_PAUSED ? proc_open(&row->init) : -1;
	if (pidfd < 0)
		return;
	s->is_alive = true;
	(void)sysinfo(&machine);
	s->memory_limit = (int64_t)machine.totalram * machine.mem_unit;
	if (row->cgroup)
		read_cgroup(row->cgroup, s, &w);
	if (w.cpu || w.memory || w.io || w.pids)
		read_processes(&row->init, s, &w);
	read_network(row->init.pid, s);
}

double stats_cpu_percent(const struct stats *before, const struct stats *now)
{
	int64_t elapsed = now->time_ns - before->time_ns, used = now->cpu_ns - before->cpu_ns;
	if (!before->is_alive || !now->is_alive || elapsed <= 0 || used <= 0)
		return 0;
	return (double)used / (double)elapsed * 100.0;
}
