/* The CSV of --mount, with the words and errors of Docker's client. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/parse_limit.h"
#include "engine/parse_mount.h"

/* One line of RFC 4180 as Go's csv reader takes it: a field in quotes may hold commas, "" is a
 * quote. Returns NULL or what is wrong. */
static const char *csv_split(const char *text, struct strv *out)
{
	const char *p = text;
	for (;;) {
		auto_buf field = BUF_INIT;
		if (*p == '"') {
			for (p++; *p != '"' || p[1] == '"'; p++) {
				if (!*p)
					return "extraneous or missing \" in quoted-field";
				if (*p == '"')
					p++;
				buf_putc(&field, *p);
			}
			p++;
			if (*p && *p != ',')
				return "extraneous or missing \" in quoted-field";
		} else {
			for (; *p && *p != ','; p++) {
				if (*p == '"')
					return "bare \" in non-quoted-field";
				buf_putc(&field, *p);
			}
		}
		strv_take(out, buf_take(&field));
		if (!*p++)
			return NULL;
	}
}

static bool parse_bool(const char *s, bool *out)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(s, yes[i]) != 0 && strcmp(s, no[i]) != 0)
			continue;
		*out = strcmp(s, yes[i]) == 0;
		return true;
	}
	return false;
}

struct flag_state {
	struct mount_spec *m;
	const char *type;
	/* the last of each kind, for conflicts */
	const char *bind_key, *volume_key, *tmpfs_key, *image_key;
	const char *subpath_key, *devpts_key;
	bool bind_recursive_readonly, owner_given, has_rw;
};

static int bad_value(struct err *e, const char *key, const char *value)
{
	return err_set(e, EINVAL, "invalid value for %s: %s", key, value);
}

static int bind_recursive_set(struct flag_state *s, const char *value, struct err *e)
{
	struct mount_spec *m = s->m;
	bool on;
	if (strcmp(value, "enabled") == 0)
		return 0;
	if (strcmp(value, "disabled") == 0) {
		m->non_recursive = true;
	} else if (strcmp(value, "writable") == 0) {
		m->read_only_top = true;
	} else if (strcmp(value, "readonly") == 0) {
		m->read_only_all = s->bind_recursive_readonly = true;
	} else if (parse_bool(value, &on)) {
		m->non_recursive = !on;
	} else {
		return err_set(e, EINVAL,
			"invalid value for %s: %s (must be \"enabled\", \"disabled\", "
			"\"writable\", or \"readonly\")",
			"bind-recursive", value);
	}
	return 0;
}

static int bind_key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	s->bind_key = key;
	if (strcmp(key, "bind-propagation") == 0) {
		str_lower((char *)value);
		free(s->m->propagation);
		s->m->propagation = xstrdup(value);
		return 0;
	}
	if (strcmp(key, "bind-recursive") == 0)
		return bind_recursive_set(s, value, e);
	if (strcmp(key, "bind-nonrecursive") == 0)
		return parse_bool(value, &s->m->non_recursive) ? 0 : bad_value(e, key, value);
	if (strcmp(key, "bind-create-src") == 0)
		return parse_bool(value, &s->m->make_source) ? 0 : bad_value(e, key, value);
	return 1;
}

static int volume_key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	struct mount_spec *m = s->m;
	s->volume_key = key;
	m->has_volume_options = true;
	if (strcmp(key, "volume-nocopy") == 0)
		return parse_bool(value, &m->nocopy) ? 0 : bad_value(e, key, value);
	if (strcmp(key, "volume-label") == 0)
		strv_add(&m->labels, value);
	else if (strcmp(key, "volume-opt") == 0)
		strv_add(&m->options, value);
	else if (strcmp(key, "volume-driver") == 0)
		free(m->driver), m->driver = xstrdup(value);
	else
		return 1;
	return 0;
}

static int tmpfs_key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	s->tmpfs_key = key;
	if (strcmp(key, "tmpfs-size") == 0)
		return size_parse(value, &s->m->tmpfs_size) ? 0 : bad_value(e, key, value);
	if (strcmp(key, "tmpfs-mode") == 0) {
		char *end;
		unsigned long mode = strtoul(value, &end, 8);
		if (!isdigit((unsigned char)*value) || *end || mode > 07777)
			return bad_value(e, key, value);
		s->m->tmpfs_mode = (uint32_t)mode;
		s->m->has_tmpfs_mode = true;
		return 0;
	}
	return 1;
}

/* Podman's: what Docker has no word for. */
static int podman_key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	struct mount_spec *m = s->m;
	bool on;
	if (strcmp(key, "U") == 0 || strcmp(key, "u") == 0 || strcmp(key, "chown") == 0) {
		if (s->owner_given)
			return err_set(
				e, EINVAL, "cannot pass 'U' or 'chown' option more than once");
		s->owner_given = true;
		return parse_bool(value, &m->chown) ? 0 : bad_value(e, key, value);
	}
	if (strcmp(key, "relabel") == 0)
		return strcmp(value, "shared") == 0 || strcmp(value, "private") == 0
			       ? 0
			       : err_set(e, EINVAL,
					 "relabel mount option must be 'private' or 'shared'");
	if (strcmp(key, "rw") == 0 || strcmp(key, "readwrite") == 0) {
		if (!parse_bool(value, &on))
			return bad_value(e, key, value);
		m->read_only = !on;
		s->has_rw = true;
		return 0;
	}
	if (strcmp(key, "tmpcopyup") == 0 || strcmp(key, "notmpcopyup") == 0) {
		s->tmpfs_key = key;
		if (!parse_bool(value, &on))
			return bad_value(e, key, value);
		m->fill = on == (*key == 't');
		return 0;
	}
	if (strcmp(key, "idmap") == 0 || strcmp(key, "no-dereference") == 0)
		return err_set(e, ENOTSUP, "--mount %s is not supported by moss", key);
	return 1;
}

static int subpath_set(struct flag_state *s, const char *key, const char *value)
{
	s->subpath_key = key;
	if (*key == 'v')
		s->volume_key = key;
	if (*key == 'i')
		s->image_key = key;
	/* Podman's subpaths may begin with the slash of the volume's root. */
	if (strcmp(key, "subpath") == 0)
		value += strspn(value, "/");
	free(s->m->subpath);
	s->m->subpath = *value ? xstrdup(value) : NULL;
	return 0;
}

/* uid, gid, mode, max of a devpts: the file system's own words. */
static int devpts_key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	struct mount_spec *m = s->m;
	s->devpts_key = key;
	if (!*value || value[strspn(value, "0123456789")])
		return bad_value(e, key, value);
	char *all =
		xasprintf("%s%s%s=%s", m->flags ? m->flags : "", m->flags ? "," : "", key, value);
	free(m->flags);
	m->flags = all;
	return 0;
}

/* 0, 1 where the key is not known, or an error. */
static int key_set(struct flag_state *s, const char *key, const char *value, struct err *e)
{
	struct mount_spec *m = s->m;
	if (strcmp(key, "type") == 0) {
		s->type = value;
		str_lower((char *)value);
	} else if (strcmp(key, "source") == 0 || strcmp(key, "src") == 0) {
		free(m->source);
		m->source = value[0] == '.' && (!value[1] || value[1] == '/' || value[1] == '.')
				    ? path_abs(value)
				    : xstrdup(value);
	} else if (strcmp(key, "target") == 0 || strcmp(key, "dst") == 0 ||
		   strcmp(key, "destination") == 0) {
		free(m->target);
		m->target = xstrdup(value);
	} else if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0) {
		return parse_bool(value, &m->read_only) ? 0 : bad_value(e, key, value);
	} else if (strcmp(key, "consistency") == 0) {
		free(m->consistency);
		m->consistency = xstrdup(value);
	} else if (strcmp(key, "subpath") == 0 || strcmp(key, "volume-subpath") == 0 ||
		   strcmp(key, "image-subpath") == 0) {
		m->has_volume_options |= *key == 'v';
		return subpath_set(s, key, value);
	} else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0 || strcmp(key, "mode") == 0 ||
		   strcmp(key, "max") == 0) {
		return devpts_key_set(s, key, value, e);
	} else if (str_starts(key, "bind-")) {
		return bind_key_set(s, key, value, e);
	} else if (str_starts(key, "volume-")) {
		return volume_key_set(s, key, value, e);
	} else if (str_starts(key, "tmpfs-")) {
		return tmpfs_key_set(s, key, value, e);
	} else {
		return podman_key_set(s, key, value, e);
	}
	return 0;
}

static int field_set(struct flag_state *s, char *field, struct err *e)
{
	static const char *const alone[] = {"readonly", "ro", "volume-nocopy", "bind-nonrecursive",
		"bind-create-src", "u", "chown", "rw", "readwrite", "tmpcopyup", "notmpcopyup",
		"idmap", "no-dereference"};
	auto_free char *whole = xstrdup(field);
	char *value = strchr(field, '=');
	bool is_switch = false;
	if (value)
		*value++ = '\0';
	str_lower(field);
	for (size_t i = 0; i < ARRAY_LEN(alone); i++)
		is_switch |= strcmp(field, alone[i]) == 0;
	if (!value && !is_switch)
		return err_set(e, EINVAL, "invalid field '%s' must be a key=value pair", whole);
	int r = key_set(s, field, value ? value : "true", e);
	return r <= 0 ? r : err_set(e, EINVAL, "unexpected key '%s' in '%s'", field, whole);
}

static int conflicts_check(const struct flag_state *s, struct err *e)
{
	const char *mixed = NULL;
	if (!s->m->target)
		return err_set(e, EINVAL, "target is required");
	if (s->volume_key && strcmp(s->type, "volume") != 0)
		mixed = "volume-*";
	else if (s->bind_key && strcmp(s->type, "bind") != 0)
		mixed = "bind-*";
	else if (s->tmpfs_key && strcmp(s->type, "tmpfs") != 0)
		mixed = "tmpfs-*";
	else if (s->image_key && strcmp(s->type, "image") != 0)
		mixed = "image-*";
	if (!mixed && s->subpath_key && strcmp(s->type, "volume") != 0 &&
		strcmp(s->type, "image") != 0)
		mixed = s->subpath_key;
	if (!mixed && s->devpts_key && strcmp(s->type, "devpts") != 0)
		mixed = s->devpts_key;
	if (mixed)
		return err_set(
			e, EINVAL, "cannot mix '%s' options with mount type '%s'", mixed, s->type);
	if (s->bind_recursive_readonly && !s->m->read_only)
		return err_set(e, EINVAL,
			"option 'bind-recursive=readonly' requires 'readonly' to be specified in "
			"conjunction");
	if (s->bind_recursive_readonly &&
		(!s->m->propagation || strcmp(s->m->propagation, "rprivate") != 0))
		return err_set(e, EINVAL,
			"option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to "
			"be specified in conjunction");
	return 0;
}

static int type_error(struct err *e, const char *type, const char *fmt, const char *arg)
{
	auto_free char *why = xasprintf(fmt, arg);
	return err_set(e, EINVAL, "invalid mount config for type \"%s\": %s", type, why);
}

static int type_set(struct mount_spec *m, const char *type, struct err *e)
{
	static const enum mount_type types[] = {
		MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS, MOUNT_IMAGE, MOUNT_RAMFS, MOUNT_DEVPTS};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(type, mount_type_name(types[i])) != 0)
			continue;
		m->type = types[i];
		return 0;
	}
	if (strcmp(type, "glob") == 0) {
		m->type = MOUNT_BIND;
		m->glob = true;
		return 0;
	}
	type_error(e, type, "mount type %s", "unknown");
	if (strcmp(type, "cluster") == 0 || strcmp(type, "npipe") == 0 ||
		strcmp(type, "artifact") == 0)
		return err_hint(e, "moss mounts the types bind, volume, tmpfs, image, glob, ramfs "
				   "and devpts");
	return -EINVAL;
}

static int target_set(struct mount_spec *m, const char *type, struct err *e)
{
	if (m->target[0] != '/')
		return type_error(
			e, type, "invalid mount path: '%s' mount path must be absolute", m->target);
	char *clean = path_clean(m->target);
	free(m->target);
	m->target = clean;
	if (strcmp(clean, "/") == 0)
		return type_error(e, type, "invalid specification: destination can't be '%s'", "/");
	return 0;
}

static int source_check(const struct mount_spec *m, const char *type, struct err *e)
{
	bool has_none = m->type != MOUNT_BIND && m->type != MOUNT_VOLUME && m->type != MOUNT_IMAGE;
	bool needs_one = m->type == MOUNT_BIND || m->type == MOUNT_IMAGE;
	if (needs_one && str_empty(m->source))
		return type_error(e, type, "field %s must not be empty", "Source");
	if (m->type == MOUNT_BIND && m->source[0] != '/')
		return type_error(
			e, type, "invalid mount path: '%s' mount path must be absolute", m->source);
	if (has_none && m->source)
		return type_error(e, type, "field %s must not be specified", "Source");
	return 0;
}

/* What Docker's daemon checks. */
static int daemon_check(struct flag_state *s, struct err *e)
{
	static const char *const propagations[] = {
		"private", "rprivate", "shared", "rshared", "slave", "rslave"};
	struct mount_spec *m = s->m;
	bool known = !m->propagation || !*m->propagation;
	int r;
	if ((r = type_set(m, s->type, e)) < 0 || (r = target_set(m, s->type, e)) < 0)
		return r;
	for (size_t i = 0; !known && i < ARRAY_LEN(propagations); i++)
		known = strcmp(m->propagation, propagations[i]) == 0;
	if (!known)
		return type_error(e, s->type, "invalid propagation mode: %s", m->propagation);
	if ((r = source_check(m, s->type, e)) < 0)
		return r;
	if (m->subpath && !mount_subpath_valid(m->subpath))
		return type_error(
			e, s->type, "%s", "subpath must be a relative path within the volume");
	/* An image is mounted to be read, unless asked for otherwise. */
	if (m->type == MOUNT_IMAGE && !s->has_rw)
		m->read_only = true;
	return 0;
}

int mount_parse_flag(const char *text, struct mount_spec *m, struct err *e)
{
	auto_strv fields = STRV_INIT;
	struct flag_state s = {.m = m, .type = "volume"};
	const char *wrong = csv_split(text, &fields);
	int r = 0;
	m->origin = MOUNT_FROM_FLAG;
	m->mode = xstrdup("");
	if (!*text)
		r = err_set(e, EINVAL, "EOF");
	else if (wrong)
		r = err_set(e, EINVAL, "parse error: %s", wrong);
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = field_set(&s, fields.v[i], e);
	if (r == 0)
		r = conflicts_check(&s, e);
	if (r < 0) {
		err_ctx(e, "invalid argument \"%s\" for \"--mount\" flag", text);
		return err_status(e, 125);
	}
	if (m->source && !*m->source)
		free(take_ptr(m->source));
	return daemon_check(&s, e);
}
