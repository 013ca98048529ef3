/* parse_mount: `-v`, `--mount` and `--tmpfs` as Docker reads them. Text only: nothing here looks at
 * the file system, but for the working directory that relative bind sources are resolved against.
 *
 * Status 125 on errors that Docker's client reports; those of its daemon have none (create: 1).
 */
#ifndef ENGINE_PARSE_MOUNT_H
#define ENGINE_PARSE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum mount_type { MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS, MOUNT_IMAGE, MOUNT_RAMFS, MOUNT_DEVPTS };
enum mount_origin {
	MOUNT_FROM_V,
	MOUNT_FROM_FLAG,
	MOUNT_FROM_TMPFS,
	MOUNT_FROM_IMAGE,
	MOUNT_FROM_OTHER, /* --volumes-from: gives way to every other */
};

struct mount_spec {
	enum mount_type type;
	enum mount_origin origin;
	char *source; /* absolute path, volume name, image, or NULL (anonymous, tmpfs) */
	char *target; /* absolute and clean */
	char *mode; /* -v: the options as typed; "" */
	char *propagation; /* "rprivate" ... or NULL */
	char *tmpfs_options; /* --tmpfs: the options as typed; may be NULL */
	bool read_only, nocopy, non_recursive, make_source;
	bool read_only_top; /* only the mount itself, not those below it */
	bool read_only_all; /* mounts below it too, or fail */
	int64_t tmpfs_size; /* bytes, 0 = not given */
	uint32_t tmpfs_mode;
	bool has_tmpfs_mode;
	char *consistency;
	char *driver;
	char *subpath; /* of a volume or an image */
	char *flags; /* "nodev,noexec": further words for the mount itself; or NULL */
	char *upper, *work; /* O,upperdir=,workdir= */
	bool chown; /* U: the files are given to the container's user */
	bool overlay; /* O: written to a layer of the container's own */
	bool fill; /* tmpfs: with what the image has there */
	bool glob; /* the source is a pattern: one mount below target for each match */
	struct strv labels, options; /* of a new volume: KEY=VALUE */
	bool has_volume_options;
};
void mount_spec_deinit(struct mount_spec *m);

struct mount_specs {
	struct mount_spec *v;
	size_t n;
};
void mount_specs_free(struct mount_specs *m);
#define auto_mount_specs __attribute__((cleanup(mount_specs_free))) struct mount_specs
/* Adds an empty one. */
struct mount_spec *mount_specs_add(struct mount_specs *m);

/* "[source:]target[:options]". On failure *m may be half-filled: deinit it. */
int mount_parse_volume(const char *text, struct mount_spec *m, struct err *e);
/* "type=bind,src=/a,dst=/b,readonly": CSV. */
int mount_parse_flag(const char *text, struct mount_spec *m, struct err *e);
/* "/target[:options]" */
int mount_parse_tmpfs(const char *text, struct mount_spec *m, struct err *e);

/* "bind", "volume" ... as --mount's type= and docker inspect have them. */
const char *mount_type_name(enum mount_type t);
/* "CONTAINER[:ro|rw|z|Z...]" of --volumes-from. *container is owned. */
int mount_parse_from(const char *text, char **container, bool *read_only, struct err *e);
/* A bind mount's source: -ENOENT with Docker's words where nothing is there. */
int mount_source_exists(const char *source, struct err *e);
/* A relative path that stays inside. */
bool mount_subpath_valid(const char *subpath);

/* The bind string of HostConfig.Binds; owned. */
char *mount_bind_text(const struct mount_spec *m);

#endif
