#include "storage/volume.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/event_row.h"
#include "storage/db/volume_row.h"
#include "storage/intent.h"
#include "storage/keep.h"
#include "storage/store.h"
#include "storage/volume_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 255, ANONYMOUS_BYTES = 32, NOTE_MAX = 1 << 20 };

void volume_deinit(struct volume *v)
{
	free(v->name);
	free(v->driver);
	free(v->labels);
	free(v->options);
	free(v->mountpoint);
	*v = (struct volume){0};
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool volume_name_valid(const char *name)
{
	size_t n = strlen(name);
	if (n < 2 || n > NAME_MAX_LEN || !is_alnum(*name))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_alnum(name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

static int find(struct store *s, const char *name, struct volume *out, struct err *e)
{
	int r = volume_row_find(s->db, name, out, e);
	if (r == ROW_OK)
		out->mountpoint = store_path(s, "volumes/%s/_data", name);
	return r;
}

int volume_find(struct store *s, const char *name, struct volume *out, struct err *e)
{
	return find(s, name, out, e);
}

int volume_list(struct store *s, struct volume **out, size_t *n, struct err *e)
{
	int r = volume_row_list(s->db, out, n, e);
	for (size_t i = 0; r == 0 && i < *n; i++)
		(*out)[i].mountpoint = store_path(s, "volumes/%s/_data", (*out)[i].name);
	return r;
}

/* Folder first, then the record: both within the transaction, so that a folder without a record is
 * nobody's and is simply taken over. */
static int make_folder(struct store *s, const char *name, struct err *e)
{
	auto_free char *dir = xasprintf("volumes/%s", name);
	auto_free char *data = xasprintf("%s/_data", dir);
	int r = store_trash(s, dir, e);
	if (r < 0)
		return r;
	if (mkdirat(s->root_fd, dir, 0700) < 0 || mkdirat(s->root_fd, data, 0755) < 0 ||
		fchmodat(s->root_fd, data, 0755, 0) < 0)
		return err_sys(e, "cannot create %s/%s", s->root, data);
	auto_fd parent = openat(s->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd fd = openat(s->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fd < 0 || fsync(fd) < 0 || fsync(parent) < 0)
		return err_sys(e, "cannot sync %s/%s", s->root, dir);
	return 0;
}

static int tell(struct store *s, const char *action, const struct volume *v, struct err *e)
{
	return event_row_add(
		s->db, clock_now_ns(), "volume", action, v->name, "{\"driver\":\"local\"}", e);
}

static int create_locked(struct store *s, const struct volume *v, struct err *e)
{
	int r = volume_row_exists(s->db, v->name, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = make_folder(s, v->name, e);
	if (r == 0)
		r = volume_row_insert(s->db, v, e);
	if (r < 0) {
		struct err ignored = {0};
		auto_free char *dir = xasprintf("volumes/%s", v->name);
		(void)store_trash(s, dir, &ignored);
	}
	return r;
}

static char *anonymous_name(void)
{
	unsigned char bytes[ANONYMOUS_BYTES];
	random_bytes(bytes, sizeof(bytes));
	char *name = xcalloc(2, sizeof(bytes) + 1);
	hex_encode(name, bytes, sizeof(bytes));
	return name;
}

/* As Docker marks them. Owned. */
static char *with_anonymous_label(const char *labels)
{
	struct err ignored = {0};
	json_t *parsed = labels ? json_parse(labels, strlen(labels), "labels", &ignored) : NULL;
	auto_json object = parsed ? parsed : json_object();
	json_set_str(object, "com.docker.volume.anonymous", "");
	return json_text(object);
}

static int check_name(const char *name, struct err *e)
{
	if (strlen(name) == 1)
		return err_set(e, EINVAL,
			"create %s: volume name is too short, names should be at least two "
			"alphanumeric characters",
			name);
	if (!volume_name_valid(name))
		return err_set(e, EINVAL,
			"create %s: \"%s\" includes invalid characters for a local volume name, "
			"only "
			"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
			"directory, use absolute path",
			name, name);
	return 0;
}

static int check_options(const struct volume *v, struct err *e)
{
	if (!v->options)
		return 0;
	auto_json parsed = json_parse(v->options, strlen(v->options), "options", e);
	return parsed ? volume_options_check(v->name, parsed, e) : -e->code;
}

static int create_in_transaction(
	struct store *s, const char *stage, const struct volume *v, bool *was_made, struct err *e)
{
	auto_strv paths = STRV_INIT;
	strv_addf(&paths, "volumes/%s", v->name);
	int r = intent_write(s, stage, &paths, e);
	if (r < 0 || (r = db_begin(s->db, DB_FULL, e)) < 0)
		return r;
	r = create_locked(s, v, e);
	if (r == 1)
		r = tell(s, "create", v, e) < 0 ? -e->code : 1;
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	*was_made = r == 1;
	return db_commit(s->db, e);
}

static int create(
	struct store *s, const struct volume *v, struct volume *out, bool *was_made, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	int r = check_options(v, e);
	if (r < 0 || (r = store_stage(s, &stage, &lock_fd, e)) < 0)
		return r;
	r = create_in_transaction(s, stage, v, was_made, e);
	if (r == 0)
		intent_forget(s, stage, lock_fd);
	else
		intent_end(s, stage, lock_fd);
	if (r == 0)
		r = find(s, v->name, out, e);
	if (r == ROW_ABSENT)
		return err_set(e, EAGAIN, "volume %s was removed meanwhile", v->name);
	return r;
}

int volume_create(struct store *s, const char *name, const char *driver, const char *labels,
	const char *options, struct volume *out, bool *was_made, struct err *e)
{
	auto_free char *made_up = name ? NULL : anonymous_name();
	const char *shown = name ? name : made_up;
	if (driver && *driver && strcmp(driver, "local"))
		return err_set(e, EINVAL,
			"create %s: error looking up volume plugin %s: plugin \"%s\" not found",
			shown, driver, driver);
	int r = check_name(shown, e);
	if (r < 0)
		return r;
	auto_free char *marked = name ? NULL : with_anonymous_label(labels);
	struct volume v = {.name = (char *)shown,
		.driver = (char *)"local",
		.labels = name ? (char *)labels : marked,
		.options = (char *)options,
		.is_anonymous = !name,
		.needs_copy_up = true,
		.created_ns = clock_now_ns()};
	*was_made = false;
	r = name ? find(s, name, out, e) : ROW_ABSENT;
	return r == ROW_ABSENT ? create(s, &v, out, was_made, e) : r;
}

int volume_create_nameless(struct store *s, const char *name, struct err *e)
{
	auto_free char *marked = with_anonymous_label(NULL);
	struct volume out = {0};
	bool was_made;
	const struct volume v = {.name = (char *)name,
		.driver = (char *)"local",
		.labels = marked,
		.is_anonymous = true,
		.needs_copy_up = true,
		.created_ns = clock_now_ns()};
	int r = check_name(name, e);
	if (r == 0)
		r = create(s, &v, &out, &was_made, e);
	volume_deinit(&out);
	return r;
}

/* ---- of a container that has no record yet ---- */

static char *note_path(const char *container_id)
{
	return xasprintf("containers/%s/volumes", container_id);
}

static int note(struct store *s, const char *container_id, const char *name, struct err *e)
{
	auto_free char *path = note_path(container_id);
	auto_free char *line = xasprintf("%s\n", name);
	auto_fd fd = openat(s->root_fd, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, line, strlen(line));
	return r < 0 ? err_sysn(e, -r, "cannot write %s/%s", s->root, path) : 0;
}

int volume_create_for(struct store *s, const char *container_id, const char *labels,
	const char *options, struct volume *out, struct err *e)
{
	auto_free char *name = anonymous_name();
	auto_free char *marked = with_anonymous_label(labels);
	bool was_made;
	struct volume v = {.name = name,
		.driver = (char *)"local",
		.labels = marked,
		.options = (char *)options,
		.is_anonymous = true,
		.needs_copy_up = true,
		.created_ns = clock_now_ns()};
	int r = note(s, container_id, name, e);
	return r < 0 ? r : create(s, &v, out, &was_made, e);
}

void volume_delete_noted(struct store *s, const char *container_id)
{
	struct err e = {0};
	auto_buf text = BUF_INIT;
	auto_strv names = STRV_INIT;
	auto_free char *path = note_path(container_id);
	if (read_file_at(s->root_fd, path, NOTE_MAX, &text, &e) < 0 || !text.len)
		return;
	strv_split(&names, text.data, '\n');
	for (size_t i = 0; i < names.n; i++) {
		auto_strv users = STRV_INIT;
		if (strlen(names.v[i]) == 2 * (size_t)ANONYMOUS_BYTES &&
			is_hex(names.v[i], 2 * (size_t)ANONYMOUS_BYTES) &&
			volume_delete(s, names.v[i], &users.v, &users.n, &e) < 0)
			log_debug("cannot delete volume %s: %s", names.v[i], e.msg);
	}
}

static int delete_locked(struct store *s, const char *stage, const char *name, char ***users,
	size_t *n, struct err *e)
{
	int r = volume_row_exists(s->db, name, e);
	if (r <= 0)
		return r < 0 ? r : ROW_ABSENT;
	r = volume_row_users(s->db, name, users, n, e);
	if (r < 0)
		return r;
	if (*n)
		return ROW_CONFLICT;
	r = s->keeps ? keep_volume(s, stage, name, e) : volume_row_delete(s->db, name, e);
	const struct volume gone = {.name = (char *)name};
	return r == ROW_OK ? tell(s, "destroy", &gone, e) : r;
}

/* The intent is written before the row goes, so that a kill leaves a list of what to move; and
 * before the transaction, so that a full disk does not spoil one that this is a part of. */
int volume_delete(struct store *s, const char *name, char ***users, size_t *n, struct err *e)
{
	auto_free char *stage = NULL;
	auto_strv paths = STRV_INIT;
	int lock_fd = -1;
	*users = NULL;
	*n = 0;
	if (!volume_name_valid(name))
		return ROW_ABSENT;
	strv_addf(&paths, "volumes/%s", name);
	int r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	if ((r = intent_write(s, stage, &paths, e)) == 0 &&
		(r = db_begin(s->db, DB_FULL, e)) == 0) {
		r = delete_locked(s, stage, name, users, n, e);
		if (r < 0) {
			db_rollback(s->db);
		} else {
			int committed = db_commit(s->db, e);
			r = committed < 0 ? committed : r;
		}
	}
	intent_end(s, stage, lock_fd);
	return r;
}

int volume_users(struct store *s, const char *name, char ***ids, size_t *n, struct err *e)
{
	*ids = NULL;
	*n = 0;
	return volume_row_users(s->db, name, ids, n, e);
}

int volume_set_copied(struct store *s, const char *name, struct err *e)
{
	int r = db_begin(s->db, DB_NORMAL, e);
	if (r < 0)
		return r;
	r = volume_row_set_copied(s->db, name, e);
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	int committed = db_commit(s->db, e);
	return committed < 0 ? committed : r;
}

int volume_list_anonymous_of(
	struct store *s, const char *container_id, char ***names, size_t *n, struct err *e)
{
	*names = NULL;
	*n = 0;
	return volume_row_anonymous_of(s->db, container_id, names, n, e);
}
