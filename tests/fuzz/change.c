/* The instructions of commit --change and import --change: any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/commit_change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct strv changes = STRV_INIT;
	json_t *base = json_pack("{s:[s], s:[s], s:s, s:{s:[s]}}", "Env", "FOO=bar", "Cmd", "x",
		"WorkingDir", "/srv", "Healthcheck", "Test", "NONE");
	strv_take(&changes, xstrndup((const char *)data, size));
	json_t *config = change_config(base, &changes, &e);
	/* What comes out can be written. */
	if (config) {
		char *text = json_text(config);
		if (!text)
			BUG("no text");
		free(text);
	}
	json_decref(config);
	json_decref(base);
	strv_free(&changes);
	return 0;
}
