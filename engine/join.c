#include "engine/join.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/launch_plan.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int join_find(struct db *db, const char *what, char **id, struct container_row *row, struct err *e)
{
	int r = container_row_find(db, what, row, e);
	if (r < 0)
		return r;
	if (r == ROW_AMBIGUOUS)
		return err_set(e, EINVAL, "Multiple IDs found with provided prefix: %s", what);
	if (r != ROW_OK)
		return err_set(e, ENOENT, "No such container: %s", what);
	if (id)
		*id = xasprintf("container:%s", row->id);
	return 0;
}

static int not_running(enum plan_ns ns, const char *id, struct err *e)
{
	static const char *const names[NS_COUNT] = {
		[NS_PID] = "PID", [NS_IPC] = "IPC", [NS_UTS] = "UTS", [NS_CGROUP] = "cgroup"};
	if (ns == NS_NET)
		return err_set(e, ESRCH, "cannot join network of a non running container: %s", id);
	return err_set(e, ESRCH, "failed to join %s namespace: container %s is not running",
		names[ns], id);
}

/* Its /dev/shm is offered to others only on request. */
static int check_shareable(const struct container_row *row, struct err *e)
{
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	const char *mode = json_str_or(config, "HostConfig/IpcMode", "private");
	if (strcmp(mode, "private") && strcmp(mode, "none"))
		return 0;
	return err_set(e, EPERM,
		"failed to join IPC namespace: container %s: non-shareable IPC (hint: use "
		"IpcMode:shareable for the donor container)",
		row->id);
}

static int resolve_one(struct ns_plan *n, enum plan_ns ns, struct db *db, struct err *e)
{
	struct container_row row = {0};
	int r = join_find(db, n->of, NULL, &row, e);
	if (r == 0 && (!state_is_live(state_parse(row.state)) || !row.boot_id ||
			      strcmp(row.boot_id, proc_boot_id()) != 0))
		r = not_running(ns, row.id, e);
	if (r == 0 && ns == NS_IPC)
		r = check_shareable(&row, e);
	auto_fd pidfd = r == 0 ? proc_open(&row.init) : -1;
	if (r == 0 && pidfd < 0)
		r = not_running(ns, row.id, e);
	if (r == 0)
		n->init = row.init;
	container_row_deinit(&row);
	return r;
}

static bool is_ours(const struct ns_plan *n, enum plan_ns ns)
{
	static const char *const files[NS_COUNT] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};
	uint64_t theirs = proc_ns_inode(n->init.pid, files[ns]);
	return theirs && theirs == proc_ns_inode(getpid(), files[ns]);
}

static int resolve_all(struct launch_plan *p, struct db *db, struct err *e)
{
	int r = 0;
	for (int i = 0; r == 0 && i < NS_COUNT; i++) {
		struct ns_plan *n = &p->ns[i];
		if (!n->of)
			continue;
		r = resolve_one(n, (enum plan_ns)i, db, e);
		if (r == 0 && is_ours(n, (enum plan_ns)i) && i != NS_IPC)
			*n = (struct ns_plan){0};
	}
	return r;
}

int join_resolve(struct launch_plan *p, const char *root, struct err *e)
{
	struct db *db = NULL;
	bool any = false;
	for (int i = 0; i < NS_COUNT; i++)
		any |= p->ns[i].of != NULL;
	if (!any)
		return 0;
	int r = db_open(&db, root, e);
	if (r == 0)
		r = resolve_all(p, db, e);
	db_close(db);
	return r;
}
