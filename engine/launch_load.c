/* Reading config.json. Every key that is not known here is an error, so that nothing the author
 * of the bundle relied on is silently left out. */
#include "engine/launch.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/launch_plan.h"
#include "engine/spec.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { CONFIG_MAX = 8 << 20 };

static int bad(struct err *e, const char *what)
{
	return err_set(e, EINVAL, "config.json: %s has the wrong type or value", what);
}

static bool is_void(const json_t *v)
{
	return !v || json_is_null(v) || json_is_false(v) ||
	       (json_is_array(v) && !json_array_size(v)) ||
	       (json_is_object(v) && !json_object_size(v)) ||
	       (json_is_string(v) && !*json_string_value(v));
}

/* A key that is unknown may be there with nothing in it. `known` is space-separated. */
static int check_keys(json_t *object, const char *where, const char *known, struct err *e)
{
	const char *key;
	json_t *value;
	if (object && !json_is_object(object))
		return bad(e, where);
	json_object_foreach (object, key, value) {
		auto_free char *padded = xasprintf(" %s ", key);
		if (!strstr(known, padded) && !is_void(value))
			return err_set(e, ENOTSUP, "config.json: %s%s%s is not supported by moss",
				where, *where ? "." : "", key);
	}
	return 0;
}

static bool is_id(int64_t v) { return v >= 0 && v < UINT32_MAX; }

static int load_strings(const json_t *array, const char *what, const char ***out, struct err *e)
{
	size_t n = json_array_size(array);
	if (array && !json_is_null(array) && !json_is_array(array))
		return bad(e, what);
	*out = xcalloc(n + 1, sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		(*out)[i] = json_string_value(json_array_get(array, i));
		if (!(*out)[i])
			return bad(e, what);
	}
	return 0;
}

static int load_id_map(
	json_t *list, const char *what, struct id_range **out, size_t *n, struct err *e)
{
	json_t *item;
	size_t i;
	*out = xcalloc(json_array_size(list) + 1, sizeof(**out));
	json_array_foreach (list, i, item) {
		int64_t inside = json_int_or(item, "containerID", -1);
		int64_t outside = json_int_or(item, "hostID", -1);
		int64_t count = json_int_or(item, "size", 0);
		if (inside < 0 || outside < 0 || count < 1 || inside + count > UINT32_MAX ||
			outside + count > UINT32_MAX)
			return bad(e, what);
		(*out)[(*n)++] =
			(struct id_range){(uint32_t)inside, (uint32_t)outside, (uint32_t)count};
	}
	return *n ? 0 : bad(e, what);
}

/* hostID is an id of the user namespace that all of the user's containers share. */
static int load_idmap(struct launch_plan *p, bool has_user, struct err *e)
{
	json_t *linux_part = json_object_get(p->doc, "linux");
	json_t *uids = json_at(linux_part, "uidMappings");
	json_t *gids = json_at(linux_part, "gidMappings");
	if (!has_user && is_void(uids) && is_void(gids))
		return 0;
	if (!has_user)
		return err_set(e, EINVAL,
			"config.json: id mappings are without a user namespace in "
			"linux.namespaces");
	int r = load_id_map(uids, "linux.uidMappings", &p->idmap.uids, &p->idmap.n_uids, e);
	return r < 0 ? r
		     : load_id_map(gids, "linux.gidMappings", &p->idmap.gids, &p->idmap.n_gids, e);
}

static const char *const ns_names[NS_COUNT] = {"mount", "pid", "network", "ipc", "uts", "cgroup"};

const char *plan_ns_name(enum plan_ns ns) { return ns_names[ns]; }

static int load_namespaces(struct launch_plan *p, struct err *e)
{
	bool has_user = false;
	json_t *list = json_at(p->doc, "linux/namespaces"), *item;
	size_t i;
	json_array_foreach (list, i, item) {
		const char *type = json_str(item, "type");
		size_t k = 0;
		while (type && k < NS_COUNT && strcmp(type, ns_names[k]))
			k++;
		if (type && !strcmp(type, "user") && !json_str(item, "path")) {
			has_user = true;
			continue;
		}
		if (!type || k == NS_COUNT)
			return err_set(e, ENOTSUP,
				"config.json: namespace \"%s\" is not supported by moss",
				type ? type : "");
		p->ns[k].wanted = true;
		p->ns[k].path = json_str(item, "path");
		if (p->ns[k].path && !*p->ns[k].path)
			p->ns[k].path = NULL;
		auto_free char *key = xasprintf("moss.join.%s", type);
		p->ns[k].of = launch_annotation(p, key);
	}
	/* What is in it sees who comes in: see launch.h. */
	if (p->ns[NS_PID].path)
		return err_set(e, ENOTSUP,
			"config.json: a pid namespace can be joined by a container's id only "
			"(annotation moss.join.pid)");
	if (!p->ns[NS_MOUNT].wanted || plan_ns_is_joined(p, NS_MOUNT))
		return err_set(e, ENOTSUP, "config.json: a new mount namespace is required");
	return load_idmap(p, has_user, e);
}

static int load_propagation(struct launch_plan *p, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} table[] = {
		{"", MS_PRIVATE},
		{"private", MS_PRIVATE},
		{"rprivate", MS_PRIVATE},
		{"slave", MS_SLAVE},
		{"rslave", MS_SLAVE},
		{"shared", MS_SHARED},
		{"rshared", MS_SHARED},
		{"unbindable", MS_UNBINDABLE},
		{"runbindable", MS_UNBINDABLE},
	};
	const char *name = json_str_or(p->doc, "linux/rootfsPropagation", "");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!strcmp(table[i].name, name)) {
			p->rootfs_propagation = table[i].flag;
			return 0;
		}
	}
	return bad(e, "linux.rootfsPropagation");
}

static int load_mount(
	const struct launch_plan *p, struct mount_plan *m, json_t *item, struct err *e)
{
	json_t *option, *options = json_at(item, "options");
	size_t i;
	int r = check_keys(item, "mounts", " destination source type options ", e);
	if (r < 0)
		return r;
	m->target = json_str(item, "destination");
	m->source = json_str_or(item, "source", "none");
	m->type = json_str_or(item, "type", "bind");
	if (!m->target || *m->target != '/')
		return err_set(e, EINVAL, "config.json: mount destination \"%s\" is not absolute",
			m->target ? m->target : "");
	m->kind = str_starts(m->source, SPEC_JOINED_SHM) ? MOUNT_JOINED
		  : !strcmp(m->type, "bind")             ? MOUNT_BIND
		  : !strcmp(m->type, "proc")             ? MOUNT_PROC
		  : !strcmp(m->type, "sysfs")            ? MOUNT_SYSFS
		  : str_starts(m->type, "cgroup")        ? MOUNT_CGROUP
							 : MOUNT_FS;
	json_array_foreach (options, i, option) {
		const char *text = json_string_value(option);
		r = text ? mount_plan_option(m, text, e) : bad(e, "mounts.options");
		if (r < 0)
			return err_ctx(e, "mount %s", m->target);
	}
	if (m->kind == MOUNT_JOINED && !p->ns[NS_IPC].of)
		return err_set(
			e, EINVAL, "config.json: mount %s: no ipc namespace is joined", m->target);
	if (m->kind == MOUNT_BIND && m->data.n)
		return err_set(e, EINVAL, "mount %s: unknown option \"%s\" for a bind mount",
			m->target, m->data.v[0]);
	return 0;
}

static int64_t id_of(const json_t *o, const char *key)
{
	int64_t id;
	const char *text = json_str(o, key);
	return text && parse_i64(text, &id) && is_id(id) ? id : -1;
}

static int load_extras(struct mount_extras *m, const json_t *o, struct err *e)
{
	int r = check_keys((json_t *)o, "annotation moss.mounts",
		" copy-up make chown subpath volume type device o uid gid made-in layers lower "
		"upper work ",
		e);
	m->copy_up = json_bool_or(o, "copy-up", false);
	m->make_source = json_bool_or(o, "make", false);
	m->chown = json_bool_or(o, "chown", false);
	m->subpath = json_str(o, "subpath");
	m->volume = json_str(o, "volume");
	m->dev_type = json_str_or(o, "type", "");
	m->device = json_str(o, "device");
	m->dev_options = json_str_or(o, "o", "");
	m->uid = id_of(o, "uid");
	m->gid = id_of(o, "gid");
	m->made_in = json_str(o, "made-in");
	json_to_strv(json_at(o, "layers"), &m->layers);
	m->lower = json_str(o, "lower");
	m->upper = json_str(o, "upper");
	m->work = json_str(o, "work");
	return r;
}

/* `extras` lives as long as the plan: its texts are borrowed. */
static int load_all_extras(struct launch_plan *p, struct err *e)
{
	const char *text = launch_annotation(p, "moss.mounts");
	if (!text)
		return 0;
	p->extras = json_parse(text, strlen(text), "annotation moss.mounts", e);
	if (!p->extras)
		return -e->code;
	for (size_t i = 0; i < p->n_mounts; i++) {
		const json_t *o = json_object_get(p->extras, p->mounts[i].target);
		int r = o ? load_extras(&p->mounts[i].more, o, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_mounts(struct launch_plan *p, struct err *e)
{
	json_t *list = json_at(p->doc, "mounts");
	p->mounts = xcalloc(json_array_size(list), sizeof(*p->mounts));
	for (; p->n_mounts < json_array_size(list); p->n_mounts++) {
		int r = load_mount(
			p, &p->mounts[p->n_mounts], json_array_get(list, p->n_mounts), e);
		if (r < 0) {
			p->n_mounts++;
			return r;
		}
	}
	return load_all_extras(p, e);
}

static int load_sysctls(struct launch_plan *p, struct err *e)
{
	json_t *map = json_at(p->doc, "linux/sysctl"), *value;
	const char *key;
	p->sysctls = xcalloc(json_object_size(map), sizeof(*p->sysctls));
	json_object_foreach (map, key, value) {
		struct sysctl_plan *s = &p->sysctls[p->n_sysctls++];
		s->key = key;
		s->value = json_string_value(value);
		if (!s->value || !*key || strchr(key, '/') || strstr(key, "..") || *key == '.')
			return err_set(e, EINVAL, "config.json: invalid sysctl \"%s\"", key);
	}
	return 0;
}

static int load_rlimits(struct launch_plan *p, json_t *process, struct err *e)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "RLIMIT_CPU",
		[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_DATA] = "RLIMIT_DATA",
		[RLIMIT_STACK] = "RLIMIT_STACK",
		[RLIMIT_CORE] = "RLIMIT_CORE",
		[RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",
		[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
		[RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
		[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
		[RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
		[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	};
	json_t *list = json_at(process, "rlimits"), *item;
	size_t i;
	p->rlimits = xcalloc(json_array_size(list), sizeof(*p->rlimits));
	json_array_foreach (list, i, item) {
		const char *type = json_str_or(item, "type", "");
		size_t k = 0;
		while (k < ARRAY_LEN(names) && strcmp(names[k], type))
			k++;
		if (k == ARRAY_LEN(names))
			return err_set(e, EINVAL, "config.json: unknown rlimit \"%s\"", type);
		p->rlimits[p->n_rlimits++] = (struct rlimit_plan){
			.resource = (int)k,
			.name = names[k],
			/* -1 is infinity, as the kernel's all ones */
			.limit = {(rlim_t)json_int_or(item, "soft", -1),
				(rlim_t)json_int_or(item, "hard", -1)},
		};
	}
	return 0;
}

static int load_capset(json_t *caps, const char *name, uint64_t *out, struct err *e)
{
	json_t *item, *list = json_object_get(caps, name);
	size_t i;
	json_array_foreach (list, i, item) {
		int n = json_is_string(item) ? caps_number(json_string_value(item)) : -1;
		if (n < 0)
			return err_set(e, EINVAL, "config.json: unknown capability \"%s\"",
				json_is_string(item) ? json_string_value(item) : "");
		*out |= UINT64_C(1) << n;
	}
	return 0;
}

static int load_caps(struct launch_plan *p, json_t *process, struct err *e)
{
	json_t *caps = json_object_get(process, "capabilities");
	int r = check_keys(caps, "process.capabilities",
		" bounding effective permitted inheritable ambient ", e);
	if (r == 0)
		r = load_capset(caps, "bounding", &p->caps.bounding, e);
	if (r == 0)
		r = load_capset(caps, "effective", &p->caps.effective, e);
	if (r == 0)
		r = load_capset(caps, "permitted", &p->caps.permitted, e);
	if (r == 0)
		r = load_capset(caps, "inheritable", &p->caps.inheritable, e);
	return r < 0 ? r : load_capset(caps, "ambient", &p->caps.ambient, e);
}

static int load_user(struct launch_plan *p, json_t *process, struct err *e)
{
	json_t *user = json_object_get(process, "user"), *item, *more;
	int64_t uid = json_int_or(user, "uid", 0), gid = json_int_or(user, "gid", 0);
	int r = check_keys(user, "process.user", " uid gid umask additionalGids ", e);
	size_t i;
	if (r < 0)
		return r;
	if (!is_id(uid) || !is_id(gid))
		return bad(e, "process.user");
	p->uid = (uid_t)uid;
	p->gid = (gid_t)gid;
	p->umask = (int)json_int_or(user, "umask", -1);
	more = json_object_get(user, "additionalGids");
	p->gids = xcalloc(json_array_size(more), sizeof(*p->gids));
	json_array_foreach (more, i, item) {
		if (!json_is_integer(item) || !is_id(json_integer_value(item)))
			return bad(e, "process.user.additionalGids");
		p->gids[p->n_gids++] = (gid_t)json_integer_value(item);
	}
	p->user_text = launch_annotation(p, "moss.user");
	if (p->user_text && !*p->user_text)
		p->user_text = NULL;
	const char *names = launch_annotation(p, "moss.passwd");
	if (names && !(p->passwd = json_parse(names, strlen(names), "annotation moss.passwd", e)))
		return -e->code;
	const char *groups = launch_annotation(p, "moss.group-add");
	if (groups) {
		p->group_add = json_parse(groups, strlen(groups), "annotation moss.group-add", e);
		if (!p->group_add)
			return -e->code;
	}
	return 0;
}

static int load_process(struct launch_plan *p, struct err *e)
{
	json_t *process = json_object_get(p->doc, "process"), *oom;
	int r = check_keys(process, "process",
		" terminal consoleSize user args env cwd capabilities rlimits noNewPrivileges "
		"oomScoreAdj ",
		e);
	if (r < 0 ||
		(r = load_strings(json_at(process, "args"), "process.args", &p->args, e)) < 0 ||
		(r = load_strings(json_at(process, "env"), "process.env", &p->env, e)) < 0 ||
		(r = load_user(p, process, e)) < 0 || (r = load_caps(p, process, e)) < 0)
		return r;
	if (!p->args[0])
		return err_set(e, EINVAL, "config.json: process.args is empty");
	p->cwd = json_str_or(process, "cwd", "/");
	if (*p->cwd != '/')
		return err_set(e, EINVAL,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			p->cwd);
	p->terminal = json_bool_or(process, "terminal", false);
	p->rows = (unsigned short)json_int_or(process, "consoleSize/height", 0);
	p->cols = (unsigned short)json_int_or(process, "consoleSize/width", 0);
	p->no_new_privs = json_bool_or(process, "noNewPrivileges", false);
	oom = json_object_get(process, "oomScoreAdj");
	p->has_oom = json_is_integer(oom) && json_integer_value(oom) != 0;
	p->oom_score_adj = (int)json_integer_value(oom);
	return load_rlimits(p, process, e);
}

static int load_resources(struct launch_plan *p, json_t *resources, struct err *e)
{
	static const char *const parts[][3] = {
		{"memory", "linux.resources.memory", " limit reservation swap "},
		{"cpu", "linux.resources.cpu", " shares quota period cpus mems "},
		{"pids", "linux.resources.pids", " limit "},
		{"blockIO", "linux.resources.blockIO",
			" weight weightDevice throttleReadBpsDevice throttleWriteBpsDevice "
			"throttleReadIOPSDevice throttleWriteIOPSDevice "},
	};
	int r = check_keys(resources, "linux.resources", " devices memory cpu pids blockIO ", e);
	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++)
		r = check_keys(json_at(resources, parts[i][0]), parts[i][1], parts[i][2], e);
	return r < 0 ? r : cgroup_limits_load(resources, &p->limits, e);
}

static int load_linux(struct launch_plan *p, struct err *e)
{
	json_t *linux_part = json_object_get(p->doc, "linux");
	int r = check_keys(linux_part, "linux",
		" namespaces uidMappings gidMappings rootfsPropagation seccomp sysctl maskedPaths "
		"readonlyPaths "
		"cgroupsPath "
		"resources ",
		e);
	if (r == 0)
		r = load_resources(p, json_at(linux_part, "resources"), e);
	if (r < 0 || (r = load_namespaces(p, e)) < 0 || (r = load_propagation(p, e)) < 0 ||
		(r = load_sysctls(p, e)) < 0)
		return r;
	p->seccomp = json_at(linux_part, "seccomp");
	if (json_is_null(p->seccomp))
		p->seccomp = NULL;
	const char *which = launch_annotation(p, "moss.seccomp");
	p->default_seccomp = !p->seccomp && which && !strcmp(which, "default");
	r = load_strings(json_at(linux_part, "maskedPaths"), "linux.maskedPaths", &p->masked, e);
	return r < 0 ? r
		     : load_strings(json_at(linux_part, "readonlyPaths"), "linux.readonlyPaths",
			       &p->readonly, e);
}

static int load_root(struct launch_plan *p, struct err *e)
{
	p->root_path = json_str(p->doc, "root/path");
	p->root_readonly = json_bool_or(p->doc, "root/readonly", false);
	p->driver = launch_annotation(p, "moss.driver");
	p->store_root = launch_annotation(p, "moss.root");
	const char *layers = launch_annotation(p, "moss.layers");
	if (layers && *layers)
		strv_split(&p->layers, layers, ',');
	const char *throwaway = launch_annotation(p, "moss.throwaway");
	p->is_throwaway = throwaway && !strcmp(throwaway, "1");
	if (p->driver && !p->store_root)
		return err_set(e, EINVAL, "config.json: annotation moss.root is missing");
	if (!p->driver && !p->root_path)
		return err_set(e, EINVAL, "config.json: root.path is missing");
	return 0;
}

static int load_all(struct launch_plan *p, struct err *e)
{
	int r = check_keys(p->doc, "",
		" ociVersion process root hostname domainname mounts annotations linux ", e);
	if (r < 0 || (r = load_root(p, e)) < 0 || (r = load_linux(p, e)) < 0 ||
		(r = load_process(p, e)) < 0 || (r = load_mounts(p, e)) < 0)
		return r;
	p->hostname = json_str(p->doc, "hostname");
	p->domainname = json_str(p->doc, "domainname");
	if (!p->ns[NS_UTS].wanted || plan_ns_is_joined(p, NS_UTS))
		p->hostname = p->domainname = NULL;
	const char *init = launch_annotation(p, "moss.init");
	p->has_init = init && !strcmp(init, "1");
	return 0;
}

int launch_load(const char *bundle, struct launch_plan **plan, struct err *e)
{
	auto_free char *path = path_join(bundle, "config.json");
	auto_buf text = BUF_INIT;
	int r = read_file(path, CONFIG_MAX, &text, e);
	if (r < 0)
		return r;
	struct launch_plan *p = xcalloc(1, sizeof(*p));
	p->bundle = xstrdup(bundle);
	p->doc = json_parse(text.data, text.len, path, e);
	r = p->doc ? load_all(p, e) : -e->code;
	if (r < 0) {
		launch_plan_free(p);
		return err_ctx(e, "%s", bundle);
	}
	*plan = p;
	return 0;
}

void launch_plan_free(struct launch_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_mounts; i++) {
		strv_free(&p->mounts[i].data);
		strv_free(&p->mounts[i].more.layers);
	}
	free(p->mounts);
	json_decref(p->extras);
	free(p->sysctls);
	free(p->rlimits);
	free(p->gids);
	free(p->args);
	free(p->env);
	free(p->masked);
	free(p->readonly);
	strv_free(&p->layers);
	cgroup_limits_deinit(&p->limits);
	json_decref(p->group_add);
	json_decref(p->passwd);
	json_decref(p->doc);
	userns_map_deinit(&p->idmap);
	free(p->bundle);
	free(p);
}

const char *launch_annotation(const struct launch_plan *p, const char *key)
{
	return json_string_value(json_object_get(json_object_get(p->doc, "annotations"), key));
}

bool launch_wants_terminal(const struct launch_plan *p) { return p->terminal; }

int plan_ns_flag(enum plan_ns ns)
{
	static const int flag[NS_COUNT] = {
		[NS_MOUNT] = CLONE_NEWNS,
		[NS_PID] = CLONE_NEWPID,
		[NS_NET] = CLONE_NEWNET,
		[NS_IPC] = CLONE_NEWIPC,
		[NS_UTS] = CLONE_NEWUTS,
		[NS_CGROUP] = CLONE_NEWCGROUP,
	};
	return flag[ns];
}

uint64_t plan_ns_flags(const struct launch_plan *p, bool only_new)
{
	uint64_t flags = 0;
	for (int i = 0; i < NS_COUNT; i++)
		if (p->ns[i].wanted && !(only_new && plan_ns_is_joined(p, (enum plan_ns)i)))
			flags |= (uint64_t)plan_ns_flag((enum plan_ns)i);
	return flags;
}

/* From a pid namespace of its own nobody finds the processes of another. */
bool plan_needs_builder(const struct launch_plan *p)
{
	bool joins = false;
	for (int i = 0; i < NS_COUNT; i++)
		joins |= p->ns[i].of != NULL;
	return joins || plan_has_idmap(p);
}

bool launch_has_new_netns(const struct launch_plan *p)
{
	return p->ns[NS_NET].wanted && !plan_ns_is_joined(p, NS_NET);
}
