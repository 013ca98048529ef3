/* A template over an object with every kind of value: typed, raw and as a list. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd/format/inspector.h"
#include "cmd/format/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object_text[] =
	"{\"Id\":\"abc\",\"Name\":\"/"
	"x\",\"Args\":[\"a\",\"b\"],\"State\":{\"Pid\":5,\"Running\":true},"
	"\"Config\":{\"Labels\":{\"a\":\"b\"},\"Healthcheck\":{\"Interval\":1500000000}},\"a\":{"
	"\"b\":[1,"
	"2.5,null,{\"c\":\"d\"}]},\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"\","
	"\"HostPort\":\"1\"}]}}}";

static const struct listing_column columns[] = {
	{"ID", "ID"}, {"Names", "NAMES"}, {"Label", NULL}, {NULL, NULL}};
static const struct listing listing = {.fields = columns,
	.default_table = "table {{.ID}}",
	.quiet_format = "{{.ID}}",
	.tries_first = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *object, *rows;
	struct err e = {0};
	if (!object) {
		object = json_parse(object_text, strlen(object_text), "object", &e);
		rows = json_pack(
			"[{s:s, s:s, s:{s:s}}, {}]", "ID", "1", "Names", "n", "Label", "a.b", "c");
	}
	char *text = malloc(size + 1);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	struct inspector i = {.template = NULL};
	if (inspector_init(&i, text, &e) == 0) {
		struct buf out = BUF_INIT;
		(void)inspector_add(&i, object, &go_container, true, &e);
		inspector_text(&i, &out);
		buf_free(&out);
	}
	inspector_deinit(&i);
	struct buf out = BUF_INIT;
	(void)listing_text(&listing, rows, text, false, &out, &e);
	buf_free(&out);
	free(text);
	return 0;
}
