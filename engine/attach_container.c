/* attach_container: joining a container that runs already. */
#include "engine/start.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/event.h"
#include "engine/monitor.h"
#include "engine/state.h"
#include "storage/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct attached {
	struct store *store;
	struct container_row *row;
};

static void on_resized(void *arg, unsigned rows, unsigned cols)
{
	const struct attached *to = arg;
	event_container_resize(to->store, to->row, rows, cols);
}

static void on_signal(void *arg, int sig)
{
	const struct attached *to = arg;
	container_will_signal(to->store, to->row, sig);
}

int container_attach(
	struct store *s, struct container_row *row, const struct start_options *o, struct err *e)
{
	enum container_state state = state_parse(row->state);
	if (!state_is_live(state))
		return err_set(
			e, EINVAL, "You cannot attach to a stopped container, start it first");
	if (state == STATE_PAUSED)
		return err_set(
			e, EINVAL, "You cannot attach to a paused container, unpause it first");
	if (state == STATE_RESTARTING)
		return err_set(e, EINVAL,
			"You cannot attach to a restarting container, wait until it is running");
	auto_json config =
		json_parse(row->config, strlen(row->config), "the container's configuration", e);
	if (!config)
		return -e->code;
	bool terminal = json_bool_or(config, "Config/Tty", false);
	bool in = o->attach_stdin && json_bool_or(config, "Config/OpenStdin", false);
	if (o->attach_stdin && terminal && !isatty(0))
		return err_set(e, ENOTTY, "the input device is not a TTY");
	const struct attach_hello hello = {.wants_stdin = in,
		.wants_stdout = o->attach_stdout,
		.wants_stderr = o->attach_stderr};
	auto_fd fd = attach_connect_or_wake(s, row, &hello);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot attach to container %s", row->name);
	struct err unrecorded;
	if (event_container(s, row, "attach", NULL, &unrecorded) < 0)
		log_debug("attach is not recorded: %s", unrecorded.msg);
	struct attached to = {s, row};
	const struct attach a = {.fd = fd,
		.in = in,
		.out = o->attach_stdout,
		.err = o->attach_stderr,
		.terminal = terminal,
		.sends_size = true,
		.sig_proxy = o->sig_proxy && !terminal,
		.detach_keys = o->detach_keys,
		.init = row->init,
		.resized = on_resized,
		.resized_arg = &to,
		.signals = on_signal,
		.signals_arg = &to};
	int r = attach_run(&a, e);
	if (r == ATTACH_DETACHED)
		event_container_detach(s, row);
	if (r == ATTACH_DETACHED)
		return o->detach_fails ? err_set(e, ECANCELED, "read escape sequence") : 0;
	if (r != ATTACH_LOST)
		return r;
	r = container_reconcile(s, row, e);
	return r < 0 ? r : row->exit_code;
}
