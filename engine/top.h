/* top: the processes of a container, as a table of text.
 *
 * Without options the columns are those of `ps -ef`, read from /proc. With options the ps of this
 * machine is asked, as Docker does (never a file of the image), in the container's user namespace,
 * so that its owners have the names they have there; a line whose PID is not the container's is
 * left out. Podman's descriptors ("pid user hpid") are columns read from /proc, too. PID and PPID
 * are numbers of this machine; among Podman's descriptors they are the container's, and hpid is the
 * machine's.
 */
#ifndef ENGINE_TOP_H
#define ENGINE_TOP_H

#include <stdbool.h>
#include <stddef.h>

struct container_row;
struct err;
struct store;

struct top {
	char ***cells; /* lines, each NULL-terminated; the first is the header */
	size_t n_lines;
	bool is_podman; /* by descriptors: narrower columns */
};
void top_deinit(struct top *t);

/* args: what follows the container's name. "container ID is not running", "ps: ...". */
int container_top(struct store *s, const struct container_row *row, char *const *args, size_t n,
	struct top *t, struct err *e);
/* Podman's descriptors, NULL-terminated. */
const char *const *top_descriptors(void);

/* engine/top_columns.c; for engine/top.c */
struct members;
struct top_columns;
/* The columns of ps -ef, or (names not NULL) of these descriptors; NULL where one is unknown. */
struct top_columns *top_columns_new(const struct container_row *row, char *const *names, size_t n);
void top_columns_free(struct top_columns *c);
void top_columns_fill(struct top_columns *c, const struct members *m, struct top *t);

#endif
