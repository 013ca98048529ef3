#include "engine/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/seccomp_file.h"
#include "netns/slirp.h"
#include "storage/image.h"
#include "storage/store.h"

static json_t *from_words(const char *const *words, size_t n)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_string(words[i]));
	return a;
}

json_t *spec_masked_paths(void)
{
	static const char *const paths[] = {"/proc/asound", "/proc/acpi", "/proc/kcore",
		"/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		"/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		"/sys/devices/virtual/powercap"};
	return from_words(paths, ARRAY_LEN(paths));
}

json_t *spec_readonly_paths(void)
{
	static const char *const paths[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
	return from_words(paths, ARRAY_LEN(paths));
}

static bool is_host(const char *mode) { return mode && strcmp(mode, "host") == 0; }

static json_t *namespaces(const struct create_plan *p)
{
	const struct create_request *r = p->r;
	const bool wanted[SHARE_COUNT] = {
		[SHARE_NET] = p->net != NET_HOST,
		[SHARE_PID] = !is_host(r->pid),
		[SHARE_IPC] = !is_host(r->ipc),
		[SHARE_UTS] = !is_host(r->uts),
		[SHARE_CGROUP] = p->has_cgroup2 && !is_host(r->cgroupns),
	};
	json_t *a = json_array();
	json_array_append_new(a, json_pack("{s:s}", "type", "mount"));
	if (p->has_idmap)
		json_array_append_new(a, json_pack("{s:s}", "type", "user"));
	for (int i = 0; i < SHARE_COUNT; i++) {
		json_t *o = json_object();
		json_set_str(o, "type", create_ns_name((enum create_ns)i));
		if (p->share[i].path)
			json_set_str(o, "path", p->share[i].path);
		if (wanted[i])
			json_array_append(a, o);
		json_decref(o);
	}
	return a;
}

static json_t *capabilities(const struct create_plan *p)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	auto_json list = json_from_strv(&p->capabilities);
	json_t *o = json_object();
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		json_object_set(o, sets[i], list);
	return o;
}

static json_t *rlimits(const struct create_plan *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->n_ulimits; i++) {
		char type[32] = "RLIMIT_";
		size_t n = strlen(type);
		for (const char *c = p->ulimits[i].name; *c; c++)
			type[n++] = (char)(*c - 'a' + 'A');
		type[n] = '\0';
		json_array_append_new(a, json_pack("{s:s, s:I, s:I}", "type", type, "hard",
						 (json_int_t)p->ulimits[i].hard, "soft",
						 (json_int_t)p->ulimits[i].soft));
	}
	return a;
}

static json_t *process(const struct create_plan *p)
{
	const struct create_request *r = p->r;
	auto_strv args = STRV_INIT;
	json_t *o = json_object();
	strv_copy(&args, &p->entrypoint);
	strv_copy(&args, &p->cmd);
	json_set_bool(o, "terminal", r->tty);
	json_t *user = json_pack("{s:i, s:i}", "uid", 0, "gid", 0);
	if (!str_empty(r->umask))
		json_set_int(user, "umask", create_umask(r->umask));
	if (p->userns.kind == IDMAP_KEEP_ID)
		json_set(user, "additionalGids", json_pack("[I]", (json_int_t)p->keep_gid));
	json_set(o, "user", user);
	json_set(o, "args", json_from_strv(&args));
	json_set(o, "env", json_from_strv(&p->process_env));
	json_set_str(o, "cwd", *p->workdir ? p->workdir : "/");
	json_set(o, "capabilities", capabilities(p));
	if (p->n_ulimits)
		json_set(o, "rlimits", rlimits(p));
	if (p->security.no_new_privileges)
		json_set_bool(o, "noNewPrivileges", true);
	if (r->oom_score_adj)
		json_set_int(o, "oomScoreAdj", r->oom_score_adj);
	return o;
}

/* Docker lets root of a container with a network of its own bind every port. */
static json_t *sysctls(const struct create_plan *p)
{
	json_t *o = json_object();
	if (p->net != NET_HOST && p->net != NET_SHARED)
		json_set_str(o, "net.ipv4.ip_unprivileged_port_start", "0");
	(void)json_object_update(o, p->sysctls);
	return o;
}

static int linux_part(const struct create_plan *p, json_t *spec, struct err *e)
{
	const char *propagation = NULL;
	json_t *o = json_object();
	json_set(spec, "linux", o);
	json_set(o, "namespaces", namespaces(p));
	if (p->resources)
		json_object_set(o, "resources", p->resources);
	if (p->has_idmap) {
		json_set(o, "uidMappings", create_id_mappings(&p->uid_map));
		json_set(o, "gidMappings", create_id_mappings(&p->gid_map));
	}
	auto_json ctl = sysctls(p);
	if (json_object_size(ctl))
		json_object_set(o, "sysctl", ctl);
	for (size_t i = 0; i < p->mounts.n; i++) {
		const char *m = p->mounts.v[i].propagation;
		if (m && (strcmp(m, "shared") == 0 || strcmp(m, "rshared") == 0))
			propagation = "shared";
		else if (m && !propagation && (strcmp(m, "slave") == 0 || strcmp(m, "rslave") == 0))
			propagation = "rslave";
	}
	if (propagation)
		json_set_str(o, "rootfsPropagation", propagation);
	if (!p->r->privileged && !p->security.systempaths_unconfined) {
		json_set(o, "maskedPaths", spec_masked_paths());
		json_set(o, "readonlyPaths", spec_readonly_paths());
	}
	if (!p->seccomp_text || p->r->privileged)
		return 0;
	json_t *seccomp =
		seccomp_file_load(p->seccomp_text, p->security.seccomp_file, &p->capabilities, e);
	if (!seccomp)
		return -e->code;
	json_set(o, "seccomp", seccomp);
	return 0;
}

static bool is_listed(const json_t *list, const char *text)
{
	size_t i;
	json_t *v;
	json_array_foreach (list, i, v)
		if (strcmp(json_string_value(v), text) == 0)
			return true;
	return false;
}

static bool is_published(const struct create_plan *p, const struct port_spec *s)
{
	for (size_t i = 0; i < p->publish.n; i++)
		if (p->publish.v[i].container == s->container &&
			strcmp(p->publish.v[i].proto, s->proto) == 0)
			return true;
	return false;
}

/* What the monitor's network needs (engine/network.h). */
json_t *spec_network(const struct create_plan *p)
{
	static const char *const modes[] = {"slirp4netns", "none", "host", "shared"};
	json_t *o = json_object();
	json_t *ports = json_array(), *exposed = json_array();
	json_set_str(o, "mode", modes[p->net]);
	json_set_str(o, "name", p->network_name);
	if (p->host_loopback)
		json_set_bool(o, "host_loopback", true);
	if (p->net_ipv6)
		json_set_bool(o, "ipv6", true);
	if (p->net_mtu)
		json_set_int(o, "mtu", p->net_mtu);
	if (!str_empty(p->r->mac_address))
		json_set_str(o, "mac", p->r->mac_address);
	json_set(o, "ports", ports);
	json_set(o, "exposed", exposed);
	for (size_t i = 0; i < p->publish.n; i++) {
		const struct port_spec *s = &p->publish.v[i];
		json_array_append_new(
			ports, json_pack("{s:s, s:I, s:I, s:i, s:s}", "ip", s->host_ip, "start",
				       (json_int_t)s->host_start, "end", (json_int_t)s->host_end,
				       "port", s->container, "proto", s->proto));
	}
	for (size_t i = 0; i < p->exposed.n; i++) {
		const struct port_spec *s = &p->exposed.v[i];
		auto_free char *key = xasprintf("%u/%s", s->container, s->proto);
		bool again = is_listed(exposed, key);
		json_array_append_new(exposed, json_string(key));
		if (p->r->publish_all && !again && !is_published(p, s))
			json_array_append_new(
				ports, json_pack("{s:s, s:i, s:i, s:i, s:s}", "ip", "", "start", 0,
					       "end", 0, "port", s->container, "proto", s->proto));
	}
	return o;
}

static void rootfs_annotations(
	const struct create_plan *p, const struct store *s, const char *driver, json_t *o)
{
	auto_buf layers = BUF_INIT;
	for (size_t i = 0; i < p->image->n_layers; i++)
		buf_printf(&layers, "%s%s", i ? "," : "", p->image->layer_ids[i]);
	auto_free char *text = buf_take(&layers);
	json_set_str(o, "moss.driver", driver);
	json_set_str(o, "moss.root", s->root);
	json_set_str(o, "moss.layers", text);
	if (p->r->rm)
		json_set_str(o, "moss.throwaway", "1");
}

static json_t *annotations(const struct create_plan *p, const struct store *s, const char *driver)
{
	const struct create_request *r = p->r;
	json_t *o = json_copy(p->annotations);
	auto_json plan = spec_network(p);
	auto_free char *network = json_text(plan);
	auto_json mounts = spec_mount_extras(p);
	rootfs_annotations(p, s, driver, o);
	for (int i = 0; i < SHARE_COUNT; i++) {
		auto_free char *key = xasprintf("moss.join.%s", create_ns_name((enum create_ns)i));
		if (p->share[i].of)
			json_set_str(o, key, p->share[i].of);
	}
	if (p->passwd && json_object_size(p->passwd)) {
		auto_free char *names = json_text(p->passwd);
		json_set_str(o, "moss.passwd", names);
	}
	json_set_str(o, "moss.user", *p->user ? p->user : "0");
	json_set_str(o, "moss.network", network);
	if (mounts) {
		auto_free char *text = json_text(mounts);
		json_set_str(o, "moss.mounts", text);
	}
	if (r->group_add.n) {
		auto_json groups = json_from_strv(&r->group_add);
		auto_free char *text = json_text(groups);
		json_set_str(o, "moss.group-add", text);
	}
	if (r->init)
		json_set_str(o, "moss.init", "1");
	if (!str_empty(r->cgroup_parent) && p->has_cgroup2)
		json_set_str(o, "moss.cgroup-parent", r->cgroup_parent);
	if (!r->privileged && !p->security.seccomp_unconfined && !p->seccomp_text)
		json_set_str(o, "moss.seccomp", "default");
	return o;
}

json_t *spec_build(
	const struct create_plan *p, const struct store *s, const char *driver, struct err *e)
{
	auto_json o = json_object();
	json_set_str(o, "ociVersion", "1.0.2");
	json_set(o, "process", process(p));
	json_set(o, "root", json_pack("{s:s, s:b}", "path", "merged", "readonly", p->r->read_only));
	json_set_str(o, "hostname", p->hostname);
	if (*p->domainname)
		json_set_str(o, "domainname", p->domainname);
	json_set(o, "mounts", spec_mounts(p));
	if (linux_part(p, o, e) < 0)
		return NULL;
	json_set(o, "annotations", annotations(p, s, driver));
	return take_ptr(o);
}
