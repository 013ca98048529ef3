/* create_plan: what container_prepare has worked out of a request, on its way to the two JSON
 * documents: the one of docker inspect (engine/create_config.c) and the OCI runtime spec
 * (engine/spec.c). Internal to engine/create*.c and engine/spec*.c.
 */
#ifndef ENGINE_CREATE_PLAN_H
#define ENGINE_CREATE_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/create.h"
#include "engine/idmap.h"
#include "engine/limits.h"
#include "engine/parse_limit.h"
#include "engine/parse_mount.h"
#include "engine/parse_port.h"

struct err;
struct image;
struct store;

/* NET_SHARED: of another container, or found at a path (create_plan.share) */
enum net_mode { NET_SLIRP, NET_NONE, NET_HOST, NET_SHARED };

enum create_ns { SHARE_NET, SHARE_PID, SHARE_IPC, SHARE_UTS, SHARE_CGROUP, SHARE_COUNT };

/* A namespace that is joined; all NULL where it is the container's own or the host's. */
struct create_share {
	char *mode; /* "container:<id>" for HostConfig */
	char *of; /* that id; of the network also a name that nobody has yet */
	const char *path; /* ns:PATH */
};
static inline bool share_is_on(const struct create_share *s) { return s->of || s->path; }

/* One mount with everything looked up. */
struct mount_real {
	const struct mount_spec *spec; /* of plan.mounts */
	char *source; /* on the host; NULL for tmpfs */
	char *volume; /* its name, or NULL */
	bool copy_up;
	json_t *options; /* of the volume, or NULL */
	struct strv layers; /* of an image: layers.id, bottom first */
};

struct create_plan {
	const struct create_request *r;
	const struct image *image;
	json_t *image_json; /* the image's config document */
	json_t *image_config; /* its "config" object, borrowed; may be NULL */
	char id[65];
	const char *dir; /* containers/<id>; borrowed */

	struct create_share share[SHARE_COUNT];
	char *net_dir; /* the folder of the container whose network is shared, or NULL */
	char *other_hostname, *other_domainname; /* of the container whose name is shared */
	struct idmap_mode userns;
	bool has_idmap; /* ids of its own: */
	struct id_ranges uid_map, gid_map;
	uint32_t keep_uid, keep_gid; /* keep-id: the user's, inside */
	json_t *passwd; /* annotation moss.passwd, or NULL */
	char *hostname;
	const char *domainname; /* "" */
	enum net_mode net;
	char *network_name; /* as NetworkMode shows it */
	bool host_loopback, net_ipv6;
	int net_mtu;
	bool has_cgroup2;

	struct strv env; /* Config.Env */
	struct strv process_env; /* what the process gets */
	struct strv entrypoint, cmd;
	bool has_entrypoint, has_cmd; /* null otherwise */
	char *user, *workdir, *stop_signal;
	json_t *labels, *annotations;
	json_t *healthcheck; /* Config.Healthcheck; NULL = none */
	json_t *health_extra; /* what Podman has beside it */
	struct strv capabilities;
	struct security_options security;
	char *seccomp_text; /* --security-opt seccomp=FILE */
	struct restart_policy restart;
	struct ulimit *ulimits;
	struct device_spec *devices;
	size_t n_ulimits, n_devices;
	json_t *sysctls;
	struct port_specs publish, exposed;
	struct mount_specs mounts;
	struct mount_real *reals; /* as many as mounts */
	struct create_attach attach;
	struct limits limits;
	json_t *resources; /* linux.resources of the spec, or NULL */
	json_t *log_config; /* HostConfig.LogConfig */
};

void create_plan_deinit(struct create_plan *p);
/* Text that JSON can hold: bytes that are not UTF-8 become U+FFFD. Owned. */
char *utf8_text(const char *s);

/* engine/create_share.c: which namespaces are another container's; before create_check. */
int create_share(struct store *s, struct create_plan *p, struct err *e);
void create_share_deinit(struct create_plan *p);
/* As the runtime spec calls it. */
const char *create_ns_name(enum create_ns ns);
/* engine/create_userns.c: the words of --userns, --uidmap, --gidmap; then the maps, once the
 * container's folder is there. */
int create_check_userns(struct create_plan *p, struct err *e);
int create_userns(struct store *s, struct create_plan *p, struct err *e);
/* For the runtime spec, and as HostConfig.IDMappings shows them. New references. */
json_t *create_id_mappings(const struct id_ranges *r);
json_t *create_id_texts(const struct id_ranges *r);
/* engine/create_passwd.c: p->passwd, after create_userns. */
int create_passwd(struct create_plan *p, struct err *e);
/* engine/create_check.c: everything that needs neither store nor file system. */
int create_check(struct create_plan *p, struct strv *warnings, struct err *e);
/* engine/create_env.c: p->env, then p->process_env. */
int create_env(struct create_plan *p, struct err *e);
void create_process_env(struct create_plan *p);
/* --umask as a number; -1 where it is none. */
int create_umask(const char *text);
/* engine/create_network.c: mode, ports, host names. */
int create_check_network(struct create_plan *p, struct strv *warnings, struct err *e);
/* engine/create_limit.c: memory, cpu and pid limits. */
int create_limits(struct create_plan *p, struct strv *warnings, struct err *e);
/* engine/create_volumes_from.c: the mounts of other containers, before all others. */
int create_volumes_from(struct store *s, struct create_plan *p, struct err *e);
/* engine/create_mounts.c: the list of mounts (text only). */
int create_mounts_parse(struct create_plan *p, struct strv *warnings, struct err *e);
/* The one on that target, or NULL. */
struct mount_spec *create_mounts_find(struct create_plan *p, const char *target);
/* engine/create_sources.c: where they come from: volumes are made, images and binds looked at. */
int create_mounts_resolve(struct store *s, struct create_plan *p, struct err *e);
/* engine/create_config.c: the row's config JSON. New reference. */
json_t *create_config(const struct create_plan *p);
/* HostConfig.LogConfig as the flags say it. New reference. */
json_t *create_log_config(const struct create_request *r);
/* engine/create_files.c: hosts, resolv.conf, hostname in dir_fd. */
int create_files(const struct create_plan *p, int dir_fd, struct err *e);
/* Their flags, before anything is made. */
int create_files_check(const struct create_plan *p, struct err *e);
/* Whether the file of /etc ("hosts", "hostname", "resolv.conf", "localtime") is ours and mounted. */
bool create_files_mounts(const struct create_plan *p, const char *name);
/* engine/spec.c: config.json. New reference, NULL with e set. */
json_t *spec_build(
	const struct create_plan *p, const struct store *s, const char *driver, struct err *e);
/* What the monitor's network needs: the annotation moss.network. New reference. */
json_t *spec_network(const struct create_plan *p);
/* engine/spec_mounts.c */
json_t *spec_mounts(const struct create_plan *p);
/* engine/spec_extras.c: the annotation moss.mounts (engine/launch.h); NULL where no mount needs
 * any. New references. */
json_t *spec_mount_extras(const struct create_plan *p);
/* The folder of the i-th mount in the container's own, for what is made there. Owned. */
char *spec_mount_dir(const struct create_plan *p, size_t i);
/* Whether the mount is made by the launcher before it is bound: an image, or an overlay (O). */
bool spec_mount_is_made(const struct mount_spec *m);

#endif
