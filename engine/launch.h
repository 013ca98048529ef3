/* launch: from a bundle (OCI config.json) to a running init process.
 *
 * The stages, in order; each is one file engine/stage_*.c, its functions carry the stage's name:
 *
 *   front    the command (engine/start.c): takes the alive lock, starts the monitor
 *   monitor  in the shared user namespace, host's other namespaces: loads the plan, clones init
 *   inner    pid 1 of the container: mounts, pivot_root, hostname, ids, capabilities, seccomp, in
 *            an order that the kernel leaves no choice in (stage_finish.c says why)
 *   stub     moss-init in a sealed memory file (init_main.c): stands before exec until the word
 *            comes, then becomes the image's program, or with --init starts and serves it
 *   builder  only for a container that shares namespaces with another one or has ids of its own; it
 *            comes between monitor and inner, see below (stage_builder.c)
 *   joined   exec: a child of whoever called launch_exec, in the container's namespaces
 *            (launch_exec.c); the same last steps and the same stub
 *
 * Everything is decided before (in config.json, by engine/spec.c); a stage reads the plan,
 * allocates little and parses nothing. Errors of a later stage travel back as struct err over a
 * close-on-exec SOCK_SEQPACKET pair: { enum sync at; struct err e }. Before SYNC_READY an end of
 * file means that the stage died; after GO it means that exec worked.
 *
 * The builder. What mounts holds the host's files and all rights of the shared user namespace; who
 * is in the pid namespace of another container can be seen there, and traced by whoever has
 * SYS_PTRACE. So no process may be both:
 *
 *   - Another container's pid namespace (annotation moss.join.pid) is entered last. The builder stays
 *     in the monitor's, mounts (its procfs is a copy of the other's, stage_join.c), pivots, drops all
 *     that init drops, and becomes the stub; only the stub forks the process that is born there. It
 *     has a memory of a few pages, the container's root, no descriptor but 0 to 3, and exactly the
 *     container's rights. Its parent is the monitor (CLONE_PARENT), which checks that the pid it is
 *     told is its child in that namespace: others there can get at the socket by then.
 *   - Ids of the container's own (linux.uidMappings) are a user namespace inside the shared one, and
 *     its namespaces belong to that. Before it gives up the shared one's rights the builder joins
 *     what is another's and opens every source as a detached mount (stage_outside.c); then it
 *     unshares, the monitor writes the maps, and a child of the builder (of the monitor, again) is
 *     init in namespaces of its own, where nobody else is. With both, the builder goes on as above.
 *   - Otherwise the builder only finds the other container's processes, which a process in a new pid
 *     namespace cannot.
 *
 * Joining happens before: a process that has given up the shared user namespace may join nothing
 * that belongs to it. Where a builder is used launch_clone waits until init is known.
 *
 * The runtime spec's fields that cannot be honoured are errors, never ignored. What moss needs
 * beyond the spec is in annotations:
 *   moss.driver     overlay | fuse-overlayfs | vfs (absent: root.path is mounted as it is)
 *   moss.root       the data root
 *   moss.layers     layers.id, bottom first, comma-separated
 *   moss.throwaway  "1": what the container writes need not survive a crash of the machine (--rm)
 *   moss.mounts     JSON object from mount destinations to objects of what the mount needs beyond
 *                   the spec's words, all optional:
 *                     copy-up    filled, where empty at the container's first start, with what
 *                                the image has there
 *                     make       a bind source that is missing is made, as a folder
 *                     chown      the files are given to the process's user
 *                     subpath    what of the source is mounted, resolved inside it
 *                     volume     the source is that volume's folder in the store ...
 *                     type, device, o   ... or this is mounted in place of it
 *                     uid, gid   who owns the volume's folder after it was filled
 *                     made-in    a folder of the container's own in which the source (merged, in
 *                                that folder) is made: of an image's "layers" (ids, bottom
 *                                first), or as an overlay over "lower" with "upper" and "work"
 *   moss.init       "1": a small init (moss-init, a static program) is pid 1 and reaps (--init)
 *   moss.user       "name|uid[:group|gid]": resolved in the container's own /etc/passwd and
 *                   /etc/group once its root is mounted; process.user.uid and .gid are not used
 *   moss.group-add  JSON array of group names or numbers, resolved there too
 *   moss.cgroup-parent  where the container's cgroup is made (engine/cgroup.h)
 *   moss.passwd     {"passwd": [{"id": N, "line": TEXT}], "group": [...]}: lines that /etc/passwd and
 *                   /etc/group get where they have none with that id
 *   moss.join.NS    container id: its namespace is joined (pid, network, ipc, uts, cgroup); which
 *                   process that is now, join_resolve says (join.h)
 *   moss.seccomp    "default": the filter of engine/seccomp_profile.h for the bounding set
 *
 * HOME is added from the container's passwd where process.env has none; a missing working
 * directory is made.
 */
#ifndef ENGINE_LAUNCH_H
#define ENGINE_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"

struct err;
struct launch_plan;

/* Reads and checks bundle/config.json. Works in any process. */
int launch_load(const char *bundle, struct launch_plan **plan, struct err *e);
void launch_plan_free(struct launch_plan *p);
/* The value of an annotation, or NULL. Borrowed from the plan. */
const char *launch_annotation(const struct launch_plan *p, const char *key);
bool launch_wants_terminal(const struct launch_plan *p);
/* Whatever moss.throwaway says, what it writes survives a crash: it may be started again. */
void launch_keep_writes(struct launch_plan *p);
bool launch_has_new_netns(const struct launch_plan *p);

struct launched {
	pid_t pid; /* init, in the caller's pid namespace */
	int pidfd;
	int sync; /* to the stage */
	int console; /* terminal master after launch_wait_ready, else -1 */
	bool is_ready; /* said so already */
	const char *arg0; /* of the program, borrowed from the plan */
	pid_t server_pid; /* fuse-overlayfs, 0 = none */
	int server_pidfd;
	struct proc_id id; /* ns_ino = pid namespace */
	int cgroup; /* its folder, -1 = the container has none */
	char *cgroup_path; /* as in /proc/PID/cgroup; owned, NULL = none */
	int mount_ns; /* its mount namespace, where its pids are not its own, else -1 */
};

/* In the user namespace: clones init with the namespaces the plan asks for (clone3, CLONE_PIDFD,
 * CLONE_INTO_CGROUP where there is one: engine/cgroup.h). Returns at once: its namespaces exist, so the network
 * helper can be started while it mounts. stdio[] are the container's 0, 1, 2 (ignored with a
 * terminal, where they come from the new pty). Init keeps no other descriptor. */
int launch_clone(
	const struct launch_plan *p, const int stdio[3], struct launched *l, struct err *e);
/* Waits until init stands before exec; receives the terminal. */
int launch_wait_ready(struct launched *l, struct err *e);
/* Lets it exec and waits for the outcome. An error has status 126 (cannot run) or 127 (not found)
 * and Docker's words ("exec: \"foo\": executable file not found in $PATH"). */
int launch_release(struct launched *l, struct err *e);
/* After init's end: its other processes live on in the pid namespace of another container. Those in
 * its mount namespace are killed. */
void launch_kill_rest(struct launched *l);
/* Kills and reaps what launch_clone made, also after errors and after the container's end: a pid
 * that the caller has reaped must be set to 0 before. Removes its cgroup. */
void launch_abort(struct launched *l);

/* ---- exec: one more process in a running container ---- */

struct exec_request {
	const char *const *args; /* NULL-terminated */
	char *const *env; /* "NAME=value" over the container's, a bare NAME removes; may be NULL */
	const char *cwd; /* NULL: the container's */
	const char *user; /* "name|uid[:group|gid]"; NULL: the container's */
	bool terminal, privileged;
	/* For a caller that was exec'd inside the user namespace (the monitor's children): whoever has
	 * SYS_PTRACE in the container could trace a process of such a memory as soon as it is seen
	 * there, so that only the stub may be (see "builder"). Not with a terminal. */
	bool enters_last;
	unsigned short rows, cols;
};

/* Moves the calling process into these namespaces (CLONE_NEW*) of a container's init. EPERM is
 * retried until init has exec'd. */
int launch_join(const struct proc_id *init, int flags, struct err *e);
/* Joins the namespaces of a container's init (pidfd, one setns) and starts a process there, which
 * is the caller's child to reap. The caller itself is then inside the user and mount namespaces, so
 * it is a process made for this, that opens nothing by name afterwards (engine/exec.c). stdio
 * are the new process's 0, 1, 2; with a terminal they are unused and *console is the pty's master,
 * else -1. EPERM is retried until init has exec'd. Returns when the program runs; errors have
 * status 126 or 127, with Docker's words. */
int launch_exec(const struct launch_plan *p, const struct proc_id *init,
	const struct exec_request *r, const int stdio[3], pid_t *pid, int *pidfd, int *console,
	struct err *e);

#endif
