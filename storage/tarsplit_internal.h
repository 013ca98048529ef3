/* What writing (tarsplit.c) and reading (tarsplit_assemble.c) share of the format. */
#ifndef STORAGE_TARSPLIT_INTERNAL_H
#define STORAGE_TARSPLIT_INTERNAL_H

enum { TARSPLIT_TRAILER_BYTES = 16 };
#define TARSPLIT_TRAILER_MAGIC 0x184d2a50u

#endif
