/* pick: which containers a command acts on, besides those it is given by name: Podman's --all,
 * --latest, --cidfile and --filter, one table for all commands that have them.
 *
 * A command embeds struct pick, names the table with OPT_SHARED, has .min = 0 and calls pick_each.
 */
#ifndef CMD_PICK_H
#define CMD_PICK_H

#include <stdbool.h>

#include "base/str.h"
#include "cmd/opt.h"

struct cmd_call;
struct err;

struct pick {
	bool all, latest;
	struct strv cidfile, filter;
};
extern const struct opt pick_opts[];

/* The operands and what was picked, as pick_each takes them. 0; 1 where there is neither and the
 * usage text was printed; -errno. */
int pick_names(struct cmd_call *call, const struct pick *p, const char *all, struct strv *names,
	struct err *e);
/* As cmd_each over the operands and what was picked. all: the states that --all and --filter take
 * ("running paused"; NULL = every one). What is picked is shown by its id. The command's exit
 * status (1 with Docker's usage text where there is neither operand nor pick), or an error. */
int pick_each(struct cmd_call *call, const struct pick *p, const char *all, void *args,
	int (*one)(struct cmd_call *call, void *args, const char *operand, struct err *e),
	struct err *e);
/* The id that a file holds (run --cidfile). Owned; NULL with e set. */
char *pick_cidfile(const char *path, struct err *e);
/* The one container of --latest, or the only operand: its name. Owned; NULL with e set. */
char *pick_one(struct cmd_call *call, bool latest, struct err *e);

#endif
