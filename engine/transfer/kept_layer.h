/* kept_layer: a layer that a pull has unpacked and verified, while the image's other layers are
 * still on their way: parts/<digest>.layer (diff, tar-split), named by the digest of its compressed
 * bytes, and parts/<digest>.done, which says what it is.
 *
 * A pull that is killed leaves it to the next one, which then neither fetches nor unpacks it again;
 * also when that happens within the commit (storage/intent.h puts it back). It is believed in the
 * boot in which it was made, for nothing of it was synced; the part file is kept beside it until
 * the commit begins.
 *
 * All under the lock of the part file (registry/parts.h).
 */
#ifndef ENGINE_TRANSFER_KEPT_LAYER_H
#define ENGINE_TRANSFER_KEPT_LAYER_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;
struct strv;

struct kept_layer {
	const char *digest; /* of the compressed bytes */
	const char *diff_id;
	int64_t size; /* bytes of its files */
};

/* Keeps what is in the staging folder *path, whose staging ends; *path is its new place. */
int kept_layer_put(struct store *s, const struct kept_layer *k, const struct strv *warnings,
	char **path, int *stage_lock, struct err *e);
/* k->digest and k->diff_id are given. ROW_OK: k->size, *path (owned) and warnings are set;
 * ROW_ABSENT: there is none that can be used (one of another boot goes to the trash). */
int kept_layer_find(struct store *s, struct kept_layer *k, struct strv *warnings, char **path);
/* To the trash, if it is there; the part file stays. */
void kept_layer_drop(struct store *s, const char *digest);
/* Drops it where it still waits for files of other layers (engine/share.h): for where those are
 * gone. */
void kept_layer_drop_incomplete(struct store *s, const char *digest);
/* Everything that interrupted pulls have kept, parts and layers, goes; what pulls that run hold
 * stays. The bytes of the disk; s->freed counts them, too, where the store counts. */
int64_t kept_downloads_clear(struct store *s);
/* Is there any such thing? */
bool kept_downloads_any(const struct store *s);
/* Drops those whose part file is gone (registry/parts.h removes only files). */
void kept_layers_sweep(struct store *s, int parts_fd);

#endif
