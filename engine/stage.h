/* stage: what the launcher's stages share; private to it (the stages are listed in launch.h).
 *
 * A stage function returns 0 or a negative errno with e filled; the stage's main sends e to the
 * parent and exits.
 */
#ifndef ENGINE_STAGE_H
#define ENGINE_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/seccomp.h"
#include "engine/user.h"

struct launch_plan;
struct mount_plan;
struct exec_request;

enum sync { SYNC_CONSOLE = 1, SYNC_FAILED, SYNC_UNSHARED, SYNC_MAPPED, SYNC_INIT };

/* From a stage to its parent; SYNC_MAPPED is the answer to SYNC_UNSHARED. The stub's messages
 * (init_main.c, stub.h) are one int or two. */
struct sync_msg {
	enum sync at;
	pid_t init; /* SYNC_INIT: as the sender sees it */
	struct err e;
};

enum { STAGE_SYNC_FD = 3 };

struct outside;

/* The container's side while it is built. Descriptors are -1 where there is none. */
struct inner {
	const struct launch_plan *p;
	int root; /* O_PATH of the root file system */
	int dev; /* the tmpfs on /dev */
	int pts; /* the devpts on /dev/pts */
	int proc; /* a procfs of this pid namespace */
	int stub; /* moss-init in a sealed memfd */
	/* What a builder has opened before it gave up the rights for it (stage_outside.c), as
	 * detached mounts: one for each of the plan's mounts, or NULL; of another container. */
	struct outside *outside;
	int joined_proc, joined_shm;
	struct seccomp_filter filter;
	struct user_ids user;
	bool is_filled; /* not the first start: volumes are not filled again */
	int *owned; /* sources that are given to the user once it is known */
	size_t n_owned;
	struct strv devices; /* folders of volumes whose file system is mounted on them */
};

/* Everything the process is, beyond where it lives; the same for init and exec. */
struct finish {
	int stub, root;
	const char *const *args;
	const char *const *env;
	const char *home; /* added as HOME where env has none; NULL never */
	const char *cwd;
	bool no_new_privs, has_init;
	bool forks; /* the stub goes on in the pid namespace of its children */
	bool dies_with_parent;
	int umask;
	const struct caps *caps;
	const struct user_ids *user;
	const struct rlimit_plan *rlimits;
	size_t n_rlimits;
	const struct seccomp_filter *filter;
};

/* stage_fds.c: the first thing a stage does */
/* Also closes everything else, but *keep (moved to 4 where it is not -1 or NULL). */
int stage_take_fds(const int stdio[3], bool terminal, int sync, int *keep, struct err *e);
void stage_reset_signals(void);
void stage_leave_keyring(void);
_Noreturn void stage_fail(const struct err *e);
int stage_make_stub(struct err *e);
/* For whoever waits on the other end. STAGE_CONSOLE: *console; STAGE_INIT: *init, a process that
 * says it is init; STAGE_UNSHARED: waits for its id maps and SYNC_MAPPED. `init` may be NULL where
 * neither can come. */
enum stage_said { STAGE_DIED = 0, STAGE_READY, STAGE_CONSOLE, STAGE_INIT, STAGE_UNSHARED };
int stage_listen(int sync, int *console, pid_t *init, struct err *e);
/* The stub's word after it was let go: 0 exec worked. */
int stage_release(int sync, const char *arg0, struct err *e);

/* stage_mounts.c */
int inner_mount_all(struct inner *in, struct err *e);
/* Only the volumes and the user's binds: for looking into a container that does not run
 * (engine/rootview.h). */
int inner_mount_volumes(struct inner *in, struct err *e);
/* stage_target.c: opens the mount point below root, made where missing. */
int inner_open_target(const struct inner *in, const char *target, bool is_dir, struct err *e);
/* stage_dev.c */
int inner_fill_dev(struct inner *in, struct err *e);
int inner_open_console(const struct inner *in, int *master, struct err *e);
/* A terminal of that devpts: its slave becomes 0, 1, 2 and, with take, the controlling terminal. */
int stage_open_terminal(
	int pts, unsigned short rows, unsigned short cols, int *master, int *slave, struct err *e);
int stage_use_terminal(int slave, bool take, struct err *e);
/* A detached copy of a device of the host, checked to be what its name says. */
int stage_clone_device(const char *name, struct err *e);
/* stage_masks.c */
int inner_cover_paths(const struct inner *in, struct err *e);
/* A new file system as a detached mount. */
int inner_new_fs(const char *type, const struct mount_plan *m, uint64_t attributes, struct err *e);
/* stage_source.c: what a bind mount shows, as a detached mount. The flags that a volume brings are
 * added to m. */
int inner_open_source(struct inner *in, struct mount_plan *m, struct err *e);
/* stage_volume.c: makes a volume ready: *source is where its files are, borrowed from m. */
int inner_prepare_volume(
	struct inner *in, struct mount_plan *m, const char **source, struct err *e);
/* stage_overlay.c: makes m->source of an image, or of an overlay over `lower`. */
int inner_make_source(
	const struct inner *in, const struct mount_plan *m, const char *lower, struct err *e);
/* stage_copyup.c: data_path is the volume's folder. */
int inner_fill_volume(
	const struct inner *in, const struct mount_plan *m, const char *data_path, struct err *e);
int inner_fill_tmpfs(const struct inner *in, const struct mount_plan *m, int tree, struct err *e);
/* The note in the container's folder that its first start has filled what was empty. */
bool inner_was_filled(const struct inner *in);
void inner_mark_filled(const struct inner *in);
/* stage_own.c: keeps a copy of fd until inner_own_all gives what is there to in->user. */
int inner_own_later(struct inner *in, int fd, struct err *e);
int inner_own_all(struct inner *in, struct err *e);
/* stage_sysctl.c */
int inner_open_proc(struct inner *in, struct err *e);
int stage_write_proc(int proc, const char *path, const char *value, struct err *e);
int inner_write_sysctls(const struct inner *in, struct err *e);
/* stage_finish.c: ids, capabilities, filter, exec. Does not return on success. */
int stage_finish(const struct finish *f, struct err *e);
/* stage_join.c: of other containers */
/* All of the plan's but the pid namespace, which is only for children born later. */
int stage_join(const struct launch_plan *p, struct err *e);
int stage_join_pid(const struct launch_plan *p, struct err *e);
/* One of its own, once the process is in the container's cgroup. */
int stage_new_cgroup_ns(const struct launch_plan *p, struct err *e);
/* in->joined_*: its procfs and /dev/shm. */
int stage_open_joined(struct inner *in, struct err *e);
/* stage_mounts.c: some volume may get what the image has there. */
bool stage_fills_volumes(const struct launch_plan *p);
/* stage_passwd.c */
int inner_add_names(const struct inner *in, struct err *e);
/* stage_outside.c */
int stage_open_outside(struct inner *in, struct err *e);
/* stage_inner.c: pid 1's side. */
_Noreturn void inner_main(const struct launch_plan *p, const int stdio[3], int sync);
/* Its parts, for the builder. */
#define INNER_INIT(plan)                                                                           \
	((struct inner){.p = (plan),                                                               \
		.root = -1,                                                                        \
		.dev = -1,                                                                         \
		.pts = -1,                                                                         \
		.proc = -1,                                                                        \
		.stub = -1,                                                                        \
		.joined_proc = -1,                                                                 \
		.joined_shm = -1})
int inner_detach(const int stdio[3], const struct launch_plan *p, int sync, struct err *e);
int inner_fetch(struct inner *in, struct err *e);
/* From its mounts on. */
_Noreturn void inner_go_on(struct inner *in);
/* stage_builder.c */
_Noreturn void builder_main(const struct launch_plan *p, const int stdio[3], int sync);

#endif
