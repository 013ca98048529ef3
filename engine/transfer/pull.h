/* pull: joins registry to storage. Runs in moss: starts fetcher and unpackers, moves no foreign
 * byte itself, commits what they verified. */
#ifndef ENGINE_TRANSFER_PULL_H
#define ENGINE_TRANSFER_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/transfer/progress.h"

struct err;
struct image;
struct store;
struct strv;
struct transport;

enum pull_tls {
	PULL_TLS_DEFAULT = 0, /* HTTPS and verified; plain HTTP for a registry on loopback */
	PULL_TLS_VERIFY = 1, /* --tls-verify: HTTPS only */
	PULL_TLS_INSECURE = 2, /* --tls-verify=false: not verified, or plain HTTP */
};

struct pull_options {
	const char *platform; /* "linux/arm64/v8"; NULL = $DOCKER_DEFAULT_PLATFORM, else ours */
	enum pull_tls tls;
	const char *config_dir; /* docker client config; NULL = $DOCKER_CONFIG or ~/.docker */
	const char *authfile; /* registry/credentials.h; NULL = by its rules */
	const char *creds; /* "user:password"; NULL = looked up */
	const char *cert_dir; /* NULL = certs.d folders */
	enum progress_style progress;
	int progress_fd; /* 1 for pull, 2 for run and create */
	bool quiet; /* no progress and no status lines */
	bool has_retries; /* retries is given */
	int64_t retries;
	int64_t retry_delay_ms; /* 0 = default */
	bool is_place; /* registries.conf has been asked (engine/transfer/places.h) */
	const char *signature_policy; /* registry/policy.h; NULL = by its rules */
	/* Asks the user which of several names a short one means: an index, PULL_CHOOSE_CANNOT (no
	 * terminal), or a negative errno. NULL: nobody can be asked. */
	int (*choose)(const char *typed, const struct strv *names, struct err *e);
	char **pulled; /* gets the full name the image was recorded under (owned); may be NULL */
};
enum { PULL_CHOOSE_CANNOT = 1 << 20 };

/* Pulls `typed` (":latest" where it has neither tag nor digest) from the first of its places
 * (engine/transfer/places.h) that gives it, and commits it. *out is the image,
 * *was_new tells whether the name got a new image; both may be NULL. Prints Docker's lines down to
 * "Status: ..." to progress_fd. */
int image_pull(struct store *s, const char *typed, const struct pull_options *o, struct image *out,
	bool *was_new, struct err *e);
/* Every tag of the repository `typed`, which has no tag or digest itself. */
int image_pull_all(struct store *s, const char *typed, const struct pull_options *o, struct err *e);

struct load_source {
	int fd; /* the archive, maybe a pipe; or a folder: oci-dir, docker-dir */
	const char *path; /* its name, for the signature policy; NULL = stdin */
	/* Images of others are passed over, and one there must be; NULL = all images, and of an
	 * index the one for this machine. */
	const char *platform;
	const char *signature_policy; /* as in pull_options */
	const struct transport *transport; /* only this image of it; NULL = all */
	struct strv *ids, *names; /* get those of the images, the names in full; may be NULL */
};
/* docker-archive or oci-archive, any compression. progress (NULL = none) shows the layers; lines
 * receives "Loaded image: x" / "Loaded image ID: sha256:…". An image that the policy rejects is not
 * committed (engine/transfer/admit.h). */
int image_load(struct store *s, const struct load_source *from, struct progress *progress,
	struct strv *lines, struct err *e);

#endif
