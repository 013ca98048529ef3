/* moss-log: compresses and expands the files of logs (engine/log_file.h), so that neither the
 * monitor nor moss link a compressor.
 *
 *   moss-log compress NAME   in the folder of descriptor 3: NAME.1, NAME.2 ... each to its ".gz"
 *   moss-log expand          descriptor 0 to descriptor 1
 *
 * One compressor works at a time (flock of NAME.part). Killed at any instruction it leaves
 * NAME.part, which the next one takes over, or both forms of one file, of which the plain one is
 * passed over and removed.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/log_file.h"
#include "engine/log_record.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIR_FD = 3, CHUNK = 128 << 10, EXTRA_MAX = 256 };

static uint8_t in[CHUNK], out[CHUNK];

/* The time of a file's last record, from its last bytes; 0 where they do not tell. */
static int64_t last_time(int fd, int64_t size)
{
	struct log_record r;
	auto_buf scratch = BUF_INIT;
	int64_t at = size > CHUNK ? size - CHUNK : 0;
	ssize_t n = pread(fd, in, CHUNK, at);
	const char *p = (const char *)in;
	char first = '{';
	(void)!pread(fd, &first, 1, 0);
	const struct log_format *f = first == '{' ? &log_format_json : &log_format_local;
	if (n <= 0)
		return 0;
	int64_t start = f->last(p, (size_t)n);
	if (start < 0 && at == 0)
		start = 0;
	if (start < 0 || !f->parse(p + start, (size_t)(n - start), &scratch, &r))
		return 0;
	return r.time_ns;
}

/* RFC 1952, with Docker's extra field and one key more. */
static int write_head(int fd, const struct stat *st, int64_t last_ns)
{
	static const uint8_t fixed[10] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff};
	auto_free char *time = clock_rfc3339(last_ns);
	auto_buf head = BUF_INIT;
	auto_free char *extra = xasprintf(
		"{\"lastTime\":\"%s\",\"ino\":%llu}", time, (unsigned long long)st->st_ino);
	size_t n = strlen(extra);
	buf_add(&head, fixed, sizeof(fixed));
	buf_putc(&head, (char)(n & 0xff));
	buf_putc(&head, (char)(n >> 8));
	buf_add(&head, extra, n);
	return write_all(fd, head.data, head.len);
}

static int deflate(int from, int to)
{
	static uint8_t level[ISAL_DEF_LVL1_LARGE];
	struct isal_zstream z;
	isal_deflate_init(&z);
	z.level = 1;
	z.level_buf = level;
	z.level_buf_size = sizeof(level);
	z.gzip_flag = IGZIP_GZIP_NO_HDR;
	do {
		ssize_t n = read_full(from, in, sizeof(in));
		if (n < 0)
			return (int)n;
		z.next_in = in;
		z.avail_in = (uint32_t)n;
		z.end_of_stream = (size_t)n < sizeof(in);
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			if (isal_deflate(&z) != COMP_OK)
				return -EIO;
			int r = write_all(to, out, sizeof(out) - z.avail_out);
			if (r < 0)
				return r;
		} while (z.avail_out == 0);
	} while (z.internal_state.state != ZSTATE_END);
	return 0;
}

/* Compresses `from` into `to`, all of it on the disk. */
static int compress_file(int from, int to, const struct stat *st)
{
	int r = ftruncate(to, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = write_head(to, st, last_time(from, st->st_size));
	if (r == 0)
		r = deflate(from, to);
	/* Readers skip files by the time of their last write. */
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	if (r == 0 && futimens(to, times) < 0)
		r = -errno;
	return r == 0 && fsync(to) < 0 ? -errno : r;
}

/* The newest file that is to be compressed, opened; -1: none. Doubles go. Under the lock. */
static int next_work(const char *name, struct stat *st)
{
	struct log_slots s;
	int fd = -1;
	if (log_slots_list(&s, DIR_FD, name) < 0)
		return -1;
	for (size_t i = 0; i < s.n && fd < 0; i++) {
		if (s.v[i].is_gz || s.v[i].index == 0)
			continue;
		auto_free char *file = log_slot_name(name, s.v[i].index, false);
		if (i > 0 && s.v[i - 1].index == s.v[i].index)
			(void)unlinkat(DIR_FD, file, 0);
		else
			fd = openat(DIR_FD, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	log_slots_close(&s);
	if (fd >= 0 && fstat(fd, st) < 0)
		scope_close(&fd);
	return fd;
}

/* The part becomes the compressed form of its file, whatever that is called by now; it goes where
 * the file has gone. Under the lock. */
static void put_in_place(const char *name, const char *part, const struct stat *of)
{
	struct log_slots s;
	bool is_placed = false;
	if (log_slots_list(&s, DIR_FD, name) < 0)
		return;
	for (size_t i = 0; i < s.n && !is_placed; i++) {
		const struct log_slot *slot = &s.v[i];
		if (slot->is_gz || slot->index == 0 || slot->ino != of->st_ino ||
			slot->dev != of->st_dev)
			continue;
		auto_free char *plain = log_slot_name(name, slot->index, false);
		auto_free char *gz = log_slot_name(name, slot->index, true);
		is_placed = renameat(DIR_FD, part, DIR_FD, gz) == 0;
		if (is_placed)
			(void)unlinkat(DIR_FD, plain, 0);
	}
	log_slots_close(&s);
	if (!is_placed)
		(void)unlinkat(DIR_FD, part, 0);
}

/* One file; false where there is nothing more to do (or another one does it). The lock is held
 * before and after, not meanwhile. */
static bool compress_one(const char *name, const char *part, int *lock)
{
	struct stat st;
	auto_fd from = next_work(name, &st);
	if (from < 0)
		return false;
	auto_fd to = openat(DIR_FD, part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (to < 0 || flock(to, LOCK_EX | LOCK_NB) < 0)
		return false;
	scope_close(lock);
	int r = compress_file(from, to, &st);
	*lock = log_dir_lock(DIR_FD, true);
	if (*lock < 0 || r < 0) {
		(void)unlinkat(DIR_FD, part, 0);
		return false;
	}
	put_in_place(name, part, &st);
	return true;
}

static int compress_all(const char *name)
{
	auto_free char *part = xasprintf("%s.part", name);
	auto_fd lock = log_dir_lock(DIR_FD, true);
	while (lock >= 0 && compress_one(name, part, &lock))
		;
	return 0;
}

static int expand(void)
{
	static struct inflate_state z;
	isal_inflate_init(&z);
	z.crc_flag = ISAL_GZIP;
	while (z.block_state != ISAL_BLOCK_FINISH) {
		if (z.avail_in == 0) {
			ssize_t n = read(0, in, sizeof(in));
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return 1; /* cut */
			z.next_in = in;
			z.avail_in = (uint32_t)n;
		}
		z.next_out = out;
		z.avail_out = sizeof(out);
		int r = isal_inflate(&z);
		if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT)
			return 1;
		if (write_all(1, out, sizeof(out) - z.avail_out) < 0)
			return 1; /* the reader has enough */
	}
	return 0;
}

int main(int argc, char **argv)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (argc == 3 && !strcmp(argv[1], "compress") && !strchr(argv[2], '/'))
		return compress_all(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "expand"))
		return expand();
	(void)!write(2, "moss-log is started by moss only\n", 33);
	return 2;
}
