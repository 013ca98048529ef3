/* What the files of copy share: the ends (copy_host.c: the user's files; copy_container.c: a
 * container's), streams (copy_stream.c), the copying itself (copy.c). */
#ifndef ENGINE_COPY_INTERNAL_H
#define ENGINE_COPY_INTERNAL_H

#include "engine/copy.h"
#include "engine/copy_plan.h"
#include "engine/copy_wire.h"
#include "engine/rootview.h"
#include "storage/db/container_row.h"

/* A container as one end, with its process. */
struct copy_side {
	const char *name; /* as typed */
	struct container_row row;
	struct rootview view;
	struct wire wire;
};

/* ---- copy_host.c ---- */

int host_source(const char *typed, bool follow, struct copy_end *out, struct err *e);
int host_destination(const char *typed, struct copy_end *out, struct err *e);
/* Absolute, with the ending of the typed one. Owned. */
char *host_path(const char *typed);

/* ---- copy_container.c ---- */

int side_open(struct store *s, const char *name, struct copy_side *side, struct err *e);
/* Config.User, "" where it has none. Owned. */
char *side_user(const struct copy_side *side);
/* The end of the process; r: how it went so far. */
int side_close(struct copy_side *side, int r, struct err *e);
int side_source(
	struct copy_side *side, const char *path, bool follow, struct copy_end *out, struct err *e);
int side_destination(struct copy_side *side, const char *path, struct copy_end *out, struct err *e);
/* Waits for one kind of message; an error of the other side's is the result. */
int side_expect(struct copy_side *side, enum wire_kind kind, struct err *e);
/* After sending failed: what the other side has to say. */
int side_lost(struct copy_side *side, int r, struct err *e);

/* ---- copy_stream.c ---- */

int copy_to_stdout(struct copy_side *side, const char *path, struct err *e);
/* user: as in engine/copy_wire.h. */
int copy_from_stdin(struct store *s, struct copy_side *side, const char *folder, const char *user,
	const struct wire_request *request, struct copy_result *out, struct err *e);

#endif
