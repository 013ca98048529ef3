#include "engine/copy_plan.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void copy_end_deinit(struct copy_end *c)
{
	free(c->path);
	free(c->rebase);
	*c = (struct copy_end){0};
}

void copy_plan_deinit(struct copy_plan *p)
{
	free(p->folder);
	free(p->name);
	*p = (struct copy_plan){0};
}

const char *copy_split(const char *arg, char **container)
{
	const char *colon = *arg == '/' || *arg == '.' ? NULL : strchr(arg, ':');
	*container = colon && colon > arg ? xstrndup(arg, (size_t)(colon - arg)) : NULL;
	return colon ? colon + 1 : arg;
}

bool copy_has_slash(const char *path) { return str_ends(path, "/"); }

char *copy_base(const char *path)
{
	size_t n = strlen(path);
	if (n == 0)
		return xstrdup(".");
	while (n > 1 && path[n - 1] == '/')
		n--;
	size_t from = n;
	while (from > 0 && path[from - 1] != '/')
		from--;
	return from == n ? xstrdup("/") : xstrndup(path + from, n - from);
}

bool copy_is_current(const char *path)
{
	auto_free char *base = copy_base(path);
	return !strcmp(base, ".");
}

void copy_split_last(const char *path, char **folder, char **last)
{
	auto_free char *clean = path_clean(path);
	if (copy_is_current(path) && strcmp(clean, ".") != 0) {
		*folder = take_ptr(clean);
		*last = xstrdup(".");
		return;
	}
	*folder = path_dir(clean);
	*last = copy_base(clean);
}

char *copy_keep_ending(const char *clean, const char *typed)
{
	auto_buf b = BUF_INIT;
	buf_puts(&b, clean);
	if (!copy_is_current(clean) && copy_is_current(typed))
		buf_puts(&b, copy_has_slash(clean) ? "." : "/.");
	if (copy_has_slash(typed) && b.data[b.len - 1] != '/')
		buf_putc(&b, '/');
	return buf_take(&b);
}

char *copy_followed(const char *typed, const char *to, char **rebase)
{
	char *path = copy_keep_ending(to, typed);
	auto_free char *was = copy_base(typed);
	auto_free char *is = copy_base(path);
	*rebase = strcmp(was, is) != 0 ? take_ptr(was) : NULL;
	return path;
}

int copy_plan_make(const struct copy_end *src, const struct copy_end *dst, struct copy_plan *out,
	struct err *e)
{
	*out = (struct copy_plan){0};
	if (dst->exists && dst->is_folder) {
		auto_free char *ignored = NULL;
		out->folder = xstrdup(dst->path);
		if (src->rebase)
			out->name = xstrdup(src->rebase);
		else
			copy_split_last(src->path, &ignored, &out->name);
		return 0;
	}
	if (dst->exists && src->is_folder)
		return err_set(e, ENOTDIR, "cannot copy directory");
	if (!dst->exists && !src->is_folder &&
		(copy_has_slash(dst->path) || copy_is_current(dst->path)))
		return err_set(e, ENOENT, "no such directory");
	copy_split_last(dst->path, &out->folder, &out->name);
	return 0;
}
