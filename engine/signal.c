#include "engine/start.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	int number;
} signals[] = {
	{"ABRT", SIGABRT},
	{"ALRM", SIGALRM},
	{"BUS", SIGBUS},
	{"CHLD", SIGCHLD},
	{"CLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"FPE", SIGFPE},
	{"HUP", SIGHUP},
	{"ILL", SIGILL},
	{"INT", SIGINT},
	{"IO", SIGIO},
	{"IOT", SIGIOT},
	{"KILL", SIGKILL},
	{"PIPE", SIGPIPE},
	{"POLL", SIGPOLL},
	{"PROF", SIGPROF},
	{"PWR", SIGPWR},
	{"QUIT", SIGQUIT},
	{"SEGV", SIGSEGV},
	{"STKFLT", SIGSTKFLT},
	{"STOP", SIGSTOP},
	{"SYS", SIGSYS},
	{"TERM", SIGTERM},
	{"TRAP", SIGTRAP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"USR1", SIGUSR1},
	{"USR2", SIGUSR2},
	{"VTALRM", SIGVTALRM},
	{"WINCH", SIGWINCH},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
};

/* The first real-time signal of every libc's user, whatever it keeps for itself. */
enum { RT_MIN = 34, RT_MAX = 64 };

static int by_name(const char *s)
{
	uint32_t n = 0;
	if (!strncasecmp(s, "SIG", 3))
		s += 3;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (!strcasecmp(s, signals[i].name))
			return signals[i].number;
	if (strncasecmp(s, "RTMIN", 5) && strncasecmp(s, "RTMAX", 5))
		return 0;
	bool is_min = !strncasecmp(s, "RTMIN", 5);
	if (s[5] && (s[5] != (is_min ? '+' : '-') || !parse_u32(s + 6, &n) || n > RT_MAX - RT_MIN))
		return 0;
	return is_min ? RT_MIN + (int)n : RT_MAX - (int)n;
}

int signal_parse(const char *s, struct err *e)
{
	uint32_t n;
	if (!parse_u32(s, &n)) {
		int number = by_name(s);
		return number ? number : err_set(e, EINVAL, "invalid signal: %s", s);
	}
	if (n == 0)
		return err_set(e, EINVAL, "invalid signal: %s", s);
	if (n > RT_MAX)
		return err_set(e, EINVAL, "the linux daemon does not support signal %s", s);
	return (int)n;
}
