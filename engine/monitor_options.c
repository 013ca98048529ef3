#include "engine/monitor.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One row an argument: written and read by the same table, so that the sides cannot differ. */
enum kind { TEXT, FLAG, NUMBER };
struct field {
	const char *name;
	enum kind kind;
	size_t offset;
};
#define F(name, kind, member)                                                                      \
	{                                                                                          \
		name, kind, offsetof(struct monitor_options, member)                               \
	}
static const struct field fields[] = {
	F("--root", TEXT, root),
	F("--runroot", TEXT, runroot),
	F("--id", TEXT, id),
	F("--stdin", FLAG, open_stdin),
	F("--pidfile", TEXT, pidfile),
	F("--conmon-pidfile", TEXT, conmon_pidfile),
	F("--stdin-once", FLAG, stdin_once),
	F("--rm", FLAG, auto_remove),
	F("--front-stdin", FLAG, front_stdin),
	F("--front-stdout", FLAG, front_stdout),
	F("--front-stderr", FLAG, front_stderr),
	F("--stands", FLAG, stands),
	F("--log-driver", TEXT, log_driver),
	F("--log-max-size", NUMBER, log_max_size),
	F("--log-max-files", NUMBER, log_max_files),
	F("--log-buffer", NUMBER, log_buffer),
	F("--log-compress", FLAG, log_compress),
	F("--stop-signal", NUMBER, stop_signal),
	F("--rows", NUMBER, rows),
	F("--cols", NUMBER, cols),
	F("--stop-timeout", NUMBER, stop_timeout),
	F("--has-stop-timeout", FLAG, stop_timeout_given),
	F("--timeout", NUMBER, timeout),
	F("--health-interval", NUMBER, health_interval_ms),
	F("--health-start-interval", NUMBER, health_start_interval_ms),
	F("--health-start-period", NUMBER, health_start_period_ms),
	F("--health-action", NUMBER, health_action),
};
#undef F
static const size_t n_fields = sizeof(fields) / sizeof(fields[0]);

void monitor_options_format(const struct monitor_options *o, struct strv *argv)
{
	strv_add(argv, "moss-monitor");
	for (size_t i = 0; i < n_fields; i++) {
		const char *at = (const char *)o + fields[i].offset;
		if (fields[i].kind == FLAG) {
			if (*(const bool *)at)
				strv_add(argv, fields[i].name);
		} else if (fields[i].kind == NUMBER) {
			if (*(const int64_t *)at) {
				strv_add(argv, fields[i].name);
				strv_addf(argv, "%lld", (long long)*(const int64_t *)at);
			}
		} else if (*(const char *const *)at) {
			strv_add(argv, fields[i].name);
			strv_add(argv, *(const char *const *)at);
		}
	}
}

static bool parse_one(struct monitor_options *o, const char *name, const char *value, bool *used)
{
	for (size_t i = 0; i < n_fields; i++) {
		if (strcmp(fields[i].name, name))
			continue;
		char *at = (char *)o + fields[i].offset;
		*used = fields[i].kind != FLAG;
		if (fields[i].kind == FLAG)
			*(bool *)at = true;
		else if (!value)
			return false;
		else if (fields[i].kind == NUMBER)
			return parse_i64(value, (int64_t *)at);
		else
			*(const char **)at = value;
		return true;
	}
	return false;
}

int monitor_options_parse(struct monitor_options *o, char *const *argv, struct err *e)
{
	*o = (struct monitor_options){0};
	for (size_t i = 1; argv[i]; i++) {
		bool used = false;
		if (!parse_one(o, argv[i], argv[i + 1], &used))
			return err_set(e, EINVAL, "moss-monitor: bad argument %s", argv[i]);
		i += used;
	}
	if (!o->root || !o->runroot || !o->id || strlen(o->id) != 64)
		return err_set(e, EINVAL, "moss-monitor is started by moss only");
	return 0;
}

void monitor_wake(const struct proc_id *monitor)
{
	auto_fd pidfd = proc_open(monitor);
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0);
}

void monitor_write_pid(const char *path, pid_t pid)
{
	struct err e = {0};
	auto_free char *text = xasprintf("%d", (int)pid);
	if (path && write_file_at(AT_FDCWD, path, text, strlen(text), 0644, false, &e) < 0)
		log_warn("%s", e.msg);
}

char *monitor_run_dir(const char *runroot, const char *id)
{
	return xasprintf("%s/c/%.12s", runroot, id);
}

void monitor_run_dir_remove(const char *runroot, const char *id)
{
	struct err e;
	auto_free char *dir = monitor_run_dir(runroot, id);
	auto_free char *parent = path_dir(dir);
	auto_fd fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)path_remove_at(fd, path_base(dir), &e);
}
