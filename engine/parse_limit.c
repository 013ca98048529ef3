#include "engine/parse_limit.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"

static int client_error(struct err *e) { return err_status(e, 125); }

bool size_parse(const char *text, int64_t *bytes)
{
	static const char units[] = "kmgtp";
	double value = 0, scale = 1;
	const char *p = text;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		value = value * 10 + (*p - '0');
	if (*p == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p); p++)
			value += (*p - '0') * (scale /= 10);
	if (*p == ' ')
		p++;
	const char *unit = *p ? strchr(units, tolower((unsigned char)*p)) : NULL;
	if (unit) {
		for (const char *u = units; u <= unit; u++)
			value *= 1024;
		p++;
		if (tolower((unsigned char)*p) == 'i')
			p++;
	}
	if (tolower((unsigned char)*p) == 'b')
		p++;
	if (*p || value >= 9.2e18)
		return false;
	*bytes = (int64_t)value;
	return true;
}

int cpus_parse(const char *text, int64_t *nano_cpus, struct err *e)
{
	int64_t value = 0, unit = 1000000000;
	const char *c = text + (*text == '-' || *text == '+');
	for (bool fraction = false; *c; c++) {
		if (*c == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (!isdigit((unsigned char)*c) || value > INT64_MAX / 100) {
			err_set(e, EINVAL,
				"invalid argument \"%s\" for \"--cpus\" flag: failed to parse %s "
				"as a "
				"rational number",
				text, text);
			return client_error(e);
		}
		if (fraction && unit == 1)
			return err_set(e, EINVAL, "value is too precise: --cpus %s", text);
		value = value * 10 + (*c - '0');
		if (fraction)
			unit /= 10;
	}
	if (value > INT64_MAX / unit)
		return err_set(e, EINVAL, "value is too large: --cpus %s", text);
	*nano_cpus = value * unit * (*text == '-' ? -1 : 1);
	return 0;
}

static int io_error(struct err *e, const char *text, enum io_limit_kind kind, const char *why)
{
	static const char *const flags[IO_KINDS] = {[IO_WEIGHT] = "blkio-weight-device",
		[IO_READ_BPS] = "device-read-bps",
		[IO_WRITE_BPS] = "device-write-bps",
		[IO_READ_IOPS] = "device-read-iops",
		[IO_WRITE_IOPS] = "device-write-iops"};
	const char *more = "";
	if (str_starts(why, "invalid rate"))
		more = kind == IO_READ_BPS || kind == IO_WRITE_BPS
			       ? ". The correct format is <device-path>:<number>[<unit>]. Number "
				 "must "
				 "be a positive integer. Unit is optional and can be kb, mb, or gb"
			       : ". The correct format is <device-path>:<number>. Number must be a "
				 "positive integer";
	err_set(e, EINVAL, "invalid argument \"%s\" for \"--%s\" flag: %s: %s%s", text, flags[kind],
		why, text, more);
	return client_error(e);
}

int io_limit_parse(
	const char *text, enum io_limit_kind kind, char **path, uint64_t *value, struct err *e)
{
	const char *colon = strchr(text, ':');
	bool is_size = kind == IO_READ_BPS || kind == IO_WRITE_BPS;
	int64_t size = 0;
	if (!colon || strchr(colon + 1, ':'))
		return io_error(e, text, kind, "bad format");
	if (!str_starts(text, "/dev/"))
		return io_error(e, text, kind, "bad format for device path");
	bool ok = is_size ? size_parse(colon + 1, &size) : parse_u64(colon + 1, value);
	if (is_size)
		*value = (uint64_t)size;
	if (kind == IO_WEIGHT && (!ok || (*value && (*value < 10 || *value > 1000))))
		return io_error(e, text, kind, "invalid weight for device");
	if (!ok || *value > INT64_MAX)
		return io_error(e, text, kind, "invalid rate for device");
	*path = xstrndup(text, (size_t)(colon - text));
	return 0;
}

static int ulimit_error(struct err *e, const char *text, const char *fmt, const char *arg)
{
	auto_free char *why = xasprintf(fmt, arg);
	err_set(e, EINVAL, "invalid argument \"%s\" for \"--ulimit\" flag: %s", text, why);
	return client_error(e);
}

int ulimit_parse(const char *text, struct ulimit *u, struct err *e)
{
	static const char *const names[] = {"core", "cpu", "data", "fsize", "locks", "memlock",
		"msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending",
		"stack"};
	const char *eq = strchr(text, '=');
	auto_strv limits = STRV_INIT;
	bool known = false;
	if (!eq)
		return ulimit_error(e, text, "invalid ulimit argument: %s", text);
	auto_free char *name = xstrndup(text, (size_t)(eq - text));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		known |= strcmp(name, names[i]) == 0;
	if (!known)
		return ulimit_error(e, text, "invalid ulimit type: %s", name);
	strv_split(&limits, eq + 1, ':');
	if (limits.n > 2)
		return ulimit_error(e, text,
			"too many limit value arguments - %s, can only have up to two, "
			"`soft[:hard]`",
			eq + 1);
	for (size_t i = 0; i < limits.n; i++)
		if (!parse_i64(limits.v[i], i ? &u->hard : &u->soft))
			return ulimit_error(e, text,
				"strconv.ParseInt: parsing \"%s\": invalid syntax", limits.v[i]);
	if (limits.n == 1)
		u->hard = u->soft;
	if (u->soft < -1 || u->hard < -1)
		return ulimit_error(e, text, "ulimit value must be -1 or more: %s", eq + 1);
	if (u->hard != -1 && (u->soft > u->hard || u->soft == -1)) {
		auto_free char *both =
			u->soft == -1
				? xasprintf("soft: -1 (unlimited), hard: %lld", (long long)u->hard)
				: xasprintf("%lld > %lld", (long long)u->soft, (long long)u->hard);
		return ulimit_error(e, text,
			"ulimit soft limit must be less than or equal to hard limit: %s", both);
	}
	snprintf(u->name, sizeof(u->name), "%s", name);
	return 0;
}

void device_spec_deinit(struct device_spec *d)
{
	free(d->host);
	free(d->container);
	*d = (struct device_spec){0};
}

static bool is_device_mode(const char *s)
{
	unsigned seen = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		const char *at = strchr("rwm", *s);
		if (!at || seen & (1u << (*at & 31)))
			return false;
		seen |= 1u << (*at & 31);
	}
	return true;
}

int device_parse(const char *text, struct device_spec *d, struct err *e)
{
	auto_strv parts = STRV_INIT;
	strv_split(&parts, text, ':');
	const char *host = parts.v[0], *container = host, *mode = "rwm";
	if (parts.n > 3) {
		err_set(e, EINVAL, "bad format for path: %s", text);
		return client_error(e);
	}
	if (parts.n == 3) {
		if (!is_device_mode(parts.v[2])) {
			err_set(e, EINVAL, "bad mode specified: %s", parts.v[2]);
			return client_error(e);
		}
		container = parts.v[1];
		mode = parts.v[2];
	} else if (parts.n == 2) {
		if (is_device_mode(parts.v[1]))
			mode = parts.v[1];
		else
			container = parts.v[1];
	}
	if (*host != '/' || *container != '/') {
		err_set(e, EINVAL, "%s is not an absolute path", *host != '/' ? host : container);
		return client_error(e);
	}
	d->host = xstrdup(host);
	d->container = xstrdup(container);
	snprintf(d->permissions, sizeof(d->permissions), "%s", mode);
	return 0;
}

int sysctl_check(const char *text, struct err *e)
{
	static const char *const names[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",
		"kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
		"kernel.shm_rmid_forced"};
	const char *eq = strchr(text, '=');
	if (eq && (str_starts(text, "net.") || str_starts(text, "fs.mqueue.")) &&
		!strstr(text, "..") && !memchr(text, '/', (size_t)(eq - text)))
		return 0;
	for (size_t i = 0; eq && i < ARRAY_LEN(names); i++)
		if (strncmp(text, names[i], (size_t)(eq - text)) == 0 &&
			strlen(names[i]) == (size_t)(eq - text))
			return 0;
	err_set(e, EINVAL,
		"invalid argument \"%s\" for \"--sysctl\" flag: sysctl '%s' is not allowed", text,
		text);
	return client_error(e);
}

int restart_parse(const char *text, struct restart_policy *p, struct err *e)
{
	const char *colon = strchr(text, ':');
	auto_free char *name = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	p->max_retries = 0;
	if (colon && colon[1] && !parse_i64(colon + 1, &p->max_retries)) {
		err_set(e, EINVAL,
			"invalid restart policy format: maximum retry count must be an integer");
		return client_error(e);
	}
	if (!*name) {
		if (!colon) {
			strcpy(p->name, "no");
			return 0;
		}
		err_set(e, EINVAL,
			"invalid restart policy format: no policy provided before colon");
		return client_error(e);
	}
	if (!strcmp(name, "never")) /* Podman's word for it */
		memcpy(name, "no", sizeof("no"));
	if (strcmp(name, "no") != 0 && strcmp(name, "always") != 0 &&
		strcmp(name, "on-failure") != 0 && strcmp(name, "unless-stopped") != 0)
		return err_set(e, EINVAL,
			"invalid restart policy: unknown policy '%s'; use one of 'no', 'always', "
			"'on-failure', or 'unless-stopped'",
			name);
	if (p->max_retries && strcmp(name, "on-failure") != 0)
		return err_set(e, EINVAL,
			"invalid restart policy: maximum retry count can only be used with "
			"'on-failure'");
	if (p->max_retries < 0)
		return err_set(e, EINVAL,
			"invalid restart policy: maximum retry count cannot be negative");
	snprintf(p->name, sizeof(p->name), "%s", name);
	return 0;
}

/* In the kernel's order; the ones Docker gives by default are marked. */
static const struct {
	const char *name;
	bool is_default;
} capabilities[] = {
	{"CAP_CHOWN", true},
	{"CAP_DAC_OVERRIDE", true},
	{"CAP_DAC_READ_SEARCH", false},
	{"CAP_FOWNER", true},
	{"CAP_FSETID", true},
	{"CAP_KILL", true},
	{"CAP_SETGID", true},
	{"CAP_SETUID", true},
	{"CAP_SETPCAP", true},
	{"CAP_LINUX_IMMUTABLE", false},
	{"CAP_NET_BIND_SERVICE", true},
	{"CAP_NET_BROADCAST", false},
	{"CAP_NET_ADMIN", false},
	{"CAP_NET_RAW", true},
	{"CAP_IPC_LOCK", false},
	{"CAP_IPC_OWNER", false},
	{"CAP_SYS_MODULE", false},
	{"CAP_SYS_RAWIO", false},
	{"CAP_SYS_CHROOT", true},
	{"CAP_SYS_PTRACE", false},
	{"CAP_SYS_PACCT", false},
	{"CAP_SYS_ADMIN", false},
	{"CAP_SYS_BOOT", false},
	{"CAP_SYS_NICE", false},
	{"CAP_SYS_RESOURCE", false},
	{"CAP_SYS_TIME", false},
	{"CAP_SYS_TTY_CONFIG", false},
	{"CAP_MKNOD", true},
	{"CAP_LEASE", false},
	{"CAP_AUDIT_WRITE", true},
	{"CAP_AUDIT_CONTROL", false},
	{"CAP_SETFCAP", true},
	{"CAP_MAC_OVERRIDE", false},
	{"CAP_MAC_ADMIN", false},
	{"CAP_SYSLOG", false},
	{"CAP_WAKE_ALARM", false},
	{"CAP_BLOCK_SUSPEND", false},
	{"CAP_AUDIT_READ", false},
	{"CAP_PERFMON", false},
	{"CAP_BPF", false},
	{"CAP_CHECKPOINT_RESTORE", false},
};

int capability_name(const char *text, const char *what, char out[32], struct err *e)
{
	char upper[64];
	size_t n = 0;
	for (; text[n] && n < sizeof(upper) - 1; n++)
		upper[n] = (char)toupper((unsigned char)text[n]);
	upper[n] = '\0';
	if (strcmp(upper, "ALL") == 0) {
		strcpy(out, "ALL");
		return 0;
	}
	const char *bare = str_after(upper, "CAP_");
	if (!bare)
		bare = upper;
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++) {
		if (strcmp(capabilities[i].name + 4, bare) != 0)
			continue;
		strcpy(out, capabilities[i].name);
		return 0;
	}
	return err_set(e, EINVAL, "invalid %s: unknown capability: \"CAP_%s\"", what, bare);
}

static int names_resolve(const struct strv *in, const char *what, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < in->n; i++) {
		char name[32];
		int r = capability_name(in->v[i], what, name, e);
		if (r < 0)
			return r;
		strv_add(out, name);
	}
	return 0;
}

int capabilities_resolve(const struct strv *add, const struct strv *drop, bool privileged,
	struct strv *out, struct err *e)
{
	auto_strv added = STRV_INIT, dropped = STRV_INIT;
	int r;
	if ((r = names_resolve(add, "CapAdd", &added, e)) < 0 ||
		(r = names_resolve(drop, "CapDrop", &dropped, e)) < 0)
		return r;
	bool all = privileged || strv_has(&added, "ALL");
	bool none = strv_has(&dropped, "ALL");
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++) {
		const char *name = capabilities[i].name;
		bool has = privileged || strv_has(&added, name);
		if (!privileged && !strv_has(&dropped, name))
			has |= all || (!none && capabilities[i].is_default);
		if (has)
			strv_add(out, name);
	}
	return 0;
}

bool container_name_valid(const char *name)
{
	if (!isalnum((unsigned char)*name) || !name[1])
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return true;
}
