/* moss system boot, moss system shutdown */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "engine/restart.h"
#include "storage/db/container_row.h"

static void tell(void *arg, const struct container_row *row, const struct err *failure)
{
	if (failure) {
		struct err e = *failure;
		(void)err_ctx(&e, "container %s", row->name);
		cmd_report(arg, &e);
	} else {
		puts(row->name);
		(void)fflush(stdout);
	}
}

static int boot_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	int r = restart_after_boot(call->store, tell, call, e);
	return r > 0 ? 1 : r;
}

static int shutdown_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	int r = restart_before_shutdown(call->store, tell, call, e);
	return r > 0 ? 1 : r;
}

const struct cmd cmd_system_boot = {
	.name = "system boot",
	.brief = "Start the containers that ask for it after a boot",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.about =
		"Starts, the oldest first, every container that was running, or has ended, and "
		"whose "
		"restart policy asks for it: \"always\" in any case, \"unless-stopped\" where it "
		"was "
		"not stopped by the user, \"on-failure\" where its exit code is not 0 (255 for one "
		"that the end of the machine has ended) and its number of restarts allows it. What "
		"runs is left alone, so it may be called at any time. The names of those that were "
		"started are printed.\n\n"
		"With systemd this is done by the unit moss-restart.service of the user: systemctl "
		"--user enable moss-restart.service, and loginctl enable-linger to have it at boot "
		"and not at the first login. Without systemd a line in the user's crontab does it: "
		"@reboot moss system boot",
	.examples = "systemctl --user enable moss-restart.service\n"
		    "(crontab -l; echo '@reboot moss system boot') | crontab -",
	.run = boot_run,
};

const struct cmd cmd_system_shutdown = {
	.name = "system shutdown",
	.brief = "Stop all containers, to be started again after the next boot",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.about = "Sends every running container its stop signal and, after its stop timeout, "
		 "SIGKILL, all side by side. Other than with stop, none is taken for stopped by "
		 "the user: system boot starts those again that ask for it. The unit "
		 "moss-restart.service does this when it is stopped.",
	.run = shutdown_run,
};
