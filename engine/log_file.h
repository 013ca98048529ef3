/* log_file: the files of one log: NAME the newest, NAME.1 the one before it ... NAME.<max_files-1>,
 * each either as it was written or compressed (NAME.1.gz).
 *
 * Invariants, also after a kill at any instruction:
 *  - a record is in exactly one file; a file is only ever renamed upwards, or replaced by its
 *    compressed form, or dropped as the oldest;
 *  - where NAME.k and NAME.k.gz are both there, the compressed one is whole (written aside, synced,
 *    renamed) and the same: NAME.k is passed over and goes;
 *  - there may be gaps (a kill between two renames): readers list the folder, and the next turn
 *    fills the lowest gap instead of dropping the oldest;
 *  - what is not a whole record at the end of the newest file is the trace of a kill in a write: it
 *    is cut off when the file is opened for writing again. While it is open a failed write is cut
 *    back to the last whole record, so what readers have seen of whole records never vanishes.
 *
 * Renames are made under flock of the folder (an open description of its own), by the writer
 * without waiting (a turn that cannot have the lock comes with the next write), by the compressor
 * and readers with. Compressing is the job of moss-log (engine/log_main.c), started at a turn; it
 * holds flock of NAME.part while it works, and looks for more work under the folder's lock before
 * it lets go, so one is enough.
 */
#ifndef ENGINE_LOG_FILE_H
#define ENGINE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct log_file {
	int dir_fd; /* of the log's files; owned */
	int fd; /* of NAME; -1: not open */
	char *name; /* owned */
	int64_t size, max_size, max_files;
	int64_t limit; /* the size at which it is turned over: max_size, or a little more where
			  that could not be done at once */
	bool compress;
};

/* How long the whole records at the start of these bytes are: the two formats' way of cutting. */
typedef size_t log_whole_fn(const char *p, size_t n);

/* Opens (or makes) the newest file for appending. dir_fd is taken. */
int log_file_open(struct log_file *f, int dir_fd, const char *name, int64_t max_size,
	int64_t max_files, bool compress, log_whole_fn *whole, struct err *e);
/* Whole records. 0, or -errno with *done bytes (whole records) written. Turns the files over
 * before, where the newest is full. */
int log_file_write(struct log_file *f, const char *p, size_t n, log_whole_fn *whole, size_t *done);
/* Room in the newest file until it is full, <= 0 where it is. */
static inline int64_t log_file_room(const struct log_file *f) { return f->limit - f->size; }
void log_file_close(struct log_file *f);

/* ---- names, for readers and the compressor too ---- */

/* One file of a log. */
struct log_slot {
	int64_t index; /* 0 = the newest */
	bool is_gz;
	int fd; /* owned, read only; -1 where it could not be opened */
	dev_t dev;
	ino_t ino; /* of a compressed file: that of the file it was made of (0: not known) */
	int64_t size;
	int64_t written_ns; /* no record in it is younger */
};
struct log_slots {
	struct log_slot *v; /* newest first */
	size_t n;
};
/* All that are there, opened, at one instant (under the lock). 0 or -errno. */
int log_slots_open(struct log_slots *s, int dir_fd, const char *name);
void log_slots_close(struct log_slots *s);
/* Their names only (fd -1, dev and ino of the file itself), both forms; the lock is the caller's.
 */
int log_slots_list(struct log_slots *s, int dir_fd, const char *name);
/* "NAME", "NAME.3", "NAME.3.gz": its index; -1 where it is none. */
int64_t log_slot_index(const char *name, const char *file, bool *is_gz);
/* Owned. */
char *log_slot_name(const char *name, int64_t index, bool is_gz);

/* flock of the folder by a description of its own; the result is closed to let go. -EAGAIN where it
 * is held and `wait` is not set. */
int log_dir_lock(int dir_fd, bool wait);

/* moss-log writes into the header of a compressed file (the "extra" field; JSON as Docker's, with a
 * key more) {"lastTime":"...","ino":123}: the time of the last record and the inode of the file it
 * was made of, by which a follower knows where it stands. False where it is no gzip header; *ino is
 * 0 where none is said. */
bool log_gz_parse(const char *p, size_t n, uint64_t *ino);

#endif
