#include "engine/parse_mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	free(m->flags);
	free(m->upper);
	free(m->work);
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
	static const char *const modes[] = {"private", "rprivate", "shared", "rshared", "slave",
		"rslave", "unbindable", "runbindable"};
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

/* How often each kind of option was given. */
struct mode_seen {
	int rw, label, propagation, copy, consistency, dev, exec, suid, bind;
};

static void add_flag(struct mount_spec *m, const char *word)
{
	char *all = m->flags ? xasprintf("%s,%s", m->flags, word) : xstrdup(word);
	free(m->flags);
	m->flags = all;
}

/* "dev", "nodev" and their like: flags of the mount. */
static bool take_flag(struct mount_spec *m, const char *word, struct mode_seen *seen)
{
	const char *plain = str_starts(word, "no") ? word + 2 : word;
	int *count = strcmp(plain, "dev") == 0    ? &seen->dev
		     : strcmp(plain, "exec") == 0 ? &seen->exec
		     : strcmp(plain, "suid") == 0 ? &seen->suid
						  : NULL;
	if (!count)
		return false;
	add_flag(m, word);
	++*count;
	return true;
}

static bool take_assignment(struct mount_spec *m, const char *word)
{
	const char *upper = str_after(word, "upperdir="), *work = str_after(word, "workdir=");
	if (upper && !m->upper)
		m->upper = path_abs(upper);
	else if (work && !m->work)
		m->work = path_abs(work);
	else
		return false;
	return true;
}

static bool mode_word(struct mount_spec *m, const char *word, struct mode_seen *seen)
{
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		m->read_only = word[1] == 'o';
		seen->rw++;
	} else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0) {
		seen->label++;
	} else if (is_propagation(word)) {
		free(m->propagation);
		m->propagation = xstrdup(word);
		seen->propagation++;
	} else if (strcmp(word, "nocopy") == 0 || strcmp(word, "copy") == 0) {
		m->nocopy = *word == 'n';
		seen->copy++;
	} else if (is_consistency(word)) {
		seen->consistency++;
	} else if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0) {
		m->non_recursive = *word == 'b';
		seen->bind++;
	} else if (strcmp(word, "U") == 0 && !m->chown) {
		m->chown = true;
	} else if (strcmp(word, "O") == 0 && !m->overlay) {
		m->overlay = true;
	} else if (strcmp(word, "nocreate") == 0) {
		m->make_source = false;
	} else {
		return take_flag(m, word, seen) || take_assignment(m, word);
	}
	return true;
}

static bool is_once(const struct mode_seen *s)
{
	return s->rw <= 1 && s->label <= 1 && s->propagation <= 1 && s->copy <= 1 &&
	       s->consistency <= 1 && s->dev <= 1 && s->exec <= 1 && s->suid <= 1 && s->bind <= 1;
}

/* Each kind of option at most once. */
static bool mode_set(struct mount_spec *m, const char *mode, struct mode_seen *seen)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, mode, ',');
	for (size_t i = 0; i < words.n; i++)
		if (!mode_word(m, words.v[i], seen))
			return false;
	return is_once(seen) && (m->overlay || (!m->upper && !m->work)) && !m->upper == !m->work;
}

/* Whether the second of two parts is a mode and not a target: nothing of it is kept. */
static bool is_mode(const char *text)
{
	struct mount_spec unused = {0};
	struct mode_seen seen = {0};
	bool is = mode_set(&unused, text, &seen);
	mount_spec_deinit(&unused);
	return is;
}

const char *mount_type_name(enum mount_type t)
{
	static const char *const names[] = {"bind", "volume", "tmpfs", "image", "ramfs", "devpts"};
	return names[t];
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
		return config_error(e, mount_type_name(m->type),
			"invalid mount path: '%s' mount path must be absolute", m->target);
	char *clean = path_clean(m->target);
	free(m->target);
	m->target = clean;
	if (strcmp(clean, "/") == 0)
		return config_error(e, mount_type_name(m->type),
			"invalid specification: destination can't be '%s'", "/");
	return 0;
}

static int volume_check(struct mount_spec *m, const char *text, bool says_copy, struct err *e)
{
	int r = 0;
	if (m->type == MOUNT_BIND && says_copy)
		r = config_error(e, "bind", "field %s must not be specified", "VolumeOptions");
	else if (m->type == MOUNT_VOLUME && m->propagation)
		r = config_error(e, "volume", "field %s must not be specified", "BindOptions");
	else
		r = target_check(m, e);
	return r < 0 ? err_ctx(e, "invalid volume specification: '%s'", text) : 0;
}

static int mode_error(const char *mode, struct err *e)
{
	err_set(e, EINVAL, "invalid mode: %s", mode);
	if (strstr(mode, "idmap"))
		return err_hint(e, "mounts with an id map of their own are not supported; U gives "
				   "the files to the container's user");
	return -EINVAL;
}

int mount_parse_volume(const char *text, struct mount_spec *m, struct err *e)
{
	auto_strv parts = STRV_INIT;
	struct mode_seen seen = {0};
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
	if (parts.n == 2 && parts.v[0][0] == '/' && is_mode(parts.v[1])) {
		mode = parts.v[1];
	} else if (parts.n >= 2) {
		source = parts.v[0];
		target = parts.v[1];
		mode = parts.n == 3 ? parts.v[2] : "";
	}
	m->mode = xstrdup(mode);
	m->target = xstrdup(target);
	m->type = source && (*source == '/' || *source == '.') ? MOUNT_BIND : MOUNT_VOLUME;
	m->make_source = m->type == MOUNT_BIND;
	if (*mode && !mode_set(m, mode, &seen))
		return mode_error(mode, e);
	if (source)
		m->source = m->type == MOUNT_BIND ? path_abs(source) : xstrdup(source);
	return volume_check(m, text, seen.copy > 0, e);
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

int mount_parse_from(const char *text, char **container, bool *read_only, struct err *e)
{
	const char *colon = strchr(text, ':');
	auto_strv words = STRV_INIT;
	int rw = 0, label = 0;
	*read_only = false;
	if (!*text)
		return err_set(e, EINVAL, "volumes-from specification cannot be an empty string");
	strv_split(&words, colon ? colon + 1 : "rw", ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];
		bool is_ro = strcmp(w, "ro") == 0;
		if (is_ro || strcmp(w, "rw") == 0)
			rw++;
		else if (strcmp(w, "z") == 0 || strcmp(w, "Z") == 0)
			label++;
		else
			rw = 2;
		*read_only |= is_ro;
	}
	if (rw > 1 || label > 1)
		return err_set(e, EINVAL, "invalid mode: %s", colon + 1);
	if (colon == text)
		return err_set(e, EINVAL, "invalid name or ID supplied: \"\"");
	*container = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	return 0;
}

bool mount_subpath_valid(const char *subpath)
{
	auto_free char *clean = path_clean(subpath);
	return clean[0] != '/' && strcmp(clean, "..") != 0 && !str_starts(clean, "../");
}

char *mount_bind_text(const struct mount_spec *m)
{
	return xasprintf("%s:%s%s%s", m->source, m->target, *m->mode ? ":" : "", m->mode);
}

int mount_source_exists(const char *source, struct err *e)
{
	if (access(source, F_OK) == 0 || errno != ENOENT)
		return 0;
	return err_set(e, ENOENT,
		"invalid mount config for type \"bind\": bind source path does not exist: %s",
		source);
}
