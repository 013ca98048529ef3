#include "engine/procstat.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAT_MAX = 2048, ARGS_MAX = 1 << 20, FILE_MAX = 1 << 20 };

/* The name in field 2 may hold anything, brackets too: the rest is counted from the last one. */
bool procstat_read(pid_t pid, struct procstat *s)
{
	char path[64], text[STAT_MAX];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	char *open_at = strchr(text, '('), *close_at = strrchr(text, ')');
	int parent, group;
	unsigned long long user, system, start, size;
	long long dead_user, dead_system, resident;
	*s = (struct procstat){.pid = pid};
	if (!open_at || !close_at || close_at < open_at ||
		sscanf(close_at + 1,
			" %c %d %d %*d %u %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld %*d %d %d "
			"%*d "
			"%llu %llu %lld",
			&s->state, &parent, &group, &s->tty, &user, &system, &dead_user,
			&dead_system, &s->nice, &s->threads, &start, &size, &resident) != 13)
		return false;
	snprintf(s->comm, sizeof(s->comm), "%.*s", (int)(close_at - open_at - 1), open_at + 1);
	s->parent = (pid_t)parent;
	s->group = (pid_t)group;
	s->user = user;
	s->system = system;
	s->dead_user = (uint64_t)dead_user;
	s->dead_system = (uint64_t)dead_system;
	s->start = start;
	s->size_bytes = size;
	s->resident_bytes = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

static bool read_proc(pid_t pid, const char *file, size_t max, struct buf *out)
{
	char path[64];
	struct err ignored;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return read_file(path, max, out, &ignored) == 0 && out->len;
}

char *procstat_args(pid_t pid)
{
	auto_buf text = BUF_INIT;
	if (!read_proc(pid, "cmdline", ARGS_MAX, &text))
		return xstrdup("");
	while (text.len && !text.data[text.len - 1])
		text.len--;
	for (size_t i = 0; i < text.len; i++)
		if (!text.data[i])
			text.data[i] = ' ';
	return buf_take(&text);
}

/* The rest of the line that begins with "key:". */
static const char *find_key(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

int64_t procstat_number(pid_t pid, const char *file, const char *key)
{
	auto_buf text = BUF_INIT;
	const char *at = read_proc(pid, file, FILE_MAX, &text) ? find_key(text.data, key) : NULL;
	return at ? strtoll(at, NULL, 10) : -1;
}

char *procstat_status(pid_t pid, const char *key)
{
	auto_buf text = BUF_INIT;
	const char *at =
		read_proc(pid, "status", FILE_MAX, &text) ? find_key(text.data, key) : NULL;
	if (!at)
		return NULL;
	at += strspn(at, " \t");
	size_t n = strcspn(at, "\n");
	while (n && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	return xstrndup(at, n);
}
