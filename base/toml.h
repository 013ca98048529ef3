/* toml: reads TOML 1.0 as configuration files of container tools use it.
 *
 * Understood: tables, arrays of tables, dotted and quoted keys, all four kinds of strings, integers
 * (also 0x, 0o, 0b), booleans, arrays, inline tables, comments. Floating-point numbers and dates
 * are refused by name: no file that is read here has a use for them. Strict: a key or table that is
 * given twice, an unknown escape, a control character or text that is no UTF-8 is an error that
 * names the file and the line.
 */
#ifndef BASE_TOML_H
#define BASE_TOML_H

#include <jansson.h>
#include <stddef.h>

struct err;

enum {
	TOML_MAX = 1 << 20, /* bytes of a file */
	TOML_DEPTH_MAX = 32, /* of values, and of the parts of a key */
	TOML_TABLES_MAX = 4096,
};

/* `what` names the text in errors ("/etc/x.conf:12: ..."). An object (new reference), or NULL with
 * e set. */
json_t *toml_parse(const char *text, size_t len, const char *what, struct err *e);

#endif
