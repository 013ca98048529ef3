/* unpack_role: what the files of the unpack role share. */
#ifndef ENGINE_TRANSFER_UNPACK_ROLE_H
#define ENGINE_TRANSFER_UNPACK_ROLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct share_index;
struct stream_result;

struct unpack_request {
	int sock;
	const json_t *job;
	int fds[8];
	size_t n_fds;
	bool is_single_id;
};

/* Each answers a job: a new reference to the reply, or NULL with e set. */
json_t *unpack_assemble_job(const struct unpack_request *q, struct err *e);
json_t *unpack_archive_job(const struct unpack_request *q, struct err *e);
json_t *unpack_measure_job(const struct unpack_request *q, struct err *e);
json_t *unpack_commit_job(const struct unpack_request *q, struct err *e);
json_t *unpack_describe_job(const struct unpack_request *q, struct err *e);
json_t *unpack_layout_job(const struct unpack_request *q, struct err *e);
/* unpack_blobs.c */
json_t *unpack_top_job(const struct unpack_request *q, struct err *e);
json_t *unpack_blobs_job(const struct unpack_request *q, struct err *e);
json_t *unpack_sum_job(const struct unpack_request *q, struct err *e);

/* A manifest or index with its known keys. New reference; NULL with e set. *media_type is owned. */
json_t *unpack_describe(const void *bytes, size_t n, const char *announced, char **media_type,
	bool *is_index, struct err *e);

/* The whole document of a job (its first descriptor), of at most max bytes, compared with what the
 * job says of it ("digest", "size"). */
int unpack_read_document(const struct unpack_request *q, size_t max, struct buf *out,
	char digest[72], struct err *e);

void unpack_send_progress(const struct unpack_request *q, int64_t bytes);
/* Of one layer of several: its number, and its diff ID where that is known (else NULL). size: 0 =
 * not known. */
void unpack_send_layer_progress(const struct unpack_request *q, int64_t layer, const char *diff_id,
	int64_t bytes, int64_t size);
json_t *unpack_check_job(const struct unpack_request *q, struct err *e);
json_t *unpack_link_job(const struct unpack_request *q, struct err *e);

/* Of the layers that came with the request as its third descriptor; NULL where none did. */
struct share_index *unpack_share_index(const struct unpack_request *q);

/* "sha256:<hex>" of bytes in memory. */
void digest_of(const void *p, size_t n, char text[72]);

/* Reads the whole document in the first descriptor and compares it with what the job says of it. */
struct buf;
int unpack_read_document(const struct unpack_request *q, size_t max, struct buf *out,
	char digest[72], struct err *e);
/* Signatures of an image (unpack_signature.c). */
json_t *unpack_signatures_job(const struct unpack_request *q, struct err *e);
json_t *unpack_verify_job(const struct unpack_request *q, struct err *e);

#endif
