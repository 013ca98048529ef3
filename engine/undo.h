/* undo: what `moss undo` shows and does with what storage/keep.h keeps. */
#ifndef ENGINE_UNDO_H
#define ENGINE_UNDO_H

#include <stddef.h>
#include <stdint.h>

#include "storage/keep.h"

struct err;
struct store;
struct strv;

/* How many bytes would be free without it: of a container and a volume its files, of an image the
 * layers that nothing else holds. sizes[n]. Enters the user namespace, once. */
int undo_sizes(
	struct store *s, const struct trash_row *rows, size_t n, int64_t *sizes, struct err *e);

/* The one that was typed: an id, a prefix of one (of 4 or more digits), a name (of an image also
 * its short form); of several of a name the newest. NULL where there is none. Borrowed. */
const struct trash_row *undo_find(const struct trash_row *rows, size_t n, const char *typed);
/* As it is shown: "debian:12"; "<none>:<none>" of an image without a name. Owned. */
char *undo_shown(const struct trash_row *t);

/* Brings it back, volumes of a container that went to the trash first; `lines` receives what came
 * back, the last the one that was asked for. new_name: as typed, NULL = its own. */
int undo_restore(struct store *s, const struct trash_row *rows, size_t n, const struct trash_row *t,
	const char *new_name, struct strv *lines, struct err *e);

/* After a removal, to a user who looks (not to a script): what is kept, until when, how to free it.
 * Nothing where stderr is no terminal, or "trash-note" in config.json is false. */
void undo_note(struct store *s);

#endif
