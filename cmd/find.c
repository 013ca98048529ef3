#include <string.h>

#include "base/scope.h"
#include "cmd/cmd.h"

const char *cmd_full_name(const struct cmd *c, size_t i)
{
	if (i == 0)
		return c->name;
	if (!c->aliases)
		return NULL;
	for (size_t k = 0; k < i - 1; k++)
		if (!c->aliases[k])
			return NULL;
	return c->aliases[i - 1];
}

/* The command with exactly this full name. */
static const struct cmd *find_full(const char *name)
{
	for (const struct cmd *const *c = cmd_root.sub; *c; c++) {
		const char *full;
		for (size_t i = 0; (full = cmd_full_name(*c, i)); i++)
			if (strcmp(full, name) == 0)
				return *c;
	}
	return NULL;
}

const struct cmd *cmd_find(int argc, char *const *argv, int *used)
{
	*used = 0;
	const struct cmd *found = argc > 0 ? find_full(argv[0]) : NULL;
	if (!found)
		return NULL;
	*used = 1;
	if (found->run || argc < 2)
		return found;
	auto_free char *two = xasprintf("%s %s", argv[0], argv[1]);
	const struct cmd *member = find_full(two);
	if (!member)
		return found;
	*used = 2;
	return member;
}

const char *cmd_member_name(const struct cmd *c, const struct cmd *group)
{
	const char *full;
	for (size_t i = 0; (full = cmd_full_name(c, i)); i++) {
		if (!group) {
			if (!strchr(full, ' '))
				return full;
			continue;
		}
		const char *rest = str_after(full, group->name);
		if (rest && *rest == ' ')
			return rest + 1;
	}
	return NULL;
}
