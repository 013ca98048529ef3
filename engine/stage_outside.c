/* What a container in a user namespace of its own needs of the host, opened while the shared one's
 * rights still hold: inside, the user's files may belong to nobody. All of it is detached mounts,
 * which need no path any more. New volumes are filled here, too: they are the user's. */
#include "engine/stage.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int open_root(const struct launch_plan *p, struct err *e)
{
	auto_free char *path = p->driver              ? path_join(p->bundle, "merged")
			       : *p->root_path == '/' ? xstrdup(p->root_path)
						      : path_join(p->bundle, p->root_path);
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return tree < 0 ? err_sys(e, "cannot open the root file system %s", path) : tree;
}

/* The queues of a joined ipc namespace can be mounted by its owner only. */
static int open_queues(struct err *e)
{
	auto_fd fs = fsopen("mqueue", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "cannot open the message queues");
	int tree = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return tree < 0 ? err_sys(e, "cannot open the message queues") : tree;
}

int stage_open_outside(struct inner *in, struct err *e)
{
	const struct launch_plan *p = in->p;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "cannot leave the host's mounts");
	in->root = open_root(p, e);
	if (in->root < 0)
		return in->root;
	in->outside = xcalloc(p->n_mounts + 1, sizeof(*in->outside));
	for (size_t i = 0; i < p->n_mounts; i++) {
		struct outside *o = &in->outside[i];
		int r = 0;
		*o = (struct outside){-1, p->mounts[i]};
		if (o->plan.kind == MOUNT_BIND)
			r = o->tree = inner_open_source(in, &o->plan, e);
		else if (o->plan.kind == MOUNT_FS && !strcmp(o->plan.type, "mqueue") &&
			 plan_ns_is_joined(p, NS_IPC))
			r = o->tree = open_queues(e);
		if (r < 0)
			return r;
	}
	return 0;
}
