/* unpack_tar_make.h: tar streams made by hand, for the tests of the unpacker. */
#ifndef TESTS_UNIT_UNPACK_TAR_MAKE_H
#define TESTS_UNIT_UNPACK_TAR_MAKE_H

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static inline void make_checksum(unsigned char *h)
{
	unsigned sum = 0;
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A ustar header; size as written into it. */
static inline void make_header(unsigned char h[512], char type, const char *name, const char *link,
	unsigned long long size)
{
	memset(h, 0, 512);
	snprintf((char *)h, 100, "%s", name);
	char digits[24];
	memcpy(h + 100, type == '5' ? "0000755" : "0000644", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	snprintf(digits, sizeof(digits), "%011llo", size);
	memcpy(h + 124, digits, 11);
	memcpy(h + 136, "14000000000", 11);
	h[156] = (unsigned char)type;
	snprintf((char *)h + 157, 100, "%s", link ? link : "");
	memcpy(h + 257, "ustar\00000", 8);
	make_checksum(h);
}

static inline void make_data(struct buf *b, const void *p, size_t n)
{
	static const char zeros[512];
	buf_add(b, p, n);
	buf_add(b, zeros, (512 - n % 512) % 512);
}

static inline void make_entry(
	struct buf *b, char type, const char *name, const char *link, const char *content)
{
	unsigned char h[512];
	size_t n = content ? strlen(content) : 0;
	make_header(h, type, name, link, n);
	buf_add(b, h, sizeof(h));
	make_data(b, content ? content : "", n);
}

static inline void make_file(struct buf *b, const char *name, const char *content)
{
	make_entry(b, '0', name, NULL, content);
}

/* One PAX record as an extension header of its own. */
static inline void make_pax(struct buf *b, const char *key, const char *value)
{
	char text[8192];
	int n = (int)(strlen(key) + strlen(value) + 3), len = n + 1;
	while (snprintf(text, sizeof(text), "%d %s=%s\n", len, key, value) != len)
		len++;
	make_entry(b, 'x', "pax", NULL, text);
}

static inline void make_end(struct buf *b)
{
	static const char zeros[1024];
	buf_add(b, zeros, sizeof(zeros));
}

#endif
