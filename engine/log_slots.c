/* The names of a log's files, their lock, and the header of compressed ones. */
#include "engine/log_file.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GZ_HEAD_MAX = 4096 };

char *log_slot_name(const char *name, int64_t index, bool is_gz)
{
	return index ? xasprintf("%s.%lld%s", name, (long long)index, is_gz ? ".gz" : "")
		     : xstrdup(name);
}

int64_t log_slot_index(const char *name, const char *file, bool *is_gz)
{
	const char *rest = str_after(file, name);
	int64_t index;
	char digits[24];
	*is_gz = false;
	if (!rest || !*rest)
		return rest ? 0 : -1;
	size_t n = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
	if (n == 0 || n >= sizeof(digits) || rest[1] == '0')
		return -1;
	memcpy(digits, rest + 1, n);
	digits[n] = '\0';
	*is_gz = !strcmp(rest + 1 + n, ".gz");
	return (*is_gz || !rest[1 + n]) && parse_i64(digits, &index) ? index : -1;
}

int log_dir_lock(int dir_fd, bool wait)
{
	auto_fd fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return take_fd(fd);
}

/* RFC 1952: ten bytes, then (flag 4) a length of two bytes and the field. */
bool log_gz_parse(const char *p, size_t n, uint64_t *ino)
{
	static const char key[] = "\"ino\":";
	const unsigned char *b = (const unsigned char *)p;
	*ino = 0;
	if (n < 10 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8)
		return false;
	size_t len = n >= 12 && (b[3] & 4) ? b[10] | (size_t)b[11] << 8 : 0;
	if (len == 0 || len > n - 12)
		return true;
	auto_free char *text = xstrndup(p + 12, len);
	const char *at = strstr(text, key);
	if (at)
		*ino = strtoull(at + sizeof(key) - 1, NULL, 10);
	return true;
}

/* Many files: as many descriptors. */
static void raise_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int open_file(int dir_fd, const char *file)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(dir_fd, file, flags);
	if (fd < 0 && errno == EMFILE) {
		raise_limit();
		fd = openat(dir_fd, file, flags);
	}
	return fd;
}

/* What the header of a compressed file says. */
static void read_gz(struct log_slot *slot)
{
	char head[GZ_HEAD_MAX];
	uint64_t ino = 0;
	ssize_t n = pread(slot->fd, head, sizeof(head), 0);
	if (n > 0)
		(void)log_gz_parse(head, (size_t)n, &ino);
	slot->ino = (ino_t)ino;
}

/* Newest first; of two forms of one the compressed first. */
static int by_index(const void *a, const void *b)
{
	const struct log_slot *x = a, *y = b;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (int)y->is_gz - (int)x->is_gz;
}

int log_slots_list(struct log_slots *s, int dir_fd, const char *name)
{
	*s = (struct log_slots){0};
	int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (!dir)
		return -errno;
	for (struct dirent *d; (d = readdir(dir));) {
		struct stat st;
		struct log_slot slot = {.fd = -1};
		slot.index = log_slot_index(name, d->d_name, &slot.is_gz);
		if (slot.index < 0 || fstatat(dir_fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		slot.dev = st.st_dev;
		slot.ino = st.st_ino;
		slot.size = st.st_size;
		slot.written_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
		s->v = xrealloc(s->v, (s->n + 1) * sizeof(*s->v));
		s->v[s->n++] = slot;
	}
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), by_index);
	return 0;
}

int log_slots_open(struct log_slots *s, int dir_fd, const char *name)
{
	*s = (struct log_slots){0};
	auto_fd lock = log_dir_lock(dir_fd, true);
	int r = lock < 0 ? lock : log_slots_list(s, dir_fd, name);
	size_t kept = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct log_slot *slot = &s->v[i];
		auto_free char *file = log_slot_name(name, slot->index, slot->is_gz);
		bool is_double = kept > 0 && s->v[kept - 1].index == slot->index;
		if (is_double || (slot->fd = open_file(dir_fd, file)) < 0)
			continue;
		if (slot->is_gz)
			read_gz(slot);
		s->v[kept++] = *slot;
	}
	s->n = kept;
	return r;
}

void log_slots_close(struct log_slots *s)
{
	for (size_t i = 0; i < s->n; i++)
		scope_close(&s->v[i].fd);
	free(s->v);
	*s = (struct log_slots){0};
}
