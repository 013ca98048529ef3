#include "engine/stage.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned major, minor;
} devices[] = {
	{"null", 1, 3},
	{"zero", 1, 5},
	{"full", 1, 7},
	{"random", 1, 8},
	{"urandom", 1, 9},
	{"tty", 5, 0},
};

int stage_clone_device(const char *name, struct err *e)
{
	char path[32];
	struct stat st;
	size_t i = 0;
	while (strcmp(devices[i].name, name))
		i++;
	snprintf(path, sizeof(path), "/dev/%s", name);
	auto_fd tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_sys(e, "cannot open %s", path);
	if (fstat(tree, &st) < 0 || !S_ISCHR(st.st_mode) ||
		st.st_rdev != makedev(devices[i].major, devices[i].minor))
		return err_set(e, ENODEV, "%s of the host is not the device %u:%u", path,
			devices[i].major, devices[i].minor);
	return take_fd(tree);
}

/* Our own tmpfs: nobody but us has written to it. */
static int bind_at(int tree, int dir, const char *name, struct err *e)
{
	auto_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "cannot create /dev/%s", name);
	if (move_mount(tree, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "cannot mount /dev/%s", name);
	return 0;
}

int inner_fill_dev(struct inner *in, struct err *e)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "fd"},
		{"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"},
		{"/proc/self/fd/2", "stderr"},
		{"pts/ptmx", "ptmx"},
	};
	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		auto_fd tree = stage_clone_device(devices[i].name, e);
		int r = tree < 0 ? tree : bind_at(tree, in->dev, devices[i].name, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], in->dev, links[i][1]) < 0)
			return err_sys(e, "cannot make the link /dev/%s", links[i][1]);
	if (access("/proc/kcore", F_OK) == 0 && symlinkat("/proc/kcore", in->dev, "core") < 0)
		return err_sys(e, "cannot make the link /dev/core");
	return 0;
}

int stage_open_terminal(
	int pts, unsigned short rows, unsigned short cols, int *master, int *slave, struct err *e)
{
	struct winsize size = {.ws_row = rows, .ws_col = cols};
	int unlock = 0;
	auto_fd m = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	if (m < 0)
		return err_sys(e, "cannot make a terminal");
	if (ioctl(m, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, "cannot unlock the terminal");
	/* By descriptor: the name /dev/pts/N could be anything by now. */
	auto_fd s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s < 0)
		return err_sys(e, "cannot open the terminal");
	if (rows && cols)
		(void)ioctl(m, TIOCSWINSZ, &size);
	*master = take_fd(m);
	*slave = take_fd(s);
	return 0;
}

int stage_use_terminal(int slave, bool take, struct err *e)
{
	if (take && ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "cannot take the terminal");
	for (int i = 0; i < 3; i++)
		if (dup2(slave, i) < 0)
			return err_sys(e, "cannot use the terminal");
	return 0;
}

int inner_open_console(const struct inner *in, int *master, struct err *e)
{
	int m = -1, s = -1;
	if (in->pts < 0)
		return err_set(e, ENODEV, "a terminal needs a devpts mount on /dev/pts");
	int r = stage_open_terminal(in->pts, in->p->rows, in->p->cols, &m, &s, e);
	auto_fd slave = s;
	auto_fd mine = m;
	if (r < 0)
		return r;
	if (in->dev >= 0) {
		auto_fd tree =
			open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		r = tree < 0 ? err_sys(e, "cannot open the console")
			     : bind_at(tree, in->dev, "console", e);
	}
	if (r == 0)
		r = stage_use_terminal(slave, !in->p->ns[NS_PID].of, e);
	if (r == 0)
		*master = take_fd(mine);
	return r;
}
