/* parts: what has arrived of blobs, kept over interruptions, in the folder parts of the data root:
 *
 *	<digest>        the bytes, from the first on without a gap; its lock is that of the blob
 *	<digest>.sums   checksums of them (registry/part_sums.h)
 *	<digest>.done, <digest>.layer   what has been made of them (engine/transfer/kept_layer.h)
 *
 * All are opened only under the lock of the part file (open file description, so it ends with its
 * holder's last copy of the descriptor). A second pull of the same blob waits for the lock and then
 * looks into the store before it downloads. Whoever wants several takes the locks in the order of
 * the digests and keeps them to the end: no circle of waiters.
 *
 * They go when the blob is used; when nobody has touched them for a week; when a pull needs their
 * room (parts_clear); and when the user prunes.
 */
#ifndef REGISTRY_PARTS_H
#define REGISTRY_PARTS_H

#include <stdint.h>

struct err;

enum parts_result { PARTS_BUSY = -1000 };

/* The folder, made where it is missing; removes part files that nobody has touched for a week. A
 * descriptor. */
int parts_open(int root_fd, struct err *e);
/* The locked part file (made where it is missing), PARTS_BUSY (e untouched), or a negative
 * errno. */
int parts_take(int parts_fd, const char *digest, struct err *e);
/* The file of checksums of a part whose lock is held, made where it is missing; -1 where it cannot
 * be had, which harms nothing. */
int parts_sums(int parts_fd, const char *digest);
/* Forgets all files of the blob: its bytes were used. The lock lives on with the descriptor. */
void parts_drop(int parts_fd, const char *digest);

/* Removes what nobody holds: room on a full disk. The bytes that were freed. Unpacked layers
 * (folders) stay without their part file: see kept_layers_sweep. */
int64_t parts_clear(int parts_fd);

#endif
