#include "cmd/save_output.h"
#include "base/err.h"
#include "base/output.h"
#include "base/str.h"
#include "cmd/write_file.h"
#include "engine/copy.h"
#include "engine/transfer/save.h"

#include <unistd.h>

struct saving {
	struct store *store;
	const struct save_item *items;
	size_t n;
	const struct save_options *options;
};

static int write_images(void *arg, int fd, struct err *e)
{
	const struct saving *s = arg;
	return images_save(s->store, s->items, s->n, s->options, fd, e);
}

static int save_to_folder(struct saving *s, const char *path, struct err *e)
{
	auto_output o = OUTPUT_INIT;
	if (output_folder(&o, path, e) < 0)
		return err_ctx(e, "cannot save to %s", path);
	int r = write_images(s, o.fd, e);
	if (r == 0)
		r = output_commit(&o, e);
	return r < 0 ? write_context(e, path) : 0;
}

int save_output(struct store *s, const char *path, const struct save_item *items, size_t n,
	const struct save_options *o, struct err *e)
{
	struct saving saving = {.store = s, .items = items, .n = n, .options = o};
	if (transport_is_folder(o->format))
		return save_to_folder(&saving, path, e);
	if (str_empty(path)) {
		int r = images_save(s, items, n, o, STDOUT_FILENO, e);
		return r < 0 ? write_stdout_failed(e) : r;
	}
	if (copy_check_output(path, e) < 0)
		return err_ctx(e, "failed to save image");
	return write_to_file(path, true, write_images, &saving, e);
}
