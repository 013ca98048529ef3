#include "engine/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/enter.h"
#include "storage/pack.h"
#include "storage/volume.h"
#include "storage/volume_options.h"

enum { PIECE = 128 * 1024 };

struct owning {
	const char *path;
	uid_t uid;
	gid_t gid;
};

static int own(void *arg, struct err *e)
{
	const struct owning *o = arg;
	if (chown(o->path, o->uid, o->gid) == 0)
		return 0;
	int code = errno;
	err_sysn(e, code, "cannot give the volume to %lld:%lld", (long long)(int)o->uid,
		(long long)(int)o->gid);
	return code != EINVAL ? -code
			      : err_hint(e, "the ids must be within the range that /etc/subuid and "
					    "/etc/subgid give you");
}

int volume_own(struct store *s, const struct volume *v, int64_t uid, int64_t gid, struct err *e)
{
	struct owning o = {v->mountpoint, (uid_t)uid, (gid_t)gid};
	return enter_call(s, own, &o, e);
}

struct exporting {
	const char *path;
	int fd;
	char *piece;
};

static int write_piece(void *arg, const void *p, size_t n, struct err *e)
{
	const struct exporting *x = arg;
	int r = write_all(x->fd, p, n);
	return r < 0 ? err_sysn(e, -r, "cannot write the archive") : 0;
}

static int write_content(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	const struct exporting *x = arg;
	return pack_content(en, fd, x->piece, PIECE, write_piece, arg, e);
}

static int export(void *arg, struct err *e)
{
	struct exporting *x = arg;
	const struct pack_options o = {.mode = PACK_PLAIN};
	const struct pack_sink sink = {.raw = write_piece, .content = write_content, .arg = x};
	struct pack_result ignored;
	auto_fd dir = open(x->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *piece = xmalloc(PIECE);
	x->piece = piece;
	return dir < 0 ? err_sys(e, "cannot open %s", x->path)
		       : pack_tree(dir, &o, &sink, &ignored, e);
}

int volume_export(struct store *s, const struct volume *v, int fd, struct err *e)
{
	struct exporting x = {.path = v->mountpoint, .fd = fd};
	int r = enter_call(s, export, &x, e);
	return r < 0 ? err_ctx(e, "cannot export volume %s", v->name) : 0;
}

int volume_check_plain(const struct volume *v, const char *doing, struct err *e)
{
	struct err ignored = {0};
	auto_json options =
		v->options ? json_parse(v->options, strlen(v->options), "options", &ignored) : NULL;
	if (!volume_options_have_device(options))
		return 0;
	err_set(e, ENOTSUP, "cannot %s volume %s: its files are not in the store but on %s", doing,
		v->name, json_str_or(options, "device", ""));
	return err_hint(e, "use them in a container: moss run --rm -v %s:/v ...", v->name);
}
