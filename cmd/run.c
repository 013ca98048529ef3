#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/run_opts.h"
#include "engine/image_remove.h"
#include "engine/start.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

struct run_args {
	struct create_args create;
	char *detach_keys;
	bool sig_proxy;
	bool rmi;
};

static int check_conflicts(
	const struct run_args *a, const struct create_attach *attach, struct err *e)
{
	const struct create_request *r = &a->create.req;
	if (r->detach && r->attach.n) {
		err_set(e, EINVAL, "Conflicting options: -a and -d");
		return err_status(e, 1);
	}
	if (r->tty && attach->in && !isatty(0)) {
		err_set(e, ENOTTY, "the input device is not a TTY");
		return err_status(e, 1);
	}
	return 0;
}

struct started {
	const struct create_args *args;
	bool print_id;
	int result;
	struct err e;
};

static void run_started(const char *id, void *arg)
{
	struct started *s = arg;
	s->result = create_args_write_cidfile(s->args, id, &s->e);
	if (!s->print_id)
		return;
	printf("%s\n", id);
	fflush(stdout);
}

/* --rmi: the name that was given, as rmi takes it; an image that others use stays. */
static void remove_image(struct cmd_call *call, const char *name)
{
	struct err e = {0};
	struct image image = {0};
	auto_reference ref = {0};
	auto_strv lines = STRV_INIT;
	auto_free char *full =
		reference_parse(name, true, &ref, &e) == 0 ? reference_key(&ref) : NULL;
	int r = image_find(call->store, name, full, &image, &e);
	if (r == ROW_OK)
		r = image_remove(call->store, &image, name, full, 0, &lines, &e);
	image_deinit(&image);
	if (r < 0)
		log_warn("the image stays: %s", e.msg);
}

static int run_run(struct cmd_call *call, void *args, struct err *e)
{
	struct run_args *a = args;
	struct create_attach attach;
	struct container_new c;
	int r = create_attach(&a->create.req, &attach, e);
	if (r < 0 || (r = check_conflicts(a, &attach, e)) < 0)
		return r;
	if (a->rmi && a->create.req.detach)
		r = err_set(e, EINVAL, "--rmi works in the foreground only, not with --detach");
	a->create.req.rm |= a->rmi;
	if (r < 0 || (r = create_args_prepare(call, &a->create, &c, e)) < 0) {
		/* As Docker, which looks for devices only when it starts the container. */
		call->names_help = e->code != ENODEV;
		return r;
	}
	if (!a->detach_keys)
		a->detach_keys = client_config_text(call->globals, "detachKeys");
	struct started started = {
		.args = &a->create, .print_id = !attach.in && !attach.out && !attach.err};
	struct start_options o = {
		.attach_stdin = attach.in,
		.attach_stdout = attach.out,
		.attach_stderr = attach.err,
		.sig_proxy = a->sig_proxy,
		.detach_keys = a->detach_keys,
		.started = run_started,
		.started_arg = &started,
	};
	auto_free char *image = xstrdup(c.row.image_name);
	r = container_run(call->store, &c, &o, e);
	container_new_deinit(&c);
	if (a->rmi)
		remove_image(call, image);
	if (r >= 0 && started.result < 0) {
		*e = started.e;
		return started.result;
	}
	return r;
}

static const char *const aliases[] = {"container run", NULL};

// clang-format off
static const struct opt opts[] = {
	{"detach", 'd', OPT_BOOL, FIELD(struct run_args, create.req.detach), "",
		"Run container in background and print container ID"},
	{"detach-keys", 0, OPT_STR, FIELD(struct run_args, detach_keys), "string",
		"Override the key sequence for detaching a container"},
	{"rmi", 0, OPT_BOOL, FIELD(struct run_args, rmi), "",
		"After the container's end remove it and its image, unless others use it",
		.flags = OPTF_HIDDEN},
	{"sig-proxy", 0, OPT_BOOL, FIELD(struct run_args, sig_proxy), "",
		"Proxy received signals to the process", .def = "true"},
	OPT_SHARED(struct run_args, create, create_opts),
	{0},
};
// clang-format on

const struct cmd cmd_run = {
	.name = "run",
	.aliases = aliases,
	.brief = "Create and run a new container from an image",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = ANY,
	.needs = NEED_STORE,
	.stop_at_operand = true,
	.error_status = 125,
	.complete = COMPLETE_IMAGE,
	.opts = opts,
	.args_size = sizeof(struct run_args),
	.about =
		"Makes a container from an image and runs it: in the foreground with its output on "
		"the terminal, or with -d in the background. The image is pulled where it is "
		"missing; it may be in a file or folder, too (dir:, oci:, oci-archive: or "
		"docker-archive:, as pull reads them). The exit status is the container's own; "
		"125 where moss failed, 126 where "
		"the command cannot be run, 127 where it is not found.\n\n"
		"With --pid=host together with --privileged or --cap-add SYS_PTRACE a container "
		"can "
		"trace moss's own processes and reach your files through them.\n\n"
		"--network, --pid, --ipc, --uts and --cgroupns take container:NAME, too: that "
		"container's namespace, which it must have when this one starts (--ipc: made with "
		"--ipc shareable). --userns=keep-id runs the command as you, with your own ids "
		"inside, so that files in bind mounts belong to the same user on both sides "
		"(keep-id:uid=N,gid=N: as another one inside); --userns=auto gives the container "
		"ids that no other such container has (auto:size=N); --userns=nomap leaves your "
		"own "
		"id out; --uidmap and --gidmap ([+ug]container:[@]host[:length]) say each id, host "
		"0 being you and 1 and up your subordinate ids, or with @ an id of the machine. "
		"The "
		"files of the image keep their owners, by fuse-overlayfs. PODMAN_USERNS is not "
		"looked at.",
	.examples = "moss run --rm -it debian bash\n"
		    "moss run -d --name web -p 8080:80 -v site:/usr/share/nginx/html nginx",
	.run = run_run,
};
