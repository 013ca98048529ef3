#include "cmd/images_tree.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/human.h"
#include "cmd/format/utf8.h"
#include "cmd/image_filter.h"
#include "cmd/image_names.h"
#include "cmd/platform.h"
#include "storage/image.h"
#include "storage/store.h"

enum { SHORT_ID = 12 };

static int64_t blob_size(struct store *s, const char *digest)
{
	const char *hex = str_after(digest, "sha256:");
	auto_free char *path = hex ? store_path(s, "blobs/sha256/%s", hex) : NULL;
	struct stat st;
	return path && stat(path, &st) == 0 ? st.st_size : 0;
}

/* What is kept of the image as the registry sent it: manifests and config. */
static int64_t content_size(struct store *s, const struct image *i)
{
	int64_t bytes = blob_size(s, i->id);
	for (char **m = i->manifests; *m; m++)
		bytes += blob_size(s, *m);
	return bytes;
}

static char *platform_of(const struct image *i)
{
	struct err ignored;
	auto_json config = json_parse(i->config, strlen(i->config), "image config", &ignored);
	char *text = platform_text(NULL, json_str(config, "os"), json_str(config, "architecture"),
		json_str(config, "variant"));
	return text ? text : xstrdup("unknown");
}

/* The shown names, "<untagged>" where there are none. */
static void names_of(const struct image_filter *f, const struct image *i, struct strv *out)
{
	for (char **n = i->names; *n; n++)
		if (image_filter_name(f, *n))
			strv_take(out, image_familiar(*n));
	for (char **d = i->digests; *d && !out->n; d++)
		if (image_filter_name(f, *d))
			strv_take(out, image_familiar(*d));
	if (!out->n)
		strv_add(out, "<untagged>");
}

struct cells {
	struct strv names;
	char *platform;
};

static char *child_text(const struct cells *c, bool is_last)
{
	return xasprintf("%s %s", is_last ? "└─" : "├─", c->platform);
}

static void pad(struct buf *line, const char *text, int width)
{
	int used = (int)utf8_count(text, strlen(text));
	buf_printf(line, "%s%*s", text, width > used ? width - used : 0, "");
}

static void add_line(struct buf *out, const char *first, int width, const char *id,
	const char *usage, const char *content, const char *used)
{
	const char *hex = str_after(id, "sha256:");
	pad(out, first, width);
	buf_printf(out, "   %-12.12s   %10s   %12s   %s\n", hex ? hex : id, usage, content, used);
}

static void add_image(
	struct store *s, struct buf *out, const struct image *i, const struct cells *c, int width)
{
	auto_free char *usage = human_size(i->size);
	auto_free char *content = human_size(content_size(s, i));
	const char *used = i->n_containers > 0 ? " ✔  " : "    ";
	for (size_t k = 0; k + 1 < c->names.n; k++) {
		pad(out, c->names.v[k], width);
		buf_putc(out, '\n');
	}
	add_line(out, c->names.v[c->names.n - 1], width, i->id, usage, content, used);
	/* A line for each manifest that the image is known by. */
	size_t n = 0;
	while (i->manifests[n])
		n++;
	for (size_t k = 0; k < n || k == 0; k++) {
		auto_free char *child = child_text(c, k + 1 >= n);
		auto_free char *size =
			human_size(blob_size(s, i->id) + (n ? blob_size(s, i->manifests[k]) : 0));
		add_line(out, child, width, n ? i->manifests[k] : i->id, usage, size, used);
	}
}

int images_tree(struct store *s, const struct image_filter *f, const struct image *const *list,
	size_t n, struct err *e)
{
	struct cells *cells = xcalloc(n + 1, sizeof(*cells));
	auto_buf out = BUF_INIT;
	size_t width = strlen("IMAGE");
	(void)e;
	for (size_t i = 0; i < n; i++) {
		cells[i].platform = platform_of(list[i]);
		names_of(f, list[i], &cells[i].names);
		auto_free char *child = child_text(&cells[i], true);
		size_t w = utf8_count(child, strlen(child));
		width = w > width ? w : width;
		for (size_t k = 0; k < cells[i].names.n; k++) {
			w = strlen(cells[i].names.v[k]);
			width = w > width ? w : width;
		}
	}
	pad(&out, "IMAGE", (int)width);
	buf_puts(&out, "   ID             DISK USAGE   CONTENT SIZE   USED\n");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&out, '\n');
		add_image(s, &out, list[i], &cells[i], (int)width);
		strv_free(&cells[i].names);
		scope_free(&cells[i].platform);
	}
	scope_free(&cells);
	(void)fwrite(out.data, 1, out.len, stdout);
	return 0;
}
