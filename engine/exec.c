#include "engine/exec.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msg.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "engine/attach.h"
#include "engine/exec_record.h"
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
#include <sys/wait.h>
#include <unistd.h>

struct holder {
	const struct launch_plan *plan;
	const struct proc_id *init;
	const struct exec_request *request;
	const struct exec_options *options;
	int report; /* SOCK_SEQPACKET: one struct err */
	int stream;
	int lock; /* of its exec_record, -1 = none */
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
	const int keep[] = {h->report, h->stream, h->lock};
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
	struct exec_streams x = {
		.stream = h->stream, .in = -1, .out = -1, .err_out = -1, .lock = h->lock};
	int r = holder_start(h, &x, &e);
	(void)msg_send(h->report, &e, sizeof(e), NULL, 0);
	close(h->report);
	if (r == 0)
		exec_serve(&x);
	_exit(0);
}

static int exec_failed(const struct holder *h, struct err *e)
{
	if (e->status == 126 || e->status == 127)
		(void)err_ctx(e, "OCI runtime exec failed: exec failed: "
				 "unable to start container process");
	else
		(void)err_status(e, 126);
	/* Docker tells of a detached one that it was not started, not how it would have ended. */
	return h->options->detached ? err_status(e, 1) : -e->code;
}

/* Waits for what a process of ours has to say of its start. */
static int hear(int report, pid_t pid, struct err *e)
{
	struct err said;
	ssize_t n = msg_recv(report, &said, sizeof(said), NULL, NULL);
	if (n == (ssize_t)sizeof(said) && !said.code)
		return 0;
	(void)spawn_wait(pid);
	if (n != (ssize_t)sizeof(said))
		return err_set(e, ECHILD, "the process that joins the container was killed");
	*e = said;
	return -e->code;
}

/* Waits until the process runs; the stream to it, or an error. */
static int start_holder(struct holder *h, pid_t *pid, struct err *e)
{
	int report[2], stream[2];
	int r = msg_pair(report);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd report_in = report[0];
	auto_fd report_out = report[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
		return err_sys(e, "cannot make a socket pair");
	auto_fd mine = stream[0];
	auto_fd theirs = stream[1];
	h->report = report_out;
	h->stream = theirs;
	*pid = fork();
	if (*pid == 0)
		holder_main(h);
	if (*pid < 0)
		return err_sys(e, "cannot start a process");
	close(take_fd(report_out));
	if (hear(report_in, *pid, e) < 0)
		return exec_failed(h, e);
	return take_fd(mine);
}

int exec_start(const struct launch_plan *plan, const struct proc_id *init,
	const struct exec_request *request, const struct exec_options *options, pid_t *pid,
	struct err *e)
{
	struct holder h = {
		.plan = plan, .init = init, .request = request, .options = options, .lock = -1};
	return start_holder(&h, pid, e);
}

/* ---- who waits for the end: the command, or its shadow ---- */

struct session {
	struct store *store;
	const struct container_row *row;
	struct holder holder;
	struct exec_record record;
};

/* What the command holds open is not its shadow's. */
static void shadow_detach(const int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++)
		(void)dup2(null, i);
	fds_close_except(3, keep, n);
	(void)setsid();
	(void)signal(SIGPIPE, SIG_IGN);
	attach_unblock_signals();
}

/* Until the holder has gone; then the end is recorded by a moss of its own: SQLite does not survive
 * a fork, not even closed and opened again. */
static _Noreturn void shadow_wait(const struct session *x)
{
	int fd = exec_record_wait(&x->record);
	while (waitpid(-1, NULL, 0) > 0)
		;
	char *text = xasprintf("%d", fd);
	char *const argv[] = {"moss", "--root", x->store->root, "--runroot", x->store->runroot,
		"exec-ended", "--", (char *)x->row->id, (char *)x->record.id, text, NULL};
	(void)execv("/proc/self/exe", argv);
	_exit(0);
}

/* exec -d: the shadow starts the process and waits for it, the command only for its start. */
static int run_detached(struct session *x, struct err *e)
{
	int report[2];
	int r = msg_pair(report);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket pair");
	auto_fd report_in = report[0];
	auto_fd report_out = report[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot start a process");
	if (pid == 0) {
		struct err failure = {0};
		const int keep[] = {report_out, x->record.lock, x->record.watch};
		shadow_detach(keep, ARRAY_LEN(keep));
		pid_t holder;
		int stream = start_holder(&x->holder, &holder, &failure);
		(void)msg_send(report_out, &failure, sizeof(failure), NULL, 0);
		if (stream < 0 || x->record.watch < 0)
			_exit(0);
		const int wait[] = {x->record.watch};
		fds_close_except(3, wait, 1); /* the lock is the holder's alone */
		shadow_wait(x);
	}
	close(take_fd(report_out));
	r = hear(report_in, pid, e);
	if (r < 0)
		exec_record_failed(&x->record);
	return r;
}

/* Left by the detach keys: the shadow takes the command's place. */
static void leave_shadow(struct session *x)
{
	exec_record_detached(x->store, x->row, &x->record);
	const int keep[] = {x->record.watch};
	if (keep[0] >= 0 && fork() == 0) {
		shadow_detach(keep, 1);
		shadow_wait(x);
	}
}

static int relay(struct session *x, int stream, struct err *e)
{
	const struct exec_request *r = x->holder.request;
	const struct exec_options *o = x->holder.options;
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
	if (code == ATTACH_DETACHED) {
		leave_shadow(x);
		return err_set(e, ECANCELED, "read escape sequence");
	}
	/* Where our own output failed the process goes on, and the next that looks sees its end. */
	if (code >= 0 || code == ATTACH_LOST)
		exec_record_end(
			x->store, x->row, &x->record, code == ATTACH_LOST ? 128 + SIGKILL : code);
	if (code == ATTACH_LOST)
		return err_set(e, EPIPE, "the process that holds the new one's output was killed");
	return code;
}

static int run_attached(struct session *x, struct err *e)
{
	pid_t holder;
	auto_fd stream = start_holder(&x->holder, &holder, e);
	if (x->record.lock >= 0)
		close(take_fd(x->record.lock)); /* the holder's alone */
	if (stream >= 0)
		return relay(x, stream, e);
	exec_record_failed(&x->record);
	return stream;
}

static int check_state(const struct container_row *row, struct err *e)
{
	if (!strcmp(row->state, state_text(STATE_PAUSED)))
		return err_set(e, EBUSY,
			"Container %s is paused, unpause the container before exec", row->name);
	if (!strcmp(row->state, state_text(STATE_RESTARTING)))
		return err_set(e, EBUSY,
			"Container %s is restarting, wait until the container is running", row->id);
	if (strcmp(row->state, state_text(STATE_RUNNING)) != 0)
		return err_set(e, ESRCH, "container %s is not running", row->id);
	return 0;
}

int container_exec(struct store *s, const struct container_row *row, const struct exec_request *r,
	const struct exec_options *o, struct err *e)
{
	struct launch_plan *plan;
	int result = check_state(row, e);
	if (result < 0)
		return result;
	auto_free char *bundle = store_path(s, "containers/%s", row->id);
	if ((result = launch_load(bundle, &plan, e)) < 0)
		return result;
	struct session x = {.store = s, .row = row};
	exec_record_begin(s, row, r->args, &x.record);
	x.holder = (struct holder){.plan = plan,
		.init = &row->init,
		.request = r,
		.options = o,
		.lock = x.record.lock};
	result = o->detached ? run_detached(&x, e) : run_attached(&x, e);
	exec_record_deinit(&x.record);
	launch_plan_free(plan);
	return result;
}
