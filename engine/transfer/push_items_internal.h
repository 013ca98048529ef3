/* push_items in its files: push_form.c (which form), push_request.c (what the registry is asked
 * for), push_source.c (a blob from another repository), push_layer.c (from its layer). */
#ifndef ENGINE_TRANSFER_PUSH_ITEMS_INTERNAL_H
#define ENGINE_TRANSFER_PUSH_ITEMS_INTERNAL_H

#include <jansson.h>

#include "engine/transfer/push_items.h"

/* It is there in the form that is tried. */
void push_item_finish_form(struct push_items *p, struct push_item *i, const char *status);

/* Of a running request or fetch; NULL. */
struct push_item *push_items_find(struct push_items *p, int64_t id, bool is_fetch);

/* Is it of the kind the user asked for? */
bool push_form_is_wanted(const struct push_items *p, const struct push_form *f);
/* May it stand in the manifest, if the registry has it? */
bool push_form_is_usable(const struct push_items *p, const struct push_item *i, size_t k);
/* May it be fetched, and is there anybody left to ask? */
bool push_form_is_fetchable(const struct push_items *p, const struct push_item *i);
/* From here on the next form, or the tar. */
void push_form_next(struct push_items *p, struct push_item *i);
/* How a new form is made. */
void push_form_choose(const struct push_items *p, struct push_item *i);

bool push_request_is_same_registry(const struct push_items *p, const char *repository);
int push_request_probe(struct push_items *p, struct push_item *i, struct err *e);
/* digest NULL: it grows, and its end will be told. */
int push_request_upload(struct push_items *p, struct push_item *i, int file, const char *digest,
	int64_t size, struct err *e);
int push_request_end(struct push_items *p, struct push_item *i, struct err *e);
int push_request_drop(struct push_items *p, struct push_item *i, struct err *e);
int push_request_open_spool(struct push_items *p, struct push_item *i, struct err *e);
void push_request_drop_spool(struct push_item *i);

/* Leaves the item as it was, or with its next form, where the source fails at once. */
int push_source_fetch(struct push_items *p, struct push_item *i, struct err *e);
/* The next source, or the next form. */
void push_source_failed(struct push_items *p, struct push_item *i, const struct err *why);
int push_source_message(struct push_items *p, size_t k, struct err *e);

int push_layer_start(struct push_items *p, struct push_item *i, struct err *e);
int push_layer_message(struct push_items *p, struct push_item *i, struct err *e);

#endif
