/* The mounts of the runtime spec: Docker's own, then the container's by depth of their target. A
 * mount of the user's takes the place of Docker's at the same target. */
#include <dirent.h>
#include <fcntl.h>

#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/spec.h"

static bool is_host(const char *mode) { return mode && strcmp(mode, "host") == 0; }

static bool user_has(const struct create_plan *p, const char *target)
{
	for (size_t i = 0; i < p->mounts.n; i++)
		if (strcmp(p->mounts.v[i].target, target) == 0)
			return true;
	return false;
}

/* options: comma-separated words. */
static json_t *mount_new(
	const char *target, const char *type, const char *source, const char *options)
{
	auto_strv words = STRV_INIT;
	json_t *o = json_object();
	strv_split(&words, options, ',');
	json_set_str(o, "destination", target);
	json_set_str(o, "type", type);
	json_set_str(o, "source", source);
	json_set(o, "options", json_from_strv(&words));
	return o;
}

static void add(
	json_t *list, const char *target, const char *type, const char *source, const char *options)
{
	json_array_append_new(list, mount_new(target, type, source, options));
}

static void add_default(const struct create_plan *p, json_t *list, const char *target,
	const char *type, const char *source, const char *options)
{
	if (!user_has(p, target))
		add(list, target, type, source, options);
}

static void add_shm(const struct create_plan *p, json_t *list)
{
	const struct create_request *r = p->r;
	if (is_host(r->ipc)) {
		add_default(p, list, "/dev/shm", "bind", "/dev/shm", "rbind,rprivate");
		if (access("/dev/mqueue", F_OK) == 0)
			add_default(p, list, "/dev/mqueue", "bind", "/dev/mqueue",
				"rbind,nosuid,noexec,nodev");
		return;
	}
	add_default(p, list, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
	if (r->ipc && strcmp(r->ipc, "none") == 0)
		return;
	if (p->share[SHARE_IPC].of) {
		add_default(p, list, "/dev/shm", "bind", SPEC_JOINED_SHM, "nosuid,noexec,nodev");
		return;
	}
	auto_free char *options = xasprintf("nosuid,noexec,nodev,mode=1777,size=%lld",
		(long long)(r->shm_size ? r->shm_size : SPEC_SHM_SIZE));
	add_default(p, list, "/dev/shm", "tmpfs", "shm", options);
}

/* proc and sysfs can only be mounted anew by the owner of the pid and network namespaces; with the
 * host's they are bound. */
static void add_defaults(const struct create_plan *p, json_t *list)
{
	bool ro = !p->r->privileged;
	if (is_host(p->r->pid))
		add_default(p, list, "/proc", "bind", "/proc", "rbind,nosuid,noexec,nodev");
	else
		add_default(p, list, "/proc", "proc", "proc", "nosuid,noexec,nodev");
	add_default(p, list, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
	add_default(p, list, "/dev/pts", "devpts", "devpts",
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	if (p->net == NET_HOST)
		add_default(p, list, "/sys", "bind", "/sys",
			ro ? "rbind,rro,nosuid,noexec,nodev" : "rbind,nosuid,noexec,nodev");
	else
		add_default(p, list, "/sys", "sysfs", "sysfs",
			ro ? "nosuid,noexec,nodev,ro" : "nosuid,noexec,nodev");
	if (p->has_cgroup2)
		add_default(p, list, "/sys/fs/cgroup", "cgroup", "cgroup",
			ro ? "ro,nosuid,noexec,nodev" : "nosuid,noexec,nodev");
	add_shm(p, list);
}

/* The words of --tmpfs but for those that are ours. */
static void add_tmpfs_words(struct buf *b, const char *options)
{
	auto_strv words = STRV_INIT;
	strv_split(&words, options, ',');
	for (size_t i = 0; i < words.n; i++)
		if (*words.v[i] && !str_ends(words.v[i], "tmpcopyup"))
			buf_printf(b, ",%s", words.v[i]);
}

static char *tmpfs_options(const struct mount_spec *m)
{
	auto_buf b = BUF_INIT;
	buf_puts(&b, "noexec,nosuid,nodev");
	add_tmpfs_words(&b, m->tmpfs_options ? m->tmpfs_options : "");
	if (m->tmpfs_size)
		buf_printf(&b, ",size=%lld", (long long)m->tmpfs_size);
	if (m->has_tmpfs_mode)
		buf_printf(&b, ",mode=%o", m->tmpfs_mode);
	if (m->read_only)
		buf_puts(&b, ",ro");
	return buf_take(&b);
}

/* ramfs and devpts; the latter is one of its own, as the container's. */
static char *fs_options(const struct mount_spec *m)
{
	return xasprintf("nosuid%s%s%s%s", m->type == MOUNT_DEVPTS ? ",noexec" : ",nodev",
		m->flags ? "," : "", m->flags ? m->flags : "", m->read_only ? ",ro" : "");
}

static char *bind_options(const struct mount_spec *m)
{
	const char *read_only = !m->read_only || m->read_only_top ? "" : ",rro";
	if (m->read_only && m->read_only_top)
		read_only = ",ro";
	return xasprintf("%s,%s%s%s%s", m->non_recursive ? "bind" : "rbind",
		str_empty(m->propagation) ? "rprivate" : m->propagation, read_only,
		m->flags ? "," : "", m->flags ? m->flags : "");
}

static json_t *user_mount(const struct create_plan *p, size_t i)
{
	const struct mount_spec *m = &p->mounts.v[i];
	const char *type = mount_type_name(m->type);
	auto_free char *made = NULL;
	if (m->type == MOUNT_RAMFS || m->type == MOUNT_DEVPTS) {
		auto_free char *options = fs_options(m);
		return mount_new(m->target, type, type, options);
	}
	if (m->type == MOUNT_TMPFS) {
		auto_free char *options = tmpfs_options(m);
		return mount_new(m->target, "tmpfs", "tmpfs", options);
	}
	auto_free char *options = bind_options(m);
	if (spec_mount_is_made(m)) {
		auto_free char *dir = spec_mount_dir(p, i);
		made = path_join(dir, "merged");
	}
	return mount_new(m->target, "bind", made ? made : p->reals[i].source, options);
}

static size_t depth(const char *path)
{
	size_t n = 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Appends at the end of the mounts of at most that depth, of those from `first` on. */
static void insert_by_depth(json_t *list, size_t first, json_t *mount)
{
	size_t at = json_array_size(list), d = depth(json_str_or(mount, "destination", ""));
	while (at > first &&
		depth(json_str_or(json_array_get(list, at - 1), "destination", "")) > d)
		at--;
	json_array_insert_new(list, at, mount);
}

/* hosts, hostname and resolv.conf go into a volume on /etc, too: they have their place among the
 * user's mounts. */
static void add_user_mounts(const struct create_plan *p, json_t *list)
{
	static const char *const names[] = {"resolv.conf", "hostname", "hosts", "localtime"};
	size_t first = json_array_size(list);
	for (size_t i = 0; i < p->mounts.n; i++)
		insert_by_depth(list, first, user_mount(p, i));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool is_own = strcmp(names[i], "localtime") == 0;
		auto_free char *source =
			path_join(p->net_dir && !is_own ? p->net_dir : p->dir, names[i]);
		auto_free char *target = path_join("/etc", names[i]);
		if (create_files_mounts(p, names[i]) && !user_has(p, target))
			insert_by_depth(list, first,
				mount_new(target, "bind", source,
					p->r->read_only ? "rbind,rprivate,ro" : "rbind,rprivate"));
	}
}

static void add_devices(const struct create_plan *p, json_t *list)
{
	for (size_t i = 0; i < p->n_devices; i++)
		add(list, p->devices[i].container, "bind", p->devices[i].host, "rbind,rprivate");
}

/* --privileged: the host's device nodes that this user may open. */
static void add_host_devices(
	const struct create_plan *p, json_t *list, int dir_fd, const char *path, int levels)
{
	static const char *const own[] = {"null", "zero", "full", "random", "urandom", "tty",
		"console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr",
		"core", "hugepages"};
	struct stat st;
	struct dirent *d;
	auto_dir dir = fdopendir(dir_fd);
	if (!dir) {
		close(dir_fd);
		return;
	}
	while ((d = readdir(dir))) {
		bool skip = d->d_name[0] == '.';
		for (size_t i = 0; i < ARRAY_LEN(own); i++)
			skip |= strcmp(d->d_name, own[i]) == 0;
		if (skip || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		auto_free char *name = path_join(path, d->d_name);
		if (S_ISDIR(st.st_mode) && levels > 0) {
			int sub = openat(dirfd(dir), d->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				add_host_devices(p, list, sub, name, levels - 1);
		} else if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) && !user_has(p, name) &&
			   faccessat(dirfd(dir), d->d_name, R_OK, AT_EACCESS) == 0) {
			add(list, name, "bind", name, "bind,rprivate");
		}
	}
}

json_t *spec_mounts(const struct create_plan *p)
{
	json_t *list = json_array();
	add_defaults(p, list);
	if (p->r->privileged && !user_has(p, "/dev")) {
		int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			add_host_devices(p, list, fd, "/dev", 3);
	}
	add_devices(p, list);
	add_user_mounts(p, list);
	return list;
}
