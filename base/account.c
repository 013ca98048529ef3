#include "base/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"

enum { FILE_MAX = 16 << 20 };

/* name:password:uid:gid:comment:home:shell */
static bool find_line(const char *text, uid_t uid, struct account *a)
{
	char wanted[24];
	int len = snprintf(wanted, sizeof(wanted), ":%u:", (unsigned)uid);
	for (const char *line = text; line && *line;) {
		size_t name = strcspn(line, ":\n");
		const char *id = line + name + (line[name] == ':');
		id += strcspn(id, ":\n");
		const char *end = strchr(line, '\n');
		if (name && !strncmp(id, wanted, (size_t)len)) {
			auto_strv fields = STRV_INIT;
			auto_free char *copy =
				end ? xstrndup(line, (size_t)(end - line)) : xstrdup(line);
			strv_split(&fields, copy, ':');
			a->name = xstrdup(fields.v[0]);
			a->home = xstrdup(fields.n > 5 ? fields.v[5] : "");
			return true;
		}
		line = end ? end + 1 : NULL;
	}
	return false;
}

bool account_find(uid_t uid, struct account *a)
{
	auto_buf text = BUF_INIT, answer = BUF_INIT;
	struct err ignored;
	*a = (struct account){0};
	if (read_file("/etc/passwd", FILE_MAX, &text, &ignored) == 0 && text.len &&
		find_line(text.data, uid, a))
		return true;
	char number[16];
	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	char *const argv[] = {"getent", "passwd", number, NULL};
	return spawn_capture(argv, 65536, &answer, NULL, &ignored) == 0 && answer.len &&
	       find_line(answer.data, uid, a);
}

void account_deinit(struct account *a)
{
	free(a->name);
	free(a->home);
	*a = (struct account){0};
}
