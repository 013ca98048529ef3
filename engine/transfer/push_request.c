/* push_items: what the registry that is pushed to is asked for, and the spools. */
#include "engine/transfer/push_items_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/store.h"

static const char *path_of(const char *repository)
{
	const char *slash = strchr(repository, '/');
	return slash ? slash + 1 : "";
}

bool push_request_is_same_registry(const struct push_items *p, const char *repository)
{
	const char *rest = str_after(repository, p->domain);
	return rest && *rest == '/';
}

int push_request_probe(struct push_items *p, struct push_item *i, struct err *e)
{
	if (i->form < i->n_forms && !push_form_is_usable(p, i, i->form))
		push_form_next(p, i);
	if (i->form >= i->n_forms) {
		i->state = ITEM_READY;
		return 0;
	}
	auto_json m = json_object();
	json_t *from = json_array();
	for (size_t k = 0; k < i->repositories.n; k++)
		if (push_request_is_same_registry(p, i->repositories.v[k]))
			json_array_append_new(from, json_string(path_of(i->repositories.v[k])));
	i->request = p->next_request++;
	i->state = ITEM_PROBING;
	json_set_str(m, "op", "probe");
	json_set_int(m, "id", i->request);
	json_set_str(m, "digest", i->forms[i->form].digest);
	json_set(m, "from", from);
	return fetcher_send(p->fetcher, m, NULL, 0, e);
}

int push_request_upload(struct push_items *p, struct push_item *i, int file, const char *digest,
	int64_t size, struct err *e)
{
	auto_json m = json_object();
	i->request = p->next_request++;
	i->state = ITEM_MOVING;
	json_set_str(m, "op", "upload");
	json_set_int(m, "id", i->request);
	json_set_int(m, "size", size);
	if (digest)
		json_set_str(m, "digest", digest);
	return fetcher_send(p->fetcher, m, &file, 1, e);
}

int push_request_end(struct push_items *p, struct push_item *i, struct err *e)
{
	auto_json m = json_object();
	json_set_str(m, "op", "upload-end");
	json_set_int(m, "id", i->request);
	json_set_str(m, "digest", i->digest);
	json_set_int(m, "size", i->size);
	return fetcher_send(p->fetcher, m, NULL, 0, e);
}

int push_request_drop(struct push_items *p, struct push_item *i, struct err *e)
{
	auto_json m = json_object();
	json_set_str(m, "op", "upload-drop");
	json_set_int(m, "id", i->request);
	i->request = -1;
	push_request_drop_spool(i);
	return fetcher_send(p->fetcher, m, NULL, 0, e);
}

int push_request_open_spool(struct push_items *p, struct push_item *i, struct err *e)
{
	int fd = openat(p->store->root_fd, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		auto_free char *path = store_path(p->store, "tmp/spool-XXXXXX");
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path);
	}
	if (fd < 0)
		return err_sys(e, "cannot make a file in %s/tmp", p->store->root);
	i->spool = fd;
	return 0;
}

void push_request_drop_spool(struct push_item *i)
{
	if (i->spool >= 0)
		close(i->spool);
	i->spool = -1;
}
