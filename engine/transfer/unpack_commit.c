/* The commit job of moss-unpack: a writable layer becomes a layer (engine/transfer/proto.h). What a
 * container wrote is foreign: hence here, confined. */
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/proto.h"
#include "storage/copy.h"
#include "storage/layer_subtract.h"
#include "storage/pack_layer.h"
#include "storage/share.h"
#include "storage/upper_tidy.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a copy of all layers (vfs) only what they do not hold. base/ goes with that. */
static int subtract_base(int stage, int tree, struct err *e)
{
	auto_fd base = openat(stage, "base", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (base < 0)
		return err_sys(e, "cannot open base");
	if (layer_subtract(tree, base, e) < 0)
		return err_ctx(e, "cannot compare the container's files");
	return path_remove_at(stage, "base", e);
}

/* Copies, says so (the container may go on), and gives the copy's folder. */
static int copy_source(const struct unpack_request *q, int source, int stage, struct err *e)
{
	auto_json copied = json_object();
	if (mkdirat(stage, "diff", 0700) < 0)
		return err_sys(e, "cannot create diff");
	auto_fd to = openat(stage, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_sys(e, "cannot open diff");
	if (copy_tree(source, to, COPY_MARKS, e) < 0)
		return err_ctx(e, "cannot copy the container's files");
	json_set_bool(copied, "copied", true);
	return proto_send(q->sock, copied, NULL, 0, e) < 0 ? -e->code : take_fd(to);
}

/* Nothing is shared while it is packed: what could be is for the process that links. */
static int describe(const struct unpack_request *q, int folder, int stage,
	struct pack_layer_result *got, struct err *e)
{
	struct share *share = share_new(NULL, stage, q->is_single_id);
	int r = pack_layer(folder, stage, share, got, e);
	if (r == 0)
		r = share_finish(share, e);
	share_free(share);
	return r;
}

json_t *unpack_commit_job(const struct unpack_request *q, struct err *e)
{
	struct pack_layer_result got;
	auto_strv drop = STRV_INIT;
	bool is_taken = json_bool_or(q->job, "take", false);
	if (q->n_fds < 3) {
		err_set(e, EINVAL, "no folder in the request");
		return NULL;
	}
	int stage = q->fds[1], source = q->fds[2];
	json_to_strv(json_object_get(q->job, "drop"), &drop);
	auto_fd copy = is_taken ? -1 : copy_source(q, source, stage, e);
	if (!is_taken && copy < 0)
		return NULL;
	int folder = is_taken ? source : copy;
	if (json_bool_or(q->job, "subtract", false) && subtract_base(stage, folder, e) < 0)
		return NULL;
	if (upper_tidy(folder, &drop, e) < 0 || describe(q, folder, stage, &got, e) < 0 ||
		(is_taken && upper_renew(folder, stage, "diff", e) < 0))
		return NULL;
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set_str(reply, "diff_id", got.diff_id);
	json_set_int(reply, "size", got.size);
	json_set_int(reply, "entries", (int64_t)got.entries);
	return reply;
}
