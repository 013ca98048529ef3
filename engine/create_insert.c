/* A prepared container becomes a record, or nothing. Apart from the making (create.c), of which a
 * start, and so the monitor, needs nothing. */
#include "engine/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/names.h"
#include "engine/rename.h"
#include "storage/db/db.h"
#include "storage/store.h"
#include "storage/volume.h"

enum { NAME_TRIES = 20 };

void container_new_deinit(struct container_new *c)
{
	container_row_deinit(&c->row);
	free(c->dir);
	scope_close(&c->alive_fd);
	for (size_t i = 0; i < c->n_layers; i++)
		free(c->layer_ids[i]);
	free(c->layer_ids);
	for (size_t i = 0; i < c->n_volumes; i++)
		free(c->volume_names[i]);
	free(c->volume_names);
	strv_free(&c->held_layers);
	*c = (struct container_new){.alive_fd = -1};
}

/* A record must not name files that a power cut could take away. */
static int sync_files(const struct container_new *c, struct err *e)
{
	static const char *const names[] = {"config.json", "hosts", "resolv.conf", "hostname", "."};
	auto_fd dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, "cannot open %s", c->dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_fd fd = openat(dir_fd, names[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			return err_sys(e, "cannot sync %s/%s", c->dir, names[i]);
	}
	return 0;
}

static int insert_once(struct store *s, struct container_new *c, char **other, struct err *e)
{
	int r = db_begin(s->db, c->row.auto_remove ? DB_NORMAL : DB_FULL, e);
	if (r < 0)
		return r;
	r = container_row_insert(s->db, &c->row, (const char *const *)c->layer_ids, c->n_layers,
		(const char *const *)c->volume_names, c->n_volumes, other, e);
	if (r == ROW_OK)
		r = container_row_hold_layers(s->db, c->row.id,
			(const char *const *)c->held_layers.v, c->held_layers.n, e);
	if (r == ROW_OK)
		r = event_container(s, &c->row, "create", NULL, e);
	if (r == ROW_OK && c->is_attached)
		r = event_container(s, &c->row, "attach", NULL, e);
	/* run: recorded when it starts. */
	if (r == ROW_OK && c->row.started_ns)
		r = event_container_start(s, &c->row, e);
	if (r == ROW_OK)
		return db_commit(s->db, e);
	db_rollback(s->db);
	return r;
}

int container_insert(struct store *s, struct container_new *c, struct err *e)
{
	int r = c->row.auto_remove ? 0 : sync_files(c, e);
	if (r < 0)
		return r;
	for (int i = 0;; i++) {
		auto_free char *other = NULL;
		r = insert_once(s, c, &other, e);
		if (r != ROW_CONFLICT)
			break;
		if (!c->name_is_generated || i == NAME_TRIES)
			return container_name_conflict(c->row.name, other ? other : "", e);
		free(c->row.name);
		c->row.name = name_generate(i + 1);
	}
	if (r == ROW_OK)
		store_container_settled(s, c->row.id);
	return r;
}

void container_discard(struct store *s, struct container_new *c)
{
	struct err e;
	if (!c->dir)
		return;
	volume_delete_noted(s, c->row.id);
	auto_free char *name = xasprintf("containers/%s", c->row.id);
	auto_free char *parent = store_path(s, "containers");
	if (enter_remove(s, parent, c->row.id, &e) < 0 && store_trash(s, name, &e) < 0)
		log_debug("cannot remove %s: %s", name, e.msg);
	store_container_settled(s, c->row.id);
	scope_close(&c->alive_fd);
	c->alive_fd = -1;
	free(take_ptr(c->dir));
}
