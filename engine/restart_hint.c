/* The unit is found beside the program (PREFIX/bin/moss, PREFIX/share/systemd/user), so that it
 * also is where systemd does not look for it: `enable` takes a path. */
#include "engine/restart.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT "moss-restart.service"

static bool is_there(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static bool is_enabled(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_free char *base =
		!str_empty(config) ? xstrdup(config) : xasprintf("%s/.config", home ? home : "");
	auto_free char *own = path_join(base, "systemd/user/default.target.wants/" UNIT);
	return is_there(own) || is_there("/etc/systemd/user/default.target.wants/" UNIT);
}

/* What `systemctl --user enable` is to be given; NULL where it is not installed. */
static char *unit_name(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	auto_free char *bin = path_dir(exe);
	auto_free char *prefix = path_dir(bin);
	auto_free char *unit = path_join(prefix, "share/systemd/user/" UNIT);
	if (!is_there(unit))
		return NULL;
	const char *home = getenv("HOME");
	auto_free char *local = xasprintf("%s/.local", home ? home : "");
	bool is_known =
		!strcmp(prefix, "/usr") || !strcmp(prefix, "/usr/local") || !strcmp(prefix, local);
	return is_known ? xstrdup(UNIT) : take_ptr(unit);
}

static bool was_said(struct store *s)
{
	auto_free char *dir = store_path(s, "cache");
	auto_free char *mark = path_join(dir, "restart-hint");
	(void)mkdir(dir, 0700);
	auto_fd fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0;
}

char *restart_hint(struct store *s)
{
	auto_free char *unit = is_there("/run/systemd/system") ? unit_name() : NULL;
	if ((unit && is_enabled()) || was_said(s))
		return NULL;
	if (unit)
		return xasprintf(
			"to have it started after a reboot, too: systemctl --user enable %s"
			" && loginctl enable-linger",
			unit);
	return xstrdup("to have it started after a reboot, too, put this line into crontab -e: "
		       "@reboot moss system boot");
}
