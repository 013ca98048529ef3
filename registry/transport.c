#include "registry/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/reference.h"

/* saved_as: as --format of `save` has it. other: where a folder stands for a file, or the other way
 * round; of an image layout it is the same format. */
static const struct form {
	const char *name, *saved_as;
	bool is_folder;
	enum transport_kind other;
} forms[] = {
	[TRANSPORT_DIR] = {"dir", "docker-dir", true, TRANSPORT_DOCKER_ARCHIVE},
	[TRANSPORT_OCI] = {"oci", "oci-dir", true, TRANSPORT_OCI_ARCHIVE},
	[TRANSPORT_OCI_ARCHIVE] = {"oci-archive", "oci-archive", false, TRANSPORT_OCI},
	[TRANSPORT_DOCKER_ARCHIVE] = {"docker-archive", "docker-archive", false, TRANSPORT_DIR},
};

enum { REF_MAX = 1024 };

const char *transport_name(enum transport_kind kind) { return forms[kind].name; }

bool transport_is_folder(enum transport_kind kind) { return forms[kind].is_folder; }

enum transport_kind transport_other(enum transport_kind kind) { return forms[kind].other; }

bool transport_find(const char *name, enum transport_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (!strcmp(name, forms[i].name)) {
			*out = (enum transport_kind)i;
			return true;
		}
	return false;
}

int transport_of_format(const char *text, enum transport_kind *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (!strcmp(text, forms[i].saved_as)) {
			*out = (enum transport_kind)i;
			return 0;
		}
	return err_set(e, EINVAL,
		"unknown format %s: it is docker-archive, oci-archive, oci-dir or docker-dir",
		text);
}

void transport_deinit(struct transport *t)
{
	free(t->path);
	free(t->ref);
	*t = (struct transport){.index = -1};
}

/* What follows "kind:", or NULL. */
static const char *split_kind(const char *typed, enum transport_kind *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const char *rest = str_after(typed, forms[i].name);
		if (!rest || *rest != ':')
			continue;
		*kind = (enum transport_kind)i;
		return rest + 1;
	}
	return NULL;
}

bool transport_is(const char *typed)
{
	enum transport_kind ignored;
	return split_kind(typed, &ignored);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ref       := component ("/" component)*
 * component := alnum+ (("-" | "." | "_" | ":" | "@" | "+" | "--") alnum+)* */
bool transport_ref_valid(const char *ref)
{
	const char *p = ref;
	if (strlen(ref) > REF_MAX)
		return false;
	for (;;) {
		if (!is_alnum(*p))
			return false;
		while (is_alnum(*p))
			p++;
		if (!*p)
			return true;
		if (!strchr("-._:@+/", *p))
			return false;
		p += p[0] == '-' && p[1] == '-' ? 2 : 1;
	}
}

static int parse_index(const char *text, struct transport *t, struct err *e)
{
	uint32_t n;
	if (!parse_u32(text + 1, &n))
		return err_set(
			e, EINVAL, "invalid source index %s: it is @ and a number from 0 on", text);
	t->index = n;
	return 0;
}

/* The name under which the image is looked for in manifest.json, whole. */
static int parse_docker_name(const char *text, struct transport *t, struct err *e)
{
	auto_reference ref = {0};
	if (reference_parse(text, true, &ref, e) < 0)
		return -e->code;
	if (ref.digest)
		return err_set(e, EINVAL, "images of a docker-archive are named by tags only");
	t->ref = reference_full(&ref);
	return 0;
}

static int parse_ref(const char *text, struct transport *t, struct err *e)
{
	if (*text == '@')
		return parse_index(text, t, e);
	if (t->kind == TRANSPORT_DOCKER_ARCHIVE)
		return parse_docker_name(text, t, e);
	if (!*text)
		return 0;
	if (!transport_ref_valid(text))
		return err_set(e, EINVAL, "\"%s\" is no reference of an image layout", text);
	t->ref = xstrdup(text);
	return 0;
}

int transport_parse(const char *typed, struct transport *t, struct err *e)
{
	*t = (struct transport){.index = -1};
	const char *rest = split_kind(typed, &t->kind);
	if (!rest)
		BUG("%s is no transport", typed);
	size_t n = t->kind == TRANSPORT_DIR ? strlen(rest) : strcspn(rest, ":");
	if (!n) {
		(void)err_set(e, EINVAL, "%s: the path is missing", typed);
		return err_hint(e, "write %s:PATH", forms[t->kind].name);
	}
	t->path = xstrndup(rest, n);
	if (!rest[n] || parse_ref(rest + n + 1, t, e) == 0)
		return 0;
	transport_deinit(t);
	return err_ctx(e, "%s", typed);
}

char *transport_full(const struct transport *t)
{
	auto_free char *path = path_abs(t->path);
	const char *name = forms[t->kind].name;
	if (t->index >= 0)
		return xasprintf("%s:%s:@%lld", name, path, (long long)t->index);
	return xasprintf("%s:%s%s%s", name, path, t->ref ? ":" : "", t->ref ? t->ref : "");
}
