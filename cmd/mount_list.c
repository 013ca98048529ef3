#include "cmd/mount_list.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int mount_list_check_format(const char *format, struct err *e)
{
	if (!format || !strcmp(format, "json"))
		return 0;
	return err_set(e, EINVAL, "unknown --format argument: \"%s\" (json is known)", format);
}

void mount_list_add(struct mount_list *l, const char *name, const char *path)
{
	strv_add(&l->names, name);
	strv_add(&l->paths, path);
}

void mount_list_print(const struct mount_list *l)
{
	size_t width = 0;
	for (size_t i = 0; i < l->names.n; i++)
		if (strlen(l->names.v[i]) > width)
			width = strlen(l->names.v[i]);
	for (size_t i = 0; i < l->names.n; i++)
		printf("%-*s  %s\n", (int)width, l->names.v[i], l->paths.v[i]);
}

void mount_list_json(const json_t *all)
{
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
}

void mount_list_deinit(struct mount_list *l)
{
	strv_free(&l->names);
	strv_free(&l->paths);
}
