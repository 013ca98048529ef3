/* The layer writer: a regular file, unless another layer has its equal. */
#include "storage/unpack_write_internal.h"
#include "storage/share.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Smaller files are written back with the folders they are in, by the sync at the end. */
enum { WRITE_BACK_MIN = 128 * 1024 };

static int write_piece(int fd, const unsigned char *p, size_t n, uint64_t offset,
	const struct tar_entry *en, struct err *e)
{
	while (n > 0) {
		ssize_t k = pwrite(fd, p, n, (off_t)offset);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(e, "cannot write %s", en->path);
		p += k;
		n -= (size_t)k;
		offset += (uint64_t)k;
	}
	return 0;
}

/* The pieces of a sparse file as a position: where the next stored byte goes and for how long. */
struct extent_cursor {
	const struct tar_entry *en;
	size_t i;
	uint64_t done;
};

static void cursor_at(struct extent_cursor *c, uint64_t *offset, uint64_t *room)
{
	const struct tar_entry *en = c->en;
	if (!en->is_sparse) {
		*offset = c->done;
		*room = en->stored - c->done;
		return;
	}
	while (c->done == en->extents[c->i].len) {
		c->i++;
		c->done = 0;
	}
	*offset = en->extents[c->i].offset + c->done;
	*room = en->extents[c->i].len - c->done;
}

/* A file of another layer that the content is compared with. fd -1 = there is none, or it is
 * another one after all. */
struct twin {
	int fd;
	uint32_t layer;
	uint64_t same; /* bytes */
};

static bool is_same(struct twin *twin, const unsigned char *p, size_t n)
{
	unsigned char there[128 * 1024];
	for (size_t done = 0; done < n;) {
		size_t k = n - done < sizeof(there) ? n - done : sizeof(there);
		ssize_t got = pread(twin->fd, there, k, (off_t)(twin->same + done));
		if (got <= 0 || memcmp(there, p + done, (size_t)got) != 0)
			return false;
		done += (size_t)got;
	}
	twin->same += n;
	return true;
}

/* They differ from here on: what has been compared so far is copied. */
static int leave_twin(struct twin *twin, int fd, const struct tar_entry *en, struct err *e)
{
	unsigned char piece[128 * 1024];
	for (uint64_t at = 0; at < twin->same;) {
		uint64_t left = twin->same - at;
		ssize_t n = pread(twin->fd, piece,
			left < sizeof(piece) ? (size_t)left : sizeof(piece), (off_t)at);
		if (n <= 0)
			return err_sysn(
				e, n < 0 ? errno : EIO, "cannot read the copy of %s", en->path);
		if (write_piece(fd, piece, (size_t)n, at, en, e) < 0)
			return -e->code;
		at += (uint64_t)n;
	}
	close(take_fd(twin->fd));
	return 0;
}

static int write_content(int fd, struct twin *twin, struct tar_reader *t,
	const struct tar_entry *en, uint64_t *crc, struct err *e)
{
	struct extent_cursor c = {.en = en};
	const unsigned char *p;
	ssize_t n;
	while ((n = tar_data(t, &p, e)) > 0) {
		*crc = tarsplit_crc(*crc, p, (size_t)n);
		if (twin->fd >= 0 && is_same(twin, p, (size_t)n)) {
			c.done += (uint64_t)n;
			continue;
		}
		if (twin->fd >= 0 && leave_twin(twin, fd, en, e) < 0)
			return -e->code;
		while (n > 0) {
			uint64_t offset, room;
			cursor_at(&c, &offset, &room);
			size_t k = (uint64_t)n < room ? (size_t)n : (size_t)room;
			if (write_piece(fd, p, k, offset, en, e) < 0)
				return -e->code;
			c.done += k;
			p += k;
			n -= (ssize_t)k;
		}
	}
	if (n < 0)
		return (int)n;
	if (en->is_sparse && ftruncate(fd, (off_t)en->size) < 0)
		return err_sys(e, "cannot write %s", en->path);
	return 0;
}

/* Metadata; and a file that is its twin's equal stays empty (storage/share.h). */
static int finish_regular(struct layer_writer *w, const struct place *p, int fd,
	const struct stat *st, struct twin *twin, const struct tar_entry *en, struct err *e)
{
	if (layer_set_metadata(w, fd, st, en, e) < 0)
		return -e->code;
	if (twin->fd >= 0 && !share_defer(w->share, w->diff_fd, p->path, st, twin->layer) &&
		leave_twin(twin, fd, en, e) < 0)
		return -e->code;
	share_note(w->share, p->path, en, st->st_ino);
	if (layer_set_times(fd, NULL, en, e) < 0)
		return -e->code;
	/* Begun now, write-back is nearly done when the layer is complete. */
	if (twin->fd < 0 && en->stored >= WRITE_BACK_MIN)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Nearly always nothing stands at the name: looking first would cost a call for each file. */
static int create_regular(
	struct layer_writer *w, struct place *p, const struct tar_entry *en, struct err *e)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(p->at, p->last, flags, en->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		int r = layer_make_room(w, p, en, e);
		if (r < 0)
			return r;
		fd = openat(p->at, p->last, flags, en->mode & 0777);
	}
	return fd < 0 ? err_sys(e, "cannot create %s", en->path) : fd;
}

int layer_write_regular(struct layer_writer *w, struct place *p, struct tar_reader *t,
	const struct tar_entry *en, struct tarsplit_writer *ts, struct err *e)
{
	struct stat st;
	uint64_t crc = 0;
	struct twin twin = {.fd = -1};
	auto_fd fd = create_regular(w, p, en, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", en->path);
	if (en->size > (uint64_t)INT64_MAX - (uint64_t)w->size)
		return err_set(e, EFBIG, "%s is too large", en->path);
	w->size += (int64_t)en->size;
	twin.fd = share_find(w->share, p->path, en, &twin.layer);
	int r = write_content(fd, &twin, t, en, &crc, e);
	if (r == 0)
		r = finish_regular(w, p, fd, &st, &twin, en, e);
	scope_close(&twin.fd);
	return r < 0 || en->stored == 0 ? r : tarsplit_file(ts, en, p->path, st.st_ino, crc, e);
}
