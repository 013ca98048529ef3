/* object: one JSON object through --format, as version and info print it. */
#ifndef CMD_OBJECT_H
#define CMD_OBJECT_H

#include <jansson.h>

struct err;

/* format "json" = the compact object, else a Go template; one line feed follows. */
int object_print(const json_t *object, const char *format, struct err *e);

#endif
