/* moss-transfer: the program that touches foreign bytes; see engine/transfer/proto.h. */
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/transfer/roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct role {
	const char *name;
	int (*run)(int sock, struct err *e);
};

static const struct role roles[] = {
	{"fetch", fetch_role_run},
	{"unpack", unpack_role_run},
};

static const struct role *role_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(roles); i++)
		if (!strcmp(name, roles[i].name))
			return &roles[i];
	return NULL;
}

int main(int argc, char **argv)
{
	int type;
	socklen_t len = sizeof(type);
	fds_ensure_std();
	const struct role *role = argc == 2 ? role_find(argv[1]) : NULL;
	if (!role || getsockopt(TRANSFER_SOCK, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
		fputs("moss-transfer is a part of moss and is started by it\n", stderr);
		return 2;
	}
	log_debug_on = secure_getenv("MOSS_DEBUG") != NULL;
	(void)fd_set_cloexec(TRANSFER_SOCK, true);
	struct err e = {0};
	int r = role->run(TRANSFER_SOCK, &e);
	if (r < 0)
		fprintf(stderr, "moss-transfer: %s\n", e.msg);
	/* Not exit(): confined as we are, nothing registered to run at exit is of use. */
	fflush(NULL);
	_exit(r < 0 ? 1 : 0);
}
