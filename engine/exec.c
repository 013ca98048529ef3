#include "engine/exec.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/attach.h"
#include "engine/launch.h"
#include "engine/monitor.h"
#include "engine/state.h"
#include "storage/db/container_row.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct holder {
	const struct launch_plan *plan;
	const struct proc_id *init;
	const struct exec_request *request;
	const struct exec_options *options;
	int report; /* SOCK_SEQPACKET: one struct err */
	int stream;
};

/* The pipes of the new process: theirs[i] is its descriptor i. What it does not get is `null`. */
static int holder_pipes(
	const struct holder *h, int null, int theirs[3], struct exec_streams *x, struct err *e)
{
	int ours[3] = {-1, -1, -1};
	for (int i = 0; i < 3; i++) {
		int p[2];
		theirs[i] = null;
		if (h->request->terminal || h->options->detached ||
			(i == 0 && !h->options->interactive))
			continue;
		if (pipe2(p, O_CLOEXEC) < 0)
			return err_sys(e, "cannot make a pipe");
		theirs[i] = p[i == 0 ? 0 : 1];
		ours[i] = p[i == 0 ? 1 : 0];
	}
	x->in = ours[0];
	x->out = ours[1];
	x->err_out = ours[2];
	return 0;
}

/* Nothing of the user's stays open in the holder: it may outlive the command by days. */
static int holder_detach(const struct holder *h, struct err *e)
{
	const int keep[] = {h->report, h->stream};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_sys(e, "cannot open /dev/null");
	for (int i = 0; i < 3; i++)
		(void)dup2(null, i);
	fds_close_except(3, keep, ARRAY_LEN(keep));
	(void)setsid();
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	attach_unblock_signals();
	return 0;
}

static int holder_start(const struct holder *h, struct exec_streams *x, struct err *e)
{
	int theirs[3] = {-1, -1, -1}, console = -1;
	int r = holder_detach(h, e);
	if (r == 0)
		r = holder_pipes(h, 0, theirs, x, e);
	if (r == 0)
		r = launch_exec(
			h->plan, h->init, h->request, theirs, &x->pid, &x->pidfd, &console, e);
	for (int i = 0; i < 3; i++)
		if (theirs[i] > 2)
			close(theirs[i]);
	if (r == 0 && h->request->terminal) {
		x->is_terminal = true;
		x->in = x->out = console;
	}
	return r;
}

static _Noreturn void holder_main(const struct holder *h)
{
	struct err e = {0};
	struct exec_streams x = {.stream = h->stream, .in = -1, .out = -1, .err_out = -1};
	int r = holder_start(h, &x, &e);
	(void)msg_send(h->report, &e, sizeof(e), NULL, 0);
	close(h->report);
	/* Detached without a terminal there is nothing to hold. */
	if (r == 0 && !(h->options->detached && !h->request->terminal))
		exec_serve(&x);
	_exit(0);
}

static int exec_failed(struct err *e)
{
	if (e->status == 126 || e->status == 127)
		return err_ctx(e, "OCI runtime exec failed: exec failed: "
				  "unable to start container process");
	return err_status(e, 126);
}

int exec_start(const struct launch_plan *plan, const struct proc_id *init,
	const struct exec_request *request, const struct exec_options *options, pid_t *pid,
	struct err *e)
{
	struct holder h = {.plan = plan, .init = init, .request = request, .options = options};
	int report[2], stream[2];
	struct err said;
	int r = msg_pair(report);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd report_in = report[0];
	auto_fd report_out = report[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
		return err_sys(e, "cannot make a socket pair");
	auto_fd mine = stream[0];
	auto_fd theirs = stream[1];
	h.report = report_out;
	h.stream = theirs;
	*pid = fork();
	if (*pid == 0)
		holder_main(&h);
	if (*pid < 0)
		return err_sys(e, "cannot start a process");
	close(take_fd(report_out));
	ssize_t n = msg_recv(report_in, &said, sizeof(said), NULL, NULL);
	if (n != (ssize_t)sizeof(said)) {
		(void)spawn_wait(*pid);
		return err_set(e, ECHILD, "the process that joins the container was killed");
	}
	if (said.code) {
		(void)spawn_wait(*pid);
		*e = said;
		return exec_failed(e);
	}
	return take_fd(mine);
}

static int relay(
	int stream, const struct exec_request *r, const struct exec_options *o, struct err *e)
{
	const struct attach a = {
		.fd = stream,
		.in = o->interactive,
		.out = true,
		.err = true,
		.terminal = r->terminal,
		.sends_size = r->terminal,
		.detach_keys = o->detach_keys,
	};
	int code = attach_run(&a, e);
	if (code == ATTACH_DETACHED)
		return err_set(e, ECANCELED, "read escape sequence");
	if (code == ATTACH_LOST)
		return err_set(e, EPIPE, "the process that holds the new one's output was killed");
	return code;
}

int container_exec(struct store *s, const struct container_row *row, const struct exec_request *r,
	const struct exec_options *o, struct err *e)
{
	struct launch_plan *plan;
	pid_t pid;
	if (!strcmp(row->state, state_text(STATE_PAUSED)))
		return err_set(e, EBUSY,
			"Container %s is paused, unpause the container before exec", row->id);
	if (!strcmp(row->state, state_text(STATE_RESTARTING)))
		return err_set(e, EBUSY,
			"Container %s is restarting, wait until the container is running", row->id);
	if (strcmp(row->state, state_text(STATE_RUNNING)) != 0)
		return err_set(e, ESRCH, "container %s is not running", row->id);
	auto_free char *bundle = store_path(s, "containers/%s", row->id);
	int x = launch_load(bundle, &plan, e);
	if (x < 0)
		return x;
	auto_fd stream = exec_start(plan, &row->init, r, o, &pid, e);
	launch_plan_free(plan);
	if (stream < 0 || o->detached)
		return stream < 0 ? stream : 0;
	return relay(stream, r, o, e);
}
