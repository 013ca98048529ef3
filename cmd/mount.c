/* moss mount, moss unmount */
#include "cmd/cmd.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/mount_list.h"
#include "cmd/pick.h"
#include "engine/mount.h"
#include "engine/start.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_LEN = 12 };

struct mount_args {
	bool all, latest, no_trunc;
	char *format;
};

/* ---- the list ---- */

static json_t *json_of(const char *id, const char *name, const char *path)
{
	json_t *names = json_array(), *o = json_object();
	if (name)
		json_array_append_new(names, json_string(name));
	json_set_str(o, "id", id);
	json_set(o, "Names", names);
	json_set_str(o, "mountpoint", path);
	return o;
}

static int list(struct cmd_call *call, const struct mount_args *a, struct err *e)
{
	auto_strv ids = STRV_INIT;
	auto_json all = json_array();
	struct mount_list lines = MOUNT_LIST_INIT;
	int r = mount_containers(call->store, &ids, e);
	for (size_t i = 0; i < ids.n && r >= 0; i++) {
		auto_container_row row = {.name = NULL};
		auto_free char *path = mount_container_path(call->store, ids.v[i]);
		r = container_row_find(call->store->db, ids.v[i], &row, e);
		if (r < 0)
			break;
		json_array_append_new(all, json_of(ids.v[i], r == ROW_OK ? row.name : NULL, path));
		if (!a->no_trunc)
			ids.v[i][SHORT_LEN] = '\0';
		mount_list_add(&lines, ids.v[i], path);
	}
	if (r >= 0 && a->format)
		mount_list_json(all);
	else if (r >= 0)
		mount_list_print(&lines);
	mount_list_deinit(&lines);
	return r < 0 ? r : 0;
}

/* ---- mounting ---- */

static int mount_named(struct cmd_call *call, const struct strv *names, struct err *e)
{
	struct container_row *rows = xcalloc(names->n + 1, sizeof(*rows));
	int r = 0;
	for (size_t i = 0; i < names->n && r >= 0; i++)
		r = container_get(call->store, names->v[i], &rows[i], e);
	for (size_t i = 0; i < names->n && r >= 0; i++) {
		struct err failed = {0};
		auto_free char *path = NULL;
		if (mount_container(call->store, &rows[i], &path, &failed) < 0) {
			(void)err_ctx(&failed, "cannot mount container %s", names->v[i]);
			cmd_report(call, &failed);
		} else {
			puts(path);
		}
	}
	for (size_t i = 0; i < names->n; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	return r < 0 ? r : call->failures ? 125 : 0;
}

static int mount_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct mount_args *a = args;
	auto_strv names = STRV_INIT;
	int r = mount_list_check_format(a->format, e);
	if (r == 0)
		r = mount_check_place("mount", e);
	if (r < 0)
		return r;
	if (!a->all && !a->latest && !call->argc)
		return list(call, a, e);
	const struct pick p = {.all = a->all, .latest = a->latest};
	r = pick_names(call, &p, NULL, &names, e);
	return r ? r : mount_named(call, &names, e);
}

/* ---- unmounting ---- */

struct unmount_args {
	bool all, force, latest;
};

/* --all takes what is mounted, also where its container is gone. */
static int unmount_one(struct cmd_call *call, void *args, const char *name, struct err *e)
{
	const struct unmount_args *a = args;
	auto_container_row row = {.name = NULL};
	int r = container_get(call->store, name, &row, e);
	if (r == -ENOENT && a->all) {
		(void)snprintf(row.id, sizeof(row.id), "%s", name);
		row.name = xstrdup(name);
		r = 0;
	}
	return r < 0 ? r : mount_container_end(call->store, &row, a->force, e);
}

static int unmount_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct unmount_args *a = args;
	const struct pick p = {.latest = a->latest};
	auto_strv names = STRV_INIT;
	if (a->all && (call->argc || a->latest)) {
		err_set(e, EINVAL, "--all, --latest and containers cannot be used together");
		return -e->code;
	}
	int r = mount_check_place("unmount", e);
	if (r == 0)
		r = a->all ? mount_containers(call->store, &names, e)
			   : pick_names(call, &p, NULL, &names, e);
	if (r != 0)
		return r;
	struct cmd_call picked = *call;
	picked.argv = names.v;
	picked.argc = (int)names.n;
	return cmd_each(&picked, args, unmount_one) ? 125 : 0;
}

static const char *const mount_aliases[] = {"container mount", NULL};
static const char *const unmount_aliases[] = {
	"umount", "container unmount", "container umount", NULL};

// clang-format off
static const struct opt mount_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct mount_args, all), "", "Mount all containers"},
	{"format", 0, OPT_STR, FIELD(struct mount_args, format), "string",
		"\"json\": print the list of mounted containers as JSON", .complete = COMPLETE_CHOICES,
		.choices = "json"},
	{"latest", 'l', OPT_BOOL, FIELD(struct mount_args, latest), "",
		"Mount the container that was created last"},
	{"no-trunc", 0, OPT_BOOL, FIELD(struct mount_args, no_trunc), "", "Do not truncate IDs"},
	{"notruncate", 0, OPT_BOOL, FIELD(struct mount_args, no_trunc), "", "Do not truncate IDs",
		.flags = OPTF_HIDDEN | OPTF_ALIAS},
	{0},
};
static const struct opt unmount_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct unmount_args, all), "", "Unmount all containers"},
	{"force", 'f', OPT_BOOL, FIELD(struct unmount_args, force), "",
		"Unmount also what something still has open"},
	{"latest", 'l', OPT_BOOL, FIELD(struct unmount_args, latest), "",
		"Unmount the container that was created last"},
	{0},
};
// clang-format on

#define ABOUT_PLACE                                                                                \
	"It works inside moss unshare only: there the file system is mounted for the commands "    \
	"of that shell, and what is still mounted when the shell ends ends with it."

const struct cmd cmd_mount = {
	.name = "mount",
	.aliases = mount_aliases,
	.brief = "Mount the root file systems of containers",
	.operands = "[CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.error_status = 125,
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.about = "Prints where the files of each container are, without its volumes. With no "
		 "container "
		 "it lists what is mounted. " ABOUT_PLACE "\n"
		 "A container that is mounted can be started, and one that runs can be mounted: "
		 "both "
		 "see the same files. commit and cp take what was written there, rm unmounts.",
	.examples = "moss unshare sh -c 'cp site.conf \"$(moss mount web)/etc/nginx/\"'\n"
		    "moss unshare\n"
		    "moss mount --format json",
	.run = mount_run,
};

const struct cmd cmd_unmount = {
	.name = "unmount",
	.aliases = unmount_aliases,
	.brief = "Unmount the root file systems of containers",
	.operands = "CONTAINER [CONTAINER...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.error_status = 125,
	.opts = unmount_opts,
	.args_size = sizeof(struct unmount_args),
	.about = "Takes away what moss mount has mounted in this shell; one that is not mounted is "
		 "passed over. " ABOUT_PLACE,
	.examples = "moss unmount web\nmoss umount --all",
	.run = unmount_run,
};
