#include "storage/store.h"
#include "base/account.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[] = {
	"blobs",
	"blobs/sha256",
	"layers",
	"containers",
	"volumes",
	"parts",
	"tmp",
	"trash",
	"cache",
	"locks",
};

/* Someone else's folder would let him replace files under running commands. */
static int check_private(int fd, const char *path, bool only_mine, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_sysn(e, ENOTDIR, "cannot use %s", path);
	if (st.st_uid != geteuid()) {
		err_set(e, EPERM, "cannot use %s: it belongs to uid %u", path, (unsigned)st.st_uid);
		return err_hint(e, "name another folder with --root and --runroot");
	}
	if (only_mine ? (st.st_mode & 077) != 0 : (st.st_mode & 022) != 0) {
		err_set(e, EPERM, "cannot use %s: others may %s it (mode %04o)", path,
			only_mine ? "read or change" : "change", (unsigned)st.st_mode & 07777);
		return err_hint(e, "chmod 700 %s", path);
	}
	return 0;
}

static int open_dir(const char *path) { return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

static int default_root(char **out, struct err *e)
{
	const char *data = getenv("XDG_DATA_HOME");
	if (data && *data == '/') {
		*out = path_join(data, "moss");
		return 0;
	}
	const char *home = getenv("HOME");
	struct account account = {0};
	if (str_empty(home) && account_find(getuid(), &account))
		home = account.home;
	if (!str_empty(home) && *home == '/')
		*out = path_join(home, ".local/share/moss");
	account_deinit(&account);
	if (*out)
		return 0;
	err_set(e, ENOENT, "cannot tell the home directory");
	return err_hint(e, "set HOME, or name the store's folder with --root");
}

/* Makes the folder and what must be in it. */
static int make_root(struct store *s, struct err *e)
{
	int r = path_mkdirs(s->root, 0700, e);
	if (r < 0)
		return r;
	s->root_fd = open_dir(s->root);
	if (s->root_fd < 0)
		return err_sys(e, "cannot open %s", s->root);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(s->root_fd, folders[i], 0700) < 0 && errno != EEXIST)
			return err_sys(e, "cannot create %s/%s", s->root, folders[i]);
	return 0;
}

int store_root(const char *given, char **root, struct err *e)
{
	if (str_empty(given))
		return default_root(root, e);
	*root = path_abs(given);
	return 0;
}

static int open_root(struct store *s, const char *given, struct err *e)
{
	int r = store_root(given, &s->root, e);
	if (r < 0)
		return r;
	s->root_fd = open_dir(s->root);
	if (s->root_fd < 0 && errno != ENOENT)
		return err_sys(e, "cannot open %s", s->root);
	/* "locks" is made last: where it is, the rest is. */
	if (s->root_fd < 0 || faccessat(s->root_fd, "locks", F_OK, 0) < 0) {
		scope_close(&s->root_fd);
		s->root_fd = -1;
		r = make_root(s, e);
	}
	return r < 0 ? r : check_private(s->root_fd, s->root, false, e);
}

/* /tmp is everybody's: the folder must be ours and no link before anything below it is used. */
static int open_tmp_runroot(struct store *s, struct err *e)
{
	free(s->runroot);
	s->runroot = xasprintf("/tmp/moss-%u", (unsigned)geteuid());
	if (mkdir(s->runroot, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s", s->runroot);
	s->runroot_fd = open(s->runroot, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->runroot_fd < 0)
		return err_sys(e, "cannot open %s", s->runroot);
	return check_private(s->runroot_fd, s->runroot, true, e);
}

static int open_runroot(struct store *s, const char *given, struct err *e)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	if (!str_empty(given)) {
		s->runroot = path_abs(given);
		int r = path_mkdirs(s->runroot, 0700, e);
		if (r < 0)
			return r;
	} else if (xdg && *xdg == '/') {
		s->runroot = path_join(xdg, "moss");
		if (mkdir(s->runroot, 0700) < 0 && errno != EEXIST)
			return open_tmp_runroot(s, e);
	} else {
		return open_tmp_runroot(s, e);
	}
	s->runroot_fd = open_dir(s->runroot);
	if (s->runroot_fd < 0)
		return err_sys(e, "cannot open %s", s->runroot);
	return check_private(s->runroot_fd, s->runroot, false, e);
}

int store_open(struct store *s, const struct store_options *o, struct err *e)
{
	*s = (struct store){.root_fd = -1, .runroot_fd = -1};
	const char *driver = o->driver ? o->driver : getenv("MOSS_STORAGE_DRIVER");
	if (!str_empty(driver))
		s->driver_wanted = xstrdup(driver);
	int r = open_root(s, o->root, e);
	if (r == 0)
		r = open_runroot(s, o->runroot, e);
	if (r == 0)
		r = db_open(&s->db, s->root, e);
	if (r < 0) {
		store_close(s);
		return r;
	}
	store_sweep(s);
	return 0;
}

void store_close(struct store *s)
{
	if (s->db && !db_in_transaction(s->db))
		store_settle(s);
	db_close(s->db);
	scope_close(&s->root_fd);
	scope_close(&s->runroot_fd);
	free(s->root);
	free(s->runroot);
	free(s->driver_wanted);
	strv_free(&s->seen);
	*s = (struct store){.root_fd = -1, .runroot_fd = -1};
}

void store_add_blob_path(struct strv *paths, const char *digest)
{
	const char *hex = digest ? str_after(digest, "sha256:") : NULL;
	if (hex)
		strv_addf(paths, "blobs/sha256/%s", hex);
}

char *store_path(const struct store *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	auto_free char *below = xvasprintf(fmt, ap);
	va_end(ap);
	return path_join(s->root, below);
}

int store_sync(struct store *s, struct err *e)
{
	auto_fd fd = openat(s->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		return err_sys(e, "cannot sync %s", s->root);
	return 0;
}
