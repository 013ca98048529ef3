/* procstat: what /proc tells of one process, for top, stats and pause. */
#ifndef ENGINE_PROCSTAT_H
#define ENGINE_PROCSTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of /proc/PID/stat. Times in clock ticks (sysconf(_SC_CLK_TCK)). */
struct procstat {
	char comm[64];
	char state; /* 'R', 'S', 'T', 'Z' ... */
	pid_t pid, parent, group;
	unsigned tty; /* device number, 0 = none */
	uint64_t user, system; /* its own */
	uint64_t dead_user, dead_system; /* of the children that it has waited for */
	int nice, threads;
	uint64_t start; /* since boot */
	uint64_t size_bytes, resident_bytes;
};

/* False where there is no such process. */
bool procstat_read(pid_t pid, struct procstat *s);
/* Owned; "" where it cannot be read. The arguments, blanks between. */
char *procstat_args(pid_t pid);
/* The number after "key:" in /proc/PID/<file> (smaps_rollup: in kB); -1 where there is none. */
int64_t procstat_number(pid_t pid, const char *file, const char *key);
/* The text after "key:" in /proc/PID/status without blanks around. Owned; NULL where there is none.
 */
char *procstat_status(pid_t pid, const char *key);

#endif
