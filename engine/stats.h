/* stats: what a container uses, at one moment.
 *
 * From the files of its cgroup where it has one, as far as they are there (memory.* and pids.* need
 * controllers); everything else is summed over its processes in /proc: processor time with that of
 * the dead they have waited for, memory as proportional set size (what several share counts once),
 * bytes read and written as /proc/PID/io has them. Bytes of the network are those of all
 * interfaces but lo in a network namespace that is not ours.
 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct container_row;

struct stats {
	bool is_alive; /* else all is 0 */
	int64_t time_ns; /* when; monotonic */
	int64_t cpu_ns;
	int64_t memory, memory_limit; /* bytes; the machine's where it has no limit */
	int64_t net_in, net_out, block_in, block_out; /* bytes */
	int64_t pids; /* threads, as the kernel counts them */
};

void stats_read(const struct container_row *row, struct stats *s);
/* Percent of one processor between two moments, 0 where that cannot be said. */
double stats_cpu_percent(const struct stats *before, const struct stats *now);

#endif
