/* assemble: layers of the store as the exact tars they came from, made by unpackers. */
#ifndef ENGINE_TRANSFER_ASSEMBLE_H
#define ENGINE_TRANSFER_ASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;
struct unpacker;

struct assemble_job {
	const char *layer_id; /* layers.id */
	const char *diff_id; /* what the tar must be */
	const char *compression; /* "none", "gzip" or "zstd" */
	bool has_level;
	int level; /* of the compression; without: storage/compress.h's */
};

struct assembled {
	char digest[72]; /* of what was written */
	int64_t size;
};

/* Writes one layer to fd (a pipe or a file; at its position) and waits. An error names the layer
 * by its diff ID; what has been written then is of no use. */
int layer_assemble(struct store *s, const struct assemble_job *job, int fd, struct assembled *out,
	struct err *e);
/* Many layers, side by side on the processors that there are, each to what `open` gives for it
 * (then closed here). The first error ends all. */
struct assemble_many {
	const struct assemble_job *jobs;
	struct assembled *got; /* one for each */
	size_t n;
	int (*open)(void *arg, size_t i, struct err *e);
	void *arg;
};
int layers_assemble(struct store *s, const struct assemble_many *m, struct err *e);
/* One that is waited for together with other things: it is running in *u, which is the caller's to
 * stop. Once u->sock is readable, _next takes a message. 1 = it goes on; 0 = the end: *u is
 * stopped. */
int layer_assemble_start(
	struct store *s, const struct assemble_job *job, int fd, struct unpacker *u, struct err *e);
int layer_assemble_next(
	struct unpacker *u, const char *diff_id, struct assembled *out, struct err *e);
/* The lengths of the plain tars of these layers, before any is made. */
int layers_measure(
	struct store *s, char *const *layer_ids, size_t n, int64_t *sizes, struct err *e);

#endif
