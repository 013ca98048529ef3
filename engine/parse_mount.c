#include "engine/parse_mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"

void mount_spec_deinit(struct mount_spec *m)
{
	free(m->source);
	free(m->target);
	free(m->mode);
	free(m->propagation);
	free(m->tmpfs_options);
	free(m->consistency);
	free(m->driver);
	free(m->subpath);
	strv_free(&m->labels);
	strv_free(&m->options);
	*m = (struct mount_spec){0};
}

void mount_specs_free(struct mount_specs *m)
{
	for (size_t i = 0; i < m->n; i++)
		mount_spec_deinit(&m->v[i]);
	free(m->v);
	*m = (struct mount_specs){0};
}

struct mount_spec *mount_specs_add(struct mount_specs *m)
{
	m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
	m->v[m->n] = (struct mount_spec){0};
	return &m->v[m->n++];
}

static bool is_propagation(const char *s)
{
	static const char *const modes[] = {
		"private", "rprivate", "shared", "rshared", "slave", "rslave"};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(s, modes[i]) == 0)
			return true;
	return false;
}

static bool is_consistency(const char *s)
{
	return strcmp(s, "consistent") == 0 || strcmp(s, "cached") == 0 ||
	       strcmp(s, "delegated") == 0 || strcmp(s, "default") == 0;
}

/* Each kind of option at most once. */
static bool mode_set(struct mount_spec *m, const char *mode)
{
	auto_strv words = STRV_INIT;
	int rw = 0, label = 0, propagation = 0, copy = 0, consistency = 0;
	strv_split(&words, mode, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];
		if (strcmp(w, "ro") == 0 || strcmp(w, "rw") == 0) {
			m->read_only = w[1] == 'o';
			rw++;
		} else if (strcmp(w, "z") == 0 || strcmp(w, "Z") == 0) {
			label++;
		} else if (is_propagation(w)) {
			free(m->propagation);
			m->propagation = xstrdup(w);
			propagation++;
		} else if (strcmp(w, "nocopy") == 0) {
			m->nocopy = true;
			copy++;
		} else if (is_consistency(w)) {
			consistency++;
		} else {
			return false;
		}
	}
	return rw <= 1 && label <= 1 && propagation <= 1 && copy <= 1 && consistency <= 1;
}

static const char *type_name(enum mount_type t)
{
	return t == MOUNT_BIND ? "bind" : t == MOUNT_VOLUME ? "volume" : "tmpfs";
}

static int config_error(struct err *e, const char *type, const char *fmt, const char *arg)
{
	auto_free char *why = xasprintf(fmt, arg);
	return err_set(e, EINVAL, "invalid mount config for type \"%s\": %s", type, why);
}

/* What holds for every kind: absolute target that is not the root. Cleans it. */
static int target_check(struct mount_spec *m, struct err *e)
{
	if (m->target[0] != '/')
		return config_error(e, type_name(m->type),
			"invalid mount path: '%s' mount path must be absolute", m->target);
	char *clean = path_clean(m->target);
	free(m->target);
	m->target = clean;
	if (strcmp(clean, "/") == 0)
		return config_error(e, type_name(m->type),
			"invalid specification: destination can't be '%s'", "/");
	return 0;
}

static int volume_check(struct mount_spec *m, const char *text, struct err *e)
{
	int r = 0;
	if (m->type == MOUNT_BIND && m->nocopy)
		r = config_error(e, "bind", "field %s must not be specified", "VolumeOptions");
	else if (m->type == MOUNT_VOLUME && m->propagation)
		r = config_error(e, "volume", "field %s must not be specified", "BindOptions");
	else
		r = target_check(m, e);
	return r < 0 ? err_ctx(e, "invalid volume specification: '%s'", text) : 0;
}

int mount_parse_volume(const char *text, struct mount_spec *m, struct err *e)
{
	auto_strv parts = STRV_INIT;
	const char *mode = "", *source = NULL, *target;
	m->origin = MOUNT_FROM_V;
	if (!*text) {
		err_set(e, EINVAL, "invalid empty volume spec");
		return err_status(e, 125);
	}
	strv_split(&parts, text, ':');
	for (size_t i = 0; i < parts.n; i++) {
		if (parts.v[i][0])
			continue;
		err_set(e, EINVAL, "invalid spec: %s: empty section between colons", text);
		return err_status(e, 125);
	}
	if (parts.n > 3)
		return err_set(e, EINVAL, "invalid volume specification: '%s'", text);
	target = parts.v[0];
	if (parts.n == 2 && parts.v[0][0] == '/' && mode_set(m, parts.v[1])) {
		mode = parts.v[1];
	} else if (parts.n >= 2) {
		source = parts.v[0];
		target = parts.v[1];
		mode = parts.n == 3 ? parts.v[2] : "";
	}
	m->mode = xstrdup(mode);
	m->target = xstrdup(target);
	if (*mode && !mode_set(m, mode))
		return err_set(e, EINVAL, "invalid mode: %s", mode);
	m->type = source && (*source == '/' || *source == '.') ? MOUNT_BIND : MOUNT_VOLUME;
	m->make_source = m->type == MOUNT_BIND;
	if (source)
		m->source = m->type == MOUNT_BIND ? path_abs(source) : xstrdup(source);
	return volume_check(m, text, e);
}

int mount_parse_tmpfs(const char *text, struct mount_spec *m, struct err *e)
{
	const char *colon = strchr(text, ':');
	m->type = MOUNT_TMPFS;
	m->origin = MOUNT_FROM_TMPFS;
	m->mode = xstrdup("");
	m->target = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	m->tmpfs_options = xstrdup(colon ? colon + 1 : "");
	if (m->target[0] != '/')
		return err_set(e, EINVAL, "invalid mount path: '%s' mount path must be absolute",
			m->target);
	return target_check(m, e);
}

char *mount_bind_text(const struct mount_spec *m)
{
	return xasprintf("%s:%s%s%s", m->source, m->target, *m->mode ? ":" : "", m->mode);
}
