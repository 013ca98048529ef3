/* confine: what a process that touches foreign bytes takes away from itself, before the first of
 * them.
 *
 * Both kinds run in the user namespace as its root, single-threaded when they call this. Then:
 *
 *   mounts: a private mount namespace whose root is a read-only tmpfs with nothing in it but what is
 *       listed; the user's home, /proc, /run and every other file are absent, so that no chmod,
 *       chown, utimes or setxattr (which Landlock does not see) reaches them
 *   network: the unpacker has an empty network namespace
 *   Landlock, where the kernel has it: the same, said once more
 *   capabilities: the unpacker keeps what writing a layer needs, the fetcher none
 *   seccomp: the unpacker has a list of the calls it makes, none of which opens a socket or runs a
 *       program; the fetcher has no exec, ptrace, mounts, namespaces, keys and so on, and sockets of
 *       the Internet families only; neither can signal or limit another process of the user
 *   core: no dumps, not traceable (PR_SET_DUMPABLE 0)
 *   stderr: nowhere (proto_helper_stderr)
 *
 * Descriptors that are open keep working, also those that arrive later. A folder's descriptor
 * would lead out ("..") into the old mounts: the staging folder's (and the source's) is therefore
 * replaced by one of the new namespace, and there must be no other.
 *
 * Each fails closed: a process that could not be confined must end.
 */
#ifndef ENGINE_TRANSFER_CONFINE_H
#define ENGINE_TRANSFER_CONFINE_H

#include <stddef.h>

struct err;

/* *staging_fd, *source_fd: -1 for none; else replaced by a descriptor of the same folder. The
 * source is a second folder, which may be written to where may_write_source. */
int confine_unpacker(int *staging_fd, int *source_fd, int may_write_source, struct err *e);
/* read_paths: absolute; files or folders that may be read besides the resolver's and the system's
 * certificates. Those that do not exist are passed over. */
int confine_fetcher(const char *const *read_paths, size_t n, struct err *e);

/* Does the user namespace of this process have one single id? Before confinement (needs /proc). */
int userns_is_single_id(void);

#endif
