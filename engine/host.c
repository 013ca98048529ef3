#include "engine/host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup.h"

/* A value of os-release without its quotes; owned, "" where there is none. */
static char *release_value(const char *text, const char *key)
{
	auto_strv lines = STRV_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *value = str_after(lines.v[i], key);
		if (!value || *value != '=')
			continue;
		value++;
		size_t len = strlen(value);
		bool quoted = len >= 2 && (*value == '"' || *value == '\'');
		return quoted ? xstrndup(value + 1, len - 2) : xstrdup(value);
	}
	return xstrdup("");
}

static void load_release(struct host *h)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	auto_buf text = BUF_INIT;
	struct err ignored;
	for (size_t i = 0; i < ARRAY_LEN(files) && !text.len; i++)
		(void)read_file(files[i], 1 << 16, &text, &ignored);
	h->operating_system = release_value(text.data ? text.data : "", "PRETTY_NAME");
	h->os_version = release_value(text.data ? text.data : "", "VERSION_ID");
}

static void load_cgroup(struct host *h)
{
	struct err ignored;
	h->cgroup_version = cgroup_is_unified() ? 2 : 1;
	auto_free char *place = cgroup_place(NULL, 0, &ignored);
	unsigned available = cgroup_available();
	h->is_cgroup_delegated = place != NULL;
	h->has_memory = available & CGROUP_MEMORY;
	h->has_cpu = available & CGROUP_CPU;
	h->has_cpuset = available & CGROUP_CPUSET;
	h->has_pids = available & CGROUP_PIDS;
}

void host_load(struct host *h)
{
	struct utsname u = {0};
	struct sysinfo si = {0};
	auto_buf forward = BUF_INIT;
	struct err ignored;
	*h = (struct host){.cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), .is_root = geteuid() == 0};
	(void)uname(&u);
	(void)sysinfo(&si);
	h->kernel = xstrdup(u.release);
	h->machine = xstrdup(u.machine);
	h->name = xstrdup(u.nodename);
	h->memory_bytes = (int64_t)si.totalram * si.mem_unit;
	(void)read_file("/proc/sys/net/ipv4/ip_forward", 64, &forward, &ignored);
	h->is_ipv4_forwarding = forward.data && forward.data[0] == '1';
	load_release(h);
	load_cgroup(h);
}

void host_deinit(struct host *h)
{
	free(h->kernel);
	free(h->machine);
	free(h->name);
	free(h->operating_system);
	free(h->os_version);
	*h = (struct host){0};
}
