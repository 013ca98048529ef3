/* check_page: is each page of the database's file, and of its log, what was written? */
#ifndef STORAGE_DB_CHECK_PAGE_H
#define STORAGE_DB_CHECK_PAGE_H

struct db;
struct err;
struct strv;

/* Compares all checksums (storage/db/page_sum.h); no writer is at work meanwhile. A sentence for
 * each thing that is wrong, with the table that has the page where SQLite can tell. */
int check_pages(struct db *db, struct strv *problems, struct err *e);

#endif
