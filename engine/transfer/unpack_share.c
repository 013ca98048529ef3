/* What is shared between layers (storage/share.h), in moss-unpack: the index a job brings along,
 * and the job "link". */
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/proto.h"
#include "storage/share.h"
#include "storage/share_link.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <errno.h>

struct share_index *unpack_share_index(const struct unpack_request *q)
{
	auto_strv layers = STRV_INIT;
	if (q->n_fds < 3 || !json_at(q->job, "layers"))
		return NULL;
	json_to_strv(json_object_get(q->job, "layers"), &layers);
	return share_index_new(q->fds[2], &layers);
}

static int ask_busy(void *arg, struct strv *busy, struct err *e)
{
	const struct unpack_request *q = arg;
	auto_json msg = json_object();
	json_set_bool(msg, "ready", true);
	if (proto_send(q->sock, msg, NULL, 0, e) < 0)
		return -e->code;
	auto_json answer = proto_recv(q->sock, NULL, NULL, e);
	if (!answer)
		return e->code ? -e->code : err_set(e, ECANCELED, "stopped");
	json_to_strv(json_object_get(answer, "busy"), busy);
	return 0;
}

static int tell_linked(void *arg, struct err *e)
{
	const struct unpack_request *q = arg;
	auto_json msg = json_object();
	json_set_bool(msg, "linked", true);
	return proto_send(q->sock, msg, NULL, 0, e);
}

json_t *unpack_link_job(const struct unpack_request *q, struct err *e)
{
	auto_strv layers = STRV_INIT, others = STRV_INIT;
	struct share_link_result got;
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "no layers in the request");
		return NULL;
	}
	json_to_strv(json_object_get(q->job, "layers"), &layers);
	json_to_strv(json_object_get(q->job, "others"), &others);
	const struct share_link_job job = {
		.layers = &layers,
		.others = &others,
		.is_single_id = q->is_single_id,
		.is_recorded = json_bool_or(q->job, "recorded", false),
		.ready = ask_busy,
		.linked = tell_linked,
		.arg = (void *)q,
	};
	if (share_link(q->fds[1], &job, &got, e) < 0)
		return NULL;
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set_int(reply, "linked", (int64_t)got.linked);
	json_set_int(reply, "cloned", (int64_t)got.cloned);
	json_set_int(reply, "copied", (int64_t)got.copied);
	return reply;
}
