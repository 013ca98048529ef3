/* import: a tar of a file system becomes an image of one layer. */
#ifndef ENGINE_IMPORT_H
#define ENGINE_IMPORT_H

struct err;
struct store;
struct strv;

struct import_options {
	int fd; /* what to read: plain tar, gzip, bzip2, xz, zstd; the caller's; -1 = the URL's */
	const char *source; /* what was named: a file, "-", or the URL */
	const char *signature_policy; /* engine/transfer/admit.h; NULL = by its rules */
	const char *message; /* NULL = none */
	const struct strv *changes; /* engine/commit_change.h */
	const char *os, *architecture, *variant;
	const char *name; /* full reference; NULL = none */
};

/* id: "sha256:<hex>". What the unpacker has to say is printed as warnings. */
int image_import(struct store *s, const struct import_options *o, char id[72], struct err *e);

#endif
