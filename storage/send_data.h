/* send_data: the content of a file of an archive into a stream, moved by the kernel where it can
 * (sendfile). */
#ifndef STORAGE_SEND_DATA_H
#define STORAGE_SEND_DATA_H

struct err;
struct tar_entry;

/* en->stored bytes (the pieces of a sparse file) of fd to out; a file that has become shorter is
 * filled up with zeros. */
int send_data(const struct tar_entry *en, int fd, int out, struct err *e);

#endif
