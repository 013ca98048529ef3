/* human: sizes and ages in Docker's words. Owned results. */
#ifndef CMD_FORMAT_HUMAN_H
#define CMD_FORMAT_HUMAN_H

#include <stddef.h>
#include <stdint.h>

char *human_duration(int64_t ns); /* "About a minute", "3 weeks" */
char *human_size(int64_t bytes); /* decimal, 3 digits: "21.5MB" */
char *human_size4(int64_t bytes); /* decimal, 4 digits: "1.234GB" */
/* At most `width` columns, the last an ellipsis where something was cut; East Asian characters take
 * two. */
char *human_ellipsis(const char *s, size_t width);
char *human_bytes_binary(int64_t bytes); /* "1.5GiB", 4 digits */

#endif
