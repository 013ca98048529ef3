#include "engine/host.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

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

/* The folder of our cgroup in the cgroup2 tree; owned, NULL where there is none. */
static char *own_cgroup(void)
{
	auto_buf text = BUF_INIT;
	auto_strv lines = STRV_INIT;
	struct err ignored;
	if (read_file("/proc/self/cgroup", 1 << 16, &text, &ignored) < 0 || !text.data)
		return NULL;
	strv_split(&lines, text.data, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *path = str_after(lines.v[i], "0::");
		if (path)
			return xasprintf("/sys/fs/cgroup%s", path);
	}
	return NULL;
}

static void load_cgroup(struct host *h)
{
	struct statfs fs;
	h->cgroup_version = 1;
	if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return;
	h->cgroup_version = 2;
	auto_free char *own = own_cgroup();
	if (!own || access(own, W_OK) < 0)
		return;
	h->is_cgroup_delegated = true;
	auto_free char *file = xasprintf("%s/cgroup.controllers", own);
	auto_buf text = BUF_INIT;
	auto_strv names = STRV_INIT;
	struct err ignored;
	if (read_file(file, 4096, &text, &ignored) < 0 || !text.len)
		return;
	text.data[strcspn(text.data, "\n")] = '\0';
	strv_split(&names, text.data, ' ');
	h->has_memory = strv_has(&names, "memory");
	h->has_cpu = strv_has(&names, "cpu");
	h->has_cpuset = strv_has(&names, "cpuset");
	h->has_pids = strv_has(&names, "pids");
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
