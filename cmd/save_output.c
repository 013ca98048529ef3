#include "cmd/save_output.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/copy.h"
#include "engine/transfer/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Under another name until it is whole. */
static int save_to_file(struct store *s, const char *path, const struct save_item *items, size_t n,
	const struct save_options *o, struct err *e)
{
	auto_free char *above = path_dir(path);
	auto_free char *temporary = xasprintf("%s/.moss-save.XXXXXX", above);
	if (copy_check_output(path, e) < 0)
		return err_ctx(e, "failed to save image");
	struct stat st;
	/* A pipe or /dev/stdout is written to as it is. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		auto_fd there = open(path, O_WRONLY | O_CLOEXEC);
		return there < 0 ? err_go(e, errno, "open %s", path)
				 : images_save(s, items, n, o, there, e);
	}
	auto_fd fd = mkostemp(temporary, O_CLOEXEC); /* 0600, as Docker's */
	if (fd < 0)
		return err_go(e, errno, "open %s", temporary);
	int r = images_save(s, items, n, o, fd, e);
	if (r == 0 && fsync(fd) < 0)
		r = err_go(e, errno, "sync %s", temporary);
	if (r == 0 && rename(temporary, path) < 0)
		r = err_go(e, errno, "rename %s %s", temporary, path);
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

static int save_to_folder(struct store *s, const char *given, const struct save_item *items,
	size_t n, const struct save_options *o, struct err *e)
{
	struct err ignored;
	auto_free char *path = path_clean(given);
	auto_free char *above = path_dir(path);
	auto_free char *temporary = xasprintf("%s/.moss-save.XXXXXX", above);
	if (rmdir(path) < 0 && errno != ENOENT)
		return err_go(e, errno == ENOTEMPTY ? EEXIST : errno, "cannot save to %s", path);
	if (!mkdtemp(temporary))
		return err_go(e, errno, "mkdir %s", temporary);
	auto_fd fd = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? err_go(e, errno, "open %s", temporary)
		       : images_save(s, items, n, o, fd, e);
	if (r == 0 && (fchmod(fd, 0755) < 0 || rename(temporary, path) < 0))
		r = err_go(e, errno, "rename %s %s", temporary, path);
	if (r < 0)
		(void)path_remove_at(AT_FDCWD, temporary, &ignored);
	return r;
}

int save_output(struct store *s, const char *path, const struct save_item *items, size_t n,
	const struct save_options *o, struct err *e)
{
	if (save_format_is_folder(o->format))
		return save_to_folder(s, path, items, n, o, e);
	if (str_empty(path))
		return images_save(s, items, n, o, STDOUT_FILENO, e);
	return save_to_file(s, path, items, n, o, e);
}
