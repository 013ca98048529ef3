/* io: whole reads and writes, atomic files, descriptors. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct err;

/* Writes all n bytes (EINTR retried). 0 or -errno. */
int write_all(int fd, const void *p, size_t n);
/* Reads until n bytes or the end. Bytes read or -errno. */
ssize_t read_full(int fd, void *p, size_t n);
/* Reads to the end of the file, at most max bytes (-EFBIG beyond). 0 or -errno. */
int read_fd(int fd, size_t max, struct buf *out);
/* Reads a file of our own or of the user. */
int read_file(const char *path, size_t max, struct buf *out, struct err *e);
int read_file_at(int dir_fd, const char *name, size_t max, struct buf *out, struct err *e);
/* Temporary file beside it, fsync where durable, rename. */
int write_file_at(int dir_fd, const char *name, const void *p, size_t n, mode_t mode, bool durable,
	struct err *e);
/* Writes text to an existing file (proc, cgroup) in one write. 0 or -errno. */
int write_existing_at(int dir_fd, const char *name, const char *text);

int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);
/* Closes every descriptor >= first that is not in keep[0..n). */
void fds_close_except(int first, const int *keep, size_t n);
/* Moves fd to a number >= 10 with close-on-exec, so that it is clear of 0..9. Owned result. */
int fd_move_high(int fd);
/* fds 0, 1, 2 are open after this (on /dev/null where they were closed). */
void fds_ensure_std(void);

#endif
