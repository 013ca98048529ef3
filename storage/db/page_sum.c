#include "storage/db/page_sum.h"

#include <sqlite3.h>
#include <string.h>

/* What SQLite sees of the database's file; the file of the VFS below lies behind it in memory. */
struct summed {
	sqlite3_file base;
	bool has_sums;
};

static uint32_t word(const unsigned char *p, bool is_big_endian)
{
	return is_big_endian
		       ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		       : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

void page_sum_add(struct page_sum *s, const unsigned char *p, size_t n, bool is_big_endian)
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		s->a += word(p + i, is_big_endian) + s->b;
		s->b += word(p + i + 4, is_big_endian) + s->a;
	}
}

void page_sum_of(const unsigned char *page, size_t n, unsigned char sum[PAGE_SUM_BYTES])
{
	struct page_sum s = {0};
	page_sum_add(&s, page, n - PAGE_SUM_BYTES, false);
	for (int i = 0; i < 4; i++) {
		sum[i] = (unsigned char)(s.a >> (8 * i));
		sum[4 + i] = (unsigned char)(s.b >> (8 * i));
	}
}

static sqlite3_file *below(sqlite3_file *f) { return (sqlite3_file *)((struct summed *)f + 1); }

sqlite3_file *page_sum_below(sqlite3_file *f) { return below(f); }

/* A file gets room for the sums at most once, by whoever made or brought it up to date: that may be
 * another process, while we have it open. */
static bool has_sums(struct summed *s)
{
	unsigned char reserved = 0;
	sqlite3_file *f = below(&s->base);
	if (!s->has_sums && f->pMethods->xRead(f, &reserved, 1, PAGE_HEADER_RESERVED) == SQLITE_OK)
		s->has_sums = reserved == PAGE_SUM_BYTES;
	return s->has_sums;
}

static bool is_page(int n, sqlite3_int64 at)
{
	return n >= PAGE_MIN && n <= PAGE_MAX && (n & (n - 1)) == 0 && at % n == 0;
}

static int summed_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	sqlite3_file *f = below(file);
	int rc = f->pMethods->xRead(f, to, n, at);
	if (rc == SQLITE_OK && is_page(n, at) && has_sums((struct summed *)file))
		memset((unsigned char *)to + n - PAGE_SUM_BYTES, 0, PAGE_SUM_BYTES);
	return rc;
}

static int summed_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	struct summed *s = (struct summed *)file;
	sqlite3_file *f = below(file);
	unsigned char page[PAGE_MAX];
	if (is_page(n, at) && at == 0)
		s->has_sums = ((const unsigned char *)data)[PAGE_HEADER_RESERVED] == PAGE_SUM_BYTES;
	if (!is_page(n, at) || !has_sums(s))
		return f->pMethods->xWrite(f, data, n, at);
	memcpy(page, data, (size_t)n - PAGE_SUM_BYTES);
	page_sum_of(page, (size_t)n, page + n - PAGE_SUM_BYTES);
	return f->pMethods->xWrite(f, page, n, at);
}

/* ---- handed on ---- */

static int summed_close(sqlite3_file *f) { return below(f)->pMethods->xClose(below(f)); }
static int summed_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return below(f)->pMethods->xTruncate(below(f), size);
}
static int summed_sync(sqlite3_file *f, int flags)
{
	return below(f)->pMethods->xSync(below(f), flags);
}
static int summed_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return below(f)->pMethods->xFileSize(below(f), size);
}
static int summed_lock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xLock(below(f), level);
}
static int summed_unlock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xUnlock(below(f), level);
}
static int summed_is_reserved(sqlite3_file *f, int *out)
{
	return below(f)->pMethods->xCheckReservedLock(below(f), out);
}
static int summed_control(sqlite3_file *f, int op, void *arg)
{
	return below(f)->pMethods->xFileControl(below(f), op, arg);
}
static int summed_sector(sqlite3_file *f) { return below(f)->pMethods->xSectorSize(below(f)); }
static int summed_device(sqlite3_file *f)
{
	return below(f)->pMethods->xDeviceCharacteristics(below(f));
}
static int summed_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	return below(f)->pMethods->xShmMap(below(f), region, size, extend, out);
}
static int summed_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return below(f)->pMethods->xShmLock(below(f), offset, n, flags);
}
static void summed_shm_barrier(sqlite3_file *f) { below(f)->pMethods->xShmBarrier(below(f)); }
static int summed_shm_unmap(sqlite3_file *f, int do_delete)
{
	return below(f)->pMethods->xShmUnmap(below(f), do_delete);
}

/* Version 2: without mapping the file. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = summed_close,
	.xRead = summed_read,
	.xWrite = summed_write,
	.xTruncate = summed_truncate,
	.xSync = summed_sync,
	.xFileSize = summed_size,
	.xLock = summed_lock,
	.xUnlock = summed_unlock,
	.xCheckReservedLock = summed_is_reserved,
	.xFileControl = summed_control,
	.xSectorSize = summed_sector,
	.xDeviceCharacteristics = summed_device,
	.xShmMap = summed_shm_map,
	.xShmLock = summed_shm_lock,
	.xShmBarrier = summed_shm_barrier,
	.xShmUnmap = summed_shm_unmap,
};

/* ---- the VFS: that of the system, but for how a database is opened ---- */

static sqlite3_vfs vfs;

static int vfs_open(sqlite3_vfs *v, const char *path, sqlite3_file *file, int flags, int *out)
{
	sqlite3_vfs *system = v->pAppData;
	struct summed *s = (struct summed *)file;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return system->xOpen(system, path, file, flags, out);
	*s = (struct summed){0};
	int rc = system->xOpen(system, path, below(file), flags, out);
	if (below(file)->pMethods)
		s->base.pMethods = &methods;
	return rc;
}

const char *page_sum_vfs(void)
{
	if (vfs.zName)
		return vfs.zName;
	sqlite3_vfs *system = sqlite3_vfs_find(NULL);
	if (!system)
		return NULL;
	/* A copy of it: only who opens a file must know which of the two is called. */
	vfs = *system;
	vfs.pNext = NULL;
	vfs.zName = "moss";
	vfs.szOsFile += (int)sizeof(struct summed);
	vfs.pAppData = system;
	vfs.xOpen = vfs_open;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}
