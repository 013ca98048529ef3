#include "cmd/cmd.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/pick.h"
#include "engine/diff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct diff_args {
	bool latest;
	char *format;
};

static int print_change(void *arg, char kind, const char *path, struct err *e)
{
	(void)arg;
	(void)e;
	printf("%c %s\n", kind, path);
	return 0;
}

/* A name is bytes; JSON takes only UTF-8. */
static json_t *name_json(const char *path)
{
	json_t *whole = json_string(path);
	auto_free char *ascii = whole ? NULL : xstrdup(path);
	for (char *p = ascii; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return whole ? whole : json_string(ascii);
}

static int add_change(void *arg, char kind, const char *path, struct err *e)
{
	const char *list = kind == 'A' ? "added" : kind == 'C' ? "changed" : "deleted";
	json_t *lists = arg, *to = json_object_get(lists, list);
	(void)e;
	if (!to)
		json_set(lists, list, to = json_array());
	json_array_append_new(to, name_json(path));
	return 0;
}

/* Podman's. */
static int print_json(struct cmd_call *call, const struct diff_of *of, struct err *e)
{
	static const char *const order[] = {"changed", "added", "deleted"};
	auto_json lists = json_object();
	auto_json sorted = json_object();
	int r = diff_run(call->store, of, add_change, lists, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(order); i++)
		if (json_object_get(lists, order[i]))
			json_set(sorted, order[i], json_incref(json_object_get(lists, order[i])));
	if (r == 0) {
		json_dumpf(sorted, stdout, JSON_INDENT(5));
		putchar('\n');
	}
	return r;
}

static int print(struct cmd_call *call, const char *format, const struct diff_of *of, struct err *e)
{
	if (format && strcmp(format, "json") != 0)
		return err_set(e, EINVAL, "only supported value for '--format' is 'json'");
	return format ? print_json(call, of, e)
		      : diff_run(call->store, of, print_change, NULL, e);
}

static int diff_cmd(struct cmd_call *call, void *args, struct err *e)
{
	const struct diff_args *a = args;
	if (a->latest && call->argc)
		return err_set(e, EINVAL, "--latest and containers cannot be used together");
	if (!a->latest &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	auto_free char *name = pick_one(call, a->latest, e);
	if (!name)
		return -e->code;
	const struct diff_of of = {
		.name = name,
		.base = call->argc > 1 ? call->argv[1] : NULL,
		.kind = !strcmp(call->typed, "container diff") ? DIFF_CONTAINER : DIFF_ANY,
	};
	return print(call, a->format, &of, e);
}

static int image_diff_cmd(struct cmd_call *call, void *args, struct err *e)
{
	const struct diff_args *a = args;
	const struct diff_of of = {
		.name = call->argv[0],
		.base = call->argc > 1 ? call->argv[1] : NULL,
		.kind = DIFF_IMAGE,
	};
	return print(call, a->format, &of, e);
}

static const char *const aliases[] = {"container diff", NULL};

// clang-format off
#define OPT_FORMAT \
	{"format", 0, OPT_STR, FIELD(struct diff_args, format), "string", \
		"\"json\": lists of what was changed, added and deleted", \
		.complete = COMPLETE_CHOICES, .choices = "json"}
static const struct opt image_opts[] = {
	OPT_FORMAT,
	{0},
};
static const struct opt opts[] = {
	OPT_FORMAT,
	{"latest", 'l', OPT_BOOL, FIELD(struct diff_args, latest), "",
		"The container that was created last"},
	{0},
};
// clang-format on

const struct cmd cmd_diff = {
	.name = "diff",
	.aliases = aliases,
	.brief = "Inspect changes to files or directories on a container's filesystem",
	.operands = "CONTAINER [CONTAINER]",
	.min = 0,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER,
	.opts = opts,
	.args_size = sizeof(struct diff_args),
	.about = "Prints a line for each file or directory that was added (A), changed (C) or "
		 "deleted (D) since the container was created. Volumes are not looked at. The "
		 "name of an image shows what its last layer did. With a second container or image "
		 "it is that one which the first is compared with.",
	.examples = "moss diff web\nmoss diff --format json web\nmoss diff web web-as-it-was:1",
	.run = diff_cmd,
};

const struct cmd cmd_image_diff = {
	.name = "image diff",
	.brief = "Inspect changes to files or directories of an image",
	.operands = "IMAGE [IMAGE]",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.error_status = 125,
	.opts = image_opts,
	.args_size = sizeof(struct diff_args),
	.about = "Prints a line for each file or directory that the image's last layer added (A), "
		 "changed (C) or deleted (D); with a second image, for all that the first has "
		 "otherwise than that one.",
	.examples = "moss image diff app:2\nmoss image diff --format json app:2 app:1",
	.run = image_diff_cmd,
};
