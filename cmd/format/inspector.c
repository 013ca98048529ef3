#include "cmd/format/inspector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "cmd/format/arena.h"
#include "cmd/format/exec.h"
#include "cmd/format/template.h"
#include "cmd/format/value.h"

int inspector_init(struct inspector *i, const char *format, struct err *e)
{
	*i = (struct inspector){.compact = format && strcmp(format, "json") == 0};
	i->elements = json_array();
	if (str_empty(format) || i->compact)
		return 0;
	return template_compile(format, &i->template, e);
}

void inspector_deinit(struct inspector *i)
{
	template_free(i->template);
	json_decref(i->elements);
	free(i->types);
	buf_free(&i->text);
}

int inspector_add(struct inspector *i, json_t *object, const struct gotype *type, bool with_raw,
	struct err *e)
{
	static const struct exec_options typed = {.missing_key_error = false};
	static const struct exec_options raw = {.missing_key_error = true};
	if (!i->template) {
		json_array_append(i->elements, object);
		i->types = xrealloc(i->types, (i->n + 1) * sizeof(struct gotype *));
		i->types[i->n++] = type->kind == GO_ANY ? NULL : type; /* NULL: as it stands */
		i->html |= !with_raw;
		return 0;
	}
	auto_buf text = BUF_INIT;
	struct err first = {0};
	int r = exec_template(i->template, type, object, &typed, &text, &first);
	if (r < 0 && !with_raw)
		*e = first;
	if (r < 0 && with_raw) {
		buf_free(&text);
		text = BUF_INIT;
		r = exec_template(i->template, &go_raw, object, &raw, &text, e);
	}
	if (r < 0)
		return err_ctx(e, "template parsing error");
	if (text.len)
		buf_add(&i->text, text.data, text.len);
	buf_putc(&i->text, '\n');
	return 0;
}

void inspector_text(struct inspector *i, struct buf *out)
{
	if (i->template) {
		if (i->text.len)
			buf_add(out, i->text.data, i->text.len);
		else
			buf_putc(out, '\n');
		return;
	}
	struct arena arena = ARENA_INIT;
	go_json_list(out, i->elements, i->types, i->compact ? NULL : "    ", i->html, &arena);
	buf_putc(out, '\n');
	arena_free(&arena);
}

void inspector_flush(struct inspector *i)
{
	auto_buf out = BUF_INIT;
	inspector_text(i, &out);
	(void)fwrite(out.data, 1, out.len, stdout); /* main looks at stdout's end */
}
