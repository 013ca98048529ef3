/* enter_shell: a program of the user's, with his terminal, inside his shared user namespace. */
#ifndef ENGINE_ENTER_SHELL_H
#define ENGINE_ENTER_SHELL_H

struct err;
struct store;

/* Runs it to its end: its exit status, 128 + n where signal n ended it; an error with status 127 or
 * 126 where it cannot be started. It has a mount namespace of its own; signals of the terminal are
 * its business meanwhile. */
int enter_shell(struct store *s, char *const *argv, struct err *e);

#endif
