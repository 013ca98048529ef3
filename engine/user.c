#include "engine/user.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 4 << 20, GROUPS_LIMIT = 65536 };
static const uint32_t id_limit = 2147483647; /* Docker's */

void user_ids_deinit(struct user_ids *u)
{
	free(u->gids);
	free(u->home);
	*u = (struct user_ids){0};
}

/* Splits the next line at ':' into at most max fields; their number, 0 at the end of the text. */
static size_t next_fields(char **at, char *fields[], size_t max)
{
	char *line = *at;
	if (!line || !*line)
		return 0;
	char *end = strchr(line, '\n');
	*at = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	size_t n = 0;
	for (;;) {
		fields[n++] = line;
		char *colon = n < max ? strchr(line, ':') : NULL;
		if (!colon)
			return n;
		*colon = '\0';
		line = colon + 1;
	}
}

int user_next_passwd(char **at, struct user_entry *entry)
{
	char *f[7];
	size_t n;
	while ((n = next_fields(at, f, ARRAY_LEN(f))) > 0) {
		if (n < 4 || !*f[0] || !parse_u32(f[2], &entry->uid) ||
			!parse_u32(f[3], &entry->gid))
			continue;
		entry->name = f[0];
		entry->home = n > 5 && *f[5] ? f[5] : "/";
		entry->members = NULL;
		return true;
	}
	return false;
}

int user_next_group(char **at, struct user_entry *entry)
{
	char *f[4];
	size_t n;
	while ((n = next_fields(at, f, ARRAY_LEN(f))) > 0) {
		if (n < 3 || !*f[0] || !parse_u32(f[2], &entry->gid))
			continue;
		entry->name = f[0];
		entry->uid = 0;
		entry->home = NULL;
		entry->members = n > 3 ? f[3] : NULL;
		return true;
	}
	return false;
}

/* A missing file is an empty one. */
static int read_table(int root_fd, const char *path, struct buf *out, struct err *e)
{
	struct stat st;
	/* First a look that opens nothing: a FIFO or a device must not be touched. */
	auto_fd look = path_open_in(root_fd, path, O_PATH, 0);
	if (look == -ENOENT || look == -ENOTDIR)
		return 0;
	if (look < 0)
		return err_sysn(e, -look, "cannot open %s in the container", path);
	if (fstat(look, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s in the container is not a regular file", path);
	auto_fd fd = path_open_in(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return err_sysn(e, -fd, "cannot open %s in the container", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_LIMIT)
		return err_set(e, EFBIG, "%s in the container is too large", path);
	int r = read_fd(fd, FILE_LIMIT, out);
	if (r < 0)
		return err_sysn(e, -r, "cannot read %s in the container", path);
	return 0;
}

static bool is_number(const char *s) { return *s && !s[strspn(s, "0123456789")]; }

/* 1 a number, 0 a name, negative: a number that no id can be. */
static int parse_id(const char *s, uint32_t *id, struct err *e)
{
	if (!is_number(s) && !(*s == '-' && is_number(s + 1)))
		return 0;
	if (!parse_u32(s, id) || *id > id_limit)
		return err_set(e, EINVAL, "uids and gids must be in range 0-%u", id_limit);
	return 1;
}

void user_add_group(struct user_ids *u, gid_t gid)
{
	for (size_t i = 0; i < u->n_gids; i++)
		if (u->gids[i] == gid)
			return;
	if (u->n_gids == GROUPS_LIMIT)
		return;
	u->gids = xrealloc(u->gids, (u->n_gids + 1) * sizeof(*u->gids));
	u->gids[u->n_gids++] = gid;
}

static bool is_member(char *members, const char *name)
{
	size_t n = strlen(name);
	for (char *p = members; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, name, n) && (p[n] == ',' || !p[n]))
			return true;
	}
	return false;
}

struct wanted {
	const char *user, *group;
	char *name; /* of the matching passwd entry, owned */
};

static int resolve_user(int root_fd, struct wanted *w, struct user_ids *u, struct err *e)
{
	auto_buf text = BUF_INIT;
	uint32_t id = u->uid;
	int numeric = *w->user ? parse_id(w->user, &id, e) : 1;
	if (numeric < 0)
		return numeric;
	int r = read_table(root_fd, "/etc/passwd", &text, e);
	if (r < 0)
		return r;
	struct user_entry entry;
	char *at = text.data;
	while (user_next_passwd(&at, &entry)) {
		if (numeric ? entry.uid != id : strcmp(entry.name, w->user) != 0)
			continue;
		if (entry.uid > id_limit || entry.gid > id_limit)
			return err_set(e, EINVAL, "uids and gids must be in range 0-%u", id_limit);
		u->uid = entry.uid;
		if (*w->user)
			u->gid = entry.gid;
		w->name = xstrdup(entry.name);
		u->home = xstrdup(entry.home);
		return 0;
	}
	if (!numeric)
		return err_set(e, ENOENT,
			"unable to find user %s: no matching entries in passwd file", w->user);
	u->uid = id;
	u->home = xstrdup("/");
	return 0;
}

/* The first group of that name or number. A number without an entry is itself. */
static int find_group(char *text, const char *what, const char *words, gid_t *gid, struct err *e)
{
	uint32_t id = 0;
	int numeric = parse_id(what, &id, e);
	if (numeric < 0)
		return numeric;
	auto_free char *copy = xstrdup(text ? text : "");
	char *at = copy;
	struct user_entry entry;
	while (!numeric && user_next_group(&at, &entry)) {
		if (!strcmp(entry.name, what)) {
			*gid = entry.gid;
			return 0;
		}
	}
	if (!numeric)
		return err_set(e, ENOENT, "%s %s: no matching entries in group file", words, what);
	*gid = id;
	return 0;
}

static int resolve_groups(int root_fd, const struct wanted *w, const json_t *group_add,
	struct user_ids *u, struct err *e)
{
	auto_buf text = BUF_INIT;
	int r = read_table(root_fd, "/etc/group", &text, e);
	if (r < 0)
		return r;
	if (*w->group) {
		r = find_group(text.data, w->group, "unable to find group", &u->gid, e);
		if (r < 0)
			return r;
	}
	user_add_group(u, u->gid);
	for (size_t i = 0; i < json_array_size(group_add); i++) {
		const char *what = json_string_value(json_array_get(group_add, i));
		gid_t gid;
		r = find_group(text.data, what ? what : "", "Unable to find group", &gid, e);
		if (r < 0)
			return r;
		user_add_group(u, gid);
	}
	if (*w->group || !w->name)
		return 0;
	struct user_entry entry;
	char *at = text.data;
	while (user_next_group(&at, &entry))
		if (is_member(entry.members, w->name))
			user_add_group(u, entry.gid);
	return 0;
}

int user_resolve(int root_fd, const char *text, const struct json_t *group_add, struct user_ids *u,
	struct err *e)
{
	auto_free char *user = xstrdup(text ? text : "");
	struct wanted w = {.user = user, .group = ""};
	char *colon = strchr(user, ':');
	if (colon) {
		*colon = '\0';
		w.group = colon + 1;
	}
	int r = resolve_user(root_fd, &w, u, e);
	if (r == 0)
		r = resolve_groups(root_fd, &w, group_add, u, e);
	free(w.name);
	return r < 0 ? err_status(e, 125) : 0;
}
