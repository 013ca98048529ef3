/* save_output: where save and system export put what they write. */
#ifndef CMD_SAVE_OUTPUT_H
#define CMD_SAVE_OUTPUT_H

#include <stddef.h>

struct err;
struct save_item;
struct save_options;
struct store;

/* Writes an archive to path (NULL or empty = stdout), or a folder that is not there yet or empty.
 * Under another name beside it until it is whole; after an error nothing is left. A pipe or device
 * is written to as it is. */
int save_output(struct store *s, const char *path, const struct save_item *items, size_t n,
	const struct save_options *o, struct err *e);

#endif
