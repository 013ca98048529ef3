/* Theory of operation
 *
 * Joining: the child that will exec opens the candidate's pidfd, checks that the process is the
 * one that was recorded, calls setns and then compares the inode of its own user namespace: only
 * that last look is proof, because a process id may have been used again in between.
 *
 * Making: the child unshares and waits; its parent, still outside, runs newuidmap and newgidmap
 * side by side (each costs about a millisecond, most of it exec), then lets the child go on. The
 * helpers must be started by a process that is not in the new namespace.
 *
 * In either case the child becomes uid and gid 0 of the namespace before it does anything else.
 */
#include "base/userns.h"
#include "base/account.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INITIAL_USERNS 0xEFFFFFFDU /* its inode, fixed by the kernel (PROC_USER_INIT_INO) */
enum { SUBID_FILE_MAX = 1 << 20, RANGES_MAX = 340 /* the kernel's limit of lines in a map */ };

/* ---- which ids ---- */

static void range_add(
	struct id_range **r, size_t *n, uint32_t inside, uint32_t outside, uint32_t count)
{
	*r = xrealloc(*r, (*n + 1) * sizeof(**r));
	(*r)[(*n)++] = (struct id_range){inside, outside, count};
}

void userns_ranges_parse(
	const char *text, const char *name, uid_t uid, struct id_range **r, size_t *n)
{
	uint32_t next = *n ? (*r)[*n - 1].inside + (*r)[*n - 1].count : 1;
	auto_free char *copy = xstrdup(text);
	char uid_text[16];
	snprintf(uid_text, sizeof(uid_text), "%u", (unsigned)uid);
	for (char *line = copy, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		char *start = strchr(line, ':');
		char *count = start ? strchr(start + 1, ':') : NULL;
		if (!count)
			continue;
		*start++ = '\0';
		*count++ = '\0';
		uint32_t first, many;
		if ((!name || strcmp(line, name)) && strcmp(line, uid_text))
			continue;
		if (!parse_u32(start, &first) || !parse_u32(count, &many) || !many)
			continue;
		if (first > UINT32_MAX - many || next > UINT32_MAX - many || *n >= RANGES_MAX - 1)
			continue;
		range_add(r, n, next, first, many);
		next += many;
	}
}

static void subid_load(
	const char *file, const char *name, uid_t uid, struct id_range **r, size_t *n)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (read_file(file, SUBID_FILE_MAX, &text, &ignored) == 0 && text.len)
		userns_ranges_parse(text.data, name, uid, r, n);
}

/* The ids of the namespace we are in, mapped to themselves. */
static int identity_load(const char *file, struct id_range **r, size_t *n, struct err *e)
{
	auto_buf text = BUF_INIT;
	int x = read_file(file, 65536, &text, e);
	if (x < 0)
		return x;
	for (char *line = text.data; line && *line;) {
		unsigned inside, outside, count;
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3)
			range_add(r, n, inside, inside, count);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return *n ? 0 : err_set(e, EINVAL, "%s names no ids", file);
}

int userns_map_load(struct userns_map *m, struct err *e)
{
	*m = (struct userns_map){0};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (uid == 0) {
		m->is_identity = true;
		int r = identity_load("/proc/self/uid_map", &m->uids, &m->n_uids, e);
		return r < 0 ? r : identity_load("/proc/self/gid_map", &m->gids, &m->n_gids, e);
	}
	range_add(&m->uids, &m->n_uids, 0, uid, 1);
	range_add(&m->gids, &m->n_gids, 0, gid, 1);
	struct account account;
	(void)account_find(uid, &account);
	subid_load("/etc/subuid", account.name, uid, &m->uids, &m->n_uids);
	subid_load("/etc/subgid", account.name, uid, &m->gids, &m->n_gids);
	account_deinit(&account);
	m->is_single = m->n_uids == 1 || m->n_gids == 1;
	if (m->is_single)
		m->n_uids = m->n_gids = 1;
	return 0;
}

void userns_map_deinit(struct userns_map *m)
{
	free(m->uids);
	free(m->gids);
	*m = (struct userns_map){0};
}

/* ---- writing the maps ---- */

struct map_args {
	char text[RANGES_MAX][3][11];
	char *argv[2 + 3 * RANGES_MAX + 1];
	char pid[16];
};

static void map_args_fill(
	struct map_args *a, const char *program, pid_t pid, const struct id_range *r, size_t n)
{
	size_t k = 0;
	snprintf(a->pid, sizeof(a->pid), "%d", (int)pid);
	a->argv[k++] = (char *)program;
	a->argv[k++] = a->pid;
	for (size_t i = 0; i < n; i++) {
		uint32_t v[3] = {r[i].inside, r[i].outside, r[i].count};
		for (int j = 0; j < 3; j++) {
			snprintf(a->text[i][j], sizeof(a->text[i][j]), "%u", v[j]);
			a->argv[k++] = a->text[i][j];
		}
	}
	a->argv[k] = NULL;
}

static int map_failed(const char *program, const struct buf *said, int status, struct err *e)
{
	size_t n = said->len;
	while (n && said->data[n - 1] == '\n')
		n--;
	err_set(e, EPERM, "cannot map the container's ids: %s failed%s%.*s", program, n ? ": " : "",
		(int)n, n ? said->data : "");
	if (status == 127)
		return err_hint(e, "install newuidmap and newgidmap (package uidmap)");
	return err_hint(e,
		"%s must be set-uid root (or have file capabilities), and the ranges in "
		"/etc/subuid and /etc/subgid must be this user's",
		program);
}

/* Both helpers at once; their words on failure. */
static int map_by_helpers(const struct userns_map *m, pid_t pid, struct err *e)
{
	static const char *const program[2] = {"newuidmap", "newgidmap"};
	struct map_args *args[2] = {xmalloc(sizeof(**args)), xmalloc(sizeof(**args))};
	pid_t child[2] = {-1, -1};
	int said[2] = {-1, -1}, r = 0;
	map_args_fill(args[0], program[0], pid, m->uids, m->n_uids);
	map_args_fill(args[1], program[1], pid, m->gids, m->n_gids);
	for (int i = 0; i < 2 && r == 0; i++) {
		int p[2];
		if (pipe2(p, O_CLOEXEC) < 0) {
			r = err_sys(e, "cannot start %s", program[i]);
			break;
		}
		said[i] = p[0];
		child[i] = vfork();
		if (child[i] == 0) {
			if (dup2(p[1], 2) >= 0)
				execvp(program[i], args[i]->argv);
			_exit(127);
		}
		if (child[i] < 0)
			r = err_sys(e, "cannot start %s", program[i]);
		close(p[1]);
	}
	for (int i = 0; i < 2; i++) {
		if (child[i] > 0) {
			auto_buf text = BUF_INIT;
			(void)read_fd(said[i], 4096, &text);
			int status = spawn_wait(child[i]);
			if (status != 0 && r == 0)
				r = map_failed(program[i], &text, status, e);
		}
		if (said[i] >= 0)
			close(said[i]);
		free(args[i]);
	}
	return r;
}

static int map_write(pid_t pid, const char *file, const struct id_range *r, size_t n, struct err *e)
{
	char path[64];
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%u %u %u\n", r[i].inside, r[i].outside, r[i].count);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int x = write_existing_at(AT_FDCWD, path, text.data);
	return x < 0 ? err_sysn(e, -x, "cannot write %s", path) : 0;
}

static int map_apply(const struct userns_map *m, pid_t pid, struct err *e)
{
	if (!m->is_single && !m->is_identity)
		return map_by_helpers(m, pid, e);
	if (m->is_single) {
		char path[64];
		static bool was_said;
		if (!was_said)
			log_warn("no ranges for this user in /etc/subuid and /etc/subgid: "
				 "containers have one id only (as root: usermod "
				 "--add-subuids 100000-165535 --add-subgids 100000-165535 USER)");
		was_said = true;
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		int x = write_existing_at(AT_FDCWD, path, "deny");
		if (x < 0)
			return err_sysn(e, -x, "cannot write %s", path);
	}
	int r = map_write(pid, "uid_map", m->uids, m->n_uids, e);
	return r < 0 ? r : map_write(pid, "gid_map", m->gids, m->n_gids, e);
}

int userns_ranges_split(const struct id_range *r, size_t n, const struct id_range *of, size_t n_of,
	struct id_range **out, size_t *n_out, struct err *e)
{
	*out = NULL;
	*n_out = 0;
	for (size_t i = 0; i < n; i++) {
		struct id_range left = r[i];
		while (left.count) {
			size_t k = 0;
			while (k < n_of && (left.outside < of[k].inside ||
						   left.outside - of[k].inside >= of[k].count))
				k++;
			if (k == n_of || *n_out == RANGES_MAX)
				break;
			uint32_t room = of[k].count - (left.outside - of[k].inside);
			uint32_t many = left.count < room ? left.count : room;
			range_add(out, n_out, left.inside, left.outside, many);
			left.inside += many;
			left.outside += many;
			left.count -= many;
		}
		if (left.count) {
			free(take_ptr(*out));
			return err_set(e, EINVAL,
				"id %u is not one of the user's own and subordinate ids",
				left.outside);
		}
	}
	return 0;
}

static int map_nested_file(pid_t pid, const char *file, const char *own, const struct id_range *r,
	size_t n, struct err *e)
{
	auto_free struct id_range *of = NULL;
	auto_free struct id_range *split = NULL;
	size_t n_of = 0, n_split;
	int x = identity_load(own, &of, &n_of, e);
	if (x == 0)
		x = userns_ranges_split(r, n, of, n_of, &split, &n_split, e);
	return x < 0 ? x : map_write(pid, file, split, n_split, e);
}

int userns_map_nested(const struct userns_map *m, pid_t pid, struct err *e)
{
	int r = map_nested_file(pid, "uid_map", "/proc/self/uid_map", m->uids, m->n_uids, e);
	return r < 0 ? r
		     : map_nested_file(pid, "gid_map", "/proc/self/gid_map", m->gids, m->n_gids, e);
}

/* ---- the child ---- */

enum step { STEP_JOINED = 1, STEP_UNSHARED, STEP_MAPPED, STEP_FAILED };

struct step_msg {
	enum step at;
	uint64_t ns_ino;
	struct err e;
};

struct child {
	const struct userns_candidates *candidates;
	const struct spawn *spawn;
	int sock; /* to the parent */
};

static uint64_t own_ns_inode(void)
{
	struct stat st;
	return stat("/proc/self/ns/user", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

static bool read_number(const char *path, long *out)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (read_file(path, 64, &text, &ignored) < 0 || !text.len)
		return false;
	*out = strtol(text.data, NULL, 10);
	return true;
}

static int unshare_failed(int code, struct err *e)
{
	long v;
	err_sysn(e, code, "cannot make a user namespace");
	if (read_number("/proc/sys/user/max_user_namespaces", &v) && v == 0)
		return err_hint(e, "user namespaces are switched off: as root, "
				   "sysctl user.max_user_namespaces=15000");
	if (read_number("/proc/sys/kernel/unprivileged_userns_clone", &v) && v == 0)
		return err_hint(e, "user namespaces are switched off for users: as root, "
				   "sysctl kernel.unprivileged_userns_clone=1");
	if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &v) && v == 1)
		return err_hint(e, "AppArmor restricts user namespaces: as root, add a profile for "
				   "moss or sysctl "
				   "kernel.apparmor_restrict_unprivileged_userns=0");
	if (code == ENOSPC)
		return err_hint(e, "the limit user.max_user_namespaces is reached");
	return err_hint(e, "a seccomp filter or security module around moss refuses it; in a "
			   "container, start that one with the rights to make user namespaces");
}

bool userns_has_mounts(void)
{
	struct stat user, owner;
	auto_fd mnt = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	auto_fd of = mnt < 0 ? -1 : ioctl(mnt, NS_GET_USERNS);
	return geteuid() == 0 && of >= 0 && fstat(of, &owner) == 0 &&
	       stat("/proc/self/ns/user", &user) == 0 && owner.st_ino == user.st_ino &&
	       user.st_ino != INITIAL_USERNS;
}

/* Joins one candidate: 1 joined, 0 not usable (and nothing changed), negative: this process is in
 * a namespace that is not the one that was recorded, it must not go on. */
static int child_join(const struct proc_id *id, uint64_t *ino)
{
	auto_fd pidfd = proc_open(id);
	if (pidfd < 0 || proc_ns_inode(id->pid, "user") != id->ns_ino)
		return 0;
	/* The namespace one is in cannot be joined (EINVAL), and need not be. */
	if (own_ns_inode() != id->ns_ino && setns(pidfd, CLONE_NEWUSER) < 0)
		return 0;
	*ino = own_ns_inode();
	return *ino == id->ns_ino ? 1 : -ESRCH;
}

static int child_become_root(struct err *e)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "cannot become root of the user namespace");
	/* Refused where the map has one id only. */
	(void)setgroups(0, NULL);
	return 0;
}

static int child_enter(const struct child *c, struct err *e)
{
	struct step_msg m = {0};
	for (size_t i = 0; i < c->candidates->n; i++) {
		int r = child_join(&c->candidates->live[i], &m.ns_ino);
		if (r < 0)
			return err_set(e, ESRCH, "the user namespace changed while it was joined");
		if (r) {
			m.at = STEP_JOINED;
			r = msg_send(c->sock, &m, sizeof(m), NULL, 0);
			return r < 0 ? err_sysn(e, -r, "cannot report to moss")
				     : child_become_root(e);
		}
	}
	if (unshare(CLONE_NEWUSER) < 0)
		return unshare_failed(errno, e);
	m.at = STEP_UNSHARED;
	m.ns_ino = own_ns_inode();
	int r = msg_send(c->sock, &m, sizeof(m), NULL, 0);
	ssize_t n = r < 0 ? r : msg_recv(c->sock, &m, sizeof(m), NULL, NULL);
	if (n != (ssize_t)sizeof(m) || m.at != STEP_MAPPED)
		return err_set(e, ECANCELED, "the user namespace was given up");
	return child_become_root(e);
}

static int child_prepare(void *arg, struct err *e)
{
	const struct child *c = arg;
	int r = child_enter(c, e);
	if (r == 0 && c->spawn->death_signal)
		/* Changing ids has cleared it. */
		(void)prctl(PR_SET_PDEATHSIG, c->spawn->death_signal);
	if (r == 0 && c->spawn->prepare)
		r = c->spawn->prepare(c->spawn->prepare_arg, e);
	return r;
}

/* ---- the parent ---- */

/* Does for the child what only the outside can do. */
static int serve_child(int sock, pid_t pid, uint64_t *ns_ino, bool *was_made, struct err *e)
{
	struct step_msg m = {0};
	ssize_t n = msg_recv(sock, &m, sizeof(m), NULL, NULL);
	if (n != (ssize_t)sizeof(m))
		return 0; /* it died or failed: its report says why */
	*ns_ino = m.ns_ino;
	*was_made = m.at == STEP_UNSHARED;
	if (m.at != STEP_UNSHARED)
		return 0;
	struct userns_map map;
	int r = userns_map_load(&map, e);
	if (r == 0)
		r = map_apply(&map, pid, e);
	userns_map_deinit(&map);
	m.at = r == 0 ? STEP_MAPPED : STEP_FAILED;
	int s = msg_send(sock, &m, sizeof(m), NULL, 0);
	return r < 0 ? r : s < 0 ? err_sysn(e, -s, "cannot go on in the user namespace") : 0;
}

int userns_spawn(const struct userns_candidates *c, const struct spawn *s, pid_t *pid, int *pidfd,
	uint64_t *ns_ino, bool *was_made, struct err *e)
{
	int pair[2], report, high;
	uint64_t ino = 0;
	bool made = false;
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot start %s", s->file);
	auto_fd mine = pair[0];
	auto_fd theirs = pair[1];
	high = fcntl(theirs, F_DUPFD_CLOEXEC, 64);
	if (high < 0)
		return err_sys(e, "cannot start %s", s->file);
	close(take_fd(theirs));
	theirs = high;
	struct child child = {.candidates = c, .spawn = s, .sock = theirs};
	struct spawn inner = *s;
	inner.prepare = child_prepare;
	inner.prepare_arg = &child;
	inner.keep_fd = theirs;
	r = spawn_begin(&inner, pid, &report, e);
	if (r < 0)
		return r;
	close(take_fd(theirs));
	struct err outside = {0};
	int served = serve_child(mine, *pid, &ino, &made, &outside);
	r = spawn_finish(&inner, *pid, report, pidfd, e);
	if (served < 0) {
		*e = outside;
		return served;
	}
	if (r < 0)
		return r;
	if (ns_ino)
		*ns_ino = ino;
	if (was_made)
		*was_made = made;
	return 0;
}

struct call {
	struct child child;
	int (*fn)(void *arg, struct err *e);
	void *arg;
};

struct call_result {
	int result;
	struct err e;
};

static _Noreturn void call_main(const struct call *call, int out)
{
	struct call_result res = {0};
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	res.result = child_enter(&call->child, &res.e);
	close(call->child.sock);
	if (res.result == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		res.result = call->fn(call->arg, &res.e);
	}
	(void)write_all(out, &res, sizeof(res));
	_exit(0);
}

int userns_call(const struct userns_candidates *c, int (*fn)(void *arg, struct err *e), void *arg,
	struct err *e)
{
	static const struct spawn none;
	int pair[2], ends[2];
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot enter the user namespace");
	auto_fd mine = pair[0];
	auto_fd theirs = pair[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot enter the user namespace");
	auto_fd in = ends[0];
	auto_fd out = ends[1];
	struct call call = {{c, &none, theirs}, fn, arg};
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot enter the user namespace");
	if (pid == 0) {
		close(mine);
		call_main(&call, out);
	}
	close(take_fd(theirs));
	close(take_fd(out));
	uint64_t ino;
	bool made;
	struct err outside = {0};
	struct call_result res;
	int served = serve_child(mine, pid, &ino, &made, &outside);
	ssize_t n = read_full(in, &res, sizeof(res));
	(void)spawn_wait(pid);
	if (served < 0) {
		*e = outside;
		return served;
	}
	if (n != (ssize_t)sizeof(res))
		return err_set(e, ECHILD, "a helper process in the user namespace died");
	if (res.result < 0)
		*e = res.e;
	return res.result;
}
