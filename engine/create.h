/* create: from what the user asked for to a container's record and bundle.
 *
 * cmd/run.c fills a create_request (text as typed, split into lists but not interpreted);
 * engine/create.c checks it, resolves image, mounts, ports, user, environment, and makes
 *   - the `config` JSON in the form of docker inspect (Config, HostConfig, Mounts, Path, Args,
 *     Platform, NetworkSettings.Ports...), kept in the container's row,
 *   - containers/<id>/{config.json (OCI runtime spec 1.0.2), hosts, resolv.conf, hostname, upper,
 *     work, merged, alive},
 *   - the volumes that are missing.
 * The record itself is inserted by container_insert: at once for `create`, when the monitor is
 * ready for `run` (engine/start.h), so that a foreground run costs two transactions.
 */
#ifndef ENGINE_CREATE_H
#define ENGINE_CREATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "storage/db/container_row.h"

struct err;
struct image;
struct store;

/* Field order follows `docker run --help`; NULL or empty = not given. */
struct create_request {
	const char *image; /* as typed */
	char *const *command; /* NULL-terminated, may be empty */
	struct strv add_host, annotation, attach, cap_add, cap_drop, device, dns, dns_option,
		dns_search;
	struct strv env, env_file, expose, group_add, label, label_file, log_opt, mount, network;
	struct strv network_alias, publish, security_opt, storage_opt, sysctl, tmpfs, ulimit,
		volume;
	struct strv volumes_from, uidmap, gidmap, hostuser;
	char *image_volume;
	bool read_only_tmpfs;
	/* Podman's: engine/create_env.c, create_files.c; the rest is said where it is used */
	struct strv env_merge, unsetenv;
	bool env_host, unsetenv_all, http_proxy, no_hosts, no_hostname;
	char *tz, *umask, *hosts_file, *pidfile, *conmon_pidfile;
	uint64_t timeout; /* seconds, 0 = none */
	struct strv blkio_weight_device, device_read_bps, device_write_bps, device_read_iops,
		device_write_iops;
	char *name, *entrypoint, *hostname, *domainname, *user, *workdir, *cidfile;
	bool entrypoint_given;
	char *passwd_entry, *group_entry;
	bool passwd; /* names are added to /etc/passwd and /etc/group */
	char *ipc, *pid, *uts, *userns, *cgroupns, *cgroup_parent, *log_driver, *platform, *pull;
	char *restart, *runtime, *stop_signal, *volume_driver, *mac_address, *ip;
	char *cpus, *cpuset_cpus, *cpuset_mems;
	int64_t cpu_shares, cpu_period, cpu_quota, memory, memory_reservation, memory_swap;
	int64_t memory_swappiness, pids_limit, blkio_weight, shm_size, oom_score_adj;
	int64_t stop_timeout;
	bool stop_timeout_given;
	char *health_cmd, *health_on_failure, *health_log_destination;
	uint64_t health_max_log_count, health_max_log_size;
	bool health_max_log_count_given, health_max_log_size_given;
	int64_t health_interval, health_timeout, health_start_period, health_start_interval;
	int64_t health_retries;
	bool no_healthcheck;
	bool init, interactive, tty, privileged, publish_all, read_only, rm, oom_kill_disable,
		detach;
};

/* Which streams the caller is attached to: -a, -i, -d. */
/* What Docker finds wrong before it looks for the image: --mount and --restart. */
int create_check_early(const struct create_request *r, struct err *e);

struct create_attach {
	bool in, out, err;
};
int create_attach(const struct create_request *r, struct create_attach *a, struct err *e);

/* A container that has its files but no record yet. */
struct container_new {
	struct container_row row;
	char *dir; /* containers/<id> */
	int alive_fd; /* the alive lock, held */
	char **layer_ids;
	size_t n_layers;
	char **volume_names;
	size_t n_volumes;
	struct strv held_layers; /* of images that are mounted in it */
	bool name_is_generated; /* another is taken where it is in use */
	bool is_attached; /* run: somebody attaches before it starts */
};
void container_new_deinit(struct container_new *c);

/* Everything but the record. The name is checked (generated where NULL). On failure nothing is
 * left but volumes that were asked for by name. Warnings (one line each) go to `warnings`. */
int container_prepare(struct store *s, const struct create_request *r, const struct image *image,
	struct container_new *out, struct strv *warnings, struct err *e);
/* upper (with the owner's view of the topmost layer's "/"), work and merged in containers/<id>. */
int container_make_folders(struct store *s, const char *dir, const char *const *layer_ids,
	size_t n_layers, struct err *e);
/* The record; "Conflict. The container name ..." where another has the name. FULL unless --rm. */
int container_insert(struct store *s, struct container_new *c, struct err *e);
/* Removes the files of one that will not be. */
void container_discard(struct store *s, struct container_new *c);

#endif
