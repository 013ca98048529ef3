#include "cmd/write_file.h"
#include "base/err.h"
#include "base/output.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

int write_context(struct err *e, const char *path)
{
	int c = e->code;
	bool is_disk = c == ENOSPC || c == EDQUOT || c == EFBIG || c == EIO;
	return is_disk ? err_ctx(e, "cannot write %s", path) : -c;
}

/* A pipe or socket whose other end is closed. */
static bool has_no_reader(int fd)
{
	struct pollfd p = {.fd = fd};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int write_stdout_failed(struct err *e)
{
	/* ECHILD: it was a helper that SIGPIPE has ended. */
	if ((e->code != EPIPE && e->code != ECHILD) || !has_no_reader(STDOUT_FILENO))
		return -e->code;
	(void)raise(SIGPIPE);
	*e = (struct err){0};
	return err_go(e, EPIPE, "write");
}

int write_to_file(const char *path, bool durable, file_writer write, void *arg, struct err *e)
{
	struct stat st;
	/* A pipe or /dev/stdout is written to as it is. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		auto_fd there = open(path, O_WRONLY | O_CLOEXEC);
		if (there < 0)
			return err_go(e, errno, "open %s", path);
		return write(arg, there, e) < 0 ? write_context(e, path) : 0;
	}
	auto_output o = OUTPUT_INIT; /* 0600, as Docker's */
	if (output_file(&o, path, e) < 0)
		return -e->code;
	int r = write(arg, o.fd, e);
	if (r == 0 && durable && fsync(o.fd) < 0)
		r = err_go(e, errno, "sync %s", path);
	if (r == 0)
		r = output_commit(&o, e);
	return r < 0 ? write_context(e, path) : 0;
}
