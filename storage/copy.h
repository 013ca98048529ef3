/* copy: a tree of files into another, as it is: owners, modes, times, extended attributes, hard
 * links, holes, device nodes where they may be made; contents by reflink where the file system
 * has them. Runs inside the user namespace. Neither tree is followed out of itself: every name is
 * opened relative to its folder, without following links.
 */
#ifndef STORAGE_COPY_H
#define STORAGE_COPY_H

struct err;

enum copy_flags {
	COPY_PLAIN = 0, /* volume copy-up; what stands in the way is replaced */
	COPY_LAYER = 1, /* whiteouts (char 0/0) and opaque folders of the source are obeyed */
	COPY_MARKS = 2, /* a writable layer, perhaps in use: its marks are copied, too, and what
			   vanishes meanwhile is passed over */
};

/* Copies what is in the folder from_fd, and its own owner, mode, times and attributes, into the
 * folder to_fd. */
int copy_tree(int from_fd, int to_fd, enum copy_flags flags, struct err *e);
/* Owner, mode, times and extended attributes of one open file or folder. */
int copy_attributes(int from_fd, int to_fd, struct err *e);

#endif
