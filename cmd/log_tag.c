/* --log-opt tag=TEMPLATE: Go's text/template over Docker's logger.Info. */
#include "cmd/log_tag.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/exec.h"
#include "cmd/format/node.h"
#include "cmd/format/template.h"

#include <string.h>

// clang-format off
static const struct gotype created = {.kind = GO_STRING, .flags = GO_TIME, .name = "time.Time"};
static const struct gofield info_fields[] = {
	{"Config", NULL, &go_string_map}, {"ContainerID", NULL, &go_string},
	{"ContainerName", NULL, &go_string}, {"ContainerEntrypoint", NULL, &go_string},
	{"ContainerArgs", NULL, &go_strings}, {"ContainerImageID", NULL, &go_string},
	{"ContainerImageName", NULL, &go_string}, {"ContainerCreated", NULL, &created},
	{"ContainerEnv", NULL, &go_strings}, {"ContainerLabels", NULL, &go_string_map},
	{"LogPath", NULL, &go_string}, {"ID", NULL, &go_string}, {"FullID", NULL, &go_string},
	{"Name", NULL, &go_string}, {"Command", NULL, &go_string}, {"Hostname", NULL, &go_string},
	{"ImageID", NULL, &go_string}, {"ImageFullID", NULL, &go_string},
	{"ImageName", NULL, &go_string}, {"DaemonName", NULL, &go_string}, {NULL, NULL, NULL}};
static const struct gotype info = {.kind = GO_STRUCT, .name = "*logger.Info", .fields = info_fields};
// clang-format on

/* Our templates have no names, Docker's has one. */
static void add_name(struct err *e)
{
	static const char place[] = "template: :", named[] = "template: log-tag:";
	static const char in[] = "executing \"\"", in_named[] = "executing \"log-tag\"";
	auto_buf text = BUF_INIT;
	char *p = e->msg;
	while (*p) {
		if (str_starts(p, place)) {
			buf_puts(&text, named);
			p += sizeof(place) - 1;
		} else if (str_starts(p, in)) {
			buf_puts(&text, in_named);
			p += sizeof(in) - 1;
		} else {
			buf_putc(&text, *p++);
		}
	}
	int code = e->code, status = e->status;
	err_set(e, code, "%s", text.data ? text.data : "");
	e->status = status;
}

int log_tag_text(const char *template, const struct json_t *data, struct buf *out, struct err *e)
{
	static const struct exec_options options = {.missing_key_error = false};
	struct template *t = NULL;
	int r = template_parse(template, &t, e);
	if (r == 0) {
		r = exec_template(t, &info, data, &options, out, e);
		template_free(t);
	}
	if (r < 0)
		add_name(e);
	return r;
}
