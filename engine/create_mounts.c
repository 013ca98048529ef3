/* The mounts of a container: which there are (text), then where they come from (volumes are made,
 * bind sources looked at). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "storage/db/container_row.h"
#include "storage/store.h"
#include "storage/volume.h"

static struct mount_spec *find_target(struct create_plan *p, const char *target)
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

static int parse_list(
	struct create_plan *p, const struct strv *list, mount_parser parse, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		struct mount_spec m = {0};
		if (is_repeated(list, i))
			continue;
		int r = parse(list->v[i], &m, e);
		if (r == 0 && find_target(p, m.target))
			r = err_set(e, EINVAL, "Duplicate mount point: %s", m.target);
		if (r < 0) {
			mount_spec_deinit(&m);
			return r;
		}
		*mount_specs_add(&p->mounts) = m;
	}
	return 0;
}

static int check_tmpfs_options(const struct mount_spec *m, struct err *e)
{
	static const char *const flags[] = {"ro", "rw", "exec", "noexec", "suid", "nosuid", "dev",
		"nodev", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
		"strictatime", "nostrictatime", "sync", "async", "defaults", "private", "rprivate",
		"shared", "rshared", "slave", "rslave", "unbindable", "runbindable"};
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
			return err_set(e, EINVAL, "invalid tmpfs option [\"%s\"] for --tmpfs %s",
				words.v[i], m->target);
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
	if (m->subpath)
		return err_set(e, ENOTSUP, "--mount volume-subpath is not supported yet");
	if (m->options.n)
		return err_set(e, ENOTSUP, "--mount volume-opt is not supported yet");
	return 0;
}

int create_mounts_parse(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	const char *target;
	json_t *unused;
	int rc;
	if ((rc = parse_list(p, &r->volume, mount_parse_volume, e)) < 0 ||
		(rc = parse_list(p, &r->mount, mount_parse_flag, e)) < 0 ||
		(rc = parse_list(p, &r->tmpfs, mount_parse_tmpfs, e)) < 0)
		return rc;
	json_object_foreach (json_at(p->image_config, "Volumes"), target, unused) {
		auto_free char *clean = path_clean(target);
		if (clean[0] != '/' || !clean[1])
			return err_set(
				e, EINVAL, "the image's VOLUME %s is not an absolute path", target);
		if (find_target(p, clean))
			continue;
		struct mount_spec *m = mount_specs_add(&p->mounts);
		m->type = MOUNT_VOLUME;
		m->origin = MOUNT_FROM_IMAGE;
		m->target = take_ptr(clean);
		m->mode = xstrdup("");
	}
	p->reals = xcalloc(p->mounts.n + 1, sizeof(*p->reals));
	for (size_t i = 0; i < p->mounts.n; i++) {
		const struct mount_spec *m = &p->mounts.v[i];
		p->reals[i].spec = m;
		if ((rc = check_driver(r, m, e)) < 0)
			return rc;
		if (m->tmpfs_options && (rc = check_tmpfs_options(m, e)) < 0)
			return rc;
	}
	return 0;
}

/* The source must be there and reachable for the user; -v makes a missing folder. */
static int resolve_bind(struct mount_real *m, struct err *e)
{
	const struct mount_spec *spec = m->spec;
	auto_fd fd = open(spec->source, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && spec->make_source) {
		if (path_mkdirs(spec->source, 0755, e) < 0)
			return err_ctx(
				e, "error while creating mount source path '%s'", spec->source);
	} else if (fd < 0 && errno == ENOENT) {
		return err_set(e, ENOENT,
			"invalid mount config for type \"bind\": bind source path does not exist: "
			"%s",
			spec->source);
	} else if (fd < 0) {
		int code = errno;
		err_sysn(e, code, "cannot use %s as the source of a bind mount", spec->source);
		return code != EACCES ? -code
				      : err_hint(e, "moss runs with your own rights: you need "
						    "search permission "
						    "on every folder of that path");
	}
	m->source = xstrdup(spec->source);
	return 0;
}

static char *labels_json(const struct strv *labels)
{
	if (!labels->n)
		return NULL;
	auto_json o = json_object();
	for (size_t i = 0; i < labels->n; i++) {
		size_t n = strcspn(labels->v[i], "=");
		auto_free char *key = xstrndup(labels->v[i], n);
		json_set_str(o, key, labels->v[i][n] ? labels->v[i] + n + 1 : "");
	}
	return json_text(o);
}

static int volume_name_check(const char *name, struct err *e)
{
	if (!name || volume_name_valid(name))
		return 0;
	if (!name[1])
		return err_set(e, EINVAL,
			"create %s: volume name is too short, names should be at least two "
			"alphanumeric characters",
			name);
	err_set(e, EINVAL,
		"create %s: \"%s\" includes invalid characters for a local volume name, only "
		"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed",
		name, name);
	return err_hint(e, "if you intended to pass a host directory, use an absolute path");
}

static int resolve_volume(struct store *s, struct mount_real *m, struct err *e)
{
	const struct mount_spec *spec = m->spec;
	struct volume v = {0};
	bool was_made;
	int r = volume_name_check(spec->source, e);
	if (r < 0)
		return r;
	auto_free char *labels = labels_json(&spec->labels);
	r = volume_create(s, spec->source, "local", labels, NULL, &v, &was_made, e);
	if (r < 0)
		return err_ctx(e, "cannot make the volume for %s", spec->target);
	m->source = xstrdup(v.mountpoint);
	m->volume = xstrdup(v.name);
	m->copy_up = v.needs_copy_up && !spec->nocopy;
	volume_deinit(&v);
	return 0;
}

int create_mounts_resolve(struct store *s, struct create_plan *p, struct err *e)
{
	int r = 0;
	/* Binds first: when one is refused, no volume has been made. */
	for (size_t i = 0; r == 0 && i < p->mounts.n; i++)
		if (p->mounts.v[i].type == MOUNT_BIND)
			r = resolve_bind(&p->reals[i], e);
	for (size_t i = 0; r == 0 && i < p->mounts.n; i++)
		if (p->mounts.v[i].type == MOUNT_VOLUME)
			r = resolve_volume(s, &p->reals[i], e);
	return r;
}
