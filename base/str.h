/* str: memory that cannot fail, text buffers, lists of strings, strict number parsing. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Out of memory ends the program. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap);

/* buf: a growing byte buffer; `data` is always NUL-terminated once anything was added. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};
#define BUF_INIT ((struct buf){0})
void buf_free(struct buf *b);
#define auto_buf __attribute__((cleanup(buf_free))) struct buf
void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reserve(struct buf *b, size_t more);
/* Nothing but blanks and line ends, or nothing. */
bool buf_is_blank(const struct buf *b);
/* The text as an owned string (never NULL); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* strv: a list of owned strings; `v` is NULL-terminated once anything was added (v may be NULL
 * while n is 0). */
struct strv {
	char **v;
	size_t n;
};
#define STRV_INIT ((struct strv){0})
void strv_free(struct strv *s);
#define auto_strv __attribute__((cleanup(strv_free))) struct strv
void strv_add(struct strv *s, const char *str); /* copies */
void strv_take(struct strv *s, char *str); /* keeps */
void strv_addf(struct strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_copy(struct strv *to, const struct strv *from);
bool strv_has(const struct strv *s, const char *str);
/* Splits at each `sep`; empty fields are kept. "" gives one empty field. */
void strv_split(struct strv *s, const char *str, char sep);
char *strv_join(const struct strv *s, const char *sep);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
static inline bool str_empty(const char *s) { return !s || !*s; }
/* The text after `prefix`, or NULL where s does not start with it. */
const char *str_after(const char *s, const char *prefix);
void str_lower(char *s);

/* Whole-string decimal numbers: no blanks, no sign (but '-' in the signed one), no overflow.
 * Return false on anything else. */
bool parse_u64(const char *s, uint64_t *out);
bool parse_u32(const char *s, uint32_t *out);
bool parse_i64(const char *s, int64_t *out);

/* Lower-case hex of n bytes into out[2n+1]. */
void hex_encode(char *out, const void *bytes, size_t n);
bool is_hex(const char *s, size_t n); /* lower case only */
/* n random bytes from the kernel. */
void random_bytes(void *out, size_t n);

/* Edit distance, for "did you mean"; two letters in the wrong order are one edit. */
unsigned str_distance(const char *a, const char *b);

#endif
