#include "storage/intent.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/db.h"
#include "storage/db/layer_row.h"
#include "storage/db/trash_row.h"
#include "storage/db/volume_row.h"
#include "storage/keep.h"
#include "storage/store.h"
#include "storage/upper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTENT_MAX = 1024 * 1024 };

int intent_write(struct store *s, const char *stage, const struct strv *paths, struct err *e)
{
	auto_free char *text = strv_join(paths, "\n");
	auto_free char *relative = xasprintf("tmp/%s/intent", path_base(stage));
	return write_file_at(s->root_fd, relative, text, strlen(text), 0600, false, e);
}

/* "keep <trash id> volumes/<name>" */
static int settle_volume(struct store *s, const char *line, struct err *e)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, line, ' ');
	const char *name = words.n == 3 ? str_after(words.v[2], "volumes/") : NULL;
	if (!name || !volume_name_valid(name) || !is_hex(words.v[1], strlen(words.v[1])))
		return 1;
	int r = keep_settle_volume(s, words.v[1], name, e);
	return r < 0 ? r : 1;
}

/* "back <digest> layers/<short>": unpacked and verified, and perhaps all that is left of what a pull
 * has fetched. */
static int settle_kept(struct store *s, const char *line, struct err *e)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, line, ' ');
	const char *hex = words.n == 3 ? str_after(words.v[1], "sha256:") : NULL;
	const char *layer = words.n == 3 ? str_after(words.v[2], "layers/") : NULL;
	if (!hex || strlen(hex) != 64 || !is_hex(hex, 64) || !layer || !*layer ||
		!is_hex(layer, strlen(layer)))
		return 1;
	int r = layer_row_exists(s->db, layer, e);
	if (r != 0)
		return r;
	auto_free char *kept = xasprintf("parts/%s.layer", words.v[1]);
	if (renameat(s->root_fd, words.v[2], s->root_fd, kept) < 0 && errno != ENOENT)
		r = store_trash(s, words.v[2], e); /* another pull has its own there */
	return r < 0 ? r : 1;
}

/* 1 where the path has a row, or is not of our making: a damaged file must not move anything. */
static int is_known(struct store *s, const char *line, struct err *e)
{
	const char *layer = str_after(line, "layers/");
	const char *blob = str_after(line, "blobs/sha256/");
	const char *volume = str_after(line, "volumes/");
	const char *container = str_after(line, "containers/");
	if (str_starts(line, "keep "))
		return settle_volume(s, line, e);
	if (str_starts(line, "back "))
		return settle_kept(s, line, e);
	const char *kept = str_after(line, "undo/");
	if (kept && *kept && is_hex(kept, strlen(kept)))
		return trash_row_exists(s->db, kept, e);
	if (container && strlen(container) == 64 && is_hex(container, 64)) {
		int r = upper_settle_idle(s, container, e);
		return r < 0 ? r : 1;
	}
	if (layer && *layer && is_hex(layer, strlen(layer)))
		return layer_row_exists(s->db, layer, e);
	if (blob && *blob && is_hex(blob, strlen(blob)))
		return blob_is_used(s->db, blob, e);
	if (volume && volume_name_valid(volume))
		return volume_row_exists(s->db, volume, e);
	return 1;
}

int intent_settle(struct store *s, const char *stage, struct err *e)
{
	struct err ignored = {0};
	auto_buf text = BUF_INIT;
	auto_free char *relative = xasprintf("tmp/%s/intent", path_base(stage));
	int r = read_file_at(s->root_fd, relative, INTENT_MAX, &text, &ignored);
	if (r < 0 || !text.len)
		return r == -ENOENT || r >= 0 ? 0 : r;
	auto_strv lines = STRV_INIT;
	strv_split(&lines, text.data, '\n');
	/* In a transaction: nobody else may just be giving one of these paths its row. */
	r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < lines.n && r >= 0; i++)
		if ((r = is_known(s, lines.v[i], e)) == 0)
			r = store_trash(s, lines.v[i], e);
	db_rollback(s->db);
	if (r < 0)
		return r;
	(void)unlinkat(s->root_fd, relative, 0);
	return 0;
}

void intent_forget(struct store *s, const char *stage, int lock_fd)
{
	auto_free char *relative = xasprintf("tmp/%s/intent", path_base(stage));
	(void)unlinkat(s->root_fd, relative, 0);
	store_unstage(s, stage, &lock_fd);
}

struct unsettled {
	struct unsettled *next;
	char *stage;
	int lock_fd;
};

void intent_end(struct store *s, const char *stage, int lock_fd)
{
	struct unsettled *u = xcalloc(1, sizeof(*u));
	*u = (struct unsettled){s->unsettled, xstrdup(stage), lock_fd};
	s->unsettled = u;
	if (!db_in_transaction(s->db))
		store_settle(s);
}

void store_settle(struct store *s)
{
	while (s->unsettled) {
		struct unsettled *u = s->unsettled;
		struct err ignored = {0};
		s->unsettled = u->next;
		if (intent_settle(s, u->stage, &ignored) == 0)
			store_unstage(s, u->stage, &u->lock_fd);
		scope_close(&u->lock_fd);
		free(u->stage);
		free(u);
	}
}
