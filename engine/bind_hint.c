#include "engine/bind_hint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"

enum { PROC_MAX = 64 * 1024, GROUPS_MAX = 64, DAC_OVERRIDE = 1 };
#define SOON_NS (10 * INT64_C(1000000000))

/* A process as the host sees it. */
struct who {
	uid_t uid;
	gid_t gids[GROUPS_MAX];
	size_t n_gids;
	uint64_t caps;
	struct buf uid_map, gid_map;
};

static bool read_proc(pid_t pid, const char *name, struct buf *text)
{
	struct err ignored = {0};
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return read_file(path, PROC_MAX, text, &ignored) >= 0 && text->len;
}

static bool read_status(pid_t pid, struct who *w)
{
	auto_buf text = BUF_INIT;
	unsigned uid, gid;
	if (!read_proc(pid, "status", &text))
		return false;
	const char *uids = strstr(text.data, "\nUid:"), *gids = strstr(text.data, "\nGid:");
	const char *groups = strstr(text.data, "\nGroups:"), *caps = strstr(text.data, "\nCapEff:");
	if (!uids || !gids || !groups || !caps || sscanf(uids, "\nUid: %*u %u", &uid) != 1 ||
		sscanf(gids, "\nGid: %*u %u", &gid) != 1 ||
		sscanf(caps, "\nCapEff: %" SCNx64, &w->caps) != 1)
		return false;
	w->uid = uid;
	w->gids[w->n_gids++] = gid;
	char *at = (char *)groups + strlen("\nGroups:");
	while (w->n_gids < GROUPS_MAX && *(at += strspn(at, "\t ")) >= '0' && *at <= '9')
		w->gids[w->n_gids++] = (gid_t)strtoul(at, &at, 10);
	return true;
}

/* Through a line-by-line map, from column `from` (0 inside, 1 here); -1 where there is none. */
static int64_t map_id(const struct buf *map, int from, uint64_t id)
{
	uint64_t first[2], count;
	int used;
	for (const char *p = map->data; p && sscanf(p, "%" SCNu64 " %" SCNu64 " %" SCNu64 "%n",
						     &first[0], &first[1], &count, &used) == 3;
		p += used)
		if (id >= first[from] && id - first[from] < count)
			return (int64_t)(first[!from] + (id - first[from]));
	return -1;
}

/* Config.User in numbers; root has all of its capabilities. */
static bool take_user(const json_t *config, struct who *w)
{
	unsigned uid = 0, gid = 0;
	const char *user = json_str_or(config, "Config/User", "");
	if (*user && (*user < '0' || *user > '9' || sscanf(user, "%u:%u", &uid, &gid) < 1))
		return false;
	int64_t host_uid = map_id(&w->uid_map, 0, uid), host_gid = map_id(&w->gid_map, 0, gid);
	w->uid = (uid_t)host_uid;
	w->gids[w->n_gids++] = (gid_t)host_gid;
	w->caps = uid ? 0 : UINT64_C(1) << DAC_OVERRIDE;
	return host_uid >= 0 && host_gid >= 0;
}

static bool find_out(struct who *w, const json_t *config, pid_t init, pid_t monitor)
{
	bool lives = read_status(init, w) && read_proc(init, "uid_map", &w->uid_map) &&
		     read_proc(init, "gid_map", &w->gid_map);
	if (lives)
		return true;
	buf_free(&w->uid_map);
	buf_free(&w->gid_map);
	*w = (struct who){0};
	return read_proc(monitor, "uid_map", &w->uid_map) &&
	       read_proc(monitor, "gid_map", &w->gid_map) && take_user(config, w);
}

static bool may(const struct who *w, const struct stat *st, unsigned want)
{
	unsigned bits = st->st_mode & 7;
	bool in_group = false;
	/* The capability reaches files whose owner and group the namespace knows. */
	if ((w->caps >> DAC_OVERRIDE & 1) && map_id(&w->uid_map, 1, st->st_uid) >= 0 &&
		map_id(&w->gid_map, 1, st->st_gid) >= 0)
		return true;
	for (size_t i = 0; i < w->n_gids; i++)
		in_group |= w->gids[i] == st->st_gid;
	if (w->uid == st->st_uid)
		bits = st->st_mode >> 6 & 7;
	else if (in_group)
		bits = st->st_mode >> 3 & 7;
	return (bits & want) == want;
}

static char *sentence(
	const struct who *w, const json_t *mount, const struct stat *st, const char *what)
{
	const char *source = json_str_or(mount, "Source", "");
	const char *target = json_str_or(mount, "Destination", "");
	/* The container's root is this user: what he may not, no flag gives it. */
	auto_free char *cure = w->uid == getuid() ? xasprintf("it is not yours: chmod or chown it")
						  : xasprintf("-v %s:%s:U gives it to that user, "
							      "--user 0 runs the program as you",
							    source, target);
	return xasprintf("the container's user (uid %" PRId64
			 " in it, %u here) may not %s %s, mounted on "
			 "%s: it belongs to uid %u with mode %04o. %s",
		map_id(&w->uid_map, 1, w->uid), (unsigned)w->uid, what, source, target,
		(unsigned)st->st_uid, st->st_mode & 07777, cure);
}

static void look_at(struct bind_hint *h, const struct who *w, const json_t *mount)
{
	struct stat st;
	const char *source = json_str_or(mount, "Source", "");
	if (strcmp(json_str_or(mount, "Type", ""), "bind") != 0 || stat(source, &st) < 0 ||
		(!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) ||
		getxattr(source, "system.posix_acl_access", NULL, 0) > 0)
		return;
	bool is_dir = S_ISDIR(st.st_mode);
	if (!may(w, &st, is_dir ? 1 : 4)) {
		auto_free char *text = sentence(w, mount, &st, is_dir ? "look into" : "read");
		log_warn("%s", text);
	} else if (json_bool_or(mount, "RW", true) && !may(w, &st, 2)) {
		strv_take(&h->unwritable, sentence(w, mount, &st, "write to"));
	}
}

void bind_hint_started(struct bind_hint *h, const char *config, pid_t init, pid_t monitor)
{
	struct err ignored = {0};
	struct who w = {0};
	size_t i;
	json_t *mount;
	h->started_ns = clock_now_ns();
	if (!config || !strstr(config, "\"Type\":\"bind\""))
		return;
	auto_json all = json_parse(config, strlen(config), "config", &ignored);
	if (find_out(&w, all, init, monitor))
		json_array_foreach (json_at(all, "Mounts"), i, mount)
			look_at(h, &w, mount);
	buf_free(&w.uid_map);
	buf_free(&w.gid_map);
}

void bind_hint_ended(struct bind_hint *h, int status)
{
	bool failed = status == 1 || status == 126 || status == 127;
	if (!failed || clock_now_ns() - h->started_ns > SOON_NS)
		return;
	for (size_t i = 0; i < h->unwritable.n; i++)
		log_warn("%s", h->unwritable.v[i]);
}

void bind_hint_deinit(struct bind_hint *h) { strv_free(&h->unwritable); }
