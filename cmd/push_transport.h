/* push_transport: `push` and `manifest push` into a file or folder that a transport names. */
#ifndef CMD_PUSH_TRANSPORT_H
#define CMD_PUSH_TRANSPORT_H

#include <stdbool.h>

struct cmd_call;
struct err;
struct image;
struct manifest_list;
struct push_opts;
struct push_options;

/* typed, name: the destination, and what the image was called. compress: --compress. */
struct push_transport {
	const char *typed, *name;
	bool compress;
};
/* o: as push_opts_read gave them. Prints a line with the digest, and writes the --digestfile. */
int push_transport(struct cmd_call *call, const struct push_transport *p, const struct push_opts *a,
	const struct push_options *o, const struct image *image, struct err *e);

/* A list with its members (list_only: without them), of which the name in p says nothing. Prints
 * its digest. The entries of `l` get the digests with which its members are written. */
int push_transport_list(struct cmd_call *call, const struct push_transport *p,
	const struct push_opts *a, struct manifest_list *l, bool list_only, struct err *e);

#endif
