/* push_items: a blob that is made of its layer, while it is sent. */
#include "engine/transfer/push_items_internal.h"
#include "engine/transfer/assemble.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

static int start(struct push_items *p, struct push_item *i, int out, struct err *e)
{
	push_form_choose(p, i);
	const struct assemble_job job = {
		.layer_id = i->layer_id,
		.diff_id = i->diff_id,
		.compression = compression_name(i->compression),
		.has_level = true,
		.level = i->level,
	};
	return layer_assemble_start(p->store, &job, out, &i->unpacker, e);
}

int push_layer_start(struct push_items *p, struct push_item *i, struct err *e)
{
	int r = push_request_open_spool(p, i, e);
	if (r == 0)
		r = start(p, i, i->spool, e);
	return r < 0 ? r : push_request_upload(p, i, i->spool, NULL, -1, e);
}

/* 1 = only progress, 0 = the end, in the item. */
static int hear(struct push_item *i, struct err *e)
{
	struct assembled got;
	int r = layer_assemble_next(&i->unpacker, i->diff_id, &got, e);
	if (r != 0)
		return r;
	i->digest = xstrdup(got.digest);
	i->size = got.size;
	i->made = xasprintf("%s:%d", compression_name(i->compression), i->level);
	return 0;
}

int push_layer_message(struct push_items *p, struct push_item *i, struct err *e)
{
	int r = hear(i, e);
	return r ? (r < 0 ? r : 0) : push_request_end(p, i, e);
}

int push_item_name(struct push_items *p, struct push_item *i, struct err *e)
{
	for (i->form = 0; i->form < i->n_forms; i->form++)
		if (push_form_is_usable(p, i, i->form)) {
			push_item_finish_form(p, i, "");
			return 0;
		}
	auto_fd nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int r = nowhere < 0 ? err_sys(e, "cannot open /dev/null") : start(p, i, nowhere, e);
	for (int more = 1; r == 0 && more == 1;) {
		more = hear(i, e);
		r = more < 0 ? more : 0;
	}
	if (r == 0)
		i->state = ITEM_DONE;
	return r;
}
