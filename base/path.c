#include "base/path.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char *path_join(const char *a, const char *b)
{
	size_t n = strlen(a);
	while (n > 0 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	return xasprintf("%.*s/%s", (int)n, a, b);
}

char *path_clean(const char *p)
{
	bool absolute = *p == '/';
	auto_strv parts = STRV_INIT;
	while (*p) {
		size_t n = strcspn(p, "/");
		bool dotdot = n == 2 && !memcmp(p, "..", 2);
		bool can_pop = parts.n && strcmp(parts.v[parts.n - 1], "..");
		if (dotdot && can_pop) {
			free(parts.v[--parts.n]);
			parts.v[parts.n] = NULL;
		} else if (n && !(n == 1 && *p == '.') && !(dotdot && absolute)) {
			strv_take(&parts, xstrndup(p, n));
		}
		p += n;
		p += *p == '/';
	}
	auto_free char *joined = strv_join(&parts, "/");
	if (absolute)
		return xasprintf("/%s", joined);
	return xstrdup(*joined ? joined : ".");
}

char *path_abs(const char *p)
{
	if (*p == '/')
		return path_clean(p);
	auto_free char *cwd = getcwd(NULL, 0);
	auto_free char *whole = path_join(cwd ? cwd : "/", p);
	return path_clean(whole);
}

const char *path_base(const char *p)
{
	const char *slash = strrchr(p, '/');
	return slash ? slash + 1 : p;
}

char *path_dir(const char *p)
{
	const char *slash = strrchr(p, '/');
	if (!slash)
		return xstrdup(".");
	if (slash == p)
		return xstrdup("/");
	return xstrndup(p, (size_t)(slash - p));
}

/* ---- resolution below a root ---- */

enum { LINKS_MAX = 40 };

/* One component that is no "..", never through a link. */
static int step_into(int at, const char *name, int flags, mode_t mode)
{
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

static char *read_link_at(int at, const char *name)
{
	char text[4096];
	ssize_t n = readlinkat(at, name, text, sizeof(text) - 1);
	return n < 0 ? NULL : xstrndup(text, (size_t)n);
}

/* The walk for kernels or seccomp filters without openat2. It keeps the chain of opened parents,
 * so ".." is answered from the chain and never asked of the (racing) file system. */
static int walk_in(int root_fd, const char *path, int flags, mode_t mode, bool beneath)
{
	int chain[256], depth = 0, links = 0, result = -ENOENT;
	auto_free char *rest = xstrdup(path);
	chain[0] = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	if (chain[0] < 0)
		return -errno;
	for (;;) {
		char *p = rest + strspn(rest, "/");
		size_t n = strcspn(p, "/");
		const char *after = p + n + strspn(p + n, "/");
		bool last = !*after;
		auto_free char *name = xstrndup(p, n);
		if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
			if (!strcmp(name, "..") && depth > 0) {
				close(chain[depth--]);
			} else if (!strcmp(name, "..") && beneath) {
				result = -EXDEV;
				break;
			}
			if (last) {
				int f = (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC;
				result = openat(chain[depth], ".", f);
				result = result < 0 ? -errno : result;
				break;
			}
		} else {
			char *target = read_link_at(chain[depth], name);
			bool keep_link = last && (flags & O_NOFOLLOW) && p[n] != '/';
			if (target && !keep_link) {
				char *next = xasprintf("%s/%s", target, after);
				bool absolute = *target == '/';
				free(target);
				free(rest);
				rest = next;
				if (++links > LINKS_MAX || (beneath && absolute)) {
					result = links > LINKS_MAX ? -ELOOP : -EXDEV;
					break;
				}
				while (absolute && depth > 0)
					close(chain[depth--]);
				continue;
			}
			free(target);
			if (last) {
				result = step_into(chain[depth], name, flags, mode);
				break;
			}
			int fd = step_into(chain[depth], name, O_PATH | O_DIRECTORY, 0);
			if (fd < 0 || depth + 1 == (int)ARRAY_LEN(chain)) {
				result = fd < 0 ? fd : -ENAMETOOLONG;
				if (fd >= 0)
					close(fd);
				break;
			}
			chain[++depth] = fd;
		}
		char *next = xstrdup(after);
		free(rest);
		rest = next;
	}
	while (depth >= 0)
		close(chain[depth--]);
	return result;
}

/* A seccomp filter around us may refuse openat2 with EPERM as well as ENOSYS. */
static bool openat2_refused(int root_fd)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC};
	long fd = syscall(SYS_openat2, root_fd, ".", &how, sizeof(how));
	if (fd >= 0)
		close((int)fd);
	return fd < 0 && (errno == ENOSYS || errno == EPERM);
}

static int open_below(int root_fd, const char *path, int flags, mode_t mode, bool beneath)
{
	static bool no_openat2;
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0,
		.resolve = (beneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT) | RESOLVE_NO_MAGICLINKS,
	};
	if (!*path)
		path = ".";
	/* EAGAIN: a rename raced with the walk and the kernel cannot vouch for "..". */
	for (int tries = 0; !no_openat2 && tries < 1000; tries++) {
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno == EAGAIN || errno == EINTR)
			continue;
		int code = errno;
		if ((code != ENOSYS && code != EPERM) || !openat2_refused(root_fd))
			return -code;
		no_openat2 = true;
	}
	return no_openat2 ? walk_in(root_fd, path, flags, mode, beneath) : -EAGAIN;
}

int path_open_in(int root_fd, const char *path, int flags, mode_t mode)
{
	return open_below(root_fd, path, flags, mode, false);
}

int path_open_beneath(int root_fd, const char *path, int flags)
{
	return *path == '/' ? -EXDEV : open_below(root_fd, path, flags, 0, true);
}

/* Of names alone: no "..", so one step after the other cannot lead out. */
static int walk_plain(int root_fd, const char *path, int flags)
{
	auto_fd at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	if (at < 0)
		return -errno;
	for (;;) {
		size_t n = strcspn(path, "/");
		auto_free char *name = xstrndup(path, n);
		const char *after = path + n + strspn(path + n, "/");
		if (!*after)
			return step_into(at, *name ? name : ".", flags, 0);
		int next = step_into(at, name, O_PATH | O_DIRECTORY, 0);
		if (next < 0)
			return next;
		close(at);
		at = next;
		path = after;
	}
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

int path_open_plain(int root_fd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	if (*path == '/' || has_dotdot(path))
		return -EXDEV;
	for (int tries = 0; tries < 1000; tries++) {
		long fd = syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		int code = errno;
		if (code == ENOSYS || (code == EPERM && openat2_refused(root_fd)))
			return walk_plain(root_fd, path, flags);
		if (code != EAGAIN && code != EINTR)
			return -code;
	}
	return -EAGAIN;
}

char *path_link_in(int dir_fd, const char *dir, const char *name)
{
	char *target = read_link_at(dir_fd, name);
	if (!target || *target == '/')
		return target;
	char *whole = path_join(dir, target);
	free(target);
	return whole;
}

static int mkdirs_in(int root_fd, const char *path, mode_t mode, int links)
{
	int found = path_open_in(root_fd, path, O_PATH | O_DIRECTORY, 0);
	if (found >= 0 || found != -ENOENT)
		return found;
	auto_free char *clean = path_clean(path);
	auto_free char *parent = path_dir(clean);
	const char *last = path_base(clean);
	if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
		return -ENOENT;
	const char *above = *parent == '.' ? "/" : parent;
	auto_fd up = mkdirs_in(root_fd, above, mode, links);
	if (up < 0)
		return up;
	if (mkdirat(up, last, mode) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(up, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno != ELOOP && errno != ENOTDIR)
		return -errno;
	/* A link to nowhere stands there: what it names is made, inside. */
	auto_free char *target = path_link_in(up, above, last);
	return target && links < LINKS_MAX ? mkdirs_in(root_fd, target, mode, links + 1) : -ENOTDIR;
}

int path_mkdirs_in(int root_fd, const char *path, mode_t mode)
{
	return mkdirs_in(root_fd, path, mode, 0);
}

int path_open_parent_in(int root_fd, const char *path, mode_t make_mode, const char **last)
{
	size_t n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	size_t start = n;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (start == n || !strcmp(path + start, ".") || !strcmp(path + start, "..") || path[n])
		return -EINVAL;
	auto_free char *parent = start ? xstrndup(path, start) : xstrdup("/");
	*last = path + start;
	return make_mode ? path_mkdirs_in(root_fd, parent, make_mode)
			 : path_open_in(root_fd, parent, O_PATH | O_DIRECTORY, 0);
}

int path_mkdirs(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_sys(e, "cannot create %s", path);
	auto_free char *parent = path_dir(path);
	int r = path_mkdirs(parent, mode, e);
	if (r < 0)
		return r;
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s", path);
	return 0;
}

/* Opens a folder for emptying; one without permissions for its owner gets them first. */
static int open_for_removal(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* A tree may be deeper than a process has descriptors: what lies deeper than this is moved up into
 * the topmost folder and removed from there. */
enum { REMOVAL_DEPTH = 64 };

struct removal {
	int top_fd; /* the topmost folder */
	unsigned moved; /* how many have been moved there so far */
	int64_t *freed; /* counts bytes; NULL = not wanted */
};

/* unlinkat, counting. */
static int unlink_counted(struct removal *r, int dir_fd, const char *name, int flags)
{
	struct stat st;
	bool counts = r->freed && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		      (S_ISDIR(st.st_mode) || st.st_nlink == 1);
	if (unlinkat(dir_fd, name, flags) < 0)
		return -1;
	if (counts)
		*r->freed += (int64_t)st.st_blocks * 512;
	return 0;
}

static int remove_entry(struct removal *r, int dir_fd, const char *name, int depth, struct err *e);

static int move_up(struct removal *r, int dir_fd, const char *name, struct err *e)
{
	char to[32];
	for (unsigned tries = 0; tries < 100000; tries++) {
		snprintf(to, sizeof(to), ".moved-%u", r->moved++);
		if (renameat(dir_fd, name, r->top_fd, to) == 0)
			return 0;
		/* A name that the tree has itself. */
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			break;
	}
	return err_sys(e, "cannot move %s", name);
}

static int empty_folder(struct removal *r, DIR *dir, const char *name, int depth, struct err *e)
{
	for (;;) {
		errno = 0;
		struct dirent *d = readdir(dir);
		if (!d && errno)
			return err_sys(e, "cannot read %s", name);
		if (!d)
			return 0;
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		int x = remove_entry(r, dirfd(dir), d->d_name, depth + 1, e);
		if (x < 0)
			return x;
	}
}

static int remove_folder(struct removal *r, int dir_fd, const char *name, int depth, struct err *e)
{
	int fd = open_for_removal(dir_fd, name);
	if (fd < 0)
		return err_sys(e, "cannot open %s", name);
	auto_dir dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_sys(e, "cannot read %s", name);
	}
	struct stat st;
	if (fstat(fd, &st) == 0 && (st.st_mode & 0300) != 0300)
		(void)fchmod(fd, 0700);
	if (depth == 0)
		r->top_fd = fd;
	unsigned before;
	do {
		before = r->moved;
		int x = empty_folder(r, dir, name, depth, e);
		if (x < 0)
			return x;
		rewinddir(dir);
	} while (depth == 0 && r->moved != before);
	if (unlink_counted(r, dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s", name);
	return 0;
}

static int remove_entry(struct removal *r, int dir_fd, const char *name, int depth, struct err *e)
{
	if (unlink_counted(r, dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return err_sys(e, "cannot remove %s", name);
	if (unlink_counted(r, dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_sys(e, "cannot remove %s", name);
	return depth > REMOVAL_DEPTH ? move_up(r, dir_fd, name, e)
				     : remove_folder(r, dir_fd, name, depth, e);
}

int path_remove_at(int dir_fd, const char *name, struct err *e)
{
	return path_free_at(dir_fd, name, NULL, e);
}

int path_free_at(int dir_fd, const char *name, int64_t *freed, struct err *e)
{
	struct removal r = {.top_fd = -1, .freed = freed};
	return remove_entry(&r, dir_fd, name, 0, e);
}

char *path_of_user(const char *variable, const char *fallback, const char *rest)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	if (base && *base == '/')
		return path_join(base, rest);
	if (!home || *home != '/')
		return NULL;
	auto_free char *folder = path_join(home, fallback);
	return path_join(folder, rest);
}
