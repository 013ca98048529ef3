/* What the files of `pull` share: the run (pull.c), and what a reference stands for (pull_find.c).
 */
#ifndef ENGINE_TRANSFER_PULL_INTERNAL_H
#define ENGINE_TRANSFER_PULL_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/transfer/fetcher.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"

struct err;
struct progress;
struct store;

/* One run of `pull`: a repository, its fetcher, and what is printed. */
struct pull {
	struct store *store;
	const struct pull_options *options;
	struct platform platform;
	struct fetcher fetcher;
	struct unpacker spare; /* started while we wait for something else */
	struct progress *progress;
	int parts_fd;
};

/* What became of one reference before its layers are fetched. */
struct pull_found {
	struct reference ref;
	char *top_digest; /* of what the tag names: an index or a manifest */
	struct fetched_manifest manifest; /* of our platform */
	char *config_digest, *config_type;
	int64_t config_size;
	json_t *layers; /* as the unpacker checked them */
	int config_fd; /* exact bytes */
	char *config_json; /* as the unpacker wrote it */
	json_t *diff_ids;
};

#define auto_pull_found __attribute__((cleanup(pull_found_deinit))) struct pull_found
#define PULL_FOUND_INIT ((struct pull_found){.manifest.fd = -1, .config_fd = -1})
void pull_found_deinit(struct pull_found *f);

/* f->manifest, which has been fetched, and where it is an index the manifest of our platform. */
int pull_find_manifest(struct pull *p, struct pull_found *f, struct err *e);
int pull_get_config(struct pull *p, struct pull_found *f, struct err *e);
/* A failure is no failure yet: whoever needs an unpacker tries again. */
void pull_start_spare(struct pull *p);
/* Owned. */
char *pull_name_at_digest(const struct reference *ref, const char *digest);
int pull_invalid_answer(struct err *e);

#endif
