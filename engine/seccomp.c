#include "engine/seccomp.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/caps.h"
#include "engine/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Changes with what makes the same input give other code: the default profile, the compiler. */
#define CACHE_VERSION "moss-seccomp 3"
enum { CODE_MAX = 32768 };

void seccomp_filter_deinit(struct seccomp_filter *f)
{
	free(f->code);
	*f = (struct seccomp_filter){0};
}

/* ---- compiling ---- */

static int parse_action(const char *name, const json_t *ret, uint32_t *action, struct err *e)
{
	uint16_t value = json_is_integer(ret) ? (uint16_t)json_integer_value(ret) : EPERM;
	if (!strcmp(name, "SCMP_ACT_ALLOW"))
		*action = SCMP_ACT_ALLOW;
	else if (!strcmp(name, "SCMP_ACT_ERRNO"))
		*action = SCMP_ACT_ERRNO(value);
	else if (!strcmp(name, "SCMP_ACT_KILL") || !strcmp(name, "SCMP_ACT_KILL_THREAD"))
		*action = SCMP_ACT_KILL_THREAD;
	else if (!strcmp(name, "SCMP_ACT_KILL_PROCESS"))
		*action = SCMP_ACT_KILL_PROCESS;
	else if (!strcmp(name, "SCMP_ACT_TRAP"))
		*action = SCMP_ACT_TRAP;
	else if (!strcmp(name, "SCMP_ACT_TRACE"))
		*action = SCMP_ACT_TRACE(value);
	else if (!strcmp(name, "SCMP_ACT_LOG"))
		*action = SCMP_ACT_LOG;
	else
		return err_set(e, EINVAL, "seccomp: action \"%s\" is not supported", name);
	return 0;
}

static int parse_compare(const char *name, enum scmp_compare *op)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} table[] = {
		{"SCMP_CMP_NE", SCMP_CMP_NE},
		{"SCMP_CMP_LT", SCMP_CMP_LT},
		{"SCMP_CMP_LE", SCMP_CMP_LE},
		{"SCMP_CMP_EQ", SCMP_CMP_EQ},
		{"SCMP_CMP_GE", SCMP_CMP_GE},
		{"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!strcmp(table[i].name, name)) {
			*op = table[i].op;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_args(const json_t *list, struct scmp_arg_cmp args[6], unsigned *n, struct err *e)
{
	*n = 0;
	if (json_array_size(list) > 6)
		return err_set(e, EINVAL, "seccomp: more than six arguments");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);
		int64_t index = json_int_or(a, "index", -1);
		uint64_t value = (uint64_t)json_int_or(a, "value", 0);
		uint64_t two = (uint64_t)json_int_or(a, "valueTwo", 0);
		enum scmp_compare op;
		if (index < 0 || index > 5 || parse_compare(json_str_or(a, "op", ""), &op) < 0)
			return err_set(e, EINVAL, "seccomp: invalid argument condition");
		/* The spec: value is the mask and valueTwo the datum, as in libseccomp. */
		args[(*n)++] = (struct scmp_arg_cmp){(unsigned)index, op, value, two};
	}
	return 0;
}

static int add_rule(scmp_filter_ctx ctx, const json_t *rule, uint32_t default_action, struct err *e)
{
	struct scmp_arg_cmp args[6];
	uint32_t action;
	unsigned n;
	int r = parse_action(
		json_str_or(rule, "action", ""), json_object_get(rule, "errnoRet"), &action, e);
	if (r < 0 || (r = parse_args(json_object_get(rule, "args"), args, &n, e)) < 0)
		return r;
	if (action == default_action)
		return 0; /* libseccomp takes that for a mistake */
	const json_t *names = json_object_get(rule, "names");
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int nr = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;
		if (nr == __NR_SCMP_ERROR)
			continue; /* of another machine, or newer than the library */
		r = seccomp_rule_add_array(ctx, action, nr, n, args);
		if (r < 0 && r != -EEXIST && r != -EDOM)
			return err_sysn(e, -r, "seccomp: cannot add a rule for %s", name);
	}
	return 0;
}

static uint32_t parse_arch(const char *name)
{
	const char *after = str_after(name, "SCMP_ARCH_");
	auto_free char *lower = xstrdup(after ? after : name);
	str_lower(lower);
	return seccomp_arch_resolve_name(lower);
}

static int add_arch(scmp_filter_ctx ctx, const char *name, struct err *e)
{
	uint32_t arch = parse_arch(name);
	if (!arch)
		return err_set(e, EINVAL, "seccomp: unknown architecture \"%s\"", name);
	int r = seccomp_arch_add(ctx, arch);
	return r < 0 && r != -EEXIST ? err_sysn(e, -r, "seccomp: cannot add %s", name) : 0;
}

/* ---- calls that the profile's author cannot have known ---- */

/* The highest number among the profile's calls; -1 where it has none on that machine. */
static int last_call(const json_t *profile, uint32_t arch)
{
	const json_t *rules = json_object_get(profile, "syscalls");
	int last = -1;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *names = json_object_get(json_array_get(rules, i), "names");
		for (size_t k = 0; k < json_array_size(names); k++) {
			const char *name = json_string_value(json_array_get(names, k));
			int nr = name ? seccomp_syscall_resolve_name_arch(arch, name) : -1;
			if (nr > last)
				last = nr;
		}
	}
	return last;
}

/* Programs try new calls and fall back on ENOSYS, but not on EPERM: what is newer than anything in
 * the profile does not exist for them. */
static void add_newer_calls(const json_t *profile, uint32_t arch, struct buf *code)
{
	enum { X32_BIT = 0x40000000 };
	int last = last_call(profile, arch);
	if (last < 0 || arch == SCMP_ARCH_X32)
		return;
	const struct sock_filter part[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	buf_add(code, part, sizeof(part));
}

static void add_newer_all(const json_t *profile, uint32_t default_action, struct buf *code)
{
	const json_t *arches = json_object_get(profile, "architectures");
	uint32_t native = seccomp_arch_native();
	if (default_action == SCMP_ACT_ALLOW || default_action == SCMP_ACT_LOG)
		return;
	add_newer_calls(profile, native, code);
	for (size_t i = 0; i < json_array_size(arches); i++) {
		const char *name = json_string_value(json_array_get(arches, i));
		uint32_t arch = name ? parse_arch(name) : 0;
		if (arch && arch != native)
			add_newer_calls(profile, arch, code);
	}
}

static int export_code(
	scmp_filter_ctx ctx, struct buf *code, struct seccomp_filter *f, struct err *e)
{
	auto_fd fd = memfd_create("moss-seccomp", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "seccomp: cannot make a buffer");
	int r = seccomp_export_bpf(ctx, fd);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = read_fd(fd, CODE_MAX * sizeof(*f->code), code);
	if (r < 0)
		return err_sysn(e, -r, "seccomp: cannot compile the filter");
	f->n = code->len / sizeof(*f->code);
	f->code = (struct sock_filter *)buf_take(code);
	return 0;
}

static int fill(scmp_filter_ctx ctx, const json_t *profile, uint32_t default_action, struct err *e)
{
	const json_t *arches = json_object_get(profile, "architectures");
	const json_t *rules = json_object_get(profile, "syscalls");
	int r = 0;
	for (size_t i = 0; i < json_array_size(arches) && r == 0; i++) {
		const char *name = json_string_value(json_array_get(arches, i));
		r = add_arch(ctx, name ? name : "", e);
	}
	/* A lookup in log n steps instead of one comparison for every rule. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < json_array_size(rules) && r == 0; i++)
		r = add_rule(ctx, json_array_get(rules, i), default_action, e);
	return r;
}

static int compile(const json_t *profile, struct seccomp_filter *f, struct err *e)
{
	uint32_t action;
	int r = parse_action(json_str_or(profile, "defaultAction", ""),
		json_object_get(profile, "defaultErrnoRet"), &action, e);
	if (r < 0)
		return r;
	scmp_filter_ctx ctx = seccomp_init(action);
	if (!ctx)
		return err_set(e, EINVAL, "seccomp: cannot make a filter");
	r = fill(ctx, profile, action, e);
	if (r == 0) {
		auto_buf code = BUF_INIT;
		add_newer_all(profile, action, &code);
		r = export_code(ctx, &code, f, e);
	}
	seccomp_release(ctx);
	return r;
}

static int parse_flags(const json_t *profile, unsigned *flags, struct err *e)
{
	static const struct {
		const char *name;
		unsigned flag;
	} table[] = {
		{"SECCOMP_FILTER_FLAG_TSYNC", 0}, /* one thread only */
		{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
		{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	};
	const json_t *list = json_object_get(profile, "flags");
	if (json_object_get(profile, "listenerPath"))
		return err_set(e, ENOTSUP, "seccomp: listenerPath is not supported yet");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		size_t k = 0;
		while (name && k < ARRAY_LEN(table) && strcmp(table[k].name, name))
			k++;
		if (!name || k == ARRAY_LEN(table))
			return err_set(e, ENOTSUP, "seccomp: flag \"%s\" is not supported",
				name ? name : "");
		*flags |= table[k].flag;
	}
	return 0;
}

/* ---- the cache: "<input>\n\0" and the code ---- */

static uint64_t hash_text(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a: it only names the file */
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

static bool cache_read(const char *path, const char *input, struct seccomp_filter *f)
{
	auto_buf text = BUF_INIT;
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(input) + 1;
	if (fd < 0 || read_fd(fd, (4 << 20), &text) < 0 || text.len <= n ||
		memcmp(text.data, input, n) != 0 || (text.len - n) % sizeof(*f->code) ||
		text.len - n > CODE_MAX * sizeof(*f->code))
		return false;
	f->n = (text.len - n) / sizeof(*f->code);
	f->code = xmalloc(text.len - n);
	memcpy(f->code, text.data + n, text.len - n);
	return true;
}

/* A cache that cannot be written costs time, nothing else. */
static void cache_write(
	const char *store_root, const char *name, const char *input, const struct seccomp_filter *f)
{
	struct err ignored;
	auto_buf text = BUF_INIT;
	auto_free char *dir = path_join(store_root, "cache/seccomp");
	if (path_mkdirs(dir, 0700, &ignored) < 0)
		return;
	auto_fd at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return;
	buf_add(&text, input, strlen(input) + 1);
	buf_add(&text, f->code, f->n * sizeof(*f->code));
	(void)write_file_at(at, name, text.data, text.len, 0600, false, &ignored);
}

static char *input_text(const json_t *profile, uint64_t bounding)
{
	const struct scmp_version *v = seccomp_version();
	auto_free char *text = profile ? json_text(profile)
				       : xasprintf("default %016llx", (unsigned long long)bounding);
	return xasprintf(CACHE_VERSION " libseccomp %u.%u.%u %s", v ? v->major : 0,
		v ? v->minor : 0, v ? v->micro : 0, text);
}

static json_t *default_profile(uint64_t bounding)
{
	auto_strv caps = STRV_INIT;
	for (int i = 0; i < CAPS_KNOWN; i++)
		if (bounding & (UINT64_C(1) << i))
			strv_add(&caps, caps_name(i));
	return seccomp_default_profile(&caps);
}

int seccomp_filter_get(const struct json_t *profile, uint64_t bounding, const char *store_root,
	struct seccomp_filter *f, struct err *e)
{
	*f = (struct seccomp_filter){0};
	unsigned flags = 0;
	int r = profile ? parse_flags(profile, &flags, e) : 0;
	if (r < 0)
		return r;
	auto_free char *input = input_text(profile, bounding);
	auto_free char *name = xasprintf("%016llx", (unsigned long long)hash_text(input));
	auto_free char *path =
		store_root ? xasprintf("%s/cache/seccomp/%s", store_root, name) : NULL;
	if (!path || !cache_read(path, input, f)) {
		auto_json built = profile ? NULL : default_profile(bounding);
		r = compile(profile ? profile : built, f, e);
		if (r < 0)
			return r;
		if (store_root)
			cache_write(store_root, name, input, f);
	}
	f->flags = flags;
	return 0;
}

int seccomp_filter_load(const struct seccomp_filter *f, struct err *e)
{
	struct sock_fprog program = {(unsigned short)f->n, f->code};
	if (!f->code)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program) < 0)
		return err_sys(e, "cannot load the seccomp filter");
	return 0;
}
