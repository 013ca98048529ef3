/* From a request's text to a plan: flags that need neither the store nor the file system. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/health.h"
#include "engine/log.h"
#include "engine/parse_env.h"
#include "engine/start.h"
#include "storage/image.h"

void create_plan_deinit(struct create_plan *p)
{
	json_drop(&p->image_json);
	create_share_deinit(p);
	idmap_mode_deinit(&p->userns);
	id_ranges_deinit(&p->uid_map);
	id_ranges_deinit(&p->gid_map);
	json_drop(&p->passwd);
	free(p->hostname);
	free(p->network_name);
	strv_free(&p->env);
	strv_free(&p->process_env);
	strv_free(&p->entrypoint);
	strv_free(&p->cmd);
	free(p->user);
	free(p->workdir);
	free(p->stop_signal);
	json_drop(&p->labels);
	json_drop(&p->resources);
	limits_deinit(&p->limits);
	json_drop(&p->log_config);
	json_drop(&p->annotations);
	json_drop(&p->healthcheck);
	json_drop(&p->health_extra);
	strv_free(&p->capabilities);
	security_options_deinit(&p->security);
	free(p->seccomp_text);
	free(p->ulimits);
	for (size_t i = 0; i < p->n_devices; i++)
		device_spec_deinit(&p->devices[i]);
	free(p->devices);
	json_drop(&p->sysctls);
	port_specs_free(&p->publish);
	port_specs_free(&p->exposed);
	for (size_t i = 0; p->reals && i < p->mounts.n; i++) {
		free(p->reals[i].source);
		free(p->reals[i].volume);
		json_drop(&p->reals[i].options);
		strv_free(&p->reals[i].layers);
	}
	free(p->reals);
	mount_specs_free(&p->mounts);
	*p = (struct create_plan){0};
}

static size_t utf8_length(const unsigned char *s)
{
	uint32_t c = *s;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	if (n < 2)
		return n;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
		(c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

char *utf8_text(const char *s)
{
	auto_buf b = BUF_INIT;
	while (*s) {
		size_t n = utf8_length((const unsigned char *)s);
		if (n)
			buf_add(&b, s, n);
		else
			buf_puts(&b, "\xef\xbf\xbd");
		s += n ? n : 1;
	}
	return buf_take(&b);
}

static void strv_add_utf8(struct strv *v, const char *s) { strv_take(v, utf8_text(s)); }

static const char *image_str(const struct create_plan *p, const char *key)
{
	return json_str_or(p->image_config, key, "");
}

/* A JSON array of strings is taken apart, as Podman does: to Docker it is the name of a program. */
static void add_entrypoint(struct create_plan *p, const char *text)
{
	struct err ignored = {0};
	auto_json list =
		*text == '[' ? json_parse(text, strlen(text), "entrypoint", &ignored) : NULL;
	auto_strv words = STRV_INIT;
	json_to_strv(list, &words);
	if (json_is_array(list) && words.n && words.n == json_array_size(list))
		strv_copy(&p->entrypoint, &words);
	else
		strv_add_utf8(&p->entrypoint, text);
}

/* Entrypoint and command, of the request or else of the image (Docker's rule: a new entrypoint
 * drops the image's command). */
static int check_command(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	bool has_command = r->command && r->command[0];
	if (r->entrypoint_given && !str_empty(r->entrypoint))
		add_entrypoint(p, r->entrypoint);
	else if (!r->entrypoint_given)
		json_to_strv(json_at(p->image_config, "Entrypoint"), &p->entrypoint);
	if (has_command)
		for (char *const *a = r->command; *a; a++)
			strv_add_utf8(&p->cmd, *a);
	else if (!r->entrypoint_given)
		json_to_strv(json_at(p->image_config, "Cmd"), &p->cmd);
	p->has_entrypoint = p->entrypoint.n > 0;
	p->has_cmd = p->cmd.n > 0;
	if (!p->has_entrypoint && !p->has_cmd) {
		err_set(e, EINVAL, "no command specified");
		return err_status(e, 0);
	}
	return 0;
}

static void map_add(json_t *map, const char *assignment)
{
	size_t n = strcspn(assignment, "=");
	auto_free char *key = xstrndup(assignment, n);
	auto_free char *clean_key = utf8_text(key);
	auto_free char *value = utf8_text(assignment[n] ? assignment + n + 1 : "");
	json_set_str(map, clean_key, value);
}

static int check_labels(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	auto_strv labels = STRV_INIT;
	json_t *value;
	const char *key;
	int rc;
	for (size_t i = 0; i < r->label_file.n; i++)
		if ((rc = env_read_file(r->label_file.v[i], false, &labels, e)) < 0)
			return rc;
	for (size_t i = 0; i < r->label.n; i++) {
		const char *text = r->label.v[i];
		if (!*text || *text == '=') {
			err_set(e, EINVAL,
				"invalid argument \"%s\" for \"-l, --label\" flag: invalid label "
				"'%s': empty name",
				text, text);
			return err_status(e, 125);
		}
		strv_add(&labels, text);
	}
	p->labels = json_object();
	json_object_foreach (json_at(p->image_config, "Labels"), key, value)
		json_object_set(p->labels, key, value);
	for (size_t i = 0; i < labels.n; i++)
		map_add(p->labels, labels.v[i]);
	p->annotations = json_object();
	for (size_t i = 0; i < r->annotation.n; i++)
		map_add(p->annotations, r->annotation.v[i]);
	return 0;
}

int create_attach(const struct create_request *r, struct create_attach *a, struct err *e)
{
	a->in = r->interactive && !r->detach;
	a->out = a->err = !r->attach.n && !r->detach;
	for (size_t i = 0; i < r->attach.n; i++) {
		auto_free char *name = xstrdup(r->attach.v[i]);
		str_lower(name);
		if (strcmp(name, "stdin") == 0) {
			a->in = true;
		} else if (strcmp(name, "stdout") == 0) {
			a->out = true;
		} else if (strcmp(name, "stderr") == 0) {
			a->err = true;
		} else {
			err_set(e, EINVAL,
				"invalid argument \"%s\" for \"-a, --attach\" flag: valid streams "
				"are "
				"STDIN, STDOUT and STDERR",
				r->attach.v[i]);
			return err_status(e, 125);
		}
	}
	return 0;
}

static int mode_error(struct err *e, const char *flag, const char *kind)
{
	err_set(e, EINVAL, "--%s: invalid %s mode", flag, kind);
	return err_status(e, 125);
}

static bool is_one_of(const char *s, const char *a, const char *b)
{
	return str_empty(s) || strcmp(s, a) == 0 || strcmp(s, b) == 0;
}

static int check_namespaces(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	if (!share_is_on(&p->share[SHARE_IPC]) && !is_one_of(r->ipc, "private", "host") &&
		!is_one_of(r->ipc, "shareable", "none"))
		return err_set(e, EINVAL, "invalid IPC mode: %s", r->ipc);
	if (!share_is_on(&p->share[SHARE_PID]) && !is_one_of(r->pid, "private", "host"))
		return mode_error(e, "pid", "PID");
	if (!share_is_on(&p->share[SHARE_UTS]) && !is_one_of(r->uts, "private", "host"))
		return mode_error(e, "uts", "UTS");
	if (!share_is_on(&p->share[SHARE_CGROUP]) && !is_one_of(r->cgroupns, "private", "host"))
		return mode_error(e, "cgroupns", "CGROUP");
	int rc = create_check_userns(p, e);
	if (rc < 0)
		return rc;
	bool is_own_name = str_empty(r->uts) || strcmp(r->uts, "private") == 0;
	if (!is_own_name && !str_empty(r->hostname))
		return err_set(e, EINVAL, "conflicting options: hostname and the UTS mode");
	return 0;
}

int create_umask(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 8);
	return *text < '0' || *text > '7' || *end || v > 0777 ? -1 : (int)v;
}

static int check_process(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	p->user = xstrdup(str_empty(r->user) ? image_str(p, "User") : r->user);
	p->workdir = xstrdup(str_empty(r->workdir) ? image_str(p, "WorkingDir") : r->workdir);
	p->stop_signal =
		xstrdup(str_empty(r->stop_signal) ? image_str(p, "StopSignal") : r->stop_signal);
	if (*p->user && user_check(p->user, e) < 0)
		return -e->code;
	if (*p->workdir && *p->workdir != '/')
		return err_set(e, EINVAL,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			p->workdir);
	if (*p->stop_signal && signal_parse(p->stop_signal, e) < 0)
		return -e->code;
	if (!str_empty(r->umask) && create_umask(r->umask) < 0)
		return err_set(e, EINVAL,
			"invalid umask string %s: an octal number of up to four digits", r->umask);
	if (r->oom_score_adj < -1000 || r->oom_score_adj > 1000)
		return err_set(e, EINVAL,
			"Invalid value %lld, range for oom score adj is [-1000, 1000]",
			(long long)r->oom_score_adj);
	for (size_t i = 0; i < r->group_add.n; i++) {
		if (strcmp(r->group_add.v[i], "keep-groups") == 0)
			return err_set(e, ENOTSUP,
				"--group-add keep-groups is not supported: the container's "
				"processes "
				"have none of your supplementary groups");
		if (strchr(r->group_add.v[i], ':') || !r->group_add.v[i][0] ||
			user_check(r->group_add.v[i], e) < 0)
			return err_set(e, EINVAL, "unable to find group %s: no such group",
				r->group_add.v[i]);
	}
	return 0;
}

static int check_health(struct create_plan *p, struct err *e)
{
	int rc = health_make_config(
		p->r, json_at(p->image_config, "Healthcheck"), &p->healthcheck, e);
	p->health_extra = json_object();
	return rc < 0 ? rc : health_add_podman(p->r, p->healthcheck, p->health_extra, e);
}

static int check_security(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	auto_buf text = BUF_INIT;
	int rc = security_parse(&r->security_opt, &p->security, e);
	if (rc < 0)
		return rc;
	rc = capabilities_resolve(&r->cap_add, &r->cap_drop, r->privileged, &p->capabilities, e);
	if (rc < 0 || !p->security.seccomp_file)
		return rc;
	if ((rc = read_file(p->security.seccomp_file, 1 << 20, &text, e)) < 0) {
		err_set(e, -rc, "opening seccomp profile (%s) failed: open %s: %s",
			p->security.seccomp_file, p->security.seccomp_file, strerror(-rc));
		return err_status(e, 125);
	}
	p->seccomp_text = buf_take(&text);
	return 0;
}

static int check_runtime(const char *name, struct err *e)
{
	static const char *const known[] = {"runc", "crun", "runsc", "io.containerd.runc.v2"};
	if (str_empty(name) || strcmp(name, "moss") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(name, known[i]) == 0)
			return err_set(e, ENOTSUP, "--runtime %s is not supported yet", name);
	return err_set(e, EINVAL, "unknown or invalid runtime name: %s", name);
}

/* A device node, or a folder of /dev (as /dev/snd). */
static int check_device(const char *path, struct err *e)
{
	struct stat st;
	const char *why = NULL;
	errno = 0;
	if (stat(path, &st) < 0)
		why = errno == ENOENT ? "no such file or directory" : strerror(errno);
	else if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) &&
		 !(S_ISDIR(st.st_mode) && str_starts(path, "/dev/")))
		why = "not a device node";
	if (!why)
		return 0;
	bool is_missing = errno == ENOENT;
	err_set(e, ENODEV,
		"error gathering device information while adding custom device \"%s\": %s", path,
		why);
	return is_missing ? err_status(e, 127) : -ENODEV; /* as Docker's run */
}

static int check_restart(
	const struct create_request *r, struct restart_policy *policy, struct err *e)
{
	int rc = restart_parse(r->restart ? r->restart : "no", policy, e);
	/* A policy that nobody knows conflicts, too: Docker's client looks first. */
	if (r->rm && (rc < 0 ? e->status != 125 : strcmp(policy->name, "no") != 0)) {
		err_set(e, EINVAL, "Conflicting options: --restart and --rm");
		return err_status(e, 125);
	}
	return rc;
}

static int check_mount(const char *text, struct err *e)
{
	struct mount_spec m = {0};
	int rc = mount_parse_flag(text, &m, e);
	if (rc == 0 && m.type == MOUNT_BIND && !m.glob && !m.make_source)
		rc = mount_source_exists(m.source, e);
	mount_spec_deinit(&m);
	return rc;
}

int create_check_early(const struct create_request *r, struct err *e)
{
	struct restart_policy policy = {0};
	int rc = 0;
	for (size_t i = 0; i < r->mount.n && rc == 0; i++)
		rc = check_mount(r->mount.v[i], e);
	return rc < 0 ? rc : check_restart(r, &policy, e);
}

static int check_lists(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	int rc;
	p->ulimits = xcalloc(r->ulimit.n + 1, sizeof(*p->ulimits));
	for (; p->n_ulimits < r->ulimit.n; p->n_ulimits++)
		if ((rc = ulimit_parse(r->ulimit.v[p->n_ulimits], &p->ulimits[p->n_ulimits], e)) <
			0)
			return rc;
	p->devices = xcalloc(r->device.n + 1, sizeof(*p->devices));
	for (; p->n_devices < r->device.n; p->n_devices++) {
		struct device_spec *d = &p->devices[p->n_devices];
		if ((rc = device_parse(r->device.v[p->n_devices], d, e)) < 0)
			return rc;
	}
	for (size_t i = 0; i < p->n_devices; i++)
		if ((rc = check_device(p->devices[i].host, e)) < 0)
			return rc;
	p->sysctls = json_object();
	for (size_t i = 0; i < r->sysctl.n; i++) {
		if ((rc = sysctl_check(r->sysctl.v[i], e)) < 0)
			return rc;
		map_add(p->sysctls, r->sysctl.v[i]);
	}
	return check_restart(r, &p->restart, e);
}

static int check_log(struct create_plan *p, struct err *e)
{
	p->log_config = create_log_config(p->r);
	int rc = log_config_defaults(p->log_config, e);
	return rc < 0 ? rc : log_config_check(p->log_config, e);
}

int create_check(struct create_plan *p, struct strv *warnings, struct err *e)
{
	int rc;
	if ((rc = create_attach(p->r, &p->attach, e)) < 0 || (rc = create_env(p, e)) < 0 ||
		(rc = check_labels(p, e)) < 0 || (rc = check_health(p, e)) < 0 ||
		(rc = check_lists(p, e)) < 0 || (rc = check_runtime(p->r->runtime, e)) < 0 ||
		(rc = check_namespaces(p, e)) < 0 ||
		(rc = create_check_network(p, warnings, e)) < 0 ||
		(rc = check_security(p, e)) < 0 || (rc = check_process(p, e)) < 0 ||
		(rc = create_files_check(p, e)) < 0 ||
		(rc = create_mounts_parse(p, warnings, e)) < 0 || (rc = check_command(p, e)) < 0)
		return rc;
	if ((rc = check_log(p, e)) < 0)
		return rc;
	create_process_env(p);
	return create_limits(p, warnings, e);
}
