/* doctor_internal: what the checks share. A check fills one diagnosis with one of the say_
 * functions (the last one counts); the cure is one command, as text. */
#ifndef ENGINE_DOCTOR_INTERNAL_H
#define ENGINE_DOCTOR_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/account.h"
#include "engine/doctor.h"

struct patient {
	const char *root; /* the data root, which may be missing */
	uid_t uid;
	struct account account; /* name may be NULL */
	bool has_systemd;
};

void say_ok(struct diagnosis *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say(struct diagnosis *d, enum finding f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void say_cure(struct diagnosis *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The cure is to install a program: its package's name is Debian's `debian`, else `other`. */
void say_install(struct diagnosis *d, const char *debian, const char *other);

/* A number in a file of /proc/sys; false where there is none. */
bool doctor_number(const char *path, long *out);
/* Where a program is in PATH, the sbin folders included. Owned; NULL where it is not. */
char *doctor_program(const char *name);

/* doctor_userns.c */
void check_user_namespaces(const struct patient *p, struct diagnosis *d);
void check_apparmor(const struct patient *p, struct diagnosis *d);
void check_subordinate_ids(const struct patient *p, struct diagnosis *d);
void check_id_helpers(const struct patient *p, struct diagnosis *d);
void check_overlay(const struct patient *p, struct diagnosis *d);

/* doctor_machine.c */
void check_kernel(const struct patient *p, struct diagnosis *d);
void check_fuse(const struct patient *p, struct diagnosis *d);
void check_tun(const struct patient *p, struct diagnosis *d);
void check_slirp(const struct patient *p, struct diagnosis *d);
void check_cgroup(const struct patient *p, struct diagnosis *d);
void check_ports(const struct patient *p, struct diagnosis *d);

/* doctor_session.c */
void check_runtime_dir(const struct patient *p, struct diagnosis *d);
void check_linger(const struct patient *p, struct diagnosis *d);
void check_home(const struct patient *p, struct diagnosis *d);
void check_space(const struct patient *p, struct diagnosis *d);

/* doctor_dns.c */
void check_dns(const struct patient *p, struct diagnosis *d);

#endif
