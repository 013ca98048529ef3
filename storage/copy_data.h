/* copy_data: the content of one file into another, the fastest way there is: shared blocks where
 * the file system has them, else copy_file_range within the kernel, else through a buffer. Holes
 * stay holes.
 */
#ifndef STORAGE_COPY_DATA_H
#define STORAGE_COPY_DATA_H

#include <sys/types.h>

struct err;

/* from: open for reading, at least `size` bytes long (one that has become shorter is filled up with
 * a hole). to: empty, open for reading and writing. Errors have no name in front. */
int copy_data(int from, int to, off_t size, struct err *e);

#endif
