/* What the files of commit and import share. */
#ifndef ENGINE_COMMIT_INTERNAL_H
#define ENGINE_COMMIT_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

struct err;

/* What one instruction leaves for the next. */
struct change_state {
	bool has_cmd; /* a CMD came before */
};

/* One instruction. */
struct change {
	const char *name; /* "HEALTHCHECK" */
	const char *rest; /* what follows its flags */
	struct strv flags; /* "interval=5s" */
	bool takes_flags;
	struct change_state *state;
};

/* 1 and a new reference where the text is a JSON list of strings; 0 where it is no JSON list; an
 * error where the list holds something else. */
int change_json_form(const char *text, json_t **list, struct err *e);
int change_health(const struct change *c, json_t *config, struct err *e);

#endif
