#include "storage/volume.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/container_row.h"
#include "storage/db/db.h"
#include "storage/db/volume_row.h"
#include "storage/intent.h"
#include "storage/store.h"
#include "storage/volume_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 255, ANONYMOUS_BYTES = 32 };

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

int volume_create(struct store *s, const char *name, const char *driver, const char *labels,
	const char *options, struct volume *out, bool *was_made, struct err *e)
{
	auto_free char *made_up = name ? NULL : anonymous_name();
	const char *shown = name ? name : made_up;
	if (driver && *driver && strcmp(driver, "local"))
		return err_set(e, EINVAL,
			"create %s: error looking up volume plugin %s: plugin \"%s\" not found",
			shown, driver, driver);
	if (name && strlen(name) == 1)
		return err_set(e, EINVAL,
			"create %s: volume name is too short, names should be at least two "
			"alphanumeric characters",
			name);
	if (name && !volume_name_valid(name))
		return err_set(e, EINVAL,
			"create %s: \"%s\" includes invalid characters for a local volume name, "
			"only "
			"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
			"directory, use absolute path",
			name, name);
	auto_free char *marked = name ? NULL : with_anonymous_label(labels);
	struct volume v = {.name = (char *)shown,
		.driver = (char *)"local",
		.labels = name ? (char *)labels : marked,
		.options = (char *)options,
		.is_anonymous = !name,
		.needs_copy_up = true,
		.created_ns = clock_now_ns()};
	*was_made = false;
	int r = name ? find(s, name, out, e) : ROW_ABSENT;
	if (r != ROW_ABSENT)
		return r;
	auto_json parsed = options ? json_parse(options, strlen(options), "options", e) : NULL;
	if (options && !parsed)
		return -e->code;
	r = volume_options_check(shown, parsed, e);
	if (r < 0 || (r = db_begin(s->db, DB_FULL, e)) < 0)
		return r;
	r = create_locked(s, &v, e);
	if (r < 0) {
		db_rollback(s->db);
		return r;
	}
	*was_made = r == 1;
	r = db_commit(s->db, e);
	if (r == 0)
		r = find(s, v.name, out, e);
	if (r == ROW_ABSENT)
		return err_set(e, EAGAIN, "volume %s was removed meanwhile", v.name);
	return r;
}

/* The intent is written before the row goes, so that a kill leaves a list of what to move. */
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
	auto_strv paths = STRV_INIT;
	strv_addf(&paths, "volumes/%s", name);
	r = intent_write(s, stage, &paths, e);
	return r < 0 ? r : volume_row_delete(s->db, name, e);
}

int volume_delete(struct store *s, const char *name, char ***users, size_t *n, struct err *e)
{
	auto_free char *stage = NULL;
	int lock_fd = -1;
	*users = NULL;
	*n = 0;
	int r = store_stage(s, &stage, &lock_fd, e);
	if (r < 0)
		return r;
	r = db_begin(s->db, DB_FULL, e);
	if (r == 0) {
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
