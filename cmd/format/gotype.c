#include "cmd/format/gotype.h"

#include <stddef.h>

// clang-format off
const struct gotype go_bool = {.kind = GO_BOOL, .name = "bool"};
const struct gotype go_int = {.kind = GO_INT, .name = "int"};
const struct gotype go_int64 = {.kind = GO_INT, .name = "int64"};
const struct gotype go_uint64 = {.kind = GO_UINT, .name = "uint64"};
const struct gotype go_float = {.kind = GO_FLOAT, .name = "float64"};
const struct gotype go_string = {.kind = GO_STRING, .name = "string"};
const struct gotype go_number = {.kind = GO_STRING, .name = "json.Number"};
const struct gotype go_strings = {.kind = GO_SLICE, .name = "[]string", .elem = &go_string};
const struct gotype go_string_map = {.kind = GO_MAP, .name = "map[string]string", .elem = &go_string};

const struct gotype go_any = {.kind = GO_ANY, .name = "interface {}"};
const struct gotype go_any_map = {.kind = GO_MAP, .name = "map[string]interface {}", .elem = &go_any};
const struct gotype go_any_slice = {.kind = GO_SLICE, .name = "[]interface {}", .elem = &go_any};

const struct gotype go_raw = {.kind = GO_ANY, .flags = GO_NUMBERS, .name = "interface {}"};
const struct gotype go_raw_map = {.kind = GO_MAP, .name = "map[string]interface {}", .elem = &go_raw};
const struct gotype go_raw_slice = {.kind = GO_SLICE, .name = "[]interface {}", .elem = &go_raw};

const struct gotype go_plain = {.kind = GO_ANY, .flags = GO_STRICT, .name = "interface {}"};
const struct gotype go_plain_map = {
	.kind = GO_MAP, .flags = GO_STRICT, .name = "map[string]interface {}", .elem = &go_plain};
const struct gotype go_plain_slice = {.kind = GO_SLICE, .name = "[]string", .elem = &go_plain};
// clang-format on
