/* rootview: a process that sees the root file system of a container, and nothing else of this
 * machine.
 *
 * Theory of operation
 *
 * What a container's files are called is the container's business: its links, mounts and renames
 * decide where a path leads, also while we look at it (CVE-2018-15664 and its kin). So whoever
 * opens a path of a container does it in a process for which nothing else exists:
 *
 *   running   the process joins the user and mount namespaces of the container's init (pidfd,
 *             setns): its root is the container's root
 *   else      it enters the user's namespace, makes a mount namespace of its own, mounts the root
 *             file system and with ROOTVIEW_WHOLE the volumes and binds (the launcher's own code,
 *             engine/stage_mounts.c), and pivots into it; the rest is detached. The container's
 *             alive lock is held all the while: no start, no removal, no second mount
 *
 * Then it drops every capability but those that reading and writing files of any owner takes,
 * sets no_new_privs, refuses itself by seccomp the calls that make processes, programs, sockets,
 * mounts and namespaces, and cannot be traced or looked into (PR_SET_DUMPABLE 0). It holds no
 * descriptor but its socket and those it is handed. It runs moss' own code only: no program, no
 * library and no name service of the container (CVE-2019-14271).
 *
 * Whatever it is talked into by the container, it can give no more than files of that container.
 * The other side (engine/copy.c), which has the user's files, takes what comes as foreign.
 *
 * It dies with its parent. Mounts are in its own namespace: nothing is left, whenever it is killed.
 * A guard (base/guard.h), where the job writes, lives an instant longer, and the mounts and the
 * alive lock with it; not so a server of fuse-overlayfs that was started for this.
 */
#ifndef ENGINE_ROOTVIEW_H
#define ENGINE_ROOTVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct container_row;
struct err;
struct guard;
struct store;

enum rootview_what {
	ROOTVIEW_WHOLE, /* as the container sees it: with its volumes and binds */
	ROOTVIEW_ROOT, /* the root file system alone */
};

/* What the function inside has. */
struct rootview_inside {
	int root; /* a descriptor of the root folder */
	int sock; /* SOCK_SEQPACKET to the parent */
	int fd; /* of the job; -1 */
	struct guard *guard; /* where the job is to have one, else NULL */
	void *arg;
};

struct rootview_job {
	enum rootview_what what;
	int (*run)(const struct rootview_inside *in, struct err *e);
	void *arg;
	int fd; /* handed to it, -1 = none */
	/* With a process beside it, confined as it is, that removes a name it made if it dies. */
	bool has_guard;
};

struct rootview {
	pid_t pid;
	int sock; /* ours */
	int report;
};
#define ROOTVIEW_INIT ((struct rootview){.pid = -1, .sock = -1, .report = -1})

/* Starts the process; row is read again where it has to be waited for. Errors of what happens
 * inside come from rootview_end. */
int rootview_start(struct store *s, struct container_row *row, const struct rootview_job *job,
	struct rootview *v, struct err *e);
/* Closes the socket, waits for the end; the function's result. */
int rootview_end(struct rootview *v, struct err *e);
/* Kills it, whatever it does. After rootview_end nothing happens. */
void rootview_kill(struct rootview *v);
/* start and end in one, for a function that speaks to nobody. */
int rootview_call(
	struct store *s, struct container_row *row, const struct rootview_job *job, struct err *e);

#endif
