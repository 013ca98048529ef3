#include "engine/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/enter.h"
#include "storage/volume.h"
#include "storage/volume_options.h"

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
