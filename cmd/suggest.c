#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"

/* One member of the group by this full name, without the group's. NULL where it is none. */
static const char *member_of(const char *full, const struct cmd *group)
{
	if (!group)
		return strchr(full, ' ') ? NULL : full;
	const char *rest = str_after(full, group->name);
	return rest && *rest == ' ' ? rest + 1 : NULL;
}

/* "df": "system df"; what is of the system before what is of one kind of thing. */
static const char *in_a_group(const char *word)
{
	const char *found = NULL;
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *full;
		for (size_t i = 0; !(*c)->hidden && (full = cmd_full_name(*c, i)); i++) {
			const char *space = strchr(full, ' ');
			if (space && !strcmp(space + 1, word) &&
				(!found || str_starts(full, "system ")))
				found = full;
		}
	}
	return found;
}

const char *suggest_command(const struct cmd *group, const char *word)
{
	const char *best = group ? NULL : in_a_group(word);
	if (best)
		return best;
	auto_free char *typed = xstrdup(word);
	str_lower(typed);
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
