/* commit_base: what a container's new layer stands on, and what of its folder is moss's own. */
#ifndef ENGINE_COMMIT_BASE_H
#define ENGINE_COMMIT_BASE_H

#include "storage/image.h"

struct container_row;
struct err;
struct store;
struct strv;

/* The container's image with all the layers below its writable one: the image's, then the
 * container's own (storage/upper.h). Where the image's record is gone (rmi -f), id is "" and the
 * config "{}". image_deinit frees it. */
int commit_base_load(
	struct store *s, const struct container_row *row, struct image *out, struct err *e);

/* What moss made in the folder to mount on, as paths to drop where they are empty: Docker keeps
 * these in a layer of its own, which it does not commit. /etc is among them where it is as it was
 * below: then it is there only for their sake. */
void commit_drop_list(
	struct store *s, const char *folder, const struct image *base, struct strv *out);

#endif
