/* moss image tree: the layers of an image, or what stands on it, as Podman draws them. */
#include "cmd/cmd.h"
#include "base/err.h"
#include "base/scope.h"
#include "cmd/format/human.h"
#include "cmd/image_names.h"
#include "engine/image_tree.h"
#include "storage/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_LEN = 12 };

struct tree_args {
	bool whatrequires;
};

/* A line of the drawing, with those that hang on it. */
struct item {
	const struct tree_node *node;
	struct item *below;
	size_t n;
};

static struct item *item_add(struct item *to, const struct tree_node *node)
{
	to->below = xrealloc(to->below, (to->n + 1) * sizeof(*to->below));
	to->below[to->n] = (struct item){.node = node};
	return &to->below[to->n++];
}

static void item_free(struct item *i)
{
	for (size_t k = 0; k < i->n; k++)
		item_free(&i->below[k]);
	free(i->below);
}

/* What stands on a layer stands beside it, like the layers of one image; on one of several that
 * stand on the same, it hangs on its line. A place in `to` is good until the next is added: an item
 * is whole before. */
static void grow(struct item *to, const struct tree_node *node)
{
	bool is_branch = node->parent->diff_id && node->parent->n_children > 1;
	struct item branch = {.node = node};
	if (!is_branch)
		(void)item_add(to, node);
	for (size_t i = 0; i < node->n_children; i++)
		grow(is_branch ? &branch : to, node->children[i]);
	if (is_branch)
		*item_add(to, node) = branch;
}

/* "sha256:<hex>" */
static const char *hex_of(const char *id)
{
	const char *hex = str_after(id, "sha256:");
	return hex ? hex : id;
}

static char *names_text(char *const *names, size_t n)
{
	auto_buf b = BUF_INIT;
	buf_puts(&b, "[");
	for (size_t i = 0; i < n; i++) {
		auto_free char *shown = image_familiar(names[i]);
		buf_printf(&b, "%s%s", i ? " " : "", shown);
	}
	buf_puts(&b, "]");
	return buf_take(&b);
}

static void draw(const struct item *i, const char *before)
{
	for (size_t k = 0; k < i->n; k++) {
		const struct tree_node *node = i->below[k].node;
		bool is_last = k + 1 == i->n;
		auto_free char *size = human_size4(node->size);
		auto_free char *names = names_text(node->names.v, node->names.n);
		auto_free char *next = xasprintf("%s%s", before, is_last ? "    " : "│   ");
		printf("%s%s ID: %.*s Size: %s%s%s\n", before, is_last ? "└──" : "├──", SHORT_LEN,
			hex_of(node->diff_id), size, node->names.n ? " Top Layer of: " : "",
			node->names.n ? names : "");
		draw(&i->below[k], next);
	}
}

static void add_chain(struct item *to, const struct tree_node *node)
{
	if (!node->diff_id)
		return;
	add_chain(to, node->parent);
	(void)item_add(to, node);
}

static void print_tree(const struct tree *t, const struct image *image, bool whatrequires)
{
	const struct tree_node *node = image_tree_find(t, image);
	struct item top = {.node = NULL};
	size_t n = 0;
	while (image->names && image->names[n])
		n++;
	auto_free char *names = names_text(image->names, n);
	auto_free char *size = human_size4(image->size);
	printf("Image ID: %.*s\nTags:     %s\nSize:     %s\n%s\n", SHORT_LEN, hex_of(image->id),
		names, size, node ? "Image Layers" : "No Image Layers");
	if (node && whatrequires)
		grow(&top, node);
	else if (node)
		add_chain(&top, node);
	draw(&top, "");
	putchar('\n');
	item_free(&top);
}

static int tree_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct tree_args *a = args;
	struct image image = {0};
	struct tree tree;
	int r = image_named(call->store, call->argv[0], &image, e);
	if (r < 0)
		return r;
	r = image_tree_load(call->store, &tree, e);
	if (r == 0)
		print_tree(&tree, &image, a->whatrequires);
	image_tree_deinit(&tree);
	image_deinit(&image);
	return r;
}

// clang-format off
static const struct opt opts[] = {
	{"whatrequires", 0, OPT_BOOL, FIELD(struct tree_args, whatrequires), "",
		"Show all child images and layers of the specified image"},
	{0},
};
// clang-format on

const struct cmd cmd_image_tree = {
	.name = "image tree",
	.brief = "Print layer hierarchy of an image in a tree format",
	.operands = "IMAGE",
	.min = 1,
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_IMAGE,
	.error_status = 125,
	.opts = opts,
	.args_size = sizeof(struct tree_args),
	.about = "Shows the layers of the image, the lowest first, by the first digits of the "
		 "digest "
		 "of their contents (the diff IDs that moss inspect shows), with the size of their "
		 "files and the names of the images that end there. With --whatrequires it starts "
		 "at the image's last layer and shows what stands on it.",
	.examples = "moss image tree app:1\nmoss image tree --whatrequires debian:12",
	.run = tree_run,
};
