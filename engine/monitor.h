/* monitor: the protocol between the front command and moss-monitor, and of the attach stream.
 *
 * moss-monitor is started by engine/start.c inside the user namespace, with everything it needs
 * beyond the bundle's config.json in its arguments (struct monitor_options):
 *
 *   fd 3  control, SOCK_SEQPACKET to the front; struct mon_msg
 *   fd 4  containers/<id>/alive, with the lock held (OFD: it lives as long as the monitor)
 *   fd 5  attach stream of the first front (SOCK_STREAM), or /dev/null for -d
 *
 *   monitor -> front   MON_CLONED   init exists; ids for the row, which the front writes while
 *                                   init mounts and the network comes up
 *   front -> monitor   MON_GO       the row is in the database: exec
 *   monitor -> front   MON_STARTED  exec worked  | MON_FAILED with the error, at any point
 *   The network's settings (JSON text for the row) follow the struct of MON_CLONED, or, where they
 *   are not known then (published ports), that of MON_STARTED.
 *   front gone before MON_GO: the monitor kills init, removes nothing, ends.
 *
 * With `stands` (engine/stand.h) init is not let go at MON_GO: MON_STARTED says that it stands there.
 *
 * After MON_STARTED the monitor closes the control socket. It listens on
 * <runroot>/c/<first 12 of id>/ctl (0700 folder, 0600 socket, SO_PEERCRED checked) for further
 * attach streams, each opened with one struct attach_hello; SIGUSR1 makes it listen anew where the
 * run root has vanished. SIGTERM passes the stop signal to the container, and no policy starts it
 * again: the machine or the session comes to its end.
 *
 * Attach stream: frames of an 8-byte header {type, 0, 0, 0, length (big endian)}, as Docker's
 * multiplexed stream, both ways. The monitor sends output in order, at last ATTACH_EXIT, then
 * closes. A reader that is slow holds back only its container (and is never dropped silently).
 *
 * End of the container: drain output to log and streams, record the end (or, with auto_remove,
 * rename the files away and delete the row), send ATTACH_EXIT, drop the lock, then end slirp4netns
 * and fuse-overlayfs and remove files. The first front, which has the database open, records the
 * end where it can: it is asked with ATTACH_END and answers ATTACH_RECORDED; when it is gone or
 * does not answer soon, the monitor does it. The monitor's own memory: Private_Dirty <= 1 MB;
 * database closed while idle; PR_SET_DUMPABLE 0 from the first instruction.
 *
 * Where the end was recorded as `restarting` (engine/restart.h) everybody gets ATTACH_EXIT all the
 * same, but the lock stays: the monitor ends the network and the servers, waits, and starts the
 * container again from its config.json (monitor_again.c), recording that itself.
 */
#ifndef ENGINE_MONITOR_H
#define ENGINE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/cgroup.h"

enum mon_type { MON_CLONED = 1, MON_GO, MON_STARTED, MON_FAILED };

enum { MON_FD_CONTROL = 3, MON_FD_ALIVE = 4, MON_FD_STREAM = 5 };

struct mon_msg {
	enum mon_type type;
	struct proc_id init, monitor; /* MON_CLONED; ns_ino = pid and user namespace */
	int64_t started_ns; /* MON_CLONED */
	char cgroup[CGROUP_PATH_MAX]; /* MON_CLONED; "" = none */
	struct err e; /* MON_FAILED */
};

enum attach_type {
	ATTACH_STDIN = 0, /* to the container */
	ATTACH_STDOUT = 1, /* from it (everything, with a terminal) */
	ATTACH_STDERR = 2,
	ATTACH_STDIN_END = 16,
	ATTACH_RESIZE = 17, /* payload: rows, cols as two big-endian uint16 */
	ATTACH_EXIT = 18, /* payload: exit code, big-endian uint32 */
	ATTACH_END = 19, /* payload: struct attach_ended; only to the first front */
	ATTACH_KILL = 21, /* exec's holder: ends the process and its group */
	ATTACH_RECORDED = 20, /* payload: one byte, 1 = it will be started again */
	ATTACH_GO = 22, /* to a monitor whose init stands before exec: payload: int64_t started_ns */
	ATTACH_STARTED = 23, /* and its answers, to every client */
	ATTACH_FAILED = 24, /* payload: struct err; comes in pieces */
};

enum { ATTACH_FRAME_MAX = 65536 };

struct attach_hello {
	uint8_t wants_stdin, wants_stdout, wants_stderr, wants_exit_only;
};

/* How a container ended. Same machine, same build: sent as it is. */
struct attach_ended {
	int64_t finished_ns;
	int32_t exit_code;
	int32_t oom_killed;
	int32_t is_last; /* the monitor was told to end: no policy starts it again */
	int32_t must_restart; /* whatever its policy says: --health-on-failure=restart */
};

/* Writes a pid to a file that a flag names; failing is only warned of. path may be NULL. */
void monitor_write_pid(const char *path, pid_t pid);

/* The arguments of moss-monitor. Strings are borrowed. */
struct monitor_options {
	const char *root, *runroot, *id;
	bool open_stdin, stdin_once, auto_remove;
	bool front_stdin, front_stdout, front_stderr; /* what the first front wants */
	const char *pidfile, *conmon_pidfile; /* written again with each further life; may be NULL */
	bool stands; /* init is not let go before it is started (engine/stand.h) */
	const char *log_driver; /* and what its options say: struct log_config */
	int64_t log_max_size, log_max_files, log_buffer;
	bool log_compress;
	int64_t stop_signal;
	int64_t rows, cols; /* of the terminal; 0 = not known */
	int64_t stop_timeout; /* seconds, -1 = none; where it is given */
	bool stop_timeout_given;
	int64_t timeout; /* seconds that each run may last, 0 = as long as it likes */
	int64_t health_interval_ms; /* 0 = no health check */
	int64_t health_start_interval_ms, health_start_period_ms;
	int64_t health_action; /* enum health_action */
};
/* argv, argv[0] included. */
void monitor_options_format(const struct monitor_options *o, struct strv *argv);
/* Strings point into argv. */
int monitor_options_parse(struct monitor_options *o, char *const *argv, struct err *e);

/* SIGUSR1, where the process is still that one: it listens anew and, between two lives of its
 * container, looks at its row. */
void monitor_wake(const struct proc_id *monitor);

/* <runroot>/c/<first 12 of id>. Owned. */
char *monitor_run_dir(const char *runroot, const char *id);
/* Sockets and all; what cannot be removed is left. */
void monitor_run_dir_remove(const char *runroot, const char *id);

#endif
