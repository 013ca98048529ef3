/* arena: memory of a template and of one execution, all freed at once. */
#ifndef CMD_FORMAT_ARENA_H
#define CMD_FORMAT_ARENA_H

#include <jansson.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t used; /* bytes handed out, for limits */
	json_t *values; /* array: JSON values made on the way */
};
#define ARENA_INIT ((struct arena){0})

void *arena_alloc(struct arena *a, size_t n); /* zeroed */
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* Keeps the new reference until arena_free and returns it. */
json_t *arena_keep(struct arena *a, json_t *j);
void arena_free(struct arena *a);

#endif
