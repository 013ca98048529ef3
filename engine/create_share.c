/* Namespaces that are not the container's own: "container:X" and "ns:PATH" of --network, --pid,
 * --ipc, --uts and --cgroupns. X is kept by its full id; of the network alone it may be missing
 * until the start, as Docker has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/join.h"
#include "storage/store.h"

static const char *mode_of(const struct create_request *r, enum create_ns ns)
{
	const char *net = r->network.n ? r->network.v[r->network.n - 1] : "";
	const char *const modes[SHARE_COUNT] = {
		[SHARE_NET] = str_starts(net, "name=") ? net + 5 : net,
		[SHARE_PID] = r->pid,
		[SHARE_IPC] = r->ipc,
		[SHARE_UTS] = r->uts,
		[SHARE_CGROUP] = r->cgroupns,
	};
	return modes[ns] ? modes[ns] : "";
}

const char *create_ns_name(enum create_ns ns)
{
	static const char *const names[SHARE_COUNT] = {
		[SHARE_NET] = "network",
		[SHARE_PID] = "pid",
		[SHARE_IPC] = "ipc",
		[SHARE_UTS] = "uts",
		[SHARE_CGROUP] = "cgroup",
	};
	return names[ns];
}

static int invalid_mode(enum create_ns ns, struct err *e)
{
	static const char *const texts[SHARE_COUNT] = {
		[SHARE_NET] = "Invalid network mode: invalid container format container:<name|id>",
		[SHARE_PID] = "--pid: invalid PID mode",
		[SHARE_IPC] = "failed to join IPC namespace: invalid name or ID supplied: \"\"",
		[SHARE_UTS] = "--uts: invalid UTS mode",
		[SHARE_CGROUP] = "--cgroupns: invalid CGROUP mode",
	};
	err_set(e, EINVAL, "%s", texts[ns]);
	return ns == SHARE_PID ? err_status(e, 125) : -EINVAL;
}

/* The name is the other's, where the host's name or the name files are shared. */
static void take_names(struct create_plan *p, const struct container_row *row)
{
	struct err ignored;
	auto_json config = json_parse(row->config, strlen(row->config), "config", &ignored);
	const char *host = json_str(config, "Config/Hostname");
	const char *domain = json_str(config, "Config/Domainname");
	if (host && !p->other_hostname) {
		p->other_hostname = xstrdup(host);
		p->other_domainname = xstrdup(domain ? domain : "");
	}
}

static int find_other(
	struct store *s, struct create_plan *p, enum create_ns ns, const char *what, struct err *e)
{
	struct create_share *share = &p->share[ns];
	struct container_row row = {0};
	if (!*what)
		return invalid_mode(ns, e);
	int r = join_find(s->db, what, &share->mode, &row, e);
	if (r == 0) {
		share->of = xstrdup(row.id);
		if (ns == SHARE_NET)
			p->net_dir = store_path(s, "containers/%s", row.id);
		if (ns == SHARE_NET || ns == SHARE_UTS)
			take_names(p, &row);
	} else if (r == -ENOENT && ns == SHARE_NET) {
		share->mode = xasprintf("container:%s", what);
		share->of = xstrdup(what);
		r = 0;
	}
	container_row_deinit(&row);
	return r;
}

static int check_path(struct create_plan *p, enum create_ns ns, const char *path, struct err *e)
{
	if (ns == SHARE_PID)
		return err_set(e, ENOTSUP,
			"--pid ns:%s is not supported: a pid namespace is joined by container "
			"(--pid container:NAME)",
			path);
	if (*path != '/' || access(path, F_OK) < 0)
		return err_set(e, ENOENT, "cannot find specified %s namespace path: %s",
			create_ns_name(ns), path);
	p->share[ns].path = path;
	return 0;
}

int create_share(struct store *s, struct create_plan *p, struct err *e)
{
	for (int i = 0; i < SHARE_COUNT; i++) {
		const char *mode = mode_of(p->r, (enum create_ns)i), *rest;
		int r = 0;
		if ((rest = str_after(mode, "container:")))
			r = find_other(s, p, (enum create_ns)i, rest, e);
		else if ((rest = str_after(mode, "ns:")))
			r = check_path(p, (enum create_ns)i, rest, e);
		if (r < 0)
			return r;
	}
	return 0;
}

void create_share_deinit(struct create_plan *p)
{
	for (int i = 0; i < SHARE_COUNT; i++) {
		free(p->share[i].mode);
		free(p->share[i].of);
	}
	free(p->net_dir);
	free(p->other_hostname);
	free(p->other_domainname);
}
