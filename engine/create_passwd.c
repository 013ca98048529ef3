/* Lines for the container's /etc/passwd and /etc/group, for ids that the image may have no name
 * for: the annotation moss.passwd (engine/stage_passwd.c adds what is missing). */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/user.h"

enum { HOST_FILE_MAX = 16 << 20 };

struct person {
	const char *name, *comment, *home;
	uint32_t uid, gid;
};

/* $NAME in a --passwd-entry or --group-entry. Owned. */
static char *fill_in(const char *text, const char *const (*values)[2], size_t n)
{
	auto_buf out = BUF_INIT;
	while (*text) {
		size_t i = 0;
		while (i < n && !str_starts(text, values[i][0]))
			i++;
		if (i < n) {
			buf_puts(&out, values[i][1]);
			text += strlen(values[i][0]);
		} else {
			buf_putc(&out, *text++);
		}
	}
	return buf_take(&out);
}

static void add_line(json_t *lists, const char *file, uint32_t id, char *line)
{
	json_t *list = json_object_get(lists, file);
	if (!list) {
		list = json_array();
		json_set(lists, file, list);
	}
	auto_free char *clean = utf8_text(line);
	json_array_append_new(list, json_pack("{s:I, s:s}", "id", (json_int_t)id, "line", clean));
	free(line);
}

static void add_person(const struct create_plan *p, json_t *lists, const struct person *x)
{
	auto_free char *uid = xasprintf("%u", x->uid);
	auto_free char *gid = xasprintf("%u", x->gid);
	const char *const values[][2] = {{"$USERNAME", x->name}, {"$UID", uid}, {"$GID", gid},
		{"$NAME", x->comment}, {"$HOME", x->home}};
	const char *entry = p->r->passwd_entry;
	add_line(lists, "passwd", x->uid,
		!str_empty(entry) ? fill_in(entry, values, ARRAY_LEN(values))
				  : xasprintf("%s:*:%u:%u:%s:%s:/bin/sh", x->name, x->uid, x->gid,
					    x->comment, x->home));
}

static void add_group(const struct create_plan *p, json_t *lists, const char *name, uint32_t gid,
	const char *user)
{
	auto_free char *number = xasprintf("%u", gid);
	const char *const values[][2] = {
		{"$GROUPNAME", name}, {"$GID", number}, {"$USERLIST", user}};
	const char *entry = p->r->group_entry;
	add_line(lists, "group", gid,
		!str_empty(entry) ? fill_in(entry, values, ARRAY_LEN(values))
				  : xasprintf("%s:x:%u:%s", name, gid, user));
}

static const char *home_of(const struct create_plan *p, const char *own)
{
	for (size_t i = 0; i < p->mounts.n; i++)
		if (!str_empty(own) && strcmp(p->mounts.v[i].target, own) == 0)
			return own;
	return *p->workdir ? p->workdir : "/";
}

/* The one who runs moss. */
static void add_self(const struct create_plan *p, json_t *lists)
{
	struct account a;
	auto_free char *number = xasprintf("%u", p->keep_uid);
	(void)account_find(geteuid(), &a);
	const char *name = str_empty(a.name) ? number : a.name;
	add_person(
		p, lists, &(struct person){name, "", home_of(p, a.home), p->keep_uid, p->keep_gid});
	add_group(p, lists, name, p->keep_gid, name);
	account_deinit(&a);
}

/* --user with a number, as Podman names it. */
static void add_process_user(const struct create_plan *p, json_t *lists)
{
	auto_strv parts = STRV_INIT;
	struct account a;
	uint32_t uid, gid = 0;
	strv_split(&parts, p->user, ':');
	if (!parse_u32(parts.v[0], &uid) || uid == 0)
		return;
	bool has_gid = parts.n == 2 && parse_u32(parts.v[1], &gid);
	bool is_known = account_find(uid, &a) && !str_empty(a.name);
	add_person(p, lists,
		&(struct person){is_known ? a.name : parts.v[0],
			is_known ? a.name : "container user", home_of(p, NULL), uid, gid});
	if (has_gid && gid)
		add_group(p, lists, parts.v[1], gid, is_known ? a.name : parts.v[0]);
	account_deinit(&a);
}

static int add_host_user(
	const struct create_plan *p, json_t *lists, const char *name, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct user_entry x;
	int r = read_file("/etc/passwd", HOST_FILE_MAX, &text, e);
	if (r < 0)
		return r;
	for (char *at = text.data; at && user_next_passwd(&at, &x);) {
		auto_free char *number = xasprintf("%u", x.uid);
		if (strcmp(x.name, name) != 0 && strcmp(number, name) != 0)
			continue;
		add_line(lists, "passwd", x.uid,
			xasprintf("%s:*:%u:%u::%s:/bin/sh", x.name, x.uid, x.gid,
				home_of(p, x.home)));
		return 0;
	}
	return err_set(e, ENOENT, "user: unknown user %s", name);
}

int create_passwd(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	bool is_wanted = p->has_idmap || r->hostuser.n || !str_empty(r->passwd_entry) ||
			 !str_empty(r->group_entry);
	if (!is_wanted || !r->passwd)
		return 0;
	p->passwd = json_object();
	for (size_t i = 0; i < r->hostuser.n; i++) {
		int rc = add_host_user(p, p->passwd, r->hostuser.v[i], e);
		if (rc < 0)
			return rc;
	}
	if (p->userns.kind == IDMAP_KEEP_ID && !p->userns.has_uid && !p->userns.has_gid)
		add_self(p, p->passwd);
	add_process_user(p, p->passwd);
	return 0;
}
