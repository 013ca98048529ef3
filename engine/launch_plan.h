/* launch_plan: config.json, read and checked (engine/launch_load.c); private to the launcher.
 * Strings are borrowed from `doc`. */
#ifndef ENGINE_LAUNCH_PLAN_H
#define ENGINE_LAUNCH_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/proc.h"
#include "base/str.h"
#include "base/userns.h"
#include "engine/caps.h"
#include "engine/cgroup.h"
#include "storage/rootfs.h"

struct err;

enum plan_ns { NS_MOUNT, NS_PID, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_COUNT };

struct ns_plan {
	bool wanted;
	const char *path; /* joined, NULL = a new one */
	const char *of; /* or joined: that of the container with this id */
	struct proc_id init; /* of that container, since launch_join_set */
};

/* MOUNT_JOINED: the file system that the container whose ipc namespace is joined has at the same
 * place (its /dev/shm). */
enum mount_kind { MOUNT_BIND, MOUNT_FS, MOUNT_PROC, MOUNT_SYSFS, MOUNT_CGROUP, MOUNT_JOINED };

/* The annotation moss.mounts of one mount (engine/launch.h). */
struct mount_extras {
	bool copy_up, make_source, chown;
	const char *subpath;
	const char *volume; /* its name: the source is in the store */
	const char *dev_type, *device, *dev_options; /* what the volume is; device NULL: a folder */
	int64_t uid, gid; /* of a volume that is filled, -1 = the image's */
	const char *made_in; /* the source is made below this folder */
	struct strv layers; /* of an image */
	const char *lower, *upper, *work; /* of an overlay; upper NULL: thrown away at each start */
};

struct mount_plan {
	const char *source, *target, *type;
	enum mount_kind kind;
	uint64_t set, clear; /* MOUNT_ATTR_* for the mount itself */
	uint64_t rec_set, rec_clear; /* for it and all below */
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE ..., 0 = as it comes */
	bool propagation_rec;
	bool recursive; /* rbind */
	struct mount_extras more;
	struct strv data; /* "key=value" or "flag", for the file system */
};

/* A mount whose source was opened before the rights for it were given up; `plan` is what became of
 * the one in the launch_plan. */
struct outside {
	int tree;
	struct mount_plan plan;
};

struct rlimit_plan {
	int resource;
	const char *name;
	struct rlimit limit;
};

struct sysctl_plan {
	const char *key; /* "net.ipv4.ip_forward" */
	const char *value;
};

struct launch_plan {
	json_t *doc;
	char *bundle;
	struct ns_plan ns[NS_COUNT];
	/* A user namespace inside the shared one; none where n_uids is 0. "outside" are ids of the
	 * shared one. */
	struct userns_map idmap;
	uint64_t rootfs_propagation;
	const char *root_path;
	bool root_readonly;
	struct mount_plan *mounts;
	size_t n_mounts;
	json_t *extras; /* the annotation moss.mounts, or NULL */
	const char *hostname, *domainname;
	struct sysctl_plan *sysctls;
	size_t n_sysctls;
	const char **masked, **readonly; /* NULL-terminated */
	/* storage/rootfs.h; driver NULL: root_path */
	const char *driver, *store_root;
	struct strv layers;
	bool is_throwaway;
	/* process */
	const char **args, **env; /* NULL-terminated */
	const char *cwd;
	bool terminal, no_new_privs, has_init, has_oom;
	int oom_score_adj;
	unsigned short rows, cols;
	uid_t uid;
	gid_t gid;
	gid_t *gids;
	size_t n_gids;
	const char *user_text; /* NULL: uid and gid above */
	json_t *group_add; /* array of text, or NULL */
	json_t *passwd; /* annotation moss.passwd, or NULL */
	int umask; /* -1 = 0022 */
	struct cgroup_limits limits;
	struct caps caps;
	struct rlimit_plan *rlimits;
	size_t n_rlimits;
	bool default_seccomp; /* annotation moss.seccomp = default */
	json_t *seccomp; /* linux/seccomp, or NULL */
};

/* CLONE_NEW* of a namespace, and of all that the container does not share with the host: with
 * only_new without those that it joins. */
int plan_ns_flag(enum plan_ns ns);
/* "network", as in config.json. */
const char *plan_ns_name(enum plan_ns ns);
uint64_t plan_ns_flags(const struct launch_plan *p, bool only_new);
static inline bool plan_ns_is_joined(const struct launch_plan *p, enum plan_ns ns)
{
	return p->ns[ns].path || p->ns[ns].of;
}
static inline bool plan_has_idmap(const struct launch_plan *p) { return p->idmap.n_uids > 0; }
/* Its init is not cloned by the monitor but by a builder (launch.h). */
bool plan_needs_builder(const struct launch_plan *p);

/* What storage is asked to mount. Strings are the plan's. */
struct rootfs_spec launch_rootfs(const struct launch_plan *p);
/* Options of a mount ("ro", "rbind", "size=64m" ...) into the plan. */
int mount_plan_option(struct mount_plan *m, const char *option, struct err *e);

#endif
