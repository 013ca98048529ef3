/* pull_transport: an image from a file or folder that a transport names (registry/transport.h), by
 * the way of `load`: an unpacker reads it, policy.json is asked, moss commits it. */
#ifndef ENGINE_TRANSFER_PULL_TRANSPORT_H
#define ENGINE_TRANSFER_PULL_TRANSPORT_H

#include <jansson.h>

struct err;
struct image;
struct pull_options;
struct store;
struct transport;

/* *out is the image; NULL: not wanted. Of the options platform, signature_policy, quiet,
 * progress_fd (where a line for each name of the image goes) and pulled count: that is set to the
 * first name that the image was given, and left alone where it was given none. */
int image_pull_transport(struct store *s, const char *typed, const struct pull_options *o,
	struct image *out, struct err *e);

/* "select" of an unpacker's archive job (engine/transfer/proto.h). New reference. */
json_t *transport_selection(const struct transport *t);

#endif
