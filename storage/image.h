/* image: images, their names and their layers.
 *
 * An image's id is the digest of its config ("sha256:<hex>"), as in Docker's classic store. The
 * config column is the image config as a confined process wrote it: parsed, of checked types and
 * sizes (engine/transfer/proto.h), so that moss itself never parses foreign JSON. Names are
 * normalised references: "docker.io/library/debian:12"; digests
 * "docker.io/library/debian@sha256:…".
 */
#ifndef STORAGE_IMAGE_H
#define STORAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;
struct strv;

/* The year 1, the zero of Go's times: what builders write that do not tell the time. */
#define IMAGE_CREATED_NEVER INT64_MIN

struct image {
	char *id; /* "sha256:<hex>" */
	char *config; /* JSON: OCI image config, validated */
	/* Of the name it was found by (image_find), else its own (storage/image_manifest.h); may be
	 * NULL (loaded from a docker-archive). */
	char *manifest_digest;
	int64_t size; /* bytes of all its layers unpacked */
	int64_t created_ns; /* from the config; 0 = not told, or IMAGE_CREATED_NEVER */
	int64_t tagged_ns; /* when the user last gave it a name; 0 = never (pulled, loaded) */
	char **names; /* normalised, tagged; NULL-terminated */
	char **digests; /* normalised name@digest */
	char **name_manifests; /* what each of the names leads to; an entry may be NULL */
	char **digest_manifests; /* likewise */
	char **manifests; /* all that it is known by; NULL-terminated, sorted */
	char **layer_ids; /* layers.id, bottom first */
	char **diff_ids; /* "sha256:…", bottom first */
	int64_t *layer_sizes; /* bytes of each one's regular files */
	char *parent; /* id of what a commit or a build step made it from; NULL: not made here */
	int64_t n_containers; /* made from it; of image_list only */
	size_t n_layers;
};
void image_deinit(struct image *i);
/* The text of a config ("created", also of a step of its history) as nanoseconds since 1970. */
int64_t image_created_parse(const char *text);
/* Seconds since 1970, for the times of files that are made of it: never before that. */
int64_t image_created_s(const struct image *i);

/* One unpacked layer that is not yet recorded: a staging folder holding diff/ and tar-split. */
struct layer_new {
	const char *diff_id;
	const char *staged_path; /* NULL: the layer is in the store already */
	/* The staged path is parts/<kept_digest>.layer, and the folder goes back there where no
	 * record is made of it; NULL = it goes to the trash then. */
	const char *kept_digest;
	int64_t size; /* bytes of its regular files */
	const char *blob_digest; /* compressed digest it came from; may be NULL */
	int64_t blob_size;
	const char *media_type;
	const char *blob_made; /* storage/layer_blob.h; NULL = it came from elsewhere */
	/* A stopped container whose writable folder becomes this layer's diff/ (storage/upper.h):
	 * the staged diff/ is its new one. The alive lock is the caller's. NULL = none. */
	const char *container_id;
};

/* By diff id. Its layers.id (owned) or NULL with ROW_ABSENT; ROW_OK. */
int layer_find(struct store *s, const char *diff_id, char **layer_id, struct err *e);
/* By the digest of the compressed blob it was once unpacked from. */
int layer_find_by_blob(struct store *s, const char *blob_digest, char **diff_id, struct err *e);

/* Makes an image visible: syncs, renames the staged layers into place, and records image, layers,
 * name (may be NULL) and digest reference in one FULL transaction. A name that another image had
 * moves. manifest and config are the exact bytes, kept as blobs; the names lead to that manifest.
 * A manifest that comes without a name is for the name that image_tag gives next. */
int image_commit(struct store *s, const char *id, const char *config_json, const void *config_bytes,
	size_t config_len, const void *manifest, size_t manifest_len, const char *manifest_digest,
	const struct layer_new *layers, size_t n_layers, const char *name, const char *digest_ref,
	struct err *e);

/* Resolves what a user typed, in Docker's order: a whole id (with or without "sha256:"), a name
 * (normalised by the caller as `reference`, may be NULL), a unique prefix of an id. Found by a
 * name, manifest_digest is that name's. ROW_OK, ROW_ABSENT, ROW_AMBIGUOUS. */
int image_find(struct store *s, const char *typed, const char *reference, struct image *out,
	struct err *e);
/* All, newest first, as they were at one moment. */
int image_list(struct store *s, struct image **out, size_t *n, struct err *e);
void image_list_free(struct image *list, size_t n);
/* Whether an image was made from it: 1, 0, -errno. */
int image_is_parent(struct store *s, const char *id, struct err *e);
/* Whether one of the list was made from the image of that id. */
bool image_has_children(const struct image *list, size_t n, const char *id);
/* The user has given it a name. */
int image_set_tagged(struct store *s, const char *id, struct err *e);
/* The name moves from whoever had it. manifest: what it leads to; NULL, or one that the image has
 * no more = its own. Within a transaction store_settle is due after it. */
int image_tag(
	struct store *s, const char *id, const char *name, const char *manifest, struct err *e);
/* Removes a name or digest reference; image_manifests_settle is due when all that are to go have
 * gone. ROW_OK, ROW_ABSENT. */
int image_untag(struct store *s, const char *name, struct err *e);
/* Removes the image's record with all names; unused layers go, their files are moved to trash/ and
 * purged by image_purge. deleted receives "sha256:…" of what went (image id, then the chain ids of
 * its layers, top first; of layers that others have, nothing). */
/* was: the image with the names it had, for the trash, where the store keeps (storage/keep.h): then
 * layers and files stay there, but are in `deleted` like others. NULL: it keeps nothing. */
int image_delete(struct store *s, const char *id, const struct image *was, char ***deleted,
	size_t *n, struct err *e);
/* Containers (ids, with their state) that use the image. */
int image_users(
	struct store *s, const char *id, char ***ids, char ***states, size_t *n, struct err *e);

#endif
