/* gotype: the Go types behind Docker's objects, as far as a template can see them.
 *
 * A template is executed over JSON, but what it prints depends on the types of the Docker client:
 * a missing map key is "<no value>" and an unknown struct field an error; a null list prints "[]";
 * a struct prints its fields in order; only a plain string may go to `join`.
 */
#ifndef CMD_FORMAT_GOTYPE_H
#define CMD_FORMAT_GOTYPE_H

enum go_kind {
	GO_BOOL = 1,
	GO_INT,
	GO_UINT,
	GO_FLOAT,
	GO_STRING,
	GO_SLICE, /* elem */
	GO_MAP, /* elem; keys are strings */
	GO_STRUCT, /* fields */
	GO_PTR, /* elem; null = nil */
	GO_ANY, /* interface{}: the JSON value tells */
	GO_LOOKUP, /* a method of one string over an object of strings: .Label "x" */
};

enum go_flags {
	GO_DURATION = 1, /* an int that prints as time.Duration */
	GO_METHODS = 2, /* the struct's fields are methods: arguments are counted */
	GO_STRICT = 4, /* a map whose missing keys are errors, like a struct's */
	GO_HEADER = 8, /* the map of column headers: .Label "a.b" is "b" */
	GO_TIME = 32, /* an RFC 3339 string that prints as time.Time */
	GO_ULIMIT = 64, /* a struct that prints as name=soft:hard */
	GO_CELL = 128, /* GO_ANY of a listing: null is "" */
	GO_HIDDEN = 256, /* {{json .}} leaves the field out */
	GO_NUMBERS = 16, /* GO_ANY: numbers are json.Number, text */
};

struct gotype;

struct gofield {
	const char *name; /* in Go; NULL ends the list */
	const char *json; /* path in the JSON, as json_at takes it; NULL = name */
	const struct gotype *type;
};

struct gotype {
	enum go_kind kind;
	unsigned flags;
	const char *name; /* "[]string" */
	const struct gotype *elem;
	const struct gofield *fields;
	const char *key; /* GO_MAP: name of the key type, NULL = string */
};

/* Scalars and unnamed composites. */
extern const struct gotype go_bool, go_int, go_int64, go_uint64, go_float, go_string, go_strings,
	go_string_map, go_number;
/* What encoding/json makes of JSON when it is told no type. */
extern const struct gotype go_any, go_any_map, go_any_slice;
/* The same with json.Number (the fallback of docker inspect). */
extern const struct gotype go_raw, go_raw_map, go_raw_slice;
/* For data whose structs we have no table for: integers are ints, and missing keys are errors. */
extern const struct gotype go_plain, go_plain_map, go_plain_slice;

extern const struct gotype go_container; /* docker inspect of a container */
extern const struct gotype go_image;
extern const struct gotype go_volume;
extern const struct gotype go_event; /* of docker events */

#endif
