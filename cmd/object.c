#include "cmd/object.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/template.h"

int object_print(const json_t *object, const char *format, struct err *e)
{
	auto_buf out = BUF_INIT;
	struct template *t = NULL;
	int r = 0;
	if (strcmp(format, "json") == 0) {
		auto_free char *text = json_text(object);
		buf_puts(&out, text);
	} else {
		r = template_compile(format, &t, e);
		if (r == 0)
			r = template_execute(t, object, &out, e);
		template_free(t);
	}
	if (r == 0)
		printf("%s\n", out.data ? out.data : "");
	return r;
}
