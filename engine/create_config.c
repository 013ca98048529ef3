/* The row's config JSON: what docker inspect shows of a container and does not change, in Docker's
 * field order. */
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/spec.h"

static json_t *list_or_null(const struct strv *v) { return v->n ? json_from_strv(v) : json_null(); }

static void set_text(json_t *o, const char *key, const char *s)
{
	json_set_str(o, key, s ? s : "");
}

static json_t *port_bindings(const struct create_plan *p)
{
	json_t *o = json_object();
	for (size_t i = 0; i < p->publish.n; i++) {
		const struct port_spec *s = &p->publish.v[i];
		auto_free char *key = xasprintf("%u/%s", s->container, s->proto);
		json_t *list = json_object_get(o, key);
		if (!list) {
			list = json_array();
			json_set(o, key, list);
		}
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "HostIp", s->host_ip, "HostPort", s->host_text));
	}
	return json_sorted(o);
}

static json_t *exposed_ports(const struct create_plan *p)
{
	json_t *o = json_object();
	const struct port_specs *lists[] = {&p->publish, &p->exposed};
	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct port_spec *s = &lists[l]->v[i];
			auto_free char *key = xasprintf("%u/%s", s->container, s->proto);
			json_set(o, key, json_object());
		}
	return json_sorted(o);
}

static json_t *binds(const struct create_plan *p)
{
	auto_strv v = STRV_INIT;
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct mount_spec *m = &p->mounts.v[i];
		if (m->origin == MOUNT_FROM_V && m->source)
			strv_take(&v, mount_bind_text(m));
	}
	return list_or_null(&v);
}

static json_t *devices(const struct create_plan *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->n_devices; i++)
		json_array_append_new(
			a, json_pack("{s:s, s:s, s:s}", "PathOnHost", p->devices[i].host,
				   "PathInContainer", p->devices[i].container, "CgroupPermissions",
				   p->devices[i].permissions));
	return a;
}

static json_t *ulimits(const struct create_plan *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->n_ulimits; i++)
		json_array_append_new(a, json_pack("{s:s, s:I, s:I}", "Name", p->ulimits[i].name,
						 "Hard", (json_int_t)p->ulimits[i].hard, "Soft",
						 (json_int_t)p->ulimits[i].soft));
	return a;
}

static json_t *volume_options(const struct mount_spec *m)
{
	json_t *o = json_object();
	if (m->nocopy)
		json_set_bool(o, "NoCopy", true);
	if (m->labels.n)
		json_set(o, "Labels", json_sorted(json_from_words(&m->labels)));
	if (m->subpath)
		json_set_str(o, "Subpath", m->subpath);
	json_t *driver = json_object();
	if (m->driver)
		json_set_str(driver, "Name", m->driver);
	if (m->options.n)
		json_set(driver, "Options", json_sorted(json_from_words(&m->options)));
	json_set(o, "DriverConfig", driver);
	return o;
}

static json_t *bind_options(const struct mount_spec *m)
{
	json_t *o = json_object();
	if (m->propagation)
		json_set_str(o, "Propagation", m->propagation);
	if (m->non_recursive)
		json_set_bool(o, "NonRecursive", true);
	if (m->make_source)
		json_set_bool(o, "CreateMountpoint", true);
	if (m->read_only_top)
		json_set_bool(o, "ReadOnlyNonRecursive", true);
	if (m->read_only_all)
		json_set_bool(o, "ReadOnlyForceRecursive", true);
	return o;
}

static json_t *flag_mount(const struct mount_spec *m)
{
	json_t *o = json_object();
	json_set_str(o, "Type", mount_type_name(m->type));
	if (!str_empty(m->source))
		json_set_str(o, "Source", m->source);
	json_set_str(o, "Target", m->target);
	if (m->read_only)
		json_set_bool(o, "ReadOnly", true);
	if (!str_empty(m->consistency))
		json_set_str(o, "Consistency", m->consistency);
	auto_json bind = bind_options(m);
	if (json_object_size(bind))
		json_object_set(o, "BindOptions", bind);
	if (m->has_volume_options || (m->type == MOUNT_VOLUME && m->subpath))
		json_set(o, "VolumeOptions", volume_options(m));
	if (m->type == MOUNT_IMAGE && m->subpath)
		json_set(o, "ImageOptions", json_pack("{s:s}", "Subpath", m->subpath));
	if (m->tmpfs_size || m->has_tmpfs_mode) {
		json_t *t = json_object();
		if (m->tmpfs_size)
			json_set_int(t, "SizeBytes", m->tmpfs_size);
		if (m->has_tmpfs_mode)
			json_set_int(t, "Mode", m->tmpfs_mode);
		json_set(o, "TmpfsOptions", t);
	}
	return o;
}

/* --mount and --tmpfs, each left out where there is none. */
static void host_mounts(const struct create_plan *p, json_t **flags, json_t **tmpfs)
{
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct mount_spec *m = &p->mounts.v[i];
		if (m->origin == MOUNT_FROM_FLAG) {
			if (!*flags)
				*flags = json_array();
			json_array_append_new(*flags, flag_mount(m));
		} else if (m->origin == MOUNT_FROM_TMPFS) {
			if (!*tmpfs)
				*tmpfs = json_object();
			json_set_str(*tmpfs, m->target, m->tmpfs_options);
		}
	}
	if (*tmpfs)
		*tmpfs = json_sorted(*tmpfs);
}

json_t *create_log_config(const struct create_request *r)
{
	return json_pack("{s:s, s:o}", "Type", r->log_driver ? r->log_driver : "", "Config",
		json_sorted(json_from_words(&r->log_opt)));
}

static const char *shared_mode(
	const struct create_plan *p, enum create_ns ns, const char *given, const char *otherwise)
{
	return p->share[ns].mode ? p->share[ns].mode : str_empty(given) ? otherwise : given;
}

static void host_first_part(const struct create_plan *p, json_t *o)
{
	const struct create_request *r = p->r;
	json_set(o, "Binds", binds(p));
	set_text(o, "ContainerIDFile", r->cidfile);
	json_set(o, "LogConfig", json_incref(p->log_config));
	set_text(o, "NetworkMode", p->network_name);
	json_set(o, "PortBindings", port_bindings(p));
	json_set(o, "RestartPolicy",
		json_pack("{s:s, s:I}", "Name", p->restart.name, "MaximumRetryCount",
			(json_int_t)p->restart.max_retries));
	json_set_bool(o, "AutoRemove", r->rm);
	set_text(o, "VolumeDriver", r->volume_driver);
	json_set(o, "VolumesFrom", list_or_null(&r->volumes_from));
	json_set(o, "ConsoleSize", json_pack("[i, i]", 0, 0));
	if (json_object_size(p->annotations))
		json_set(o, "Annotations", json_sorted(json_incref(p->annotations)));
	json_set(o, "CapAdd", list_or_null(&r->cap_add));
	json_set(o, "CapDrop", list_or_null(&r->cap_drop));
	set_text(o, "CgroupnsMode",
		shared_mode(p, SHARE_CGROUP, r->cgroupns, p->has_cgroup2 ? "private" : "host"));
	json_set(o, "Dns", json_from_strv(&r->dns));
	json_set(o, "DnsOptions", json_from_strv(&r->dns_option));
	json_set(o, "DnsSearch", json_from_strv(&r->dns_search));
	json_set(o, "ExtraHosts", list_or_null(&r->add_host));
	json_set(o, "GroupAdd", list_or_null(&r->group_add));
	set_text(o, "IpcMode", shared_mode(p, SHARE_IPC, r->ipc, "private"));
	set_text(o, "Cgroup", "");
	json_set(o, "Links", json_null());
	json_set_int(o, "OomScoreAdj", r->oom_score_adj);
	set_text(o, "PidMode", shared_mode(p, SHARE_PID, r->pid, ""));
	json_set_bool(o, "Privileged", r->privileged);
	json_set_bool(o, "PublishAllPorts", r->publish_all);
	json_set_bool(o, "ReadonlyRootfs", r->read_only);
}

static bool is_host(const char *mode) { return mode && strcmp(mode, "host") == 0; }

static bool has_label(const struct strv *options)
{
	for (size_t i = 0; i < options->n; i++) {
		if (str_starts(options->v[i], "label=") || str_starts(options->v[i], "label:"))
			return true;
	}
	return false;
}

static json_t *security_opt(const struct create_plan *p)
{
	auto_strv v = STRV_INIT;
	strv_copy(&v, &p->security.shown);
	bool is_open = p->r->privileged || is_host(p->r->pid) || is_host(p->r->ipc);
	if (is_open && !has_label(&v))
		strv_add(&v, "label=disable");
	return list_or_null(&v);
}

static void host_resources(const struct create_plan *p, json_t *o)
{
	json_set_int(o, "CpuShares", 0);
	json_set_int(o, "Memory", 0);
	json_set_int(o, "NanoCpus", 0);
	set_text(o, "CgroupParent", p->r->cgroup_parent);
	json_set_int(o, "BlkioWeight", 0);
	json_set(o, "BlkioWeightDevice", json_array());
	json_set(o, "BlkioDeviceReadBps", json_array());
	json_set(o, "BlkioDeviceWriteBps", json_array());
	json_set(o, "BlkioDeviceReadIOps", json_array());
	json_set(o, "BlkioDeviceWriteIOps", json_array());
	json_set_int(o, "CpuPeriod", 0);
	json_set_int(o, "CpuQuota", 0);
	json_set_int(o, "CpuRealtimePeriod", 0);
	json_set_int(o, "CpuRealtimeRuntime", 0);
	set_text(o, "CpusetCpus", "");
	set_text(o, "CpusetMems", "");
	json_set(o, "Devices", devices(p));
	json_set(o, "DeviceCgroupRules", json_null());
	json_set(o, "DeviceRequests", json_null());
	json_set_int(o, "MemoryReservation", 0);
	json_set_int(o, "MemorySwap", 0);
	json_set(o, "MemorySwappiness", json_null());
	json_set(o, "OomKillDisable", json_null());
	json_set(o, "PidsLimit", json_null());
	json_set(o, "Ulimits", ulimits(p));
	json_set_int(o, "CpuCount", 0);
	json_set_int(o, "CpuPercent", 0);
	json_set_int(o, "IOMaximumIOps", 0);
	json_set_int(o, "IOMaximumBandwidth", 0);
	limits_to_host_config(&p->limits, o);
}

static json_t *host_config(const struct create_plan *p)
{
	const struct create_request *r = p->r;
	json_t *o = json_object(), *flags = NULL, *tmpfs = NULL;
	bool unmasked = r->privileged || p->security.systempaths_unconfined;
	host_first_part(p, o);
	json_set(o, "SecurityOpt", security_opt(p));
	host_mounts(p, &flags, &tmpfs);
	if (tmpfs)
		json_set(o, "Tmpfs", tmpfs);
	set_text(o, "UTSMode", shared_mode(p, SHARE_UTS, r->uts, ""));
	set_text(o, "UsernsMode",
		p->has_idmap && str_empty(r->userns) ? "private" : r->userns);
	if (p->has_idmap) {
		json_t *maps = json_object();
		json_set(maps, "UidMap", create_id_texts(&p->uid_map));
		json_set(maps, "GidMap", create_id_texts(&p->gid_map));
		json_set(o, "IDMappings", maps);
	}
	json_set_int(o, "ShmSize", r->shm_size ? r->shm_size : SPEC_SHM_SIZE);
	if (json_object_size(p->sysctls))
		json_set(o, "Sysctls", json_sorted(json_incref(p->sysctls)));
	set_text(o, "Runtime", str_empty(r->runtime) ? "moss" : r->runtime);
	set_text(o, "Isolation", "");
	host_resources(p, o);
	if (flags)
		json_set(o, "Mounts", flags);
	json_set(o, "MaskedPaths",
		unmasked ? (r->privileged ? json_null() : json_array()) : spec_masked_paths());
	json_set(o, "ReadonlyPaths",
		unmasked ? (r->privileged ? json_null() : json_array()) : spec_readonly_paths());
	if (r->init)
		json_set_bool(o, "Init", true);
	return o;
}

static json_t *mount_point(const struct mount_real *m)
{
	const struct mount_spec *s = m->spec;
	json_t *o = json_object();
	bool is_labelled = s->origin == MOUNT_FROM_FLAG ||
			   (s->origin == MOUNT_FROM_V && s->source && !*s->mode);
	json_set_str(o, "Type", mount_type_name(s->type));
	if (m->volume)
		json_set_str(o, "Name", m->volume);
	set_text(o, "Source", m->source);
	json_set_str(o, "Destination", s->target);
	if (m->volume)
		json_set_str(o, "Driver", "local");
	if (m->volume && is_labelled)
		json_set_str(o, "Mode", "z");
	else
		set_text(o, "Mode", s->mode);
	json_set_bool(o, "RW", !s->read_only);
	set_text(o, "Propagation",
		s->type != MOUNT_BIND       ? ""
		: str_empty(s->propagation) ? "rprivate"
					    : s->propagation);
	return o;
}

static json_t *mount_points(const struct create_plan *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->mounts.n; i++)
		if (p->mounts.v[i].origin != MOUNT_FROM_TMPFS &&
			(p->mounts.v[i].type != MOUNT_TMPFS ||
				p->mounts.v[i].origin == MOUNT_FROM_FLAG))
			json_array_append_new(a, mount_point(&p->reals[i]));
	return a;
}

static json_t *anonymous_volumes(const struct create_plan *p)
{
	json_t *o = json_object(), *unused;
	const char *target;
	json_object_foreach (json_at(p->image_config, "Volumes"), target, unused)
		json_set(o, target, json_object());
	for (size_t i = 0; i < p->mounts.n; i++)
		if (p->mounts.v[i].origin == MOUNT_FROM_V && !p->mounts.v[i].source)
			json_set(o, p->mounts.v[i].target, json_object());
	if (json_object_size(o))
		return json_sorted(o);
	json_decref(o);
	return json_null();
}

static void set_path(json_t *o, const char *key, const char *path)
{
	auto_free char *whole = str_empty(path) ? NULL : path_abs(path);
	if (whole)
		json_set_str(o, key, whole);
}

/* What a start looks at again (engine/start.c); left out where it is not given. */
static void set_podman(const struct create_request *r, json_t *o)
{
	if (!str_empty(r->umask))
		json_set_str(o, "Umask", r->umask);
	if (!str_empty(r->tz))
		json_set_str(o, "Timezone", r->tz);
	if (r->timeout)
		json_set_int(o, "Timeout", (int64_t)r->timeout);
	set_path(o, "PidFile", r->pidfile);
	set_path(o, "ConmonPidFile", r->conmon_pidfile);
}

static json_t *container_config(const struct create_plan *p)
{
	const struct create_request *r = p->r;
	json_t *o = json_object(), *value;
	json_set_str(o, "Hostname", p->hostname);
	json_set_str(o, "Domainname", p->domainname);
	json_set_str(o, "User", p->user);
	json_set_bool(o, "AttachStdin", p->attach.in);
	json_set_bool(o, "AttachStdout", p->attach.out);
	json_set_bool(o, "AttachStderr", p->attach.err);
	if (p->publish.n + p->exposed.n)
		json_set(o, "ExposedPorts", exposed_ports(p));
	json_set_bool(o, "Tty", r->tty);
	json_set_bool(o, "OpenStdin", r->interactive);
	json_set_bool(o, "StdinOnce", r->interactive && p->attach.in);
	json_set(o, "Env", list_or_null(&p->env));
	json_set(o, "Cmd", p->has_cmd ? json_from_strv(&p->cmd) : json_null());
	if (p->healthcheck)
		json_object_set(o, "Healthcheck", p->healthcheck);
	json_set_str(o, "Image", r->image);
	json_set(o, "Volumes", anonymous_volumes(p));
	json_set_str(o, "WorkingDir", p->workdir);
	json_set(o, "Entrypoint", p->has_entrypoint ? json_from_strv(&p->entrypoint) : json_null());
	if (!str_empty(r->mac_address))
		json_set_str(o, "MacAddress", r->mac_address);
	json_set(o, "OnBuild", json_null()); /* is for builds: never taken over */
	json_set(o, "Labels", json_sorted(json_incref(p->labels)));
	if (*p->stop_signal)
		json_set_str(o, "StopSignal", p->stop_signal);
	if (r->stop_timeout_given)
		json_set_int(o, "StopTimeout", r->stop_timeout);
	set_podman(r, o);
	if ((value = json_at(p->image_config, "Shell")))
		json_object_set(o, "Shell", value);
	json_object_update(o, p->health_extra);
	return o;
}

json_t *create_config(const struct create_plan *p)
{
	auto_strv all = STRV_INIT, args = STRV_INIT;
	json_t *o = json_object();
	strv_copy(&all, &p->entrypoint);
	strv_copy(&all, &p->cmd);
	for (size_t i = 1; i < all.n; i++)
		strv_add(&args, all.v[i]);
	json_set_str(o, "Path", all.v[0]);
	json_set(o, "Args", json_from_strv(&args));
	json_set_str(o, "Platform", json_str_or(p->image_json, "os", "linux"));
	json_set(o, "HostConfig", host_config(p));
	json_set(o, "Mounts", mount_points(p));
	json_set(o, "Config", container_config(p));
	return o;
}
