#include "engine/transfer/roles.h"
#include "base/err.h"
#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

_Noreturn void role_main(const char *program, int (*run)(int sock, struct err *e))
{
	int type;
	socklen_t len = sizeof(type);
	fds_ensure_std();
	if (getsockopt(TRANSFER_SOCK, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
		fprintf(stderr, "%s is a part of moss and is started by it\n", program);
		_exit(2);
	}
	log_debug_on = secure_getenv("MOSS_DEBUG") != NULL;
	(void)fd_set_cloexec(TRANSFER_SOCK, true);
	struct err e = {0};
	int r = run(TRANSFER_SOCK, &e);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", program, e.msg);
	/* Not exit(): confined as we are, nothing registered to run at exit is of use. */
	fflush(NULL);
	_exit(r < 0 ? 1 : 0);
}
