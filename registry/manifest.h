/* manifest: image manifests, indexes and configs: read strictly, so that two readers cannot take
 * one document for two things (CVE-2021-41190, CVE-2024-3727).
 *
 * Understood: OCI image manifest and index, Docker schema 2 manifest and manifest list. A document
 * with both `layers` and `manifests`, duplicate keys, a media type that is not what the registry
 * announced, a digest that is not "sha256:" and 64 lower-case hex digits, or a negative size is
 * refused. Pure functions over bytes in memory; no file, no network.
 */
#ifndef REGISTRY_MANIFEST_H
#define REGISTRY_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { MANIFEST_LAYERS_MAX = 500, INDEX_ENTRIES_MAX = 4096 };

struct descriptor {
	char *media_type;
	char *digest;
	int64_t size;
};
void descriptor_deinit(struct descriptor *d);

struct wanted_platform {
	const char *os, *architecture, *variant; /* variant may be NULL */
};

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };

struct manifest {
	enum manifest_kind kind;
	char *media_type;
	struct descriptor config; /* MANIFEST_IMAGE */
	struct descriptor *layers; /* bottom first */
	size_t n_layers;
	struct descriptor *entries; /* MANIFEST_INDEX: all of them */
	json_t *platforms; /* array beside entries: object or null */
	size_t n_entries;
};
void manifest_deinit(struct manifest *m);
#define auto_manifest __attribute__((cleanup(manifest_deinit))) struct manifest

/* Of a layer that its manifest allows to be absent from the registry ("urls"). */
bool layer_type_is_foreign(const char *media_type);
/* Of a tar, which every engine unpacks, and which the registry has. */
bool layer_type_is_plain(const char *media_type);

/* media_type: as the registry said, or NULL. -EBADMSG for what is malformed, -ENOTSUP for what is
 * well-formed but no image (artifacts, schema 1). */
int manifest_parse(
	const void *bytes, size_t len, const char *media_type, struct manifest *out, struct err *e);
/* The same, and artifacts: the types of config and layers may be anything. */
int manifest_parse_any(
	const void *bytes, size_t len, const char *media_type, struct manifest *out, struct err *e);
/* -ENOTSUP where a manifest with such a config is no image's. */
int manifest_check_image(const char *config_type, struct err *e);
/* The best entry of an index for the platform; where none fits -ENOTSUP with Docker's words, and
 * with those that are there as the hint. */
int manifest_choose(const struct manifest *index, const struct wanted_platform *want,
	const struct descriptor **out, struct err *e);

/* Checks an image config and gives it back with the keys we know, each of the right type (new
 * reference; NULL with e set). n_layers < 0: any number; else what rootfs.diff_ids must have. */
json_t *image_config_parse(const void *bytes, size_t len, int n_layers, struct err *e);

#endif
