/* reserve: a file of nothing, moss.db-reserve, given up when the disk is full, so that the database
 * can still be opened and a container's end, a removal, a tidying up be recorded. */
#ifndef STORAGE_DB_RESERVE_H
#define STORAGE_DB_RESERVE_H

#include <stdbool.h>
#include <sys/vfs.h>

/* Little room: gives it up. Plenty, and it is not there: makes it. fs: of the database's folder. */
void reserve_balance(const char *dir, const struct statfs *fs);
/* True where there was something to give up. */
bool reserve_release(const char *dir);

#endif
