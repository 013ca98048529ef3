/* utf8: decoding, and what Go's printing asks about a rune. */
#ifndef CMD_FORMAT_UTF8_H
#define CMD_FORMAT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum { RUNE_ERROR = 0xFFFD };

/* One rune of s (n > 0 bytes); *width receives its bytes. RUNE_ERROR with width 1 where the bytes
 * are no UTF-8. */
uint32_t utf8_decode(const char *s, size_t n, size_t *width);
void utf8_add(struct buf *b, uint32_t rune);
size_t utf8_count(const char *s, size_t n);
bool rune_is_print(uint32_t r);
bool rune_is_letter(uint32_t r);
uint32_t rune_upper(uint32_t r);
uint32_t rune_lower(uint32_t r);
/* Go's strconv.Quote; `quote` is '"' or '\''; ascii escapes everything beyond. */
void go_quote(struct buf *b, const char *s, size_t n, char quote, bool ascii);
void go_quote_rune(struct buf *b, uint32_t r, bool ascii);

#endif
