/* output: a file or folder of the user's that appears under its name when it is whole.
 *
 *	struct output o;
 *	output_file(&o, path, e);      or output_folder
 *	... write to o.fd ...
 *	output_commit(&o, e);          replaces a file of that name in one step
 *	output_drop(&o);               always: removes what was not committed
 *
 * A process that is killed leaves nothing behind, and what was at the name untouched: a file has no
 * name until the end (O_TMPFILE) where the file system can do that; otherwise, as a folder, it has
 * a name ".moss.<random>" beside its own and a guard (base/guard.h).
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>

#include "base/guard.h"

struct err;

struct output {
	int fd; /* a file's: for reading and writing; a folder's */
	/* private */
	char *path, *temporary; /* temporary: NULL = no name */
	int dir_fd;
	bool is_folder;
	struct guard guard;
};
#define OUTPUT_INIT ((struct output){.fd = -1, .dir_fd = -1, .guard = GUARD_INIT})

/* A new file, 0600. */
int output_file(struct output *o, const char *path, struct err *e);
/* A new folder, 0755 in the end. One of that name must be empty: -ENOTEMPTY otherwise. */
int output_folder(struct output *o, const char *path, struct err *e);
int output_commit(struct output *o, struct err *e);
void output_drop(struct output *o);
#define auto_output __attribute__((cleanup(output_drop))) struct output

/* Gives an O_TMPFILE file the name last in dir_fd, in place of what has it, by way of the name
 * temporary (for an instant). 0 or -errno. */
int output_name(int fd, int dir_fd, const char *last, const char *temporary);

#endif
