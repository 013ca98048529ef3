#include "engine/image_tree.h"
#include "base/err.h"
#include "storage/db/layer_row.h"
#include "storage/image.h"
#include "storage/store.h"

#include <stdlib.h>
#include <string.h>

static struct tree_node *child_of(const struct tree_node *n, const char *diff_id)
{
	for (size_t i = 0; i < n->n_children; i++)
		if (!strcmp(n->children[i]->diff_id, diff_id))
			return n->children[i];
	return NULL;
}

static struct tree_node *add_child(struct tree_node *n, const char *diff_id)
{
	struct tree_node *child = xcalloc(1, sizeof(*child));
	child->diff_id = xstrdup(diff_id);
	child->parent = n;
	n->children = xrealloc(n->children, (n->n_children + 1) * sizeof(struct tree_node *));
	n->children[n->n_children++] = child;
	return child;
}

static int add_image(struct store *s, struct tree *t, const struct image *image, struct err *e)
{
	struct tree_node *at = &t->root;
	for (size_t i = 0; i < image->n_layers; i++) {
		struct tree_node *next = child_of(at, image->diff_ids[i]);
		if (!next) {
			next = add_child(at, image->diff_ids[i]);
			int r = layer_row_size(s->db, image->layer_ids[i], &next->size, e);
			if (r < 0)
				return r;
		}
		at = next;
	}
	for (char **name = image->names; image->n_layers && name && *name; name++)
		strv_add(&at->names, *name);
	return 0;
}

int image_tree_load(struct store *s, struct tree *t, struct err *e)
{
	struct image *images = NULL;
	size_t n = 0;
	*t = (struct tree){.root = {.diff_id = NULL}};
	int r = image_list(s, &images, &n, e);
	for (size_t i = n; i-- > 0;) {
		if (r >= 0)
			r = add_image(s, t, &images[i], e);
		image_deinit(&images[i]);
	}
	free(images);
	return r < 0 ? r : 0;
}

const struct tree_node *image_tree_find(const struct tree *t, const struct image *image)
{
	const struct tree_node *at = &t->root;
	for (size_t i = 0; i < image->n_layers && at; i++)
		at = child_of(at, image->diff_ids[i]);
	return at == &t->root ? NULL : at;
}

static void node_deinit(struct tree_node *n)
{
	for (size_t i = 0; i < n->n_children; i++) {
		node_deinit(n->children[i]);
		free(n->children[i]);
	}
	free(n->children);
	free(n->diff_id);
	strv_free(&n->names);
}

void image_tree_deinit(struct tree *t) { node_deinit(&t->root); }
