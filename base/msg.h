/* msg: messages between our own processes over SOCK_SEQPACKET pairs, with descriptors. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <stddef.h>
#include <sys/types.h>

enum { MSG_FDS_MAX = 8 };

/* A close-on-exec pair. 0 or -errno. */
int msg_pair(int fds[2]);
/* Sends one message with n_fds descriptors (still the caller's). 0 or -errno (never SIGPIPE). */
int msg_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds);
/* Receives one message of at most max bytes; descriptors are close-on-exec and the caller's, at
 * most MSG_FDS_MAX, *n_fds may be NULL where none is expected (then any are closed). Returns the
 * length, 0 at end of file, -EMSGSIZE where it did not fit, -errno. */
ssize_t msg_recv(int sock, void *p, size_t max, int *fds, size_t *n_fds);

#endif
