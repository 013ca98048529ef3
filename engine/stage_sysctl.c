/* Writing to procfs. The container's /proc can be covered by anything by now, so the writes go
 * through a descriptor of a procfs that we have mounted ourselves, and never across a mount or a
 * link (CVE-2019-16884 and its kin). */
#include "engine/stage.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int inner_open_proc(struct inner *in, struct err *e)
{
	struct statfs st;
	if (in->proc >= 0)
		return 0;
	auto_fd fs = fsopen("proc", FSOPEN_CLOEXEC);
	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		in->proc = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (in->proc < 0) /* the pid namespace is the host's: its own /proc, still in sight */
		in->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->proc < 0)
		return err_sys(e, "cannot open /proc");
	if (fstatfs(in->proc, &st) < 0 || st.f_type != PROC_SUPER_MAGIC)
		return err_set(e, EINVAL, "/proc is not a procfs");
	return 0;
}

int stage_write_proc(int proc, const char *path, const char *value, struct err *e)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	auto_fd fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		/* A filter around us has no openat2. Nothing is mounted in this procfs yet. */
		struct statfs st;
		fd = openat(proc, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && (fstatfs(fd, &st) < 0 || st.f_type != PROC_SUPER_MAGIC))
			return err_set(e, EINVAL, "/proc/%s is not in a procfs", path);
	}
	if (fd < 0)
		return err_sys(e, "cannot open /proc/%s", path);
	size_t n = strlen(value);
	ssize_t w = write(fd, value, n);
	if (w != (ssize_t)n)
		return err_sysn(
			e, w < 0 ? errno : EIO, "cannot write \"%s\" to /proc/%s", value, path);
	return 0;
}

int inner_write_sysctls(const struct inner *in, struct err *e)
{
	for (size_t i = 0; i < in->p->n_sysctls; i++) {
		const struct sysctl_plan *s = &in->p->sysctls[i];
		auto_free char *path = xasprintf("sys/%s", s->key);
		for (char *c = path; *c; c++)
			if (*c == '.')
				*c = '/';
		int r = stage_write_proc(in->proc, path, s->value, e);
		if (r < 0)
			return err_ctx(e, "sysctl %s", s->key);
	}
	return 0;
}
