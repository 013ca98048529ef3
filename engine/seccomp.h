/* seccomp: an OCI filter (linux.seccomp) compiled to BPF by libseccomp, which takes 29 ms for
 * Docker's; therefore the result is kept in <data root>/cache/seccomp/, found by a hash of the
 * input and used only where the whole input is the same.
 */
#ifndef ENGINE_SECCOMP_H
#define ENGINE_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json_t;

struct seccomp_filter {
	struct sock_filter *code; /* NULL: no filter */
	size_t n;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* */
};
void seccomp_filter_deinit(struct seccomp_filter *f);

/* profile NULL: the default profile for the bounding set. store_root NULL: no cache. */
int seccomp_filter_get(const struct json_t *profile, uint64_t bounding, const char *store_root,
	struct seccomp_filter *f, struct err *e);
/* In the process to be filtered; needs no_new_privs or CAP_SYS_ADMIN. */
int seccomp_filter_load(const struct seccomp_filter *f, struct err *e);

#endif
