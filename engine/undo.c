#include "engine/undo.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/size.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/store.h"
#include "base/user_config.h"
#include "storage/volume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PREFIX_MIN = 4 };

static bool is_kind(const struct trash_row *t, const char *kind) { return !strcmp(t->kind, kind); }

static char *familiar(const char *name)
{
	struct err ignored;
	auto_reference ref = {0};
	return reference_parse(name, false, &ref, &ignored) < 0 ? xstrdup(name)
								: reference_familiar(&ref);
}

char *undo_shown(const struct trash_row *t)
{
	if (!is_kind(t, keep_is_image))
		return xstrdup(t->name);
	return *t->name ? familiar(t->name) : xstrdup("<none>:<none>");
}

/* ---- sizes ---- */

int undo_sizes(
	struct store *s, const struct trash_row *rows, size_t n, int64_t *sizes, struct err *e)
{
	auto_free const char **ids = xcalloc(n + 1, sizeof(*ids));
	auto_free int64_t *folders = xcalloc(n + 1, sizeof(*folders));
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		if (!is_kind(&rows[i], keep_is_image))
			ids[k++] = rows[i].id;
	int r = kept_sizes(s, ids, k, folders, e);
	k = 0;
	for (size_t i = 0; i < n && r >= 0; i++) {
		int64_t layers = 0;
		if (!is_kind(&rows[i], keep_is_volume))
			r = trash_row_layer_bytes(s->db, rows[i].id, &layers, e);
		sizes[i] = layers + (is_kind(&rows[i], keep_is_image) ? 0 : folders[k++]);
	}
	return r < 0 ? r : 0;
}

/* ---- which one ---- */

static bool has_name(const struct trash_row *t, const char *typed, const char *full)
{
	struct err ignored;
	if (!is_kind(t, keep_is_image))
		return !strcmp(t->name, *typed == '/' ? typed + 1 : typed);
	auto_strv names = STRV_INIT;
	auto_json content = json_parse(t->content, strlen(t->content), "trash", &ignored);
	json_to_strv(json_object_get(content, "names"), &names);
	return full && strv_has(&names, full);
}

const struct trash_row *undo_find(const struct trash_row *rows, size_t n, const char *typed)
{
	struct err ignored;
	auto_reference ref = {0};
	auto_free char *full =
		reference_parse(typed, true, &ref, &ignored) < 0 ? NULL : reference_key(&ref);
	const char *hex = str_after(typed, "sha256:");
	const char *id = hex ? hex : typed;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].id, id))
			return &rows[i];
	for (size_t i = 0; i < n; i++)
		if (has_name(&rows[i], typed, full))
			return &rows[i];
	if (strlen(id) >= PREFIX_MIN && is_hex(id, strlen(id)))
		for (size_t i = 0; i < n; i++)
			if (str_starts(rows[i].id, id))
				return &rows[i];
	return NULL;
}

/* ---- back ---- */

/* As the user types names of this kind. Owned through *full. */
static int check_name(const struct trash_row *t, const char *typed, char **full, struct err *e)
{
	auto_reference ref = {0};
	*full = NULL;
	if (!typed)
		return 0;
	if (is_kind(t, keep_is_image)) {
		if (reference_parse(typed, true, &ref, e) < 0)
			return -e->code;
		if (ref.digest)
			return err_set(e, EINVAL, "--name: a name with a digest cannot be given");
		*full = reference_full(&ref);
		return 0;
	}
	if (!volume_name_valid(typed))
		return err_set(e, EINVAL,
			"Invalid %s name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", t->kind,
			typed);
	*full = xstrdup(typed);
	return 0;
}

static int tell(struct store *s, const struct trash_row *t, const char *name, struct err *e)
{
	if (is_kind(t, keep_is_volume))
		return event_volume(s, "create", name, "local", NULL, e);
	if (is_kind(t, keep_is_image)) {
		auto_free char *id = xasprintf("sha256:%s", t->id);
		return event_image(s, "load", id, id, NULL, e);
	}
	struct container_row row = {0};
	int r = container_row_find(s->db, t->id, &row, e);
	if (r == ROW_OK)
		r = event_container(s, &row, "create", NULL, e);
	container_row_deinit(&row);
	return r;
}

static const struct trash_row *find_volume(const struct trash_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (is_kind(&rows[i], keep_is_volume) && !strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static int restore_one(struct store *s, const struct trash_row *t, const char *name, char **missing,
	struct strv *lines, struct err *e)
{
	int r = keep_restore(s, t, name, missing, e);
	if (r < 0)
		return r;
	auto_free char *shown = name && is_kind(t, keep_is_image) ? familiar(name)
				: name                            ? xstrdup(name)
								  : undo_shown(t);
	strv_add(lines, shown);
	return tell(s, t, shown, e);
}

int undo_restore(struct store *s, const struct trash_row *rows, size_t n, const struct trash_row *t,
	const char *new_name, struct strv *lines, struct err *e)
{
	auto_free char *name = NULL;
	auto_free char *shown = undo_shown(t);
	int r = check_name(t, new_name, &name, e);
	if (r < 0)
		return r;
	for (;;) {
		auto_free char *missing = NULL;
		struct err why = {0};
		r = restore_one(s, t, name, &missing, lines, &why);
		const struct trash_row *v = missing ? find_volume(rows, n, missing) : NULL;
		auto_free char *none = NULL;
		if (v && restore_one(s, v, NULL, &none, lines, &why) >= 0)
			continue;
		if (r >= 0)
			return 0;
		*e = why;
		(void)err_ctx(e, "cannot bring %s %s back", t->kind, shown);
		if (r == -EEXIST)
			return err_hint(
				e, "give it another name: moss undo --name NEW %.12s", t->id);
		return missing ? err_hint(e, "make it, or its like: moss volume create %s", missing)
			       : r;
	}
}

/* ---- the note ---- */

void undo_note(struct store *s)
{
	struct err ignored = {0};
	struct trash_row *rows = NULL;
	size_t n = 0;
	char when[64] = "";
	if (!s->kept || !isatty(STDERR_FILENO))
		return;
	auto_json config = NULL;
	if (user_config_read(&config, &ignored) < 0 || !json_bool_or(config, "trash-note", true) ||
		keep_list(s, &rows, &n, &ignored) < 0)
		return;
	if (n) {
		time_t until = (time_t)(keep_until_ns(s, &rows[0]) / NS_PER_S);
		struct tm tm;
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&until, &tm));
		fflush(stdout);
		fprintf(stderr,
			"moss: kept in the trash until %s (%zu in all): \"moss undo\" brings back, "
			"\"moss undo --empty\" frees\n",
			when, n);
	}
	for (size_t i = 0; i < n; i++)
		trash_row_deinit(&rows[i]);
	free(rows);
}
