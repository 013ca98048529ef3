#include <string.h>

#include "cmd/cmd.h"

/* One member of the group by this full name, without the group's. NULL where it is none. */
static const char *member_of(const char *full, const struct cmd *group)
{
	if (!group)
		return strchr(full, ' ') ? NULL : full;
	const char *rest = str_after(full, group->name);
	return rest && *rest == ' ' ? rest + 1 : NULL;
}

const char *suggest_command(const struct cmd *group, const char *typed)
{
	const char *best = NULL;
	unsigned best_distance = strlen(typed) > 4 ? 3 : 2;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *full;
		for (size_t i = 0; !(*c)->hidden && (full = cmd_full_name(*c, i)); i++) {
			const char *name = member_of(full, group);
			if (!name)
				continue;
			unsigned d = str_distance(typed, name);
			if (strlen(typed) >= 3 && str_starts(name, typed))
				d = 1;
			if (d < best_distance) {
				best_distance = d;
				best = name;
			}
		}
	}
	return best;
}
