/* base64: RFC 4648, the standard alphabet. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* With padding. Owned. */
char *base64_encode(const void *p, size_t n);
/* As text: NULL where it is no base64 or has a NUL inside. Padding may be missing, as Docker
 * accepts it. Owned. */
char *base64_decode_text(const char *in);

#endif
