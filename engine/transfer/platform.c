#include "engine/transfer/platform.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

/* Names of processors: the kernel's and others' in Go's words. */
static const struct {
	const char *name, *architecture, *variant;
} architectures[] = {
	{"amd64", "amd64", NULL},
	{"x86_64", "amd64", NULL},
	{"x86-64", "amd64", NULL},
	{"386", "386", NULL},
	{"i386", "386", NULL},
	{"i686", "386", NULL},
	{"arm64", "arm64", NULL},
	{"aarch64", "arm64", NULL},
	{"arm", "arm", "v7"},
	{"armhf", "arm", "v7"},
	{"armel", "arm", "v6"},
	{"armv6l", "arm", "v6"},
	{"armv7l", "arm", "v7"},
	{"armv8l", "arm", "v7"},
	{"loong64", "loong64", NULL},
	{"loongarch64", "loong64", NULL},
	{"mips64le", "mips64le", NULL},
	{"mips64", "mips64", NULL},
	{"ppc64", "ppc64", NULL},
	{"ppc64le", "ppc64le", NULL},
	{"riscv64", "riscv64", NULL},
	{"s390x", "s390x", NULL},
	{"wasm", "wasm", NULL},
};

/* What one word alone may be beside an architecture. */
static const char *const systems[] = {"linux", "windows", "darwin", "freebsd", "netbsd", "openbsd",
	"dragonfly", "solaris", "illumos", "aix", "android", "ios", "plan9", "js", "zos"};

void platform_deinit(struct platform *p)
{
	free(p->os);
	free(p->architecture);
	free(p->variant);
	*p = (struct platform){0};
}

static bool set_architecture(struct platform *p, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(architectures); i++) {
		if (strcmp(architectures[i].name, name))
			continue;
		p->architecture = xstrdup(architectures[i].architecture);
		if (architectures[i].variant)
			p->variant = xstrdup(architectures[i].variant);
		return true;
	}
	return false;
}

static void set_ours(struct platform *p)
{
	struct utsname u;
	if (uname(&u) < 0 || !set_architecture(p, u.machine))
		p->architecture = xstrdup("unknown");
}

static bool is_word(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n > 0 && !s[n];
}

static bool is_system(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(systems); i++)
		if (!strcmp(systems[i], word))
			return true;
	return false;
}

static int check_words(const struct strv *parts, const char *text, struct err *e)
{
	if (parts->n > 3)
		return err_set(e, EINVAL,
			"\"%s\": cannot parse platform specifier: invalid argument", text);
	for (size_t i = 0; i < parts->n; i++)
		if (!is_word(parts->v[i]))
			return err_set(e, EINVAL,
				"\"%s\" is an invalid component of \"%s\": platform specifier "
				"component must match \"^[A-Za-z0-9_-]+$\": invalid argument",
				parts->v[i], text);
	return 0;
}

int platform_parse(const char *text, struct platform *out, struct err *e)
{
	*out = (struct platform){0};
	if (str_empty(text))
		text = getenv("DOCKER_DEFAULT_PLATFORM");
	if (str_empty(text)) {
		out->os = xstrdup("linux");
		set_ours(out);
		return 0;
	}
	auto_strv parts = STRV_INIT;
	auto_free char *lower = xstrdup(text);
	str_lower(lower);
	strv_split(&parts, lower, '/');
	if (check_words(&parts, text, e) < 0)
		return -e->code;
	const char *architecture = parts.n > 1 ? parts.v[1] : NULL;
	if (parts.n == 1 && set_architecture(out, parts.v[0])) {
		out->os = xstrdup("linux");
		return 0;
	}
	if (parts.n == 1 && !is_system(parts.v[0]))
		return err_set(e, EINVAL,
			"\"%s\": unknown operating system or architecture: invalid argument", text);
	out->os = xstrdup(parts.v[0]);
	if (!architecture)
		set_ours(out);
	else if (!set_architecture(out, architecture))
		out->architecture = xstrdup(architecture);
	if (parts.n == 3) {
		free(out->variant);
		out->variant = xstrdup(parts.v[2]);
	}
	return 0;
}

bool platform_has(const struct platform *p, const char *config)
{
	struct err ignored;
	auto_json j = json_parse(config, strlen(config), "config", &ignored);
	const char *variant = json_str_or(j, "variant", "");
	return !strcmp(json_str_or(j, "os", ""), p->os) &&
	       !strcmp(json_str_or(j, "architecture", ""), p->architecture) &&
	       (!p->variant || !*variant || !strcmp(variant, p->variant));
}
