/* check_row: what a check of the store asks the database. */
#ifndef STORAGE_DB_CHECK_ROW_H
#define STORAGE_DB_CHECK_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct strv;

/* The checksums of all pages, SQLite's own check of its file (is_quick: without the indexes), and
 * references that lead nowhere, those to manifests, too:
 * a sentence for each thing that is wrong. */
int check_row_database(struct db *db, bool is_quick, struct strv *problems, struct err *e);

struct check_layer_row {
	char *id, *diff_id;
	bool is_local; /* neither came from a registry or an archive nor went to one */
	char *blob, *media_type; /* what it came from; NULL = unknown */
	int64_t blob_size;
};
void check_layer_row_deinit(struct check_layer_row *r);
int check_row_layers(struct db *db, struct check_layer_row **out, size_t *n, struct err *e);
/* Hex names of blobs that rows name, those of kept images included. */
int check_row_blobs(struct db *db, struct strv *out, struct err *e);
/* Containers that are live and have the layer: their names. */
int check_row_layer_users(struct db *db, const char *layer_id, struct strv *names, struct err *e);

#endif
