/* What the files of keep share: an object as the JSON of a row in the trash, and back. */
#ifndef STORAGE_KEEP_INTERNAL_H
#define STORAGE_KEEP_INTERNAL_H

#include <jansson.h>

struct container_row;
struct err;
struct store;
struct strv;
struct volume;

/* Owned. volumes: a JSON array, NULL = none. */
char *keep_container_text(const struct container_row *row, const char *volumes);
char *keep_volume_text(const struct volume *v);
/* Adds the paths of a kept image's manifests, some perhaps twice. */
void keep_add_manifests(const json_t *content, struct strv *paths);
/* A rename below the store; a source that is not there is fine. */
int keep_move(struct store *s, const char *from, const char *to, struct err *e);

#endif
