/* unpack_write: puts the entries of a layer's tar into its folder diff/, as an overlay layer.
 *
 * Every name is resolved by descriptor below diff/ (base/path.h): a symbolic link made by an
 * earlier entry leads, like a chroot, to a place inside. What Docker does is done:
 *
 * - names are cleaned; one that would climb above the root is an error;
 * - missing parents are made (0755, owner 0:0);
 * - what stands at the name is replaced, unless both are folders: then they are merged;
 * - ".wh.NAME" becomes a character device 0/0 (an entry of the same layer stays), ".wh..wh..opq"
 *   makes its folder opaque (user.overlay.opaque=y), other ".wh..wh." names are skipped;
 * - a hard link's target must be in this layer.
 *
 * What a user namespace cannot hold stays in tar-split only, one warning of each kind: device
 * nodes, trusted.* and user.overlay.* attributes, attributes a file system refuses, and, in a
 * namespace of one id, owners.
 */
#ifndef STORAGE_UNPACK_WRITE_H
#define STORAGE_UNPACK_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "storage/tarsplit.h"
#include "storage/unpack_tar.h"

struct err;
struct share;
struct share_index;

enum {
	LAYER_ENTRIES_MAX = 2 * 1000 * 1000,
	LAYER_FOLDER_BYTES_MAX = 24 * 1024 * 1024, /* kept of folder names, for their times */
};

enum layer_warning {
	WARN_DEVICE = 1,
	WARN_XATTR = 2,
	WARN_OWNER = 4,
};

struct layer_writer {
	int stage_fd; /* borrowed: the staging folder */
	int diff_fd;
	int replaced_fd; /* -1 until something was replaced */
	bool is_single_id; /* owners cannot be kept */
	bool moved_folder; /* a link or folder was replaced: paths of earlier files may lead
			      elsewhere */
	unsigned warned; /* enum layer_warning */
	uint64_t entries;
	int64_t size; /* bytes of regular files */
	struct share *share; /* equal files of other layers (storage/share.h) */
	uid_t uid; /* what new files get, unless... */
	gid_t gid;
	/* the parent of the last entry */
	char *parent_path;
	int parent_fd;
	bool parent_gives_group; /* ...it is set-gid */
	/* folders whose times are set last */
	struct buf folders;
	char *last_folder;
};

/* Makes diff/ in the staging folder. x: files of other layers; NULL = none. */
int layer_writer_init(struct layer_writer *w, int stage_fd, const struct share_index *x,
	bool is_single_id, struct err *e);
void layer_writer_deinit(struct layer_writer *w);
#define auto_layer_writer __attribute__((cleanup(layer_writer_deinit))) struct layer_writer
/* Writes one entry, taking all of its content from the reader and accounting for it in ts. */
int layer_write(struct layer_writer *w, struct tar_reader *t, const struct tar_entry *en,
	struct tarsplit_writer *ts, struct err *e);
/* After the last entry: the times of the folders, and the files of storage/share.h. */
int layer_writer_finish(struct layer_writer *w, struct err *e);
/* Adds a sentence for each kind of warning. */
void layer_writer_warnings(const struct layer_writer *w, struct strv *out);

#endif
