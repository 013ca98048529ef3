#include "engine/members.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

char member_state(const struct proc_id *id)
{
	struct procstat s;
	return procstat_read(id->pid, &s) && s.start == id->start ? s.state : 0;
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
	struct procstat st;
	if (!procstat_read(pid, &st))
		return;
	c.parent = st.parent;
	c.id.start = st.start;
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
	auto_free char *numbers = procstat_status(pid, "NSpid");
	return !numbers || str_ends(numbers, "\t1");
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
