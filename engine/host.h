/* host: what moss info tells about the machine. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct host {
	char *kernel; /* "6.18.4" */
	char *machine; /* "x86_64" */
	char *name; /* host name */
	char *operating_system; /* PRETTY_NAME of os-release */
	char *os_version; /* VERSION_ID */
	int64_t memory_bytes;
	int cpus;
	int cgroup_version; /* 1 (also for a mixed tree), 2 */
	bool is_cgroup_delegated; /* a container gets a cgroup of its own */
	bool has_memory, has_cpu, has_cpuset, has_pids; /* limits it can have */
	bool is_ipv4_forwarding;
	bool is_root; /* run by root, not by an ordinary user */
};

/* Never fails: what cannot be read stays "" or 0. */
void host_load(struct host *h);
void host_deinit(struct host *h);

#endif
