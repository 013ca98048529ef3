#include "engine/doctor.h"
#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/doctor_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In the order in which they are worth curing. */
static const struct check {
	const char *name;
	void (*fn)(const struct patient *p, struct diagnosis *d);
	bool waits; /* for others */
} checks[] = {
	{"kernel", check_kernel, false},
	{"user namespaces", check_user_namespaces, false},
	{"AppArmor", check_apparmor, false},
	{"subordinate ids", check_subordinate_ids, false},
	{"newuidmap", check_id_helpers, false},
	{"overlay", check_overlay, false},
	{"/dev/fuse", check_fuse, false},
	{"slirp4netns", check_slirp, false},
	{"/dev/net/tun", check_tun, false},
	{"data root", check_home, false},
	{"room", check_space, false},
	{"XDG_RUNTIME_DIR", check_runtime_dir, false},
	{"cgroups", check_cgroup, false},
	{"linger", check_linger, false},
	{"low ports", check_ports, false},
	{"DNS", check_dns, true},
};

static void set_text(char **out, const char *fmt, va_list ap)
{
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		die_oom();
	free(*out);
	*out = text;
}

void say_ok(struct diagnosis *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	d->finding = FINDING_OK;
	set_text(&d->text, fmt, ap);
	va_end(ap);
}

void say(struct diagnosis *d, enum finding f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	d->finding = f;
	set_text(&d->text, fmt, ap);
	va_end(ap);
}

void say_cure(struct diagnosis *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_text(&d->cure, fmt, ap);
	va_end(ap);
}

char *doctor_program(const char *name)
{
	const char *path = getenv("PATH");
	auto_free char *all =
		xasprintf("%s:/usr/sbin:/sbin", str_empty(path) ? "/usr/bin:/bin" : path);
	auto_strv folders = STRV_INIT;
	strv_split(&folders, all, ':');
	for (size_t i = 0; i < folders.n; i++) {
		char *file = path_join(folders.v[i], name);
		if (*folders.v[i] == '/' && access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

void say_install(struct diagnosis *d, const char *debian, const char *other)
{
	static const char *const managers[][2] = {{"apt-get", "install"}, {"dnf", "install"},
		{"zypper", "install"}, {"pacman", "-S"}, {"apk", "add"}};
	for (size_t i = 0; i < ARRAY_LEN(managers); i++) {
		auto_free char *found = doctor_program(managers[i][0]);
		if (found) {
			say_cure(d, "sudo %s %s %s", managers[i][0], managers[i][1],
				i == 0 ? debian : other);
			return;
		}
	}
}

bool doctor_number(const char *path, long *out)
{
	auto_buf text = BUF_INIT;
	struct err ignored;
	if (read_file(path, 64, &text, &ignored) < 0 || !text.len)
		return false;
	*out = strtol(text.data, NULL, 10);
	return true;
}

const char *finding_text(enum finding f)
{
	static const char *const texts[] = {"ok", "note", "warning", "failure"};
	return texts[f];
}

static void examine_one(const struct check *c, const struct patient *p, struct diagnoses *out)
{
	struct diagnosis d = {.name = c->name};
	c->fn(p, &d);
	out->v = xrealloc(out->v, (out->n + 1) * sizeof(*out->v));
	out->v[out->n++] = d;
}

void doctor_examine(const char *root, bool quick, struct diagnoses *out)
{
	struct patient p = {.root = root,
		.uid = geteuid(),
		.has_systemd = access("/run/systemd/system", F_OK) == 0};
	*out = (struct diagnoses){0};
	(void)account_find(p.uid, &p.account);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!quick || !checks[i].waits)
			examine_one(&checks[i], &p, out);
	account_deinit(&p.account);
}

void diagnoses_deinit(struct diagnoses *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].text);
		free(d->v[i].cure);
	}
	free(d->v);
	*d = (struct diagnoses){0};
}

/* What a machine refuses; a missing image is no illness. */
static bool is_refusal(const struct err *e)
{
	return e->code == EPERM || e->code == EACCES || e->code == ENOSYS || e->code == ENODEV ||
	       e->code == EUSERS;
}

void doctor_explain(const char *root, struct err *e)
{
	if (e->hint[0] || !is_refusal(e))
		return;
	struct diagnoses d;
	doctor_examine(root, true, &d);
	for (size_t i = 0; i < d.n && !e->hint[0]; i++)
		if (d.v[i].finding == FINDING_FAILURE)
			(void)err_hint(e, "%s: %s%s%s", d.v[i].name, d.v[i].text,
				d.v[i].cure ? ": " : "", d.v[i].cure ? d.v[i].cure : "");
	diagnoses_deinit(&d);
}
