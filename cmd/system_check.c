/* moss system check */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "engine/check.h"
#include "engine/transfer/pull.h"

struct system_check {
	bool force, quick, repair;
	int64_t max_ns;
};

// clang-format off
static const struct opt check_opts[] = {
	{"force", 'f', OPT_BOOL, FIELD(struct system_check, force), "",
		"Remove images and containers that cannot be repaired (with --repair)"},
	{"max", 'm', OPT_DURATION, FIELD(struct system_check, max_ns), "duration",
		"Maximum allowed age of unreferenced layers", .def = "24h"},
	{"quick", 'q', OPT_BOOL, FIELD(struct system_check, quick), "",
		"Do not read the contents of layers and blobs"},
	{"repair", 'r', OPT_BOOL, FIELD(struct system_check, repair), "",
		"Fetch what is damaged from the image's registry"},
	{0},
};
// clang-format on

static const char *kind_name(enum check_kind kind)
{
	switch (kind) {
	case CHECK_DATABASE:
		return "Damaged database";
	case CHECK_LAYER:
		return "Damaged layer";
	case CHECK_BLOB:
		return "Damaged blob";
	case CHECK_IMAGE:
		return "Damaged image";
	case CHECK_CONTAINER:
		return "Damaged container";
	case CHECK_VOLUME:
		return "Damaged volume";
	case CHECK_UNREFERENCED:
		return "Unreferenced";
	}
	return "";
}

/* Podman prints ids of images without the algorithm. */
static const char *shown_id(const struct check_item *it)
{
	const char *hex = str_after(it->id, "sha256:");
	return hex ? hex : it->id;
}

static void print_item(const struct check_item *it)
{
	printf("%s %s:\n%zu error%s occurred:\n", kind_name(it->kind), shown_id(it), it->errors.n,
		it->errors.n == 1 ? "" : "s");
	for (size_t i = 0; i < it->errors.n; i++)
		printf("\t* %s\n", it->errors.v[i]);
	printf("\n");
}

static int check_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct system_check *a = args;
	const struct check_options o = {.is_quick = a->quick, .max_age_s = a->max_ns / 1000000000};
	const struct pull_options pull = {
		.config_dir = call->globals->config_dir, .progress = PROGRESS_NONE, .quiet = true};
	auto_check c = {0};
	bool is_sound = true;
	int r = check_store(call->store, &o, &c, e);
	if (r < 0)
		return err_status(e, 125);
	for (size_t i = 0; i < c.n; i++)
		print_item(&c.items[i]);
	if (a->repair && c.n && check_repair(call->store, &c, a->force, &pull, e) < 0)
		return err_status(e, 125);
	for (size_t i = 0; i < c.n; i++) {
		is_sound = is_sound && c.items[i].is_sound;
		if (c.items[i].outcome)
			printf("%s\n", c.items[i].outcome);
	}
	if (is_sound)
		return 0;
	err_set(e, EUCLEAN,
		a->repair ? "damage in local storage could not be repaired"
			  : "damage detected in local storage");
	if (!a->repair)
		err_hint(e, "moss system check --repair fetches what is damaged from its registry");
	else if (!a->force)
		err_hint(e, "with --force, images and containers that cannot be repaired are "
			    "removed, and the database is taken as it is");
	return err_status(e, 125);
}

const struct cmd cmd_system_check = {
	.name = "system check",
	.brief = "Check the consistency of the store",
	.operands = "",
	.needs = NEED_STORE,
	.error_status = 125,
	.opts = check_opts,
	.args_size = sizeof(struct system_check),
	.about = "Compares every layer, file by file, and every manifest and config with its "
		 "digest, the database with itself and with what is on disk, and tells what is "
		 "damaged: of which image, layer and file. Layers that moss system check --repair "
		 "fetches anew are put in place whole; those of running containers are left alone "
		 "and named. Where a page of the database was altered, nothing has what was "
		 "written there: with --repair --force what it has now is accepted, as far as "
		 "its rows agree with each other.\n\n"
		 "The exit status is 125 where anything is damaged and has not been repaired.",
	.examples = "moss system check\nmoss system check --repair",
	.run = check_run,
};
