/* share: equal files exist once over all images, and nothing inside a container can tell.
 *
 * Theory of operation
 *
 * A file of a layer that is being unpacked may be the very file of a layer that is in the store.
 * Whether it may be one with it is said by share_allowed (which kind) and by the key: path in the
 * image, size, owner, mode, time. Equal keys are no proof: the unpacker compares the content as it
 * comes out of the archive with the file that is there, and writes nothing as long as they are
 * equal. So a second image costs neither the blocks nor the writing of them.
 *
 *   index     layers/<short>/share, written with each layer: the keys of those of its files that
 *             may be shared. It goes with its layer; a missing one only means that nothing is
 *             shared with that layer. Nothing in it is believed: it only says where to look.
 *   twins     the unpacker sees the layer store read-only. Where all of a file's content was that
 *             of its twin, an empty file with the right owner, mode and time stays in diff/, and
 *             its path and the twin's layer are noted in layers/<short>/links.
 *   linking   once the unpacker is dead, and before the layer has its record, another confined
 *             process, which reads nothing but that list, puts the twins in place of the empty
 *             files (storage/share_link.h) and removes the list.
 *
 *   matching  layers that come together (of one archive, of one pull) or beside each other cannot be
 *             each other's twins while they are unpacked. The process that links compares those
 *             first, where their indexes have a key in common (storage/share_match.c).
 *
 *   commits   a layer that a container wrote gets its index while it is described
 *             (storage/pack_layer.h), and is then only matched. A copy of a running one's folder is
 *             as good as a staged layer. The folder itself of a stopped one goes back to it where
 *             the commit does not come to its record (storage/upper.h), and what a container can
 *             write to is never linked: so that layer is matched after its record, with the times
 *             of its folders noted in case of a kill (storage/share_joining.h), and not at all
 *             where a container runs on it already.
 *
 * Why two processes: a hard link in the unpacker's staging folder would let it write to the layer
 * of another image. The second one sees all of layers/ writable, but parses no foreign bytes other
 * than the paths of the list, and checks each by its own look at both files; content it only
 * compares.
 *
 * What could be told, and why it is not:
 *
 *   Two names, one inode   fuse-overlayfs would let a write to one change the other; tar and rsync
 *       would make hard links of them. The path is part of the key and no part of it may be a link,
 *       so in no mount do two names show one inode. Files with several names in their own layer
 *       are not shared: known from the archive, never from st_nlink, which is the truth of a
 *       container's folder alone, of which nothing was ever shared.
 *   st_nlink   cron, logrotate and their like refuse data with more than one link; gzip, bzip2 and
 * xz refuse to replace such a file. So only what packages install and nobody rewrites in place is
 * shared (share_allowed): below /usr, /bin, /sbin, /lib* and /opt, nothing of the kinds that are
 * compressed for a web server while an image is built. That is 95 % of the bytes of a Debian image.
 *   st_ctime   changes with every link that is made or removed, and a tar that is reading the file
 *       says "file changed as we read it". So no file of a layer that a running container has is
 *       linked (it is copied instead) or unlinked (it stays in trash/ until the container has
 *       ended), whichever layer's name of it. locks/share orders this with the starts of
 *       containers: engine/share.h.
 *
 * Where the file system shares blocks (FICLONE) no link is made at all, and none of this matters.
 */
#ifndef STORAGE_SHARE_H
#define STORAGE_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/str.h"

struct err;
struct tar_entry;

enum {
	SHARE_SIZE_MIN = 8 * 1024, /* smaller files are many and hold little: 12 % of the blocks */
	SHARE_KEYS_MAX = 1024 * 1024, /* of all layers that are looked into */
	SHARE_NOTE_MAX = 64 * 1024 * 1024, /* bytes of a list of links */
};

/* The short name of a layer (a name within layers/), as it is made here: hex digits. */
bool share_layer_id_valid(const char *id);
/* May a file of this path (clean, below the layer's root), mode and size be one with others? */
bool share_allowed(const char *path, uint32_t mode, uint64_t size);
/* No attributes but those that the system itself gives every file. */
bool share_has_no_xattrs(int fd);

/* ---- where equal files may be ---- */

struct share_index;

/* Reads the indexes of these layers (short names, the one to prefer first). layers_fd: the folder
 * layers/, borrowed for as long as the index lives. */
struct share_index *share_index_new(int layers_fd, const struct strv *layers);
void share_index_free(struct share_index *x);

/* Is the index of a layer (its folder) what was written, where there is one? -EBADMSG. */
int share_index_check(int layer_fd, struct err *e);

/* ---- while one layer is unpacked ---- */

struct share;

/* x: NULL = nothing to share with; the index of this layer is written all the same. is_single_id:
 * owners are not kept. */
struct share *share_new(const struct share_index *x, int stage_fd, bool is_single_id);
void share_free(struct share *s);
/* An open file that may be the entry's twin, or -1. *layer: for share_defer. */
int share_find(struct share *s, const char *path, const struct tar_entry *en, uint32_t *layer);
/* The empty file stands for a twin from now on. 1, or 0 where it cannot (a link is in its path):
 * then it is to be filled. */
int share_defer(
	struct share *s, int diff_fd, const char *path, const struct stat *st, uint32_t layer);
/* A file that is complete, or stands for a twin: into the index where its kind allows it. */
void share_note(struct share *s, const char *path, const struct tar_entry *en, ino_t ino);
/* The file has several names, or loses its own: what stood for a twin becomes a file of its own,
 * by name in the folder `at`. */
int share_settle(struct share *s, int at, const char *name, ino_t ino, struct err *e);
/* The same with all that stand for twins. */
int share_settle_all(struct share *s, int diff_fd, struct err *e);
/* Writes the index and the list of links. */
int share_finish(struct share *s, struct err *e);

#endif
