/* The columns that top reads from /proc itself. */
#include "engine/top.h"
#include "base/account.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"
#include "engine/caps.h"
#include "engine/members.h"
#include "engine/procstat.h"
#include "engine/user.h"
#include "storage/db/container_row.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

/* What a column looks at. */
struct process {
	struct procstat stat;
	double age_s;
	struct top_columns *all;
};

struct column {
	const char *name, *header;
	char *(*text)(const struct process *p);
};

struct top_columns {
	const struct container_row *row;
	struct column *v;
	size_t n;
	bool is_podman;
	char *passwd, *group; /* the container's own, "" where they cannot be read */
	double uptime_s;
	long ticks; /* a second */
};

static double seconds(const struct process *p, uint64_t ticks)
{
	return (double)ticks / (double)p->all->ticks;
}

/* ---- times ---- */

static double processor_time(const struct process *p)
{
	return seconds(p, p->stat.user + p->stat.system);
}

static char *clock_text(double s)
{
	long long t = (long long)s;
	if (t >= 86400)
		return xasprintf(
			"%lld-%02lld:%02lld:%02lld", t / 86400, t / 3600 % 24, t / 60 % 60, t % 60);
	return xasprintf("%02lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
}

static char *column_time(const struct process *p) { return clock_text(processor_time(p)); }

/* Podman prints times as Go does: 1h2m3.5s. */
static char *go_duration(double s)
{
	long long whole = (long long)s;
	auto_buf b = BUF_INIT;
	if (whole >= 3600)
		buf_printf(&b, "%lldh", whole / 3600);
	if (whole >= 60)
		buf_printf(&b, "%lldm", whole / 60 % 60);
	buf_printf(&b, "%.*fs", whole == 0 && s > 0 ? 2 : 0, s - (double)(whole / 60 * 60));
	return buf_take(&b);
}

static char *column_podman_time(const struct process *p) { return go_duration(processor_time(p)); }
static char *column_etime(const struct process *p)
{
	return go_duration((double)(int64_t)p->age_s);
}

static char *column_c(const struct process *p)
{
	double percent = p->age_s > 0 ? processor_time(p) * 100 / p->age_s : 0;
	return xasprintf("%d", percent > 99 ? 99 : (int)percent);
}

static char *column_pcpu(const struct process *p)
{
	return xasprintf("%.3f", p->age_s > 0 ? processor_time(p) * 100 / p->age_s : 0.0);
}

/* As ps: the time of day for today, the day for this year, else the year. */
static char *column_stime(const struct process *p)
{
	char text[32];
	struct tm now, then;
	time_t t_now = (time_t)(clock_now_ns() / NS_PER_S), t_then = t_now - (time_t)p->age_s;
	(void)localtime_r(&t_now, &now);
	(void)localtime_r(&t_then, &then);
	const char *format = now.tm_year != then.tm_year   ? "%Y"
			     : now.tm_yday != then.tm_yday ? "%b%d"
							   : "%H:%M";
	(void)strftime(text, sizeof(text), format, &then);
	return xstrdup(text);
}

/* ---- ids ---- */

/* What an id of ours is in the container's user namespace ("inside outside count" lines). */
static unsigned id_inside(pid_t pid, const char *map, unsigned id)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, map);
	if (read_file(path, 1 << 16, &text, &ignored) < 0 || !text.len)
		return id;
	for (const char *line = text.data; line && *line; line = strchr(line, '\n')) {
		unsigned inside, outside, count;
		line += *line == '\n';
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && id >= outside &&
			id - outside < count)
			return inside + (id - outside);
	}
	return id;
}

/* The n-th number (real, effective ...) of a line of /proc/PID/status; -1 where there is none. */
static int64_t status_id(const struct process *p, const char *key, int which)
{
	auto_free char *text = procstat_status(p->stat.pid, key);
	char *at = text;
	for (int i = 0; at && i < which; i++)
		at = strchr(at, '\t') ? strchr(at, '\t') + 1 : NULL;
	return at && *at ? strtoll(at, NULL, 10) : -1;
}

/* ps cuts a long name and shows that it did. */
static char *shorten(char *name)
{
	if (strlen(name) > 8) {
		name[7] = '+';
		name[8] = '\0';
	}
	return name;
}

/* As `ps -ef` in the container's user namespace: names of this machine. */
static char *column_uid(const struct process *p)
{
	struct account a = {0};
	int64_t id = status_id(p, "Uid", 1);
	if (id < 0)
		return xstrdup("?");
	unsigned inside = id_inside(p->stat.pid, "uid_map", (unsigned)id);
	char *name = inside == 0                ? xstrdup("root")
		     : account_find(inside, &a) ? shorten(xstrdup(a.name))
						: xasprintf("%u", inside);
	account_deinit(&a);
	return name;
}

static char *name_of(const char *file, unsigned id, bool is_user)
{
	auto_free char *copy = xstrdup(file);
	char *at = copy;
	struct user_entry entry;
	while (is_user ? user_next_passwd(&at, &entry) : user_next_group(&at, &entry))
		if ((is_user ? entry.uid : entry.gid) == id)
			return xstrdup(entry.name);
	return xasprintf("%u", id);
}

static char *inside_user(const struct process *p, int which)
{
	int64_t id = status_id(p, "Uid", which);
	return id < 0 ? xstrdup("?")
		      : name_of(p->all->passwd, id_inside(p->stat.pid, "uid_map", (unsigned)id),
				true);
}

static char *inside_group(const struct process *p, int which)
{
	int64_t id = status_id(p, "Gid", which);
	return id < 0 ? xstrdup("?")
		      : name_of(p->all->group, id_inside(p->stat.pid, "gid_map", (unsigned)id),
				false);
}

static char *column_user(const struct process *p) { return inside_user(p, 1); }
static char *column_ruser(const struct process *p) { return inside_user(p, 0); }
static char *column_group(const struct process *p) { return inside_group(p, 1); }
static char *column_rgroup(const struct process *p) { return inside_group(p, 0); }

static char *host_user(const struct process *p, int which)
{
	struct account a = {0};
	int64_t id = status_id(p, "Uid", which);
	char *name = id >= 0 && account_find((uid_t)id, &a) ? xstrdup(a.name)
							    : xasprintf("%lld", (long long)id);
	account_deinit(&a);
	return name;
}

static char *column_huser(const struct process *p) { return host_user(p, 1); }

static char *column_hgroup(const struct process *p)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	int64_t id = status_id(p, "Gid", 1);
	(void)read_file("/etc/group", FILE_MAX, &text, &ignored);
	return name_of(text.data ? text.data : "", (unsigned)id, false);
}

static char *groups(const struct process *p, bool inside)
{
	auto_free char *text = procstat_status(p->stat.pid, "Groups");
	auto_buf out = BUF_INIT;
	char *save = NULL;
	for (char *w = text ? strtok_r(text, " ", &save) : NULL; w;
		w = strtok_r(NULL, " ", &save)) {
		unsigned id = (unsigned)strtoul(w, NULL, 10);
		if (inside)
			id = id_inside(p->stat.pid, "gid_map", id);
		auto_free char *name = inside ? name_of(p->all->group, id, false) : xstrdup(w);
		buf_printf(&out, "%s%s", out.len ? "," : "", name);
	}
	return buf_take(&out);
}

static char *column_groups(const struct process *p) { return groups(p, true); }
static char *column_hgroups(const struct process *p) { return groups(p, false); }

/* ---- numbers of processes ---- */

static char *column_pid(const struct process *p) { return xasprintf("%d", (int)p->stat.pid); }
static char *column_ppid(const struct process *p) { return xasprintf("%d", (int)p->stat.parent); }

/* In the container: the last number of the line; 0 for one that is not there. */
static char *inside_pid(pid_t pid, const char *key)
{
	auto_free char *text = procstat_status(pid, key);
	const char *last = text ? strrchr(text, '\t') : NULL;
	return xstrdup(last ? last + 1 : text ? text : "0");
}

static char *column_inside_pid(const struct process *p) { return inside_pid(p->stat.pid, "NSpid"); }
static char *column_inside_pgid(const struct process *p)
{
	return inside_pid(p->stat.pid, "NSpgid");
}

static char *column_inside_ppid(const struct process *p)
{
	/* The parent of the first process is outside. */
	if (p->stat.pid == p->all->row->init.pid ||
		proc_ns_inode(p->stat.parent, "pid") != p->all->row->init.ns_ino)
		return xstrdup("0");
	return inside_pid(p->stat.parent, "NSpid");
}

/* ---- the rest ---- */

static char *column_tty(const struct process *p)
{
	unsigned tty = p->stat.tty, major = (tty >> 8) & 0xfff;
	unsigned minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);
	if (major >= 136 && major <= 143)
		return xasprintf("pts/%u", minor + (major - 136) * 256);
	return major == 4 && minor < 64 ? xasprintf("tty%u", minor) : xstrdup("?");
}

/* What a terminal or a table would take for an order. */
static char *printable(char *text)
{
	shown_text(text, "");
	return text;
}

static char *column_args(const struct process *p)
{
	char *args = p->stat.state == 'Z' ? xstrdup("") : procstat_args(p->stat.pid);
	if (*args)
		return printable(args);
	free(args);
	return printable(
		xasprintf("[%s]%s", p->stat.comm, p->stat.state == 'Z' ? " <defunct>" : ""));
}

static char *column_comm(const struct process *p) { return printable(xstrdup(p->stat.comm)); }
static char *column_nice(const struct process *p) { return xasprintf("%d", p->stat.nice); }
static char *column_state(const struct process *p) { return xasprintf("%c", p->stat.state); }

static char *column_rss(const struct process *p)
{
	return xasprintf("%llu", (unsigned long long)p->stat.resident_bytes / 1024);
}

static char *column_vsz(const struct process *p)
{
	return xasprintf("%llu", (unsigned long long)p->stat.size_bytes / 1024);
}

static char *column_label(const struct process *p)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)p->stat.pid);
	if (read_file(path, 4096, &text, &ignored) < 0 || !text.len)
		return xstrdup("unconfined");
	text.data[strcspn(text.data, "\n")] = '\0';
	return printable(buf_take(&text));
}

static char *column_seccomp(const struct process *p)
{
	static const char *const modes[] = {"disabled", "strict", "filter"};
	int64_t mode = procstat_number(p->stat.pid, "status", "Seccomp");
	return xstrdup(mode >= 0 && mode <= 2 ? modes[mode] : "?");
}

static char *capability_set(const struct process *p, const char *key)
{
	auto_free char *text = procstat_status(p->stat.pid, key);
	uint64_t set = text ? strtoull(text, NULL, 16) : 0;
	auto_buf out = BUF_INIT;
	const uint64_t all = (UINT64_C(1) << CAPS_KNOWN) - 1;
	if ((set & all) == all)
		return xstrdup("full");
	for (int i = 0; i < 64; i++) {
		const char *name = set & (UINT64_C(1) << i) ? caps_name(i) : NULL;
		if (name)
			buf_printf(&out, "%s%s", out.len ? "," : "", name + strlen("CAP_"));
	}
	return out.len ? buf_take(&out) : xstrdup("none");
}

static char *column_capbnd(const struct process *p) { return capability_set(p, "CapBnd"); }
static char *column_capeff(const struct process *p) { return capability_set(p, "CapEff"); }
static char *column_capinh(const struct process *p) { return capability_set(p, "CapInh"); }
static char *column_capprm(const struct process *p) { return capability_set(p, "CapPrm"); }
static char *column_capamb(const struct process *p) { return capability_set(p, "CapAmb"); }

/* ---- the tables ---- */

static const struct column ps_ef[] = {
	{"uid", "UID", column_uid},
	{"pid", "PID", column_pid},
	{"ppid", "PPID", column_ppid},
	{"c", "C", column_c},
	{"stime", "STIME", column_stime},
	{"tty", "TTY", column_tty},
	{"time", "TIME", column_time},
	{"cmd", "CMD", column_args},
};

static const struct column podman[] = {
	{"args", "COMMAND", column_args},
	{"capamb", "AMBIENT CAPS", column_capamb},
	{"capbnd", "BOUNDING CAPS", column_capbnd},
	{"capeff", "EFFECTIVE CAPS", column_capeff},
	{"capinh", "INHERITED CAPS", column_capinh},
	{"capprm", "PERMITTED CAPS", column_capprm},
	{"comm", "COMMAND", column_comm},
	{"etime", "ELAPSED", column_etime},
	{"group", "GROUP", column_group},
	{"groups", "GROUPS", column_groups},
	{"hgroup", "HGROUP", column_hgroup},
	{"hgroups", "HGROUPS", column_hgroups},
	{"hpid", "HPID", column_pid},
	{"huser", "HUSER", column_huser},
	{"label", "LABEL", column_label},
	{"nice", "NI", column_nice},
	{"pcpu", "%CPU", column_pcpu},
	{"pgid", "PGID", column_inside_pgid},
	{"pid", "PID", column_inside_pid},
	{"ppid", "PPID", column_inside_ppid},
	{"rgroup", "RGROUP", column_rgroup},
	{"rss", "RSS", column_rss},
	{"ruser", "RUSER", column_ruser},
	{"seccomp", "SECCOMP", column_seccomp},
	{"state", "STATE", column_state},
	{"stime", "STIME", column_stime},
	{"time", "TIME", column_podman_time},
	{"tty", "TTY", column_tty},
	{"user", "USER", column_user},
	{"vsz", "VSZ", column_vsz},
};

const char *const *top_descriptors(void)
{
	static const char *names[ARRAY_LEN(podman) + 1];
	for (size_t i = 0; i < ARRAY_LEN(podman); i++)
		names[i] = podman[i].name;
	return names;
}

static const struct column *descriptor(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(podman); i++)
		if (!strcmp(podman[i].name, name) || !strcmp(podman[i].header, name))
			return &podman[i];
	return NULL;
}

/* A file of the container, by descriptor; "" where it is not a plain one of sane size. */
static char *read_inside(pid_t pid, const char *name)
{
	char path[64];
	auto_buf text = BUF_INIT;
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	auto_fd root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd fd = root < 0 ? -1 : path_open_in(root, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		read_fd(fd, FILE_MAX, &text) < 0)
		return xstrdup("");
	return buf_take(&text);
}

static double read_uptime(void)
{
	struct timespec t;
	return clock_gettime(CLOCK_BOOTTIME, &t) < 0 ? 0
						     : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct top_columns *top_columns_new(const struct container_row *row, char *const *names, size_t n)
{
	struct top_columns *c = xcalloc(1, sizeof(*c));
	const size_t n_ps = ARRAY_LEN(ps_ef);
	*c = (struct top_columns){.row = row,
		.is_podman = names != NULL,
		.uptime_s = read_uptime(),
		.ticks = sysconf(_SC_CLK_TCK)};
	c->v = xcalloc((names ? n : n_ps) + 1, sizeof(*c->v));
	for (size_t i = 0; i < (names ? n : n_ps); i++) {
		const struct column *column = names ? descriptor(names[i]) : &ps_ef[i];
		if (!column) {
			top_columns_free(c);
			return NULL;
		}
		c->v[c->n++] = *column;
	}
	c->passwd = names ? read_inside(row->init.pid, "/etc/passwd") : xstrdup("");
	c->group = names ? read_inside(row->init.pid, "/etc/group") : xstrdup("");
	return c;
}

void top_columns_free(struct top_columns *c)
{
	if (!c)
		return;
	free(c->v);
	free(c->passwd);
	free(c->group);
	free(c);
}

void top_columns_fill(struct top_columns *c, const struct members *m, struct top *t)
{
	t->is_podman = c->is_podman;
	t->cells = xcalloc(m->n + 1, sizeof(*t->cells));
	char **header = t->cells[t->n_lines++] = xcalloc(c->n + 1, sizeof(*header));
	for (size_t i = 0; i < c->n; i++)
		header[i] = xstrdup(c->v[i].header);
	for (size_t k = 0; k < m->n; k++) {
		struct process p = {.all = c};
		if (!procstat_read(m->v[k].pid, &p.stat) || p.stat.start != m->v[k].start)
			continue;
		p.age_s = c->uptime_s - seconds(&p, p.stat.start);
		char **line = t->cells[t->n_lines++] = xcalloc(c->n + 1, sizeof(*line));
		for (size_t i = 0; i < c->n; i++)
			line[i] = c->v[i].text(&p);
	}
}
