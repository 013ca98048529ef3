#include "storage/db/check_page.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/db/page_sum.h"
#include "storage/db/sql.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOG_HEADER = 32,
	FRAME_HEADER = 24,
	PROBLEMS_MAX = 100,
	HEADER_PAGE_SIZE = 16, /* offsets in page 1: two bytes */
	LOG_MAGIC = 0x377f0682, /* and 1 where its sums are big-endian */
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static sqlite3_file *file_of(struct db *db, int which)
{
	sqlite3_file *f = NULL;
	(void)sqlite3_file_control(db->sql, "main", which, (void *)&f);
	return f && f->pMethods ? f : NULL;
}

static bool read_at(sqlite3_file *f, void *to, size_t n, int64_t at)
{
	return f->pMethods->xRead(f, to, (int)n, at) == SQLITE_OK;
}

static int64_t size_of(sqlite3_file *f)
{
	sqlite3_int64 size = 0;
	return f->pMethods->xFileSize(f, &size) == SQLITE_OK ? size : 0;
}

/* ---- the file ---- */

static bool is_blank(const unsigned char *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static bool is_sound(const unsigned char *page, size_t n)
{
	unsigned char sum[PAGE_SUM_BYTES];
	const unsigned char *stored = page + n - PAGE_SUM_BYTES;
	page_sum_of(page, n, sum);
	return is_blank(stored, PAGE_SUM_BYTES) || memcmp(sum, stored, PAGE_SUM_BYTES) == 0;
}

/* Not every SQLite has the table that says it. */
static char *table_of_page(struct db *db, int64_t number)
{
	static const char text[] = "SELECT name FROM dbstat WHERE pageno = ?1";
	sqlite3_stmt *s = NULL;
	char *name = NULL;
	if (sqlite3_prepare_v2(db->sql, text, sizeof(text), &s, NULL) == SQLITE_OK &&
		sqlite3_bind_int64(s, 1, number) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		name = column_dup(s, 0);
	(void)sqlite3_finalize(s);
	return name;
}

static void tell_page(struct db *db, int64_t number, struct strv *problems)
{
	char *table = table_of_page(db, number);
	if (table)
		strv_addf(problems, "database: page %lld, of %s, has been altered",
			(long long)number, table);
	else
		strv_addf(problems, "database: page %lld has been altered", (long long)number);
	free(table);
}

/* 0 where the header says nothing sensible. */
static size_t page_size(const unsigned char *header)
{
	size_t n = (size_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
	n = n == 1 ? PAGE_MAX : n;
	return n >= PAGE_MIN && (n & (n - 1)) == 0 ? n : 0;
}

static void check_file(struct db *db, sqlite3_file *f, struct strv *problems)
{
	unsigned char header[100];
	int64_t size = size_of(f);
	size_t n = read_at(f, header, sizeof(header), 0) ? page_size(header) : 0;
	/* All of it may still be in the log. */
	if (size == 0)
		return;
	if (!n || header[PAGE_HEADER_RESERVED] != PAGE_SUM_BYTES) {
		strv_add(problems, "database: its header has been altered");
		return;
	}
	unsigned char *page = xmalloc(n);
	for (int64_t at = 0; at < size && problems->n < PROBLEMS_MAX; at += (int64_t)n) {
		if (!read_at(f, page, n, at)) {
			strv_addf(problems, "database: page %lld cannot be read",
				(long long)(at / (int64_t)n + 1));
			continue;
		}
		if (!is_sound(page, n))
			tell_page(db, at / (int64_t)n + 1, problems);
	}
	free(page);
}

/* ---- the log ---- */

/* Each page of the log is a frame, whose sums go on from those of the one before. */
struct frames {
	sqlite3_file *file;
	const unsigned char *header; /* of the log */
	size_t n; /* bytes of a page */
	unsigned char *frame; /* the one that was read last */
};

static bool read_frame(struct frames *l, int64_t i)
{
	size_t n = FRAME_HEADER + l->n;
	int64_t at = LOG_HEADER + (i - 1) * (int64_t)n;
	return at + (int64_t)n <= size_of(l->file) && read_at(l->file, l->frame, n, at);
}

static struct page_sum stored_sum(const struct frames *l)
{
	return (struct page_sum){be32(l->frame + 16), be32(l->frame + 20)};
}

/* *s: of what is before; of the frame then. Both salts are those of the log. */
static bool follows(const struct frames *l, struct page_sum *s)
{
	bool is_big = be32(l->header) & 1;
	struct page_sum stored = stored_sum(l);
	page_sum_add(s, l->frame, 8, is_big);
	page_sum_add(s, l->frame + FRAME_HEADER, l->n, is_big);
	return s->a == stored.a && s->b == stored.b && !memcmp(l->header + 16, l->frame + 8, 8);
}

static bool ends_transaction(const struct frames *l) { return be32(l->frame + 4) != 0; }

/* The frame i does not follow. It need not: it may be of an older log, whose salts were both
 * others, or of a writer that was killed before it came to its end. Where a transaction ends behind
 * it, it was altered; `made` is its sum as it should be, if it was only the sum that was. */
static bool is_altered(struct frames *l, int64_t i, struct page_sum made)
{
	struct page_sum stored = stored_sum(l);
	if (memcmp(l->header + 16, l->frame + 8, 4) != 0 &&
		memcmp(l->header + 20, l->frame + 12, 4) != 0)
		return false;
	while (!ends_transaction(l)) {
		struct page_sum next = stored, other = made;
		if (!read_frame(l, ++i) || (!follows(l, &next) && !follows(l, &other)))
			return false;
		stored = made = stored_sum(l);
	}
	return true;
}

static void check_frames(sqlite3_file *f, const unsigned char *header, size_t n, struct page_sum s,
	struct strv *problems)
{
	struct frames l = {.file = f, .header = header, .n = n, .frame = xmalloc(FRAME_HEADER + n)};
	int64_t i = 1;
	while (read_frame(&l, i) && follows(&l, &s))
		i++;
	if (read_frame(&l, i) && is_altered(&l, i, s))
		strv_addf(problems,
			"database: page %lld of its log has been altered: what was written since "
			"then is lost",
			(long long)i);
	free(l.frame);
}

static void check_log(sqlite3_file *f, struct strv *problems)
{
	unsigned char header[LOG_HEADER];
	struct page_sum s = {0};
	if (size_of(f) < LOG_HEADER || !read_at(f, header, sizeof(header), 0))
		return;
	uint32_t magic = be32(header), n = be32(header + 8);
	page_sum_add(&s, header, 24, magic & 1);
	if ((magic & ~1U) != LOG_MAGIC || be32(header + 24) != s.a || be32(header + 28) != s.b ||
		n < PAGE_MIN || n > PAGE_MAX)
		strv_add(problems, "database: the header of its log has been altered: what it had "
				   "is lost");
	else
		check_frames(f, header, n, s, problems);
}

int check_pages(struct db *db, struct strv *problems, struct err *e)
{
	int r = db_begin(db, DB_NORMAL, e);
	if (r < 0)
		return r;
	sqlite3_file *file = file_of(db, SQLITE_FCNTL_FILE_POINTER);
	sqlite3_file *log = file_of(db, SQLITE_FCNTL_JOURNAL_POINTER);
	if (file)
		check_file(db, page_sum_below(file), problems);
	if (log && !db->is_remote)
		check_log(log, problems);
	db_rollback(db);
	return 0;
}
