/* cgroup: a container's folder in the cgroup v2 tree, where this user may make one.
 *
 * Theory. A process may be put into a cgroup by whoever may write the cgroup.procs of that cgroup
 * and of the nearest common ancestor of where the process is and where it goes. So everything
 * happens below the highest ancestor of our own cgroup (the `0::` line of /proc/self/cgroup) that
 * is ours to write: a scope or service with Delegate=yes, the user's service manager, a folder that
 * an administrator has given away, or, for root, the whole tree. In a login session that systemd
 * keeps for itself (session-3.scope) there is nothing of the kind, and on machines with the old
 * hierarchies there is no tree: a container then has no cgroup, silently, and limits are discarded
 * with Docker's warning. A container without limits costs one mkdir and one rmdir.
 *
 * The place. Controllers (memory, cpu ...) can be given to children only by a cgroup that has no
 * process itself (the root of the tree excepted). The container's folder, moss-<first 12 of id>, is
 * therefore made in the nearest ancestor of ours that has no process, and can give what is needed;
 * where only our own is writable (Delegate=yes, a container), the processes in it are first moved
 * to a leaf moss-session, but only for a limit: without one our own cgroup does as it is.
 * Controllers are switched on for a container with limits, never for others: they are not free.
 * Where no cgroup of ours can limit, the user's service manager is asked for one that can
 * (engine/cgroup_scope.h), again only for a limit.
 * --cgroup-parent names the place instead: an absolute path in the tree, or one below that place.
 *
 * The life. The monitor makes the folder, writes the limits and clones init into it
 * (CLONE_INTO_CGROUP), so that nothing of the container ever runs outside; init then makes its
 * cgroup namespace, whose root is the folder. exec does the same for its process where the kernel
 * allows it (from another login session it does not, but for the scopes above; then the process
 * stays in the user's own). At the end the monitor removes the folder; container_reconcile does
 * where the monitor was killed.
 *
 * Paths are as in the `0::` line: from the mount on /sys/fs/cgroup, with a leading "/".
 */
#ifndef ENGINE_CGROUP_H
#define ENGINE_CGROUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum {
	CGROUP_MEMORY = 1,
	CGROUP_CPU = 2,
	CGROUP_CPUSET = 4,
	CGROUP_PIDS = 8,
	CGROUP_IO = 16,
	CGROUP_PATH_MAX = 512,
};

/* The leaf that makes room for controllers. */
#define CGROUP_LEAF "moss-session"

enum io_limit_kind { IO_WEIGHT, IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS, IO_KINDS };
struct io_limit {
	enum io_limit_kind kind;
	unsigned major, minor;
	uint64_t value;
};

/* What linux.resources of a runtime spec says. 0 or NULL: not set, left as it is; -1: no limit. */
struct cgroup_limits {
	int64_t memory, memory_swap, memory_reservation; /* bytes; swap: both together */
	int64_t cpu_quota; /* microseconds in each cpu_period (0 = 100000) */
	uint64_t cpu_period, cpu_shares;
	const char *cpuset_cpus, *cpuset_mems; /* borrowed from the JSON */
	int64_t pids;
	unsigned io_weight; /* 10 .. 1000 */
	struct io_limit *io; /* owned */
	size_t n_io;
};

/* engine/cgroup_limit.c */
int cgroup_limits_load(const json_t *resources, struct cgroup_limits *l, struct err *e);
void cgroup_limits_deinit(struct cgroup_limits *l);
/* The controllers that they need. */
unsigned cgroup_limits_need(const struct cgroup_limits *l);
/* Writes them into a cgroup. */
int cgroup_limits_apply(const char *path, const struct cgroup_limits *l, struct err *e);

/* engine/cgroup_place.c */
/* Is /sys/fs/cgroup a cgroup v2 tree? */
bool cgroup_is_unified(void);
/* Our own cgroup. Owned; NULL where there is none. */
char *cgroup_own(void);
/* The controllers a container started from here could have, 0 = no cgroup or none. */
unsigned cgroup_available(void);
/* Those that a cgroup can give to its children. */
unsigned cgroup_controllers(const char *path);
/* Where the folder is to be made: owned, a trailing "/" only for the root. NULL: nowhere, with e
 * filled where that is an error (needs, or a parent that cannot be had). */
char *cgroup_place(const char *parent, unsigned needs, struct err *e);
/* The same for a process in a scope of its own (engine/cgroup_scope.h), which moves to a leaf of
 * it. */
char *cgroup_place_in_own(unsigned needs, struct err *e);

/* Lets a cgroup that is there have these controllers: its parent gives them. */
int cgroup_enable(const char *path, unsigned needs, struct err *e);

/* engine/cgroup.c */
/* The folder of the container with its limits: *path (owned) and a descriptor in *fd; NULL and -1
 * where there is none to be had and none is needed. */
int cgroup_make(const char *parent, const char *id, const struct cgroup_limits *l, char **path,
	int *fd, struct err *e);
/* A descriptor of the folder, or -errno. */
int cgroup_open(const char *path);
/* Ends what is in it and removes it with what was made below. What cannot be removed is left. */
void cgroup_remove(const char *path);
/* Removes the folder of a container that somebody may have made from here before the path was
 * recorded: a start whose monitor was killed. */
void cgroup_forget(const char *id);
/* SIGKILL to all in it, at once. 0 or -errno. */
int cgroup_kill(const char *path);
/* Returns when everything stands still; ETIMEDOUT leaves it going on. */
int cgroup_freeze(const char *path, int timeout_ms, struct err *e);
int cgroup_thaw(const char *path, struct err *e);
/* Was told to stand still. */
bool cgroup_is_frozen(const char *path);
/* How often the kernel has killed in it for want of memory. */
int64_t cgroup_oom_kills(int dir_fd);
/* The number after `key` in a file of "key number" lines; -1 where there is none. */
int64_t cgroup_read_key(int dir_fd, const char *file, const char *key);
/* The number a file holds ("max" is INT64_MAX); -1 where there is none. */
int64_t cgroup_read_number(int dir_fd, const char *file);

#endif
