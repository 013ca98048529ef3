/* caps: capability names and sets (bit n = capability n). */
#ifndef ENGINE_CAPS_H
#define ENGINE_CAPS_H

#include <stdint.h>

struct err;

enum { CAPS_KNOWN = 41 };

/* "CAP_CHOWN" -> 0; -1 where there is no such name. */
int caps_number(const char *name);
/* Borrowed; NULL beyond the known ones. */
const char *caps_name(int n);

struct caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* In the process that is about to exec, as root of its user namespace. */
int caps_drop_bounding(uint64_t keep, struct err *e);
/* Sets the three sets of this process. */
int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable, struct err *e);
int caps_set_ambient(uint64_t ambient, struct err *e);

#endif
