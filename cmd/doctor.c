/* moss doctor: what of the machine keeps containers from working, and what cures it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "engine/doctor.h"
#include "storage/store.h"

struct doctor_args {
	char *format;
	bool quiet;
};

static void print_plain(const struct diagnoses *d, bool quiet)
{
	static const char *const colours[] = {"\033[32m", "\033[36m", "\033[33m", "\033[31m"};
	bool coloured = isatty(1) == 1;
	for (size_t i = 0; i < d->n; i++) {
		const struct diagnosis *one = &d->v[i];
		if (quiet && one->finding == FINDING_OK)
			continue;
		printf("%s%-9s%s%s: %s\n", coloured ? colours[one->finding] : "",
			finding_text(one->finding), coloured ? "\033[0m" : "", one->name,
			one->text);
		if (one->cure)
			printf("         cure: %s\n", one->cure);
	}
}

static void print_json(const struct diagnoses *d)
{
	for (size_t i = 0; i < d->n; i++) {
		auto_json one = json_object();
		json_set_str(one, "Name", d->v[i].name);
		json_set_str(one, "Finding", finding_text(d->v[i].finding));
		json_set_str(one, "Text", d->v[i].text);
		json_set_str(one, "Cure", d->v[i].cure ? d->v[i].cure : "");
		auto_free char *text = json_text(one);
		puts(text);
	}
}

static int doctor_run(struct cmd_call *call, void *p, struct err *e)
{
	struct doctor_args *args = p;
	bool is_json = args->format && !strcmp(args->format, "json");
	if (args->format && !is_json)
		return err_set(e, EINVAL, "unknown format %s: only json is known", args->format);
	auto_free char *root = NULL;
	if (store_root(call->globals->root, &root, e) < 0)
		return -e->code;
	struct diagnoses d;
	doctor_examine(root, false, &d);
	if (is_json)
		print_json(&d);
	else
		print_plain(&d, args->quiet);
	bool has_failed = false;
	for (size_t i = 0; i < d.n; i++)
		has_failed |= d.v[i].finding == FINDING_FAILURE;
	diagnoses_deinit(&d);
	return has_failed ? 1 : 0;
}

// clang-format off
static const struct opt doctor_opts[] = {
	{"format", 0, OPT_STR, FIELD(struct doctor_args, format), "string",
		"Print as 'json', one object a line", .complete = COMPLETE_CHOICES, .choices = "json"},
	{"quiet", 'q', OPT_BOOL, FIELD(struct doctor_args, quiet), "",
		"Only what is not in order"},
	{0},
};
// clang-format on

const struct cmd cmd_doctor = {
	.name = "doctor",
	.brief = "Look for what keeps containers from working here, and say the cure",
	.operands = "",
	.max = 0,
	.opts = doctor_opts,
	.args_size = sizeof(struct doctor_args),
	.about =
		"Looks at all that rootless containers need: the kernel, user namespaces and what "
		"may "
		"restrict them, subordinate ids and the programs that set them, devices, the "
		"network's "
		"program, the file system of the store, the session, cgroups, ports and name "
		"servers. "
		"Each line says 'ok', 'note' (works, but less than it could), 'warning' (some "
		"containers "
		"will not work) or 'failure' (nothing will), and where there is one the single "
		"command "
		"that cures it. Nothing is changed. The exit status is 1 where something fails.\n\n"
		"A command that the system refuses something asks the doctor by itself: where a "
		"failing "
		"check explains it, the cure follows the error.",
	.examples =
		"moss doctor -q\nmoss doctor --format json | jq -r 'select(.Cure != \"\") | .Cure'",
	.run = doctor_run,
};
