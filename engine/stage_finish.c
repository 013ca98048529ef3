/* The last steps of a process before it is the container's. The order is the kernel's:
 *
 *   limits, umask      need privileges that go away below
 *   working directory  tried with root's capabilities first, as its owner may be anybody
 *   bounding set       dropping needs CAP_SETPCAP
 *   groups, gid, uid   keeping the capabilities, because
 *   filter             needs CAP_SYS_ADMIN unless no_new_privs is set
 *   capabilities       at last
 *   death signal       the kernel forgets it at each change of credentials
 *   exec of the stub   (init_main.c)
 */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"
#include "engine/stub.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_limits(const struct finish *f, struct err *e)
{
	for (size_t i = 0; i < f->n_rlimits; i++) {
		const struct rlimit_plan *r = &f->rlimits[i];
		if (setrlimit((__rlimit_resource_t)r->resource, &r->limit) < 0) {
			err_sys(e, "cannot set %s to %llu:%llu", r->name,
				(unsigned long long)r->limit.rlim_cur,
				(unsigned long long)r->limit.rlim_max);
			return errno == EPERM
				       ? err_hint(e,
						 "a user cannot raise a hard limit: see ulimit -H")
				       : -e->code;
		}
	}
	(void)umask(f->umask < 0 ? 0022 : (mode_t)f->umask & 07777);
	return 0;
}

/* Programs open /dev/stdout again by name: pipes and terminals must be theirs. */
static void give_stdio(const struct user_ids *u)
{
	struct stat st;
	for (int i = 0; u->uid && i < 3; i++)
		if (fstat(i, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(i)))
			(void)fchown(i, u->uid, S_ISFIFO(st.st_mode) ? u->gid : (gid_t)-1);
}

static int chdir_failed(const char *cwd, int code, struct err *e)
{
	auto_free char *why = xstrdup(strerror(code));
	str_lower(why);
	err_set(e, code, "chdir to cwd (\"%s\") set in config.json failed: %s", cwd, why);
	return err_status(e, 126);
}

/* Where only the user may enter it, *again is the folder, to be tried as the user. */
static int change_dir(const struct finish *f, int *again, struct err *e)
{
	auto_fd fd = path_open_in(f->root, f->cwd, O_PATH, 0);
	if (fd >= 0 && fchdir(fd) == 0)
		return 0;
	int code = fd < 0 ? -fd : errno;
	if (fd < 0 || code != EACCES)
		return chdir_failed(f->cwd, code, e);
	*again = take_fd(fd);
	return 0;
}

static int change_ids(const struct user_ids *u, struct err *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "cannot keep capabilities");
	/* EPERM: a single-id map, where the kernel allows no setgroups. There is one group then. */
	if (setgroups(u->n_gids, u->gids) < 0) {
		bool is_single = errno == EPERM;
		if (!is_single)
			return err_sys(e, "cannot set the groups");
		if (u->gid != 0 || u->n_gids > 1)
			return err_sysn(e, EINVAL, "cannot set the groups of user %u", u->uid);
	}
	if (setresgid(u->gid, u->gid, u->gid) < 0)
		return err_sysn(e, errno, "cannot become group %u", u->gid);
	if (setresuid(u->uid, u->uid, u->uid) < 0)
		return err_sysn(e, errno, "cannot become user %u", u->uid);
	return 0;
}

static int no_such_id(const struct user_ids *u, struct err *e)
{
	if (e->code != EINVAL)
		return -e->code;
	return err_hint(e,
		"id %u:%u is not in the container's user namespace: more subordinate ids in "
		"/etc/subuid and /etc/subgid are needed",
		u->uid, u->gid);
}

static int apply_caps(const struct finish *f, struct err *e)
{
	const struct caps *c = f->caps;
	const uint64_t admin = UINT64_C(1) << 21; /* CAP_SYS_ADMIN, for the filter */
	int r = 0;
	if (!f->no_new_privs && f->filter->code) {
		r = caps_set(admin | c->effective, admin | c->permitted | c->effective,
			c->inheritable, e);
		if (r == 0)
			r = seccomp_filter_load(f->filter, e);
	}
	if (r == 0)
		r = caps_set(c->effective & c->permitted, c->permitted, c->inheritable, e);
	if (r == 0)
		r = caps_set_ambient(c->ambient, e);
	if (r == 0 && f->no_new_privs) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return err_sys(e, "cannot set no_new_privs");
		r = seccomp_filter_load(f->filter, e);
	}
	return r;
}

/* ---- finding the program, as the user that will run it ---- */

static int check_executable(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int not_executable(const char *name, int code, struct err *e)
{
	auto_free char *why = xstrdup(strerror(code));
	str_lower(why);
	bool is_missing = code == ENOENT || code == ENOTDIR;
	if (is_missing)
		err_set(e, code, "exec: \"%s\": stat %s: %s", name, name, why);
	else
		err_set(e, code, "exec: \"%s\": %s", name, why);
	return err_status(e, code == ENOENT ? 127 : 126);
}

static const char *env_get(const char *const *env, const char *key)
{
	const char *value = NULL, *found;
	size_t n = strlen(key);
	for (; *env; env++)
		if (!strncmp(*env, key, n) && (*env)[n] == '=' && (found = *env + n + 1))
			value = found;
	return value;
}

/* Owned. */
static char *find_program(const char *name, const char *const *env, struct err *e)
{
	if (strchr(name, '/')) {
		int r = check_executable(name);
		if (r == 0)
			return xstrdup(name);
		(void)not_executable(name, -r, e);
		return NULL;
	}
	const char *path = env_get(env, "PATH");
	auto_strv dirs = STRV_INIT;
	strv_split(&dirs, path ? path : "", ':');
	for (size_t i = 0; *name && path && *path && i < dirs.n; i++) {
		auto_free char *whole = path_join(*dirs.v[i] ? dirs.v[i] : ".", name);
		if (check_executable(whole) == 0)
			return take_ptr(whole);
	}
	err_set(e, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
	err_status(e, 127);
	return NULL;
}

/* The environment with the stub's first string (init_main.c) and HOME. */
static const char **make_env(const struct finish *f, const char *path)
{
	size_t n = 0;
	while (f->env[n])
		n++;
	const char **env = xcalloc(n + 3, sizeof(*env));
	env[0] = path;
	memcpy(env + 1, f->env, n * sizeof(*env));
	if (!env_get(f->env, "HOME"))
		env[n + 1] = xasprintf("HOME=%s", f->home);
	return env;
}

static int exec_stub(const struct finish *f, struct err *e)
{
	auto_free char *path = find_program(f->args[0], f->env, e);
	if (!path)
		return -e->code;
	const char **env = make_env(f, path);
	size_t n = 0;
	while (f->args[n])
		n++;
	const char **argv = xcalloc(n + 3, sizeof(*argv));
	argv[0] = f->has_init ? "moss-init" : "moss-exec";
	argv[1] = f->forks ? STUB_FORK : STUB_STAY;
	memcpy(argv + 2, f->args, n * sizeof(*argv));
	/* The stub inherits its socket and closes it on exec itself. */
	(void)fcntl(STAGE_SYNC_FD, F_SETFD, 0);
	(void)syscall(SYS_execveat, f->stub, "", argv, env, AT_EMPTY_PATH);
	err_sys(e, "cannot exec the container's first program");
	return e->code == E2BIG ? err_status(e, 126) : -e->code;
}

int stage_finish(const struct finish *f, struct err *e)
{
	auto_fd chdir_again = -1;
	int r = set_limits(f, e);
	if (r == 0)
		r = change_dir(f, &chdir_again, e);
	if (r < 0)
		return r;
	give_stdio(f->user);
	r = caps_drop_bounding(f->caps->bounding, e);
	if (r < 0)
		return r;
	r = change_ids(f->user, e);
	if (r < 0)
		return no_such_id(f->user, e);
	r = apply_caps(f, e);
	if (r < 0)
		return r;
	if (chdir_again >= 0 && fchdir(chdir_again) < 0)
		return chdir_failed(f->cwd, errno, e);
	if (f->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(e, "cannot set the death signal");
	return exec_stub(f, e);
}
