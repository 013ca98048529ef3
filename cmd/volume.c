/* volume: create, rm, exists, mount, unmount; what only plugins or Swarm could answer is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/volume_select.h"
#include "engine/undo.h"
#include "engine/volume.h"
#include "storage/db/container_row.h"
#include "storage/store.h"
#include "storage/volume.h"

struct volume_create {
	char *name; /* Docker's old spelling of the operand */
	char *driver;
	struct strv labels, options;
	int64_t uid, gid;
	bool uid_given, gid_given, ignore;
};

struct volume_rm {
	bool all, force, no_trash;
};

/* ---- create ---- */

/* NULL where there are none. Owned. */
static char *words_text(const struct strv *words)
{
	auto_json o = json_sorted(json_from_words(words));
	return words->n ? json_text(o) : NULL;
}

static int check_labels(const struct strv *labels, struct err *e)
{
	for (size_t i = 0; i < labels->n; i++) {
		const char *text = labels->v[i];
		if (*text && *text != '=')
			continue;
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"--label\" flag: invalid label '%s': empty "
			"name",
			text, text);
		return err_status(e, 125);
	}
	return 0;
}

/* The owner is kept with the options: it is set again after a fill from an image. */
static void add_owner(struct volume_create *a)
{
	if (a->uid_given)
		strv_addf(&a->options, "uid=%lld", (long long)a->uid);
	if (a->gid_given)
		strv_addf(&a->options, "gid=%lld", (long long)a->gid);
}

static int create_run(struct cmd_call *call, void *args, struct err *e)
{
	struct volume_create *a = args;
	const char *name = call->argc && *call->argv[0] ? call->argv[0] : NULL;
	int r = check_labels(&a->labels, e);
	if (r < 0)
		return r;
	if (name && a->name)
		return err_set(e, EINVAL,
			"conflicting options: either specify --name or provide positional arg, not "
			"both");
	if (!str_empty(a->name))
		name = a->name;
	add_owner(a);
	auto_free char *labels = words_text(&a->labels);
	auto_free char *options = words_text(&a->options);
	struct volume v = {0};
	bool was_made;
	r = volume_create(call->store, name, a->driver, labels, options, &v, &was_made, e);
	if (r < 0)
		return r;
	if (was_made && (a->uid_given || a->gid_given))
		r = volume_own(
			call->store, &v, a->uid_given ? a->uid : -1, a->gid_given ? a->gid : -1, e);
	if (r < 0) {
		struct err ignored = {0};
		(void)volume_remove_one(call->store, v.name, true, &ignored);
		volume_purge(call->store);
	} else {
		puts(v.name);
	}
	volume_deinit(&v);
	return r;
}

/* ---- rm ---- */

static void remove_and_print(struct cmd_call *call, const char *name, bool force)
{
	struct err one = {0};
	if (volume_remove_one(call->store, name, force, &one) < 0)
		cmd_report(call, &one);
	else
		puts(name);
}

static int rm_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct volume_rm *a = args;
	struct volume *list = NULL;
	size_t n = 0;
	if (!a->all && !call->argc) {
		err_set(e, EINVAL, "\"%s %s\" requires at least 1 argument.", call->program,
			call->typed);
		return err_hint(e, "see %s %s --help", call->program, call->typed);
	}
	if (a->all && call->argc)
		return err_set(e, EINVAL, "volumes cannot be named together with --all");
	call->store->keeps = !a->no_trash;
	for (int i = 0; i < call->argc; i++)
		remove_and_print(call, call->argv[i], a->force);
	int r = a->all ? volume_list(call->store, &list, &n, e) : 0;
	for (size_t i = 0; i < n; i++) {
		remove_and_print(call, list[i].name, true);
		volume_deinit(&list[i]);
	}
	free(list);
	volume_purge(call->store);
	undo_note(call->store);
	return r < 0 ? r : call->failures ? 1 : 0;
}

/* ---- exists, mount, unmount ---- */

static int exists_run(struct cmd_call *call, void *args, struct err *e)
{
	struct volume v = {0};
	(void)args;
	int r = volume_find(call->store, call->argv[0], &v, e);
	volume_deinit(&v);
	return r < 0 ? err_status(e, 125) : r == ROW_OK ? 0 : 1;
}

/* ROW_OK or an error. */
static int find_plain(
	struct store *s, const char *name, const char *doing, struct volume *v, struct err *e)
{
	int r = volume_find(s, name, v, e);
	if (r == ROW_ABSENT)
		return err_set(e, ENOENT, "get %s: no such volume", name);
	return r < 0 ? r : volume_check_plain(v, doing, e);
}

/* A volume of the store is a folder: there is nothing to mount, only to say where it is. */
static int mount_one(struct cmd_call *call, const char *name, bool print_path)
{
	struct volume v = {0};
	struct err one = {0};
	if (find_plain(call->store, name, print_path ? "mount" : "unmount", &v, &one) < 0)
		cmd_report(call, &one);
	else
		puts(print_path ? v.mountpoint : v.name);
	volume_deinit(&v);
	return 0;
}

static int mount_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	(void)e;
	for (int i = 0; i < call->argc; i++)
		(void)mount_one(call, call->argv[i], true);
	return call->failures ? 1 : 0;
}

static int unmount_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	(void)e;
	for (int i = 0; i < call->argc; i++)
		(void)mount_one(call, call->argv[i], false);
	return call->failures ? 1 : 0;
}

static int refuse_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	bool is_reload = !strcmp(call->cmd->name, "volume reload");
	return err_set(e, ENOTSUP, "%s %s is not supported: moss has no %s", call->program,
		call->cmd->name, is_reload ? "volume plugins" : "cluster volumes");
}

// clang-format off
#define NO_SWARM(name, value) \
	{name, 0, OPT_UNSUPPORTED, 0, value, "For cluster volumes", .flags = OPTF_HIDDEN}

static const struct opt create_opts[] = {
	NO_SWARM("availability", "string"),
	{"driver", 'd', OPT_STR, FIELD(struct volume_create, driver), "string",
		"Specify volume driver name", .def = "local"},
	{"gid", 0, OPT_INT, FIELD(struct volume_create, gid), "int",
		"The group, as containers see it, that the volume belongs to",
		.given_offset = FIELD(struct volume_create, gid_given)},
	NO_SWARM("group", "string"),
	{"ignore", 0, OPT_BOOL, FIELD(struct volume_create, ignore), "",
		"A volume of that name is no error (it never is)", .flags = OPTF_HIDDEN},
	{"label", 0, OPT_LIST, FIELD(struct volume_create, labels), "list",
		"Set metadata for a volume"},
	{"name", 0, OPT_STR, FIELD(struct volume_create, name), "string", "Specify volume name",
		.flags = OPTF_HIDDEN},
	NO_SWARM("limit-bytes", "bytes"),
	{"opt", 'o', OPT_LIST, FIELD(struct volume_create, options), "map",
		"Set driver specific options"},
	NO_SWARM("required-bytes", "bytes"),
	NO_SWARM("scope", "string"),
	NO_SWARM("secret", "map"),
	NO_SWARM("sharing", "string"),
	NO_SWARM("topology-preferred", "list"),
	NO_SWARM("topology-required", "list"),
	NO_SWARM("type", "string"),
	{"uid", 0, OPT_INT, FIELD(struct volume_create, uid), "int",
		"The user, as containers see it, that the volume belongs to",
		.given_offset = FIELD(struct volume_create, uid_given)},
	{0},
};

static const struct opt rm_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct volume_rm, all), "",
		"Remove all volumes that no container uses"},
	{"force", 'f', OPT_BOOL, FIELD(struct volume_rm, force), "",
		"Force the removal of one or more volumes"},
	{"no-trash", 0, OPT_BOOL, FIELD(struct volume_rm, no_trash), "",
		"Delete for good: \"moss undo\" cannot bring it back"},
	{"time", 't', OPT_UNSUPPORTED, 0, "int", "Seconds to wait for containers that use it",
		.flags = OPTF_HIDDEN,
		.hint = "volume rm never stops or removes containers: moss rm -f does"},
	{0},
};
static const struct opt no_opts[] = {{0}};
// clang-format on

static const char *const rm_aliases[] = {"volume remove", NULL};

const struct cmd cmd_volume_create = {
	.name = "volume create",
	.brief = "Create a volume",
	.operands = "[VOLUME]",
	.max = 1,
	.needs = NEED_STORE,
	.opts = create_opts,
	.args_size = sizeof(struct volume_create),
	.run = create_run,
	.about = "Without a name the volume gets one of 64 digits and counts as anonymous: prune "
		 "removes it. With --opt type=, device= and o= (the words of mount -o) a container "
		 "that uses the volume mounts that device in its place, as far as a user may: "
		 "tmpfs, ramfs, overlay, or with o=bind a folder of the host.",
	.examples =
		"moss volume create data\n"
		"moss volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=100m,uid=1000 "
		"scratch\n"
		"moss volume create --opt type=none --opt device=$HOME/site --opt o=bind site",
};

const struct cmd cmd_volume_rm = {
	.name = "volume rm",
	.aliases = rm_aliases,
	.brief = "Remove one or more volumes",
	.operands = "VOLUME [VOLUME...]",
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = rm_opts,
	.args_size = sizeof(struct volume_rm),
	.run = rm_run,
	.about = "A volume that a container uses, running or not, cannot be removed.",
};

const struct cmd cmd_volume_exists = {
	.name = "volume exists",
	.brief = "Tell by the exit status whether a volume exists",
	.operands = "VOLUME",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.error_status = 125,
	.complete = COMPLETE_VOLUME,
	.opts = no_opts,
	.run = exists_run,
	.about = "The exit status is 0 where there is a volume of that name, 1 where there is "
		 "none, 125 where moss failed.",
};

const struct cmd cmd_volume_mount = {
	.name = "volume mount",
	.brief = "Print where the files of volumes are",
	.operands = "VOLUME [VOLUME...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = no_opts,
	.run = mount_run,
	.about = "A volume of the store is a folder, so nothing needs mounting. Files that belong "
		 "to other users of a container can be changed within moss unshare only.",
};

const struct cmd cmd_volume_unmount = {
	.name = "volume unmount",
	.brief = "Undo volume mount",
	.operands = "VOLUME [VOLUME...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.complete = COMPLETE_VOLUME,
	.opts = no_opts,
	.run = unmount_run,
	.about = "Prints the names; there is nothing to undo.",
};

const struct cmd cmd_volume_reload = {
	.name = "volume reload",
	.brief = "Look for volumes of plugins",
	.hidden = true,
	.opts = no_opts,
	.run = refuse_run,
};

const struct cmd cmd_volume_update = {
	.name = "volume update",
	.brief = "Update a cluster volume",
	.operands = "[OPTIONS] [VOLUME]",
	.max = ANY,
	.hidden = true,
	.stop_at_operand = true,
	.opts = no_opts,
	.run = refuse_run,
};
