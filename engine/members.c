#include "engine/members.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAT_MAX = 1024 };

/* A process while the list is made. */
struct candidate {
	struct proc_id id; /* ns_ino: its mount namespace, where that decides */
	pid_t parent;
	bool is_member;
};

struct scan {
	uint64_t pid_ns, own_pid_ns; /* of the container, of ours */
	uint64_t mount_ns; /* 0 = the pid namespace decides */
	struct candidate *v;
	size_t n, room;
};

/* /proc/PID/stat from field 3 on: the name before may hold anything. */
static bool read_stat(pid_t pid, char *state, pid_t *parent, uint64_t *start)
{
	char path[64], text[STAT_MAX];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	char *p = strrchr(text, ')');
	int ppid = 0;
	unsigned long long ticks = 0;
	if (!p || sscanf(p + 1,
			  " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			  "%*d "
			  "%llu",
			  state, &ppid, &ticks) != 3)
		return false;
	*parent = (pid_t)ppid;
	*start = ticks;
	return true;
}

char member_state(const struct proc_id *id)
{
	char state;
	pid_t parent;
	uint64_t start;
	return read_stat(id->pid, &state, &parent, &start) && start == id->start ? state : 0;
}

/* Is the pid namespace of the process the container's, or one below it? */
static bool is_in_pid_ns(const struct scan *s, pid_t pid)
{
	char path[64];
	struct stat st;
	uint64_t ino = proc_ns_inode(pid, "pid");
	if (ino == s->pid_ns || !ino || ino == s->own_pid_ns)
		return ino && ino == s->pid_ns;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;
	while (fd >= 0 && !found) {
		int parent = ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
		found = fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == s->pid_ns;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* In this order: where the number is taken by another process meanwhile, the start time is that of
 * the one that has gone, and nobody can be mistaken for it. */
static void look_at(struct scan *s, pid_t pid)
{
	struct candidate c = {.id.pid = pid};
	char state;
	if (!read_stat(pid, &state, &c.parent, &c.id.start))
		return;
	if (s->mount_ns) {
		c.id.ns_ino = proc_ns_inode(pid, "mnt");
		c.is_member = c.id.ns_ino == s->mount_ns;
	} else {
		c.is_member = is_in_pid_ns(s, pid);
		if (!c.is_member)
			return;
	}
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->v = xrealloc(s->v, s->room * sizeof(*s->v));
	}
	s->v[s->n++] = c;
}

/* What a member has started is a member, whatever mount namespace it has made for itself. */
static void add_descendants(struct scan *s)
{
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < s->n; i++)
			for (size_t k = 0; k < s->n && !s->v[i].is_member; k++)
				if (s->v[k].is_member && s->v[k].id.pid == s->v[i].parent)
					again = s->v[i].is_member = true;
	}
}

static int by_age(const void *a, const void *b)
{
	const struct proc_id *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Is the process the first of its pid namespace (the last number of NSpid is 1)? */
static bool owns_pid_ns(pid_t pid)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_file(path, 1 << 16, &text, &ignored) < 0 || !text.len)
		return true;
	const char *line = strstr(text.data, "\nNSpid:");
	if (!line)
		return true;
	auto_free char *numbers = xstrndup(line + 1, strcspn(line + 1, "\n"));
	return str_ends(numbers, "\t1");
}

int members_list(const struct proc_id *init, struct members *m, struct err *e)
{
	struct scan s = {.own_pid_ns = proc_ns_inode(getpid(), "pid")};
	struct dirent *d;
	*m = (struct members){0};
	auto_fd pidfd = proc_open(init);
	if (pidfd < 0)
		return 0;
	s.pid_ns = proc_ns_inode(init->pid, "pid");
	if (!owns_pid_ns(init->pid))
		s.mount_ns = proc_ns_inode(init->pid, "mnt");
	auto_dir proc = opendir("/proc");
	if (!proc)
		return err_sys(e, "cannot open /proc");
	while ((d = readdir(proc))) {
		uint32_t pid;
		if (parse_u32(d->d_name, &pid))
			look_at(&s, (pid_t)pid);
	}
	if (s.mount_ns)
		add_descendants(&s);
	m->v = xcalloc(s.n + 1, sizeof(*m->v));
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].is_member)
			m->v[m->n++] = s.v[i].id;
	free(s.v);
	qsort(m->v, m->n, sizeof(*m->v), by_age);
	return 0;
}

void members_deinit(struct members *m)
{
	free(m->v);
	*m = (struct members){0};
}
