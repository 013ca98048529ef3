/* moss info: the fields of docker info that an engine without a daemon can know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "cmd/cmd.h"
#include "cmd/format/human.h"
#include "cmd/info_registry.h"
#include "cmd/object.h"
#include "cmd/platform.h"
#include "engine/enter.h"
#include "engine/enter.h"
#include "engine/host.h"
#include "engine/log.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/rootfs.h"
#include "storage/store.h"

struct info {
	char *format;
	bool ignored;
};

struct counts {
	int64_t containers, running, paused, stopped, images;
};

static int count_containers(struct store *s, struct counts *c, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	if (container_row_list(s->db, &rows, &n, e) < 0)
		return -e->code;
	c->containers = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].state, "running") == 0)
			c->running++;
		else if (strcmp(rows[i].state, "paused") == 0)
			c->paused++;
		else
			c->stopped++;
		container_row_deinit(&rows[i]);
	}
	free(rows);
	return 0;
}

static int count_images(struct store *s, struct counts *c, struct err *e)
{
	struct image *images = NULL;
	size_t n = 0;
	if (image_list(s, &images, &n, e) < 0)
		return -e->code;
	c->images = (int64_t)n;
	for (size_t i = 0; i < n; i++)
		image_deinit(&images[i]);
	free(images);
	return 0;
}

static json_t *strings(const char *const *v, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

static json_t *plugins(void)
{
	static const char *const volume[] = {"local"};
	static const char *const network[] = {"host", "none", "slirp4netns"};
	static const char *const logging[] = {"journald", "json-file", "local"};
	return json_pack("{s:o, s:o, s:n, s:o}", "Volume", strings(volume, 1), "Network",
		strings(network, ARRAY_LEN(network)), "Authorization", "Log",
		strings(logging, ARRAY_LEN(logging)));
}

/* What a container gets that asks for no driver. Borrowed, for good. */
static const char *logging_driver(void)
{
	auto_json log = json_pack("{s:s, s:{}}", "Type", "", "Config");
	enum log_driver driver = LOG_JSON_FILE;
	struct err ignored;
	if (log_config_defaults(log, &ignored) == 0)
		(void)log_driver_parse(json_str_or(log, "Type", ""), &driver);
	return log_driver_name(driver);
}

static json_t *security_options(const struct host *h)
{
	static const char *const all[] = {
		"name=seccomp,profile=builtin", "name=cgroupns", "name=rootless"};
	return strings(all, ARRAY_LEN(all) - (h->is_root ? 1 : 0));
}

static json_t *warnings(const struct host *h, const struct err *driver_error)
{
	json_t *list = json_array();
	if (driver_error->code)
		json_array_append_new(list,
			json_sprintf("WARNING: no storage driver works: %s", driver_error->msg));
	if (!h->is_cgroup_delegated) {
		json_array_append_new(
			list, json_string("WARNING: Running without a cgroup of the user's own: "
					  "no limits can be set"));
		return list;
	}
	static const char *const names[] = {"memory", "cpu", "cpuset", "pids"};
	const bool has[] = {h->has_memory, h->has_cpu, h->has_cpuset, h->has_pids};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!has[i])
			json_array_append_new(
				list, json_sprintf("WARNING: No %s limit support", names[i]));
	return list;
}

static char *now_text(void)
{
	struct timespec t;
	struct tm tm;
	char text[64];
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return xasprintf("%s.%09ldZ", text, t.tv_nsec);
}

static json_t *runtimes(void) { return json_pack("{s:{s:s}}", "moss", "path", "moss-monitor"); }

/* Of programs that moss has no need of. */
static json_t *commit(void) { return json_pack("{s:s, s:s}", "ID", "", "Expected", ""); }

static json_t *swarm(void)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:n}", "NodeID", "", "NodeAddr", "",
		"LocalNodeState", "inactive", "ControlAvailable", 0, "Error", "", "RemoteManagers");
}

static json_t *client_info(const struct globals *g)
{
	return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:n}", "Debug", g->debug,
		"Version", MOSS_VERSION, "GitCommit", "", "GoVersion", "", "Os", "linux", "Arch",
		platform_arch(), "BuildTime", "", "Context", "default", "Plugins", "Warnings");
}

static void set_counts(json_t *j, const struct counts *c)
{
	json_set_int(j, "Containers", c->containers);
	json_set_int(j, "ContainersRunning", c->running);
	json_set_int(j, "ContainersPaused", c->paused);
	json_set_int(j, "ContainersStopped", c->stopped);
	json_set_int(j, "Images", c->images);
}

static void set_limits(json_t *j, const struct host *h)
{
	json_set_bool(j, "MemoryLimit", h->has_memory);
	json_set_bool(j, "SwapLimit", h->has_memory);
	json_set_bool(j, "CpuCfsPeriod", h->has_cpu);
	json_set_bool(j, "CpuCfsQuota", h->has_cpu);
	json_set_bool(j, "CPUShares", h->has_cpu);
	json_set_bool(j, "CPUSet", h->has_cpuset);
	json_set_bool(j, "PidsLimit", h->has_pids);
	json_set_bool(j, "IPv4Forwarding", h->is_ipv4_forwarding);
	json_set_bool(j, "OomKillDisable", false);
}

static void set_host(json_t *j, const struct host *h)
{
	json_set_str(j, "KernelVersion", h->kernel);
	json_set_str(j, "OperatingSystem", h->operating_system);
	json_set_str(j, "OSVersion", h->os_version);
	json_set_str(j, "OSType", "linux");
	json_set_str(j, "Architecture", h->machine);
	json_set_int(j, "NCPU", h->cpus);
	json_set_int(j, "MemTotal", h->memory_bytes);
	json_set_str(j, "Name", h->name);
}

static const char *environment(const char *upper, const char *lower)
{
	const char *value = getenv(upper);
	if (!value)
		value = getenv(lower);
	return value ? value : "";
}

static json_t *collect(const struct cmd_call *call, const struct counts *c, const struct host *h,
	const char *driver, const struct err *driver_error)
{
	json_t *j = json_object();
	auto_free char *now = now_text();
	auto_free char *http = shown_url_masked(environment("HTTP_PROXY", "http_proxy"));
	auto_free char *https = shown_url_masked(environment("HTTPS_PROXY", "https_proxy"));
	json_set_str(j, "ID", "");
	set_counts(j, c);
	json_set_str(j, "Driver", driver);
	json_set(j, "DriverStatus", json_array());
	json_set(j, "Plugins", plugins());
	set_limits(j, h);
	json_set_bool(j, "BridgeNfIptables", false);
	json_set_bool(j, "BridgeNfIp6tables", false);
	json_set_bool(j, "Debug", call->globals->debug);
	json_set_int(j, "NFd", 0);
	json_set_int(j, "NGoroutines", 0);
	json_set_str(j, "SystemTime", now);
	json_set_str(j, "LoggingDriver", logging_driver());
	json_set_str(j, "CgroupDriver", h->is_cgroup_delegated ? "cgroupfs" : "none");
	json_set_str(j, "CgroupVersion", h->cgroup_version == 2 ? "2" : "1");
	json_set_int(j, "NEventsListener", 0);
	set_host(j, h);
	json_set_str(j, "IndexServerAddress", "https://index.docker.io/v1/");
	json_t *warned = warnings(h, driver_error);
	json_set(j, "RegistryConfig", info_registry_config(warned));
	json_set(j, "GenericResources", json_null());
	json_set_str(j, "DockerRootDir", call->store->root);
	json_set_str(j, "HttpProxy", http);
	json_set_str(j, "HttpsProxy", https);
	json_set_str(j, "NoProxy", environment("NO_PROXY", "no_proxy"));
	json_set(j, "Labels", json_array());
	json_set_bool(j, "ExperimentalBuild", false);
	json_set_str(j, "ServerVersion", MOSS_VERSION);
	json_set(j, "Runtimes", runtimes());
	json_set_str(j, "DefaultRuntime", "moss");
	json_set(j, "Swarm", swarm());
	json_set_bool(j, "LiveRestoreEnabled", true);
	json_set_str(j, "Isolation", "");
	json_set_str(j, "InitBinary", "moss-init");
	json_set(j, "ContainerdCommit", commit());
	json_set(j, "RuncCommit", commit());
	json_set(j, "InitCommit", commit());
	json_set(j, "SecurityOptions", security_options(h));
	json_set(j, "CDISpecDirs", json_array());
	json_set(j, "Warnings", warned);
	json_set(j, "ClientInfo", client_info(call->globals));
	return j;
}

/* ---- as text ---- */

static void print_words(const char *title, const json_t *list)
{
	size_t i;
	json_t *word;
	printf("%s:", title);
	json_array_foreach (list, i, word)
		printf(" %s", json_string_value(word));
	printf("\n");
}

/* "name=seccomp,profile=builtin" is a line "seccomp" and one "Profile: builtin" below it. */
static void print_security(const json_t *list)
{
	size_t i;
	json_t *option;
	printf(" Security Options:\n");
	json_array_foreach (list, i, option) {
		auto_strv parts = STRV_INIT;
		strv_split(&parts, json_string_value(option), ',');
		for (size_t k = 0; k < parts.n; k++) {
			const char *name = str_after(parts.v[k], "name=");
			const char *profile = str_after(parts.v[k], "profile=");
			if (name)
				printf("  %s\n", name);
			else if (profile)
				printf("   Profile: %s\n", profile);
		}
	}
}

static void print_server(const json_t *j)
{
	auto_free char *memory = human_bytes_binary(json_int_or(j, "MemTotal", 0));
	printf("Server:\n");
	printf(" Containers: %lld\n", (long long)json_int_or(j, "Containers", 0));
	printf("  Running: %lld\n", (long long)json_int_or(j, "ContainersRunning", 0));
	printf("  Paused: %lld\n", (long long)json_int_or(j, "ContainersPaused", 0));
	printf("  Stopped: %lld\n", (long long)json_int_or(j, "ContainersStopped", 0));
	printf(" Images: %lld\n", (long long)json_int_or(j, "Images", 0));
	printf(" Server Version: %s\n", json_str_or(j, "ServerVersion", ""));
	printf(" Storage Driver: %s\n", json_str_or(j, "Driver", ""));
	printf(" Logging Driver: %s\n", json_str_or(j, "LoggingDriver", ""));
	printf(" Cgroup Driver: %s\n", json_str_or(j, "CgroupDriver", ""));
	printf(" Cgroup Version: %s\n", json_str_or(j, "CgroupVersion", ""));
	printf(" Plugins:\n");
	print_words("  Volume", json_at(j, "Plugins/Volume"));
	print_words("  Network", json_at(j, "Plugins/Network"));
	print_words("  Log", json_at(j, "Plugins/Log"));
	printf(" Swarm: inactive\n");
	printf(" Runtimes: moss\n");
	printf(" Default Runtime: %s\n", json_str_or(j, "DefaultRuntime", ""));
	printf(" Init Binary: %s\n", json_str_or(j, "InitBinary", ""));
	print_security(json_at(j, "SecurityOptions"));
	printf(" Kernel Version: %s\n", json_str_or(j, "KernelVersion", ""));
	printf(" Operating System: %s\n", json_str_or(j, "OperatingSystem", ""));
	printf(" OSType: %s\n", json_str_or(j, "OSType", ""));
	printf(" Architecture: %s\n", json_str_or(j, "Architecture", ""));
	printf(" CPUs: %lld\n", (long long)json_int_or(j, "NCPU", 0));
	printf(" Total Memory: %s\n", memory);
	printf(" Name: %s\n", json_str_or(j, "Name", ""));
	printf(" Docker Root Dir: %s\n", json_str_or(j, "DockerRootDir", ""));
	printf(" Debug Mode: %s\n", json_bool_or(j, "Debug", false) ? "true" : "false");
	printf(" Experimental: false\n");
	info_registry_print(json_at(j, "RegistryConfig"));
	printf(" Live Restore Enabled: true\n\n");
}

static void print_text(const json_t *j)
{
	size_t i;
	json_t *warning;
	printf("Client: moss\n");
	printf(" Version:    %s\n", MOSS_VERSION);
	printf(" Context:    default\n");
	printf(" Debug Mode: %s\n\n", json_bool_or(j, "Debug", false) ? "true" : "false");
	print_server(j);
	fflush(stdout);
	json_array_foreach (json_at(j, "Warnings"), i, warning)
		fprintf(stderr, "%s\n", json_string_value(warning));
}

/* ---- the command ---- */

static int info_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct info *info = args;
	struct counts counts = {0};
	struct host host = {0};
	struct err driver_error = {0};
	const char *driver = "";
	if (count_containers(call->store, &counts, e) < 0 ||
		count_images(call->store, &counts, e) < 0)
		return -e->code;
	if (rootfs_choose(call->store, enter_call, &driver, &driver_error) < 0)
		driver = "";
	host_load(&host);
	auto_json j = collect(call, &counts, &host, driver, &driver_error);
	host_deinit(&host);
	if (!str_empty(info->format) && strcmp(info->format, "json") != 0) {
		/* In templates two fields have another name than in JSON. */
		json_set_bool(j, "CPUCfsPeriod", json_bool_or(j, "CpuCfsPeriod", false));
		json_set_bool(j, "CPUCfsQuota", json_bool_or(j, "CpuCfsQuota", false));
	}
	if (!str_empty(info->format))
		return object_print(j, info->format, e);
	print_text(j);
	return 0;
}

static const char *const aliases[] = {"system info", NULL};

// clang-format off
static const struct opt opts[] = {
	{"debug", 'D', OPT_IGNORED_BOOL, FIELD(struct info, ignored), "",
		"Accepted for Podman's scripts; everything is shown in any case", .flags = OPTF_HIDDEN},
	{"format", 'f', OPT_STR, FIELD(struct info, format), "string",
		"Format output using a custom template:\n"
		"'json':             Print in JSON format\n"
		"'TEMPLATE':         Print output using the given Go template"},
	{0},
};
// clang-format on

const struct cmd cmd_info = {
	.name = "info",
	.aliases = aliases,
	.brief = "Display system-wide information",
	.needs = NEED_STORE,
	.opts = opts,
	.args_size = sizeof(struct info),
	.run = info_run,
};
