/* seccomp_profile: Docker's default system call filter, in the OCI form (linux.seccomp). */
#ifndef ENGINE_SECCOMP_PROFILE_H
#define ENGINE_SECCOMP_PROFILE_H

struct json_t;
struct strv;

/* The filter for a container whose bounding set holds `caps` ("CAP_SYS_ADMIN" ...; other spellings
 * are not looked at): an allow list, some calls only with a capability, clone3 answered with
 * ENOSYS where there is no CAP_SYS_ADMIN, everything else with EPERM. New reference. */
struct json_t *seccomp_default_profile(const struct strv *caps);

#endif
