/* write_file: the file that --output names. */
#ifndef CMD_WRITE_FILE_H
#define CMD_WRITE_FILE_H

#include <stdbool.h>

struct err;

typedef int (*file_writer)(void *arg, int fd, struct err *e);
/* Has `write` write to path: a new file (0600) that takes the name when it is whole, so that after
 * an error or a kill nothing has changed there (base/output.h); a pipe or device as it is.
 * durable: it is on the disk then. */
int write_to_file(const char *path, bool durable, file_writer write, void *arg, struct err *e);
/* Writing to stdout has failed. Where nobody reads it any more (`moss save x | head`) the program
 * ends as the kernel ends whoever writes into such a pipe, by SIGPIPE and without a word, unless
 * that signal is ignored; then the error says just that. Returns -e->code. */
int write_stdout_failed(struct err *e);
/* Says which file it was, where it is the disk that failed. Returns -e->code. */
int write_context(struct err *e, const char *path);

#endif
