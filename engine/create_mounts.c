/* The mounts of a container: which there are. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"

struct mount_spec *create_mounts_find(struct create_plan *p, const char *target)
{
	for (size_t i = 0; i < p->mounts.n; i++)
		if (p->mounts.v[i].target && strcmp(p->mounts.v[i].target, target) == 0)
			return &p->mounts.v[i];
	return NULL;
}

/* The same text twice counts once. */
static bool is_repeated(const struct strv *list, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(list->v[i], list->v[at]) == 0)
			return true;
	return false;
}

typedef int (*mount_parser)(const char *, struct mount_spec *, struct err *);

/* Takes *m. What came from another container gives way. As in Docker, --tmpfs may name the target
 * of a --mount again (the --mount is what is mounted), but not the one of a -v. */
static int place(struct create_plan *p, struct mount_spec *m, struct err *e)
{
	struct mount_spec *there = create_mounts_find(p, m->target);
	if (!there) {
		*mount_specs_add(&p->mounts) = *m;
	} else if (there->origin == MOUNT_FROM_OTHER) {
		mount_spec_deinit(there);
		*there = *m;
	} else {
		int r = m->origin == MOUNT_FROM_TMPFS && there->origin == MOUNT_FROM_FLAG
				? 0
				: err_set(e, EINVAL, "Duplicate mount point: %s", m->target);
		mount_spec_deinit(m);
		return r;
	}
	return 0;
}

/* One bind mount for each match, below the target. */
static int place_matches(struct create_plan *p, const struct mount_spec *pattern, struct err *e)
{
	glob_t found = {0};
	int r = glob(pattern->source, 0, NULL, &found);
	if (r != 0) {
		globfree(&found);
		return err_set(
			e, ENOENT, "no file matches the glob \"%s\" of --mount", pattern->source);
	}
	r = 0;
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		struct mount_spec one = {
			.type = MOUNT_BIND,
			.origin = pattern->origin,
			.source = path_clean(found.gl_pathv[i]),
			.mode = xstrdup(""),
			.propagation = pattern->propagation ? xstrdup(pattern->propagation) : NULL,
			.read_only = pattern->read_only,
			.non_recursive = pattern->non_recursive,
			.chown = pattern->chown,
		};
		one.target = path_join(pattern->target, path_base(one.source));
		r = place(p, &one, e);
	}
	globfree(&found);
	return r;
}

static int parse_list(
	struct create_plan *p, const struct strv *list, mount_parser parse, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct mount_spec m = {0};
		if (is_repeated(list, i))
			continue;
		int r = parse(list->v[i], &m, e);
		if (r == 0 && !m.glob) {
			r = place(p, &m, e);
		} else {
			if (r == 0)
				r = place_matches(p, &m, e);
			mount_spec_deinit(&m);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* --tmpfs is a map from targets to options: the last one counts. */
static int parse_tmpfs(struct create_plan *p, const struct strv *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct mount_spec m = {0};
		int r = mount_parse_tmpfs(list->v[i], &m, e);
		if (r < 0) {
			mount_spec_deinit(&m);
			return r;
		}
		struct mount_spec *there = create_mounts_find(p, m.target);
		if (there && there->origin == MOUNT_FROM_TMPFS) {
			mount_spec_deinit(there);
			*there = m;
		} else if ((r = place(p, &m, e)) < 0) {
			return r;
		}
	}
	return 0;
}

static int check_tmpfs_options(const struct mount_spec *m, struct err *e)
{
	static const char *const flags[] = {"ro", "rw", "exec", "noexec", "suid", "nosuid", "dev",
		"nodev", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
		"strictatime", "nostrictatime", "sync", "async", "defaults", "private", "rprivate",
		"shared", "rshared", "slave", "rslave", "unbindable", "runbindable", "tmpcopyup",
		"notmpcopyup"};
	static const char *const keys[] = {
		"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=", "mpol=", "huge="};
	auto_strv words = STRV_INIT;
	strv_split(&words, m->tmpfs_options, ',');
	for (size_t i = 0; *m->tmpfs_options && i < words.n; i++) {
		bool known = false;
		for (size_t k = 0; k < ARRAY_LEN(flags); k++)
			known |= strcmp(words.v[i], flags[k]) == 0;
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			known |= str_starts(words.v[i], keys[k]);
		if (!known)
			return err_set(e, EINVAL, "invalid tmpfs option \"%s\"", words.v[i]);
	}
	return 0;
}

static int check_driver(const struct create_request *r, const struct mount_spec *m, struct err *e)
{
	const char *driver = m->origin == MOUNT_FROM_V ? r->volume_driver : m->driver;
	if (m->type == MOUNT_VOLUME && !str_empty(driver) && strcmp(driver, "local") != 0)
		return err_set(e, ENOENT,
			"error looking up volume plugin %s: plugin \"%s\" not found", driver,
			driver);
	return 0;
}

/* --image-volume: what becomes of the image's VOLUMEs. */
static int add_image_volumes(struct create_plan *p, struct err *e)
{
	const char *how = str_empty(p->r->image_volume) ? "anonymous" : p->r->image_volume;
	bool is_tmpfs = strcmp(how, "tmpfs") == 0;
	const char *target;
	json_t *unused;
	if (!is_tmpfs && strcmp(how, "anonymous") != 0 && strcmp(how, "bind") != 0 &&
		strcmp(how, "ignore") != 0)
		return err_set(e, EINVAL,
			"invalid image volume mode \"%s\" required value: anonymous, tmpfs, ignore",
			how);
	if (strcmp(how, "ignore") == 0)
		return 0;
	json_object_foreach (json_at(p->image_config, "Volumes"), target, unused) {
		auto_free char *clean = path_clean(target);
		if (clean[0] != '/' || !clean[1])
			return err_set(
				e, EINVAL, "the image's VOLUME %s is not an absolute path", target);
		if (create_mounts_find(p, clean))
			continue;
		struct mount_spec *m = mount_specs_add(&p->mounts);
		m->type = is_tmpfs ? MOUNT_TMPFS : MOUNT_VOLUME;
		m->fill = is_tmpfs;
		m->origin = MOUNT_FROM_IMAGE;
		m->target = take_ptr(clean);
		m->mode = xstrdup("");
	}
	return 0;
}

/* --read-only --read-only-tmpfs: what programs expect to be able to write. */
static void add_read_only_tmpfs(struct create_plan *p)
{
	static const char *const targets[] = {"/run", "/tmp", "/var/tmp"};
	if (!p->r->read_only || !p->r->read_only_tmpfs)
		return;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (create_mounts_find(p, targets[i]))
			continue;
		struct mount_spec *m = mount_specs_add(&p->mounts);
		m->type = MOUNT_TMPFS;
		m->origin = MOUNT_FROM_IMAGE;
		m->target = xstrdup(targets[i]);
		m->mode = xstrdup("");
		m->tmpfs_options = xstrdup("exec,tmpcopyup");
	}
}

static int check_all(struct create_plan *p, struct strv *warnings, struct err *e)
{
	bool has_driver = !str_empty(p->r->volume_driver), has_flag_volume = false;
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct mount_spec *m = &p->mounts.v[i];
		int r = check_driver(p->r, m, e);
		if (r == 0 && m->tmpfs_options)
			r = check_tmpfs_options(m, e);
		if (r < 0)
			return r;
		has_flag_volume |= m->origin == MOUNT_FROM_FLAG && m->type == MOUNT_VOLUME;
	}
	if (has_driver && has_flag_volume)
		strv_add(warnings, "WARNING: `--volume-driver` is ignored for volumes specified "
				   "via `--mount`. Use `--mount type=volume,volume-driver=...` "
				   "instead.");
	return 0;
}

int create_mounts_parse(struct create_plan *p, struct strv *warnings, struct err *e)
{
	const struct create_request *r = p->r;
	int rc;
	if ((rc = parse_list(p, &r->volume, mount_parse_volume, e)) < 0 ||
		(rc = parse_list(p, &r->mount, mount_parse_flag, e)) < 0 ||
		(rc = parse_tmpfs(p, &r->tmpfs, e)) < 0 || (rc = add_image_volumes(p, e)) < 0)
		return rc;
	add_read_only_tmpfs(p);
	return check_all(p, warnings, e);
}
