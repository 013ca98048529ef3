/* share: what may be shared, and the keys of the layers that are there. */
#include "storage/share_internal.h"
#include "storage/tarsplit.h"
#include "storage/unpack_tar.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SAME_KEY_MAX = 4, SHORT_MIN = 4, SHORT_MAX = 32 };

bool share_layer_id_valid(const char *id)
{
	size_t n = strlen(id);
	return n >= SHORT_MIN && n <= SHORT_MAX && is_hex(id, n);
}

static const char *const program_folders[] = {
	"usr/", "bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/", "opt/"};

/* What is compressed beside or instead of itself while an image is built: gzip and its like refuse
 * files of several links. */
static const char *const compressed_kinds[] = {".css", ".csv", ".htm", ".html", ".ico", ".js",
	".json", ".log", ".map", ".md", ".mjs", ".sql", ".svg", ".tar", ".ttf", ".txt", ".wasm",
	".xml"};

bool share_allowed(const char *path, uint32_t mode, uint64_t size)
{
	bool is_program = false;
	const char *dot = strrchr(path, '.');
	if (size < SHARE_SIZE_MIN || (mode & 06000))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(program_folders); i++)
		is_program |= str_starts(path, program_folders[i]);
	for (size_t i = 0; dot && i < ARRAY_LEN(compressed_kinds); i++)
		if (!strcasecmp(dot, compressed_kinds[i]))
			return false;
	return is_program;
}

bool share_has_no_xattrs(int fd)
{
	char names[1024];
	ssize_t n = flistxattr(fd, names, sizeof(names));
	if (n < 0)
		return errno == ENOTSUP;
	for (const char *p = names; p < names + n; p += strlen(p) + 1)
		if (strcmp(p, "security.selinux") != 0)
			return false;
	return true;
}

static void key_add(uint64_t *key, const void *p, size_t n) { *key = tarsplit_crc(*key, p, n); }

uint64_t share_key(const char *path, const struct tar_entry *en, bool is_single_id)
{
	const uint64_t uid = is_single_id ? 0 : en->uid, gid = is_single_id ? 0 : en->gid;
	uint64_t key = 0;
	key_add(&key, path, strlen(path) + 1);
	key_add(&key, &en->size, sizeof(en->size));
	key_add(&key, &en->mode, sizeof(en->mode));
	key_add(&key, &uid, sizeof(uid));
	key_add(&key, &gid, sizeof(gid));
	key_add(&key, &en->mtime_s, sizeof(en->mtime_s));
	key_add(&key, &en->mtime_ns, sizeof(en->mtime_ns));
	return key;
}

void share_index_seal(struct buf *text)
{
	uint64_t crc = tarsplit_crc(0, text->data, text->len);
	buf_add(text, &crc, sizeof(crc));
}

int share_index_check(int layer_fd, struct err *e)
{
	auto_buf text = BUF_INIT;
	uint64_t crc;
	auto_fd fd = openat(layer_fd, "share", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot open share");
	int r = read_fd(fd, SHARE_NOTE_MAX, &text);
	if (r < 0)
		return err_sysn(e, -r, "cannot read share");
	if (text.len < sizeof(SHARE_MAGIC) - 1 + sizeof(crc))
		return err_set(e, EBADMSG, "share is damaged");
	memcpy(&crc, text.data + text.len - sizeof(crc), sizeof(crc));
	return crc == tarsplit_crc(0, text.data, text.len - sizeof(crc))
		       ? 0
		       : err_set(e, EBADMSG, "share is damaged");
}

/* ---- the table ---- */

struct slot {
	uint64_t key;
	uint32_t layer; /* + 1; 0 = free */
};

struct share_index {
	int layers_fd;
	struct strv layers;
	struct slot *slots; /* a power of two, linear probing */
	size_t room, used;
};

static void put(struct slot *slots, size_t room, uint64_t key, uint32_t layer)
{
	size_t same = 0, i = (size_t)key & (room - 1);
	for (; slots[i].layer; i = (i + 1) & (room - 1))
		if (slots[i].key == key && ++same == SAME_KEY_MAX)
			return;
	slots[i] = (struct slot){key, layer};
}

static void grow(struct share_index *x)
{
	size_t room = x->room ? 2 * x->room : 1024;
	struct slot *slots = xcalloc(room, sizeof(*slots));
	for (size_t i = 0; i < x->room; i++)
		if (x->slots[i].layer)
			put(slots, room, x->slots[i].key, x->slots[i].layer);
	free(x->slots);
	x->slots = slots;
	x->room = room;
}

/* Hands out the keys of a layer's index until `each` has enough: true. */
static bool read_keys(const struct share_index *x, const char *layer,
	bool (*each)(void *arg, uint64_t key), void *arg)
{
	uint64_t keys[1024];
	char start[sizeof(SHARE_MAGIC) - 1];
	auto_free char *name = xasprintf("%s/share", layer);
	auto_fd fd = path_open_plain(x->layers_fd, name, O_RDONLY | O_NONBLOCK);
	ssize_t n;
	if (fd < 0 || read_full(fd, start, sizeof(start)) != (ssize_t)sizeof(start) ||
		memcmp(start, SHARE_MAGIC, sizeof(start)) != 0)
		return false;
	while ((n = read_full(fd, keys, sizeof(keys))) >= (ssize_t)sizeof(keys[0]))
		for (size_t i = 0; i < (size_t)n / sizeof(keys[0]); i++)
			if (each(arg, keys[i]))
				return true;
	return false;
}

static bool add_key(void *arg, uint64_t key)
{
	struct share_index *x = arg;
	if (x->used == SHARE_KEYS_MAX)
		return true;
	if (2 * (x->used + 1) > x->room)
		grow(x);
	put(x->slots, x->room, key, (uint32_t)x->layers.n);
	x->used++;
	return false;
}

void share_index_add(struct share_index *x, const char *layer)
{
	strv_add(&x->layers, layer);
	(void)read_keys(x, layer, add_key, x);
}

static bool has_key(void *arg, uint64_t key)
{
	const struct share_index *x = arg;
	size_t i = (size_t)key & (x->room - 1);
	while (x->slots[i].layer && x->slots[i].key != key)
		i = (i + 1) & (x->room - 1);
	return x->slots[i].layer;
}

bool share_index_meets(const struct share_index *x, const char *layer)
{
	return x->room && read_keys(x, layer, has_key, (void *)(uintptr_t)x);
}

struct share_index *share_index_new(int layers_fd, const struct strv *layers)
{
	struct share_index *x = xcalloc(1, sizeof(*x));
	x->layers_fd = layers_fd;
	for (size_t i = 0; i < layers->n; i++)
		if (share_layer_id_valid(layers->v[i]))
			share_index_add(x, layers->v[i]);
	return x;
}

void share_index_free(struct share_index *x)
{
	if (!x)
		return;
	strv_free(&x->layers);
	free(x->slots);
	free(x);
}

int share_index_open(const struct share_index *x, uint32_t layer, const char *path)
{
	auto_free char *whole = xasprintf("%s/diff/%s", x->layers.v[layer], path);
	return path_open_plain(x->layers_fd, whole, O_RDONLY | O_NONBLOCK);
}

const char *share_index_layer(const struct share_index *x, uint32_t layer)
{
	return x->layers.v[layer];
}

static bool is_twin(int fd, const struct tar_entry *en, bool is_single_id)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == en->size &&
	       (st.st_mode & 07777) == en->mode && st.st_mtim.tv_sec == en->mtime_s &&
	       st.st_mtim.tv_nsec == en->mtime_ns &&
	       st.st_uid == (is_single_id ? geteuid() : en->uid) &&
	       st.st_gid == (is_single_id ? getegid() : en->gid) && share_has_no_xattrs(fd);
}

int share_index_next(const struct share_index *x, const char *path, const struct tar_entry *en,
	bool is_single_id, size_t *at, uint32_t *layer)
{
	if (!x->room)
		return -1;
	uint64_t key = share_key(path, en, is_single_id);
	size_t first = (size_t)key & (x->room - 1);
	for (size_t i = (first + *at) & (x->room - 1); x->slots[i].layer;
		i = (i + 1) & (x->room - 1)) {
		++*at;
		if (x->slots[i].key != key)
			continue;
		auto_fd fd = share_index_open(x, x->slots[i].layer - 1, path);
		if (fd < 0 || !is_twin(fd, en, is_single_id))
			continue;
		*layer = x->slots[i].layer - 1;
		return take_fd(fd);
	}
	return -1;
}

int share_index_find(const struct share_index *x, const char *path, const struct tar_entry *en,
	bool is_single_id, uint32_t *layer)
{
	size_t at = 0;
	return share_index_next(x, path, en, is_single_id, &at, layer);
}
