/* copy: `moss cp`.
 *
 * Theory of operation
 *
 * Two processes share the work, and neither can do the other's. One sees the container's files and
 * nothing else (engine/rootview.h, engine/copy_inside.c). The other is the command itself: it is
 * the user, has the user's files, and never opens a name of the container's. They exchange entries
 * (engine/copy_wire.h): what a tar header would say, and beside it the descriptor of a regular
 * file, opened by the side it belongs to and checked to be one. So content goes from file to file
 * within the kernel (shared blocks, copy_file_range), and what the container renames, replaces or
 * links meanwhile changes at most which of its own files is read, or where in it is written.
 *
 *   out of it   the command asks for the entries and puts them below a folder it has opened
 *               (storage/place.h with PLACE_BENEATH): names that climb, links that lead out and
 *               everything that is not below the asked name are errors
 *   into it     the command walks its own tree (storage/pack.h); the other side opens the
 *               destination in the container's root and places there
 *   between     the command passes entries on from one container's process to the other's
 *   -           a tar stream is read or written by the side that sees the container; where it is
 *               compressed, moss-unpack stands in between
 *
 * Where things go is Docker's table (engine/copy_plan.h). It is made from what both sides say is
 * there; if that has changed when the copying begins, the placing side notices (a folder in place
 * of a file is an error, not a surprise).
 *
 * Killed at any point, it leaves on the host what was complete by then (without O_TMPFILE, and in a
 * container, also at most one new file that is not), beside what was being replaced nothing, and no
 * process or mount. (In a container that does not run, of the driver fuse-overlayfs, a name
 * ".moss-cp.*" can stay.)
 */
#ifndef ENGINE_COPY_H
#define ENGINE_COPY_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

struct copy_options {
	bool follow_link; /* -L: of the source */
	bool archive; /* -a: into a container, owned by its user */
	bool overwrite; /* a folder may take a file's place, and the reverse */
	/* Bytes so far, as a tar archive would have them; may be NULL. */
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
};

struct copy_result {
	char *to; /* owned: "c:/path" or the host's path, as Docker names it at the end */
	uint64_t bytes;
	uint64_t devices_left_out;
	bool is_stream; /* to or from "-" */
};
void copy_result_deinit(struct copy_result *r);

/* Docker's checks of a file of the host's that is to be written, before anything else is done. */
int copy_check_output(const char *path, struct err *e);

/* src, dst: as typed, "CONTAINER:PATH", a path, or "-". Errors are Docker's. */
int copy_run(struct store *s, const char *src, const char *dst, const struct copy_options *o,
	struct copy_result *out, struct err *e);

#endif
