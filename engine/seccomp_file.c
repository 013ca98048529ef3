#include "engine/seccomp_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

/* Go's name of this machine's architecture, as profiles use it, and libseccomp's. */
static const char *arch_name(const char **scmp)
{
#if defined(__x86_64__)
	*scmp = "SCMP_ARCH_X86_64";
	return "amd64";
#elif defined(__aarch64__)
	*scmp = "SCMP_ARCH_AARCH64";
	return "arm64";
#elif defined(__riscv)
	*scmp = "SCMP_ARCH_RISCV64";
	return "riscv64";
#else
	*scmp = "";
	return "";
#endif
}

static bool has_any_cap(const json_t *list, const struct strv *caps, bool all)
{
	size_t i, found = 0;
	json_t *v;
	json_array_foreach (list, i, v)
		found += json_is_string(v) && strv_has(caps, json_string_value(v));
	return all ? found == json_array_size(list) : found > 0;
}

static bool has_arch(const json_t *list)
{
	const char *scmp, *name = arch_name(&scmp);
	size_t i;
	json_t *v;
	json_array_foreach (list, i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), name) == 0)
			return true;
	return false;
}

static bool kernel_at_least(const char *wanted)
{
	struct utsname u;
	unsigned major = 0, minor = 0, want_major = 0, want_minor = 0;
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
		sscanf(wanted, "%u.%u", &want_major, &want_minor) != 2)
		return false;
	return major > want_major || (major == want_major && minor >= want_minor);
}

static bool rule_applies(const json_t *rule, const struct strv *caps)
{
	const json_t *in = json_at(rule, "includes"), *out = json_at(rule, "excludes");
	const json_t *v;
	const char *kernel;
	if (json_array_size(v = json_at(out, "arches")) && has_arch(v))
		return false;
	if (json_array_size(v = json_at(out, "caps")) && has_any_cap(v, caps, false))
		return false;
	if ((kernel = json_str(out, "minKernel")) && kernel_at_least(kernel))
		return false;
	if (json_array_size(v = json_at(in, "arches")) && !has_arch(v))
		return false;
	if (json_array_size(v = json_at(in, "caps")) && !has_any_cap(v, caps, true))
		return false;
	return !(kernel = json_str(in, "minKernel")) || kernel_at_least(kernel);
}

static void copy_keys(const json_t *from, json_t *to, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_at(from, keys[i]);
		if (v && !json_is_null(v))
			json_object_set(to, keys[i], v);
	}
}

static json_t *rule_convert(const json_t *rule)
{
	static const char *const keys[] = {"names", "action", "errnoRet"};
	json_t *o = json_object(), *args = json_at(rule, "args");
	const char *name = json_str(rule, "name");
	copy_keys(rule, o, keys, ARRAY_LEN(keys));
	if (!json_is_array(json_at(o, "names")))
		json_set(o, "names", name ? json_pack("[s]", name) : json_array());
	if (json_array_size(args))
		json_object_set(o, "args", args);
	return o;
}

static json_t *architectures(const json_t *doc)
{
	json_t *given = json_at(doc, "architectures"), *map = json_at(doc, "archMap"), *v;
	const char *scmp;
	size_t i;
	(void)arch_name(&scmp);
	if (json_array_size(given))
		return json_incref(given);
	json_t *a = json_array();
	json_array_foreach (map, i, v) {
		if (strcmp(json_str_or(v, "architecture", ""), scmp) != 0)
			continue;
		json_array_append_new(a, json_string(scmp));
		(void)json_array_extend(a, json_at(v, "subArchitectures"));
	}
	return a;
}

json_t *seccomp_file_load(
	const char *text, const char *path, const struct strv *caps, struct err *e)
{
	static const char *const keys[] = {"defaultAction", "defaultErrnoRet", "flags"};
	auto_json doc = json_parse(text, strlen(text), path, e);
	json_t *rule;
	size_t i;
	if (!doc) {
		err_ctx(e, "Decoding seccomp profile failed");
		return NULL;
	}
	if (!json_str(doc, "defaultAction")) {
		err_set(e, EINVAL, "Decoding seccomp profile failed: %s has no defaultAction",
			path);
		return NULL;
	}
	json_t *o = json_object(), *rules = json_array();
	copy_keys(doc, o, keys, ARRAY_LEN(keys));
	auto_json arches = architectures(doc);
	if (json_array_size(arches))
		json_object_set(o, "architectures", arches);
	json_array_foreach (json_at(doc, "syscalls"), i, rule)
		if (rule_applies(rule, caps))
			json_array_append_new(rules, rule_convert(rule));
	json_set(o, "syscalls", rules);
	return o;
}
