/* Where a bind mount comes from. The source is opened once, what is to be mounted of it is found
 * below that descriptor, and a detached copy of the mount is taken of what was found: a container
 * that shares the volume can swap names meanwhile and redirects nothing. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Docker's client turns these two into exit statuses of its own. */
static int with_status(int r, struct err *e)
{
	return r == -ENOENT ? err_status(e, 127) : r == -EACCES ? err_status(e, 126) : r;
}

static int source_failed(const struct mount_plan *m, const char *source, int code, struct err *e)
{
	const struct mount_extras *x = &m->more;
	if (x->device) {
		err_sysn(e, code,
			"error while mounting volume '%s': failed to mount local volume: mount "
			"%s:%s",
			m->source, source, m->source);
		return with_status(-code, e);
	}
	if (code == ENOENT && !x->volume)
		return err_set(e, ENOENT,
			"invalid mount config for type \"bind\": bind source path does not exist: "
			"%s",
			source);
	err_sysn(e, code, "cannot mount %s on %s", source, m->target);
	return code == EACCES ? err_hint(e, "moss runs with your own rights: you need search "
					    "permission on every folder of that path")
			      : -code;
}

/* A source of -v that went missing since the container was made is made again, as Docker does. */
static int open_base(const struct mount_plan *m, const char *source, struct err *e)
{
	int fd = open(source, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && m->more.make_source) {
		struct err why = {0};
		if (path_mkdirs(source, 0755, &why) < 0)
			return err_sysn(e, why.code,
				"error while creating mount source path '%s': mkdir %s", source,
				source);
		fd = open(source, O_PATH | O_CLOEXEC);
	}
	return fd < 0 ? source_failed(m, source, errno, e) : fd;
}

static int open_subpath(int base, const struct mount_plan *m, struct err *e)
{
	const char *subpath = m->more.subpath;
	int fd = path_open_beneath(base, subpath, O_PATH);
	if (fd == -EXDEV)
		return err_set(e, EXDEV,
			"path concatenation escapes the base directory, base: %s, subpath: %s",
			m->source, subpath);
	if (fd >= 0)
		return fd;
	err_sysn(e, -fd, "cannot access path %s/%s", m->source, subpath);
	return with_status(fd, e);
}

static int clone_tree(int fd, const struct mount_plan *m, const char *source, struct err *e)
{
	unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			 (m->recursive ? AT_RECURSIVE : 0u);
	int tree = open_tree(fd, "", flags);
	if (tree >= 0)
		return tree;
	int code = errno;
	err_sysn(e, code, "cannot mount %s on %s", source, m->target);
	if (code == EINVAL && !m->recursive)
		return err_hint(e,
			"there are mounts below %s that may only be taken along: leave out "
			"bind-nonrecursive",
			source);
	return -code;
}

int inner_open_source(struct inner *in, struct mount_plan *m, struct err *e)
{
	const struct mount_extras *x = &m->more;
	const char *source = m->source;
	int r = x->volume ? inner_prepare_volume(in, m, &source, e) : 0;
	if (r == 0 && x->made_in) {
		r = inner_make_source(in, m, source, e);
		source = m->source;
	}
	if (r < 0)
		return r;
	auto_fd base = open_base(m, source, e);
	if (base < 0)
		return base;
	if (x->subpath) {
		int below = open_subpath(base, m, e);
		if (below < 0)
			return below;
		close(base);
		base = below;
	}
	if (x->chown && (r = inner_own_later(in, base, e)) < 0)
		return r;
	return clone_tree(base, m, source, e);
}
