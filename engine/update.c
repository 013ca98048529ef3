#include "engine/update.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/event.h"
#include "engine/limits.h"
#include "engine/restart.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPEC_MAX = 8 << 20 };

static int conflict(struct err *e, const char *text)
{
	return err_set(e, EINVAL, "Conflicting options: %s", text);
}

static int check_conflicts(const struct limits *old, const struct limits *new, struct err *e)
{
	if (new->nano_cpus > 0 && old->cpu_period > 0)
		return conflict(
			e, "Nano CPUs cannot be updated as CPU Period has already been set");
	if (new->nano_cpus > 0 && old->cpu_quota > 0)
		return conflict(e, "Nano CPUs cannot be updated as CPU Quota has already been set");
	if (new->cpu_period > 0 && old->nano_cpus > 0)
		return conflict(e, "CPU Period cannot be updated as NanoCPUs has already been set");
	if (new->cpu_quota > 0 && old->nano_cpus > 0)
		return conflict(e, "CPU Quota cannot be updated as NanoCPUs has already been set");
	if (new->memory > 0 && !new->memory_swap && old->memory_swap > 0 &&
		new->memory > old->memory_swap)
		return err_set(e, EINVAL,
			"Memory limit should be smaller than already set memoryswap limit, update "
			"the "
			"memoryswap at the same time");
	if (new->memory_swap > 0 && !new->memory && !old->memory)
		return err_set(e, EINVAL, "unable to set swap limit without memory limit");
	return 0;
}

static void take(int64_t *old, int64_t new)
{
	if (new)
		*old = new;
}

static void take_text(char **old, const char *new)
{
	if (!new)
		return;
	free(*old);
	*old = xstrdup(new);
}

/* One limit of a device in place of another for the same. */
static void take_device(struct limits *l, const struct device_limit *d)
{
	size_t i = 0;
	while (i < l->n_io && (l->io[i].kind != d->kind || strcmp(l->io[i].path, d->path) != 0))
		i++;
	if (i == l->n_io) {
		l->io = xrealloc(l->io, (l->n_io + 1) * sizeof(*l->io));
		l->io[l->n_io++] = (struct device_limit){.kind = d->kind, .path = xstrdup(d->path)};
	}
	l->io[i].value = d->value;
}

static void merge(struct limits *l, const struct limits *new)
{
	take(&l->memory, new->memory);
	take(&l->memory_swap, new->memory_swap);
	take(&l->memory_reservation, new->memory_reservation);
	take(&l->nano_cpus, new->nano_cpus);
	take(&l->cpu_shares, new->cpu_shares);
	take(&l->cpu_period, new->cpu_period);
	take(&l->cpu_quota, new->cpu_quota);
	take(&l->pids, new->pids);
	take(&l->blkio_weight, new->blkio_weight);
	take_text(&l->cpuset_cpus, new->cpuset_cpus);
	take_text(&l->cpuset_mems, new->cpuset_mems);
	for (size_t i = 0; i < new->n_io; i++)
		take_device(l, &new->io[i]);
}

static int has_none(const struct container_row *row, struct err *e)
{
	err_set(e, ENOTSUP, "container %s runs without a cgroup: nothing can limit it", row->name);
	return err_hint(e,
		"restart it from a cgroup that is yours: systemd-run --user --scope -p "
		"Delegate=yes "
		"moss restart %s",
		row->name);
}

static int apply_to(const char *cgroup, const struct cgroup_limits *l, struct err *e)
{
	int r = cgroup_enable(cgroup, cgroup_limits_need(l), e);
	return r < 0 ? r : cgroup_limits_apply(cgroup, l, e);
}

static int apply(const struct container_row *row, const json_t *resources, struct err *e)
{
	struct cgroup_limits l;
	enum container_state state = state_parse(row->state);
	if (state != STATE_INITIALIZED && state != STATE_RUNNING && state != STATE_PAUSED)
		return 0;
	int r = cgroup_limits_load(resources, &l, e);
	if (r < 0)
		return r;
	if (row->cgroup)
		r = apply_to(row->cgroup, &l, e);
	else if (cgroup_limits_need(&l))
		r = has_none(row, e);
	cgroup_limits_deinit(&l);
	return r;
}

/* linux.resources of config.json. */
static int write_spec(
	struct store *s, const struct container_row *row, json_t *resources, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_free char *path = store_path(s, "containers/%s", row->id);
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open %s", path);
	int r = read_file_at(dir, "config.json", SPEC_MAX, &text, e);
	if (r < 0)
		return r;
	auto_json spec = json_parse(text.data ? text.data : "", text.len, "config.json", e);
	if (!spec)
		return -e->code;
	json_t *part = json_at(spec, "linux");
	if (resources)
		json_object_set(part, "resources", resources);
	else
		json_object_del(part, "resources");
	auto_free char *out = json_text(spec);
	return write_file_at(dir, "config.json", out, strlen(out), 0644, true, e);
}

static int change_limits(
	struct store *s, struct container_row *row, const struct limits *new, struct err *e)
{
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	struct limits all;
	json_t *host = json_object_get(config, "HostConfig"), *old = NULL, *resources = NULL;
	limits_from_host_config(host, &all);
	struct err ignored = {0};
	(void)limits_to_spec(&all, &old, &ignored);
	int r = check_conflicts(&all, new, e);
	if (r == 0) {
		merge(&all, new);
		r = limits_to_spec(&all, &resources, e);
	}
	bool is_tried = r == 0;
	if (r == 0)
		r = apply(row, resources, e);
	if (r == 0)
		r = write_spec(s, row, resources, e);
	if (r == 0) {
		limits_to_host_config(&all, host);
		auto_free char *text = json_text(config);
		r = container_row_set_restart_policy(s->db, row->id, row->restart_policy, text, e);
		free(row->config);
		row->config = take_ptr(text);
	}
	if (r != 0 && is_tried && old)
		(void)apply(row, old, &ignored); /* as far as the kernel takes it back */
	json_decref(old);
	json_decref(resources);
	limits_deinit(&all);
	return r;
}

/* As it is now: nobody else changes it until the transaction ends. */
static int reread(struct store *s, struct container_row *row, struct err *e)
{
	struct container_row now = {0};
	int r = container_row_find(s->db, row->id, &now, e);
	if (r < 0)
		return r;
	if (r != ROW_OK || state_parse(now.state) == STATE_REMOVING) {
		container_row_deinit(&now);
		return err_set(
			e, EINVAL, "Container is marked for removal and cannot be \"update\".");
	}
	container_row_deinit(row);
	*row = now;
	return 0;
}

int container_update(struct store *s, struct container_row *row, const struct limits *limits,
	const char *restart, struct err *e)
{
	int r = db_begin(s->db, DB_FULL, e);
	if (r < 0)
		return r;
	r = reread(s, row, e);
	if (r == 0 && restart)
		r = container_set_restart_policy(s, row, restart, e);
	if (r == 0 && !limits_are_none(limits))
		r = change_limits(s, row, limits, e);
	if (r == 0)
		r = event_container(s, row, "update", NULL, e);
	if (r == 0)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r < 0 ? r : err_set(e, ENOENT, "No such container: %s", row->id);
}
