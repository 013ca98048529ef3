/* proc: identifying processes of this boot, so that a reused process id is never mistaken. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_id {
	pid_t pid;       /* in the host's pid namespace */
	uint64_t start;  /* start time in clock ticks since boot, /proc/PID/stat field 22 */
	uint64_t ns_ino; /* inode of the namespace that is checked (pid or user), 0 = not checked */
};

/* This boot's id, 36 characters ("" where it cannot be read). Borrowed, kept. */
const char *proc_boot_id(void);
/* Start time of a process; 0 where there is none. */
uint64_t proc_start_time(pid_t pid);
/* Inode of /proc/PID/ns/<name>; 0 where it cannot be read. */
uint64_t proc_ns_inode(pid_t pid, const char *name);
/* A pidfd of the process, only if pid and start still match. -ESRCH where it is gone. */
int proc_open(const struct proc_id *id);
/* SIGKILL through the pidfd and wait until it is gone, at most timeout_ms. 0 or -errno. */
int proc_kill_wait(int pidfd, int timeout_ms);
/* 1 when the process of the pidfd has ended, 0 when not after timeout_ms (-1: no limit). */
int proc_wait_gone(int pidfd, int timeout_ms);

#endif
