/* stop_opts: --signal, --timeout and Docker's old name --time, of the commands that stop. */
#ifndef CMD_STOP_OPTS_H
#define CMD_STOP_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/opt.h"

struct err;

struct stop_args {
	char *signal;
	int64_t timeout;
	bool timeout_given;
};
/* For OPT_SHARED. */
extern const struct opt stop_opts[];

/* As container_stop_with takes them: 0 and -2 where not given. */
int stop_args_read(const struct stop_args *a, int *signal, int *timeout_s, struct err *e);
/* The same of seconds alone: any negative number waits forever. */
int stop_timeout(int64_t seconds);

#endif
