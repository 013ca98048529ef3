/* page_sum: a checksum in each page of the database's file.
 *
 * SQLite notices damage that breaks its structure, not a bit that makes of one text another. So the
 * last 8 bytes of each page, which SQLite leaves alone, are a checksum of the others, in the form
 * that SQLite's own checksum VFS (ext/misc/cksumvfs.c) has. It is set whenever we put a page into
 * the file. Reading does not look at it: one bad bit must not stop every command; check_pages
 * (storage/db/check_page.h) does.
 *
 * SQLite itself sees zeros there, so those are in the log, whose pages have the log's own
 * checksums; and in the file, where another program has copied the log into it, which whoever
 * closes a database last does, even if it has only read. Zeros mean that the page has none.
 */
#ifndef STORAGE_DB_PAGE_SUM_H
#define STORAGE_DB_PAGE_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAGE_SUM_BYTES = 8,
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
	PAGE_HEADER_RESERVED = 20, /* offset in page 1: what SQLite leaves alone of each page */
};

/* Two sums over words of 32 bits, which any change within 8 bytes changes; n is a multiple of 8. It
 * is also what the log has for each of its pages: there they go on from one to the next. */
struct page_sum {
	uint32_t a, b;
};
void page_sum_add(struct page_sum *s, const unsigned char *p, size_t n, bool is_big_endian);
/* The last 8 bytes of a page of n bytes, as they should be. */
void page_sum_of(const unsigned char *page, size_t n, unsigned char sum[PAGE_SUM_BYTES]);

struct sqlite3_file;
/* Of a file that this VFS has opened, the one below: all that is in it. */
struct sqlite3_file *page_sum_below(struct sqlite3_file *f);

/* The name of the VFS that sets them, registered once; NULL = that failed (out of memory). */
const char *page_sum_vfs(void);

#endif
