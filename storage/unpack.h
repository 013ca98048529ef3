/* unpack: one layer from its compressed bytes to diff/ and tar-split in a staging folder.
 *
 * Runs in the confined unpacker, inside the user namespace. Only moss-unpack links it. On failure
 * the staging folder holds leftovers, which its maker removes.
 */
#ifndef STORAGE_UNPACK_H
#define STORAGE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct err;
struct share_index;
struct stream_source;

/* What is known beforehand; NULL and -1: not checked. */
struct unpack_job {
	const char *digest; /* of the compressed bytes */
	int64_t size; /* of them */
	const char *diff_id; /* of the tar */
	bool is_single_id; /* the user namespace has one id: owners are squashed */
	const struct share_index *share; /* storage/share.h; NULL = nothing is shared */
	/* Called now and then with the compressed bytes that are dealt with; may be NULL. */
	void (*progress)(void *arg, int64_t bytes);
	void *progress_arg;
};

struct unpack_result {
	char digest[72];
	char diff_id[72];
	int64_t compressed_size;
	int64_t size; /* bytes of regular files */
	struct strv warnings;
};
void unpack_result_deinit(struct unpack_result *r);

/* Is it what is known of it? 0, or -EBADMSG. */
int unpack_check(const struct unpack_job *job, const char *digest, int64_t compressed_size,
	const char *diff_id, struct err *e);
/* data_fd: a file or a pipe, read to its end. -EBADMSG where the data is not what it should be. */
int unpack_layer(int data_fd, int stage_fd, const struct unpack_job *job, struct unpack_result *out,
	struct err *e);
int unpack_layer_from(const struct stream_source *from, int stage_fd, const struct unpack_job *job,
	struct unpack_result *out, struct err *e);

#endif
