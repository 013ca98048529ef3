/* Signatures that are kept beside an image: which there are, and whether one is good. */
#include "engine/transfer/proto.h"
#include "engine/transfer/unpack_role.h"
#include "registry/sigstore.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"

#include <errno.h>

json_t *unpack_signatures_job(const struct unpack_request *q, struct err *e)
{
	auto_buf text = BUF_INIT;
	char digest[72];
	if (unpack_read_document(q, MANIFEST_MAX, &text, digest, e) < 0)
		return NULL;
	json_t *list = sigstore_list(text.data ? text.data : "", text.len, e);
	if (!list)
		return NULL;
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set(reply, "signatures", list);
	return reply;
}

/* A signature that does not count is an answer, no failure: there may be others. */
json_t *unpack_verify_job(const struct unpack_request *q, struct err *e)
{
	auto_buf text = BUF_INIT;
	auto_strv keys = STRV_INIT;
	auto_sigstore_claim claim = {0};
	char digest[72];
	if (unpack_read_document(q, SIGSTORE_PAYLOAD_MAX, &text, digest, e) < 0)
		return NULL;
	json_to_strv(json_object_get(q->job, "keys"), &keys);
	int r = sigstore_verify(text.data ? text.data : "", text.len,
		json_str_or(q->job, "signature", ""), &keys, &claim, e);
	if (r == -EINVAL)
		return NULL;
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	json_set_bool(reply, "signed", r == 0);
	if (r == 0) {
		json_set_str(reply, "signed_digest", claim.digest);
		json_set_str(reply, "signed_name", claim.name);
	} else {
		json_set_str(reply, "why", e->msg);
	}
	return reply;
}
