/* pull: joins registry to storage. Runs in moss: starts fetcher and unpackers, moves no foreign
 * byte itself, commits what they verified. */
#ifndef ENGINE_TRANSFER_PULL_H
#define ENGINE_TRANSFER_PULL_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct image;
struct store;

enum progress_style { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };

struct pull_options {
	const char *platform;   /* "linux/arm64/v8"; NULL = ours */
	int tls_verify;         /* 1, 0, -1 = default: verify; plain HTTP for loopback only */
	const char *config_dir; /* docker client config; NULL = $DOCKER_CONFIG or ~/.docker */
	enum progress_style progress;
	int progress_fd;        /* 1 for pull, 2 for run and create */
	bool quiet;
};

/* Pulls `typed` and commits it; *out is the image; *was_new whether anything changed. */
int image_pull(struct store *s, const char *typed, const struct pull_options *o, struct image *out,
	bool *was_new, struct err *e);

/* docker-archive or oci-archive, any compression, from fd (may be a pipe). lines receives
 * "Loaded image: x" / "Loaded image ID: sha256:…". */
struct strv;
int image_load(struct store *s, int fd, bool quiet, struct strv *lines, struct err *e);

#endif
