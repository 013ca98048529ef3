/* Names for ids in the container's own /etc/passwd and /etc/group: lines are added where the file
 * has none with that id. Only files of the root file system are changed (not what is mounted
 * there), regular ones of a sane size, by descriptor. Done again at each start, and nothing when it
 * is done. */
#include "engine/stage.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_MAX = 4 << 20 };

/* Of the file as it is; the text is modified. */
static bool has_id(char *text, bool is_group, uint32_t id)
{
	struct user_entry x;
	for (char *at = text;
		at && (is_group ? user_next_group(&at, &x) : user_next_passwd(&at, &x));)
		if ((is_group ? x.gid : x.uid) == id)
			return true;
	return false;
}

/* -1 where the file is none of ours to change. */
static int open_names(const struct inner *in, const char *path)
{
	struct stat root, st;
	auto_fd fd = path_open_in(in->root, path, O_RDWR | O_APPEND | O_NONBLOCK, 0);
	if (fd < 0 || fstat(in->root, &root) < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_dev != root.st_dev)
		return -1;
	return take_fd(fd);
}

static int add_names(
	const struct inner *in, const char *path, bool is_group, const json_t *lines, struct err *e)
{
	auto_buf text = BUF_INIT, more = BUF_INIT;
	size_t i;
	json_t *item;
	if (!json_array_size(lines))
		return 0;
	auto_fd fd = open_names(in, path);
	if (fd < 0 || read_fd(fd, NAMES_MAX, &text) < 0)
		return 0;
	if (text.len && text.data[text.len - 1] != '\n')
		buf_putc(&more, '\n');
	json_array_foreach (lines, i, item) {
		uint32_t id = (uint32_t)json_int_or(item, "id", 0);
		auto_free char *copy = xstrdup(text.data ? text.data : "");
		auto_free char *added = xstrdup(more.data ? more.data : "");
		if (!has_id(copy, is_group, id) && !has_id(added, is_group, id))
			buf_printf(&more, "%s\n", json_str_or(item, "line", ""));
	}
	if (more.len < 2)
		return 0;
	int r = write_all(fd, more.data, more.len);
	return r < 0 ? err_sysn(e, -r, "cannot add to %s in the container", path) : 0;
}

int inner_add_names(const struct inner *in, struct err *e)
{
	const json_t *lists = in->p->passwd;
	int r = add_names(in, "/etc/passwd", false, json_at(lists, "passwd"), e);
	return r < 0 ? r : add_names(in, "/etc/group", true, json_at(lists, "group"), e);
}
