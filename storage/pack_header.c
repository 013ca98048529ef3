#include "storage/pack_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OCTAL_7_MAX = 07777777, NAME_ROOM = 100, PREFIX_ROOM = 155, MODE_MASK = 07777 };
#define OCTAL_11_MAX UINT64_C(077777777777)

/* The fields of a ustar header that are not what they seem: offsets and widths. */
struct field {
	size_t at, room;
};
static const struct field f_name = {0, 100}, f_mode = {100, 8}, f_uid = {108, 8}, f_gid = {116, 8},
			  f_size = {124, 12}, f_mtime = {136, 12}, f_sum = {148, 8},
			  f_link = {157, 100}, f_magic = {257, 8}, f_major = {329, 8},
			  f_minor = {337, 8}, f_prefix = {345, 155};
enum { AT_TYPE = 156 };

static void put_text(unsigned char *h, struct field f, const char *text, size_t n)
{
	memcpy(h + f.at, text, n < f.room ? n : f.room);
}

/* What does not fit is in a PAX record: 0 stands here then. */
static void put_octal(unsigned char *h, struct field f, uint64_t v)
{
	char text[32];
	int digits = (int)f.room - 1;
	if (v > OCTAL_11_MAX || (digits == 7 && v > OCTAL_7_MAX))
		v = 0;
	snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)v);
	memcpy(h + f.at, text, (size_t)digits);
}

/* "<length> <key>=<value>\n", where the length counts itself. */
static void record(struct buf *pax, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, digits = 1;
	char number[24];
	for (;;) {
		int k = snprintf(number, sizeof(number), "%zu", rest + digits);
		if ((size_t)k == digits)
			break;
		digits = (size_t)k;
	}
	buf_printf(pax, "%s %s=", number, key);
	buf_add(pax, value, n);
	buf_putc(pax, '\n');
}

static void record_text(struct buf *pax, const char *key, const char *value)
{
	record(pax, key, value, strlen(value));
}

static void record_number(struct buf *pax, const char *key, int64_t v)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)v);
	record_text(pax, key, text);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* Where the name is cut for prefix and name: 0 = it fits as it is, -1 = not at all. */
static ssize_t split_at(const char *path)
{
	size_t n = strlen(path);
	if (n <= NAME_ROOM)
		return 0;
	size_t end = n - (path[n - 1] == '/');
	for (size_t i = end; i-- > 1;)
		if (path[i] == '/' && i <= PREFIX_ROOM && n - i - 1 <= NAME_ROOM)
			return (ssize_t)i;
	return -1;
}

static void sum_up(unsigned char *h)
{
	unsigned sum = 0;
	char text[8];
	memset(h + f_sum.at, ' ', f_sum.room);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + f_sum.at, text, 7);
}

static void add_header(const struct tar_entry *en, const char *path, uint64_t size, struct buf *out)
{
	unsigned char h[TAR_BLOCK] = {0};
	ssize_t cut = split_at(path);
	const char *name = path + (cut > 0 ? cut + 1 : 0);
	put_text(h, f_name, name, strlen(name));
	put_octal(h, f_mode, en->mode & MODE_MASK);
	put_octal(h, f_uid, en->uid);
	put_octal(h, f_gid, en->gid);
	put_octal(h, f_size, size);
	put_octal(h, f_mtime, en->mtime_s < 0 ? 0 : (uint64_t)en->mtime_s);
	h[AT_TYPE] = (unsigned char)en->type;
	if (en->link)
		put_text(h, f_link, en->link, strlen(en->link));
	memcpy(h + f_magic.at, "ustar\00000", f_magic.room);
	if (en->type == '3' || en->type == '4') {
		put_octal(h, f_major, en->dev_major);
		put_octal(h, f_minor, en->dev_minor);
	}
	if (cut > 0)
		put_text(h, f_prefix, path, (size_t)cut);
	sum_up(h);
	buf_add(out, h, sizeof(h));
}

static void pad(struct buf *out)
{
	static const char zeros[TAR_BLOCK];
	size_t over = out->len % TAR_BLOCK;
	if (over)
		buf_add(out, zeros, TAR_BLOCK - over);
}

/* "dir/PaxHeaders.0/name": what programs that do not know PAX make of it. Owned. */
static char *aside(const char *path, const char *folder, size_t room)
{
	auto_buf b = BUF_INIT;
	const char *slash = strrchr(path, '/');
	const char *base = slash && slash[1] ? slash + 1 : path;
	if (base != path)
		buf_add(&b, path, (size_t)(base - path));
	buf_printf(&b, "%s/%s", folder, base);
	if (b.len > room)
		b.data[room] = '\0';
	for (size_t i = 0; b.data[i]; i++)
		if ((unsigned char)b.data[i] >= 0x80)
			b.data[i] = '_';
	return buf_take(&b);
}

static void sparse_records(const struct tar_entry *en, struct buf *pax)
{
	record_text(pax, "GNU.sparse.major", "1");
	record_text(pax, "GNU.sparse.minor", "0");
	record_text(pax, "GNU.sparse.name", en->path);
	record_number(pax, "GNU.sparse.realsize", (int64_t)en->size);
}

/* "<pieces>\n" and for each "<offset>\n<length>\n", up to a whole block. */
static void sparse_map(const struct tar_entry *en, struct buf *map)
{
	buf_printf(map, "%zu\n", en->n_extents);
	for (size_t i = 0; i < en->n_extents; i++)
		buf_printf(map, "%llu\n%llu\n", (unsigned long long)en->extents[i].offset,
			(unsigned long long)en->extents[i].len);
	pad(map);
}

static void records(const struct tar_entry *en, uint64_t size, struct buf *pax)
{
	if (en->is_sparse)
		sparse_records(en, pax);
	else if (split_at(en->path) < 0 || !is_ascii(en->path))
		record_text(pax, "path", en->path);
	if (en->link && (strlen(en->link) > NAME_ROOM || !is_ascii(en->link)))
		record_text(pax, "linkpath", en->link);
	if (en->uid > OCTAL_7_MAX)
		record_number(pax, "uid", (int64_t)en->uid);
	if (en->gid > OCTAL_7_MAX)
		record_number(pax, "gid", (int64_t)en->gid);
	if (size > OCTAL_11_MAX)
		record_number(pax, "size", (int64_t)size);
	if (en->mtime_s < 0 || (uint64_t)en->mtime_s > OCTAL_11_MAX)
		record_number(pax, "mtime", en->mtime_s);
	for (size_t i = 0; i < en->n_xattrs; i++) {
		auto_buf key = BUF_INIT;
		buf_printf(&key, "SCHILY.xattr.%s", en->xattrs[i].name);
		record(pax, key.data, en->xattrs[i].value, en->xattrs[i].len);
	}
}

void pack_header(const struct tar_entry *en, struct buf *out)
{
	auto_buf pax = BUF_INIT, map = BUF_INIT;
	if (en->is_sparse)
		sparse_map(en, &map);
	uint64_t size = en->stored + map.len;
	records(en, size, &pax);
	if (pax.len) {
		char *name = aside(en->path, "PaxHeaders.0", NAME_ROOM);
		const struct tar_entry x = {.type = 'x', .mode = 0644, .mtime_s = 0};
		add_header(&x, name, pax.len, out);
		free(name);
		buf_add(out, pax.data, pax.len);
		pad(out);
	}
	char *shown = en->is_sparse ? aside(en->path, "GNUSparseFile.0", NAME_ROOM) : NULL;
	add_header(en, shown ? shown : en->path, size, out);
	free(shown);
	if (map.len)
		buf_add(out, map.data, map.len);
}
