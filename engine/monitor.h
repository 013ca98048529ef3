/* monitor: the protocol between the front command and moss-monitor, and of the attach stream.
 *
 * moss-monitor --root DIR --runroot DIR ID is started by engine/start.c inside the user namespace:
 *
 *   fd 3  control, SOCK_SEQPACKET to the front; struct mon_msg
 *   fd 4  containers/<id>/alive, with the lock held (OFD: it lives as long as the monitor)
 *   fd 5  attach stream of the first front (SOCK_STREAM), or /dev/null for -d
 *
 *   monitor -> front   MON_READY    init stands before exec; ids for the row
 *   front -> monitor   MON_GO       the row is in the database: exec
 *   monitor -> front   MON_STARTED  exec worked     | MON_FAILED with the error
 *   front gone before MON_GO: the monitor kills init, removes nothing, ends.
 *
 * After MON_STARTED the monitor closes the control socket. It listens on
 * <runroot>/c/<first 12 of id>/ctl (0700 folder, 0600 socket, SO_PEERCRED checked) for further attach
 * streams, each opened with one struct attach_hello.
 *
 * Attach stream: frames of an 8-byte header {type, 0, 0, 0, length (big endian)}, as Docker's
 * multiplexed stream, both ways. The monitor sends output in order, at last ATTACH_EXIT, then
 * closes. A reader that is slow holds back only its container (and is never dropped silently).
 *
 * End of the container: drain output to log and streams, record the end (or, with auto_remove,
 * mark, rename away, delete the row), send ATTACH_EXIT, drop the lock, then end slirp4netns and
 * fuse-overlayfs and remove files. Its own memory: Private_Dirty <= 1 MB; database closed while
 * idle; PR_SET_DUMPABLE 0 from the first instruction.
 */
#ifndef ENGINE_MONITOR_H
#define ENGINE_MONITOR_H

#include <stdint.h>

#include "base/err.h"
#include "base/proc.h"

enum mon_type { MON_READY = 1, MON_GO, MON_STARTED, MON_FAILED };

struct mon_msg {
	enum mon_type type;
	struct proc_id init, monitor; /* MON_READY */
	int64_t started_ns;           /* MON_READY */
	struct err e;                 /* MON_FAILED */
};

enum attach_type {
	ATTACH_STDIN = 0,  /* to the container */
	ATTACH_STDOUT = 1, /* from it (everything, with a terminal) */
	ATTACH_STDERR = 2,
	ATTACH_STDIN_END = 16,
	ATTACH_RESIZE = 17, /* payload: rows, cols as two big-endian uint16 */
	ATTACH_EXIT = 18,   /* payload: exit code, big-endian uint32 */
};

enum { ATTACH_FRAME_MAX = 65536 };

struct attach_hello {
	uint8_t wants_stdin, wants_stdout, wants_stderr, wants_exit_only;
};

#endif
