/* parse_limit: the small values of run and create: --ulimit, --device, --sysctl, --restart,
 * --cap-add, --security-opt, --add-host, --dns, --user, sizes. Text only.
 *
 * Status 125 on what Docker's client reports, none on what its daemon does.
 */
#ifndef ENGINE_PARSE_LIMIT_H
#define ENGINE_PARSE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "engine/cgroup.h"

struct err;

/* --cpus: "1.5" -> 1500000000. */
int cpus_parse(const char *text, int64_t *nano_cpus, struct err *e);
/* "/dev/sda:1mb" of --device-read-bps and its like, "/dev/sda:500" of the others; *path is owned.
 */
int io_limit_parse(
	const char *text, enum io_limit_kind kind, char **path, uint64_t *value, struct err *e);

/* "64m", "1.5g", "100kb": powers of 1024. */
bool size_parse(const char *text, int64_t *bytes);

struct ulimit {
	char name[16]; /* "nofile" */
	int64_t soft, hard; /* -1 = unlimited */
};
/* name=soft[:hard] */
int ulimit_parse(const char *text, struct ulimit *u, struct err *e);

struct device_spec {
	char *host, *container; /* absolute */
	char permissions[4]; /* of r, w, m */
};
void device_spec_deinit(struct device_spec *d);
/* host[:container][:rwm] */
int device_parse(const char *text, struct device_spec *d, struct err *e);

/* name=value; only what is namespaced: net.*, fs.mqueue.*, kernel.shm*, kernel.msg*, kernel.sem. */
int sysctl_check(const char *text, struct err *e);

struct restart_policy {
	char name[16]; /* no, on-failure, always, unless-stopped */
	int64_t max_retries;
};
int restart_parse(const char *text, struct restart_policy *p, struct err *e);

/* "net_admin", "CAP_NET_ADMIN" -> "CAP_NET_ADMIN"; "ALL" stays. what: "CapAdd" or "CapDrop". */
int capability_name(const char *text, const char *what, char out[32], struct err *e);
/* The set after --cap-add and --cap-drop: names in the kernel's order. */
int capabilities_resolve(const struct strv *add, const struct strv *drop, bool privileged,
	struct strv *out, struct err *e);

struct security_options {
	bool no_new_privileges, seccomp_unconfined, systempaths_unconfined;
	char *seccomp_file; /* path as typed; NULL = the default profile */
	struct strv shown; /* HostConfig.SecurityOpt */
};
void security_options_deinit(struct security_options *s);
int security_parse(const struct strv *options, struct security_options *s, struct err *e);

/* "name:ip" or "name=ip", ip may be host-gateway; *name is owned, *ip points into text. */
int add_host_parse(const char *text, char **name, const char **ip, struct err *e);
int dns_check(const char *text, struct err *e);
int dns_search_check(const char *text, struct err *e);

/* user[:group]: numbers are below 2^31. Names are looked up when the container starts. */
int user_check(const char *text, struct err *e);

/* Container names: [a-zA-Z0-9][a-zA-Z0-9_.-]+ */
bool container_name_valid(const char *name);

#endif
