#include "base/mountinfo.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

enum { TABLE_MAX = 16 * 1024 * 1024 };

static bool is_escape(const char *s)
{
	return s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
	       s[3] >= '0' && s[3] <= '7';
}

static void undo_escapes(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (is_escape(s)) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0');
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* "id parent dev root POINT options [tags...] - TYPE source options", cut in place. */
static bool line_cut(char *line, char **point, char **type)
{
	char *at = line, *dash = strstr(line, " - ");
	for (int field = 0; field < 4 && at; field++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	if (!at || !dash || dash < at)
		return false;
	*point = at;
	*type = dash + 3;
	at[strcspn(at, " ")] = '\0';
	(*type)[strcspn(*type, " ")] = '\0';
	undo_escapes(*point);
	return true;
}

int mountinfo_each(pid_t pid, mountinfo_fn fn, void *arg, struct err *e)
{
	char path[64] = "/proc/self/mountinfo";
	auto_buf table = BUF_INIT;
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	int r = read_file(path, TABLE_MAX, &table, e);
	if (r < 0)
		return r;
	char *rest = table.data, *line, *point, *type;
	r = 0;
	while (r == 0 && (line = strsep(&rest, "\n")))
		if (line_cut(line, &point, &type))
			r = fn(arg, point, type);
	return r;
}

static int is_this(void *arg, const char *point, const char *type)
{
	(void)type;
	return !strcmp(point, arg);
}

int mountinfo_has(const char *point, struct err *e)
{
	auto_free char *real = realpath(point, NULL);
	if (!real)
		return errno == ENOENT ? 0 : err_sys(e, "cannot find %s", point);
	return mountinfo_each(0, is_this, real, e);
}

bool mountinfo_is_dead(const char *point)
{
	struct statfs fs;
	return statfs(point, &fs) < 0 && errno == ENOTCONN;
}
