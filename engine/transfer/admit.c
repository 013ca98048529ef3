#include "engine/transfer/admit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/shown.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpacker.h"
#include "registry/policy.h"
#include "registry/reference.h"
#include "registry/sigstore.h"
#include "registry/transport.h"

/* The signatures of one manifest, as they were found. */
struct signatures {
	json_t *list; /* NULL: none */
	const char *digest;
};

struct admission {
	const struct admit_image *image;
	const struct policy *policy;
	struct signatures of[2]; /* of the manifest, of the index */
	size_t n;
	bool is_looked_for, is_switched_off; /* use-sigstore-attachments is not set */
	struct buf reasons;
};

static json_t *ask(struct store *s, const json_t *job, int fd, struct err *e)
{
	struct unpacker u;
	if (unpacker_start(s, &u, e) < 0)
		return NULL;
	json_t *reply = NULL;
	if (unpacker_send(&u, job, &fd, 1, e) >= 0)
		reply = unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	return reply;
}

/* No such tag is no failure. */
static int find_signatures(
	const struct admit_image *image, const char *digest, json_t **list, struct err *e)
{
	struct fetched_manifest m = {.fd = -1};
	struct err failure = {0};
	const char *kind;
	auto_free char *name = reference_name(image->ref);
	auto_free char *tag = sigstore_tag(digest);
	auto_free char *full = xasprintf("%s:%s", name, tag);
	*list = NULL;
	int r = fetcher_manifest(image->fetcher, full, &m, &kind, &failure);
	if (r < 0 && !strcmp(kind, "not-found"))
		return 0;
	if (r < 0) {
		*e = failure;
		return err_ctx(e, "signatures of %s", name);
	}
	auto_json job = json_object();
	json_set_str(job, "op", "signatures");
	json_set_str(job, "digest", m.digest);
	json_set_int(job, "size", m.size);
	auto_json reply = ask(image->store, job, m.fd, e);
	fetched_manifest_deinit(&m);
	if (!reply)
		return err_ctx(e, "signatures of %s", name);
	*list = json_incref(json_object_get(reply, "signatures"));
	return 0;
}

static int look_for_signatures(struct admission *a, struct err *e)
{
	const struct admit_image *image = a->image;
	auto_strv scopes = STRV_INIT;
	if (a->is_looked_for)
		return 0;
	a->is_looked_for = true;
	policy_scopes(image->ref, &scopes);
	int r = policy_uses_attachments(&scopes, e);
	if (r < 0)
		return r;
	a->is_switched_off = r == 0;
	if (a->is_switched_off)
		return 0;
	const char *digests[] = {image->digest, image->top_digest};
	size_t n = strcmp(image->digest, image->top_digest) ? 2 : 1;
	for (size_t i = 0; i < n; i++) {
		r = find_signatures(image, digests[i], &a->of[a->n].list, e);
		if (r < 0)
			return r;
		a->of[a->n++].digest = digests[i];
	}
	return 0;
}

static void note(struct admission *a, const char *reason)
{
	if (a->reasons.len < 600)
		buf_printf(&a->reasons, "%s%s", a->reasons.len ? "; " : "", reason);
}

/* The payload in a memory file that nobody can change any more. */
static int fetch_payload(
	const struct admit_image *image, const char *digest, int64_t size, struct err *e)
{
	const char *kind;
	auto_fd fd = fetcher_memory_file(e);
	const struct fetch_blob wanted = {
		.digest = digest, .size = size, .part = fd, .pipe = -1, .sums = -1};
	int r = fd < 0 ? fd : fetcher_blob(image->fetcher, &wanted, e);
	if (r >= 0)
		r = fetcher_wait(image->fetcher, &kind, e);
	if (r >= 0)
		r = fetcher_seal(fd, e);
	return r < 0 ? r : take_fd(fd);
}

/* 1 where the signature counts. */
static int check_claim(
	struct admission *a, const json_t *requirement, const char *digest, const json_t *reply)
{
	if (!json_bool_or(reply, "signed", false)) {
		auto_free char *why = xstrdup(json_str_or(reply, "why", "no valid answer"));
		shown_text(why, "");
		note(a, why);
		return 0;
	}
	if (strcmp(json_str_or(reply, "signed_digest", ""), digest) != 0) {
		note(a, "a signature of another image");
		return 0;
	}
	const char *name = json_str_or(reply, "signed_name", "");
	if (policy_identity_matches(requirement, a->image->ref, name))
		return 1;
	auto_free char *full = reference_full(a->image->ref);
	auto_free char *text =
		xasprintf("Signature for identity %.200s is not accepted for %s", name, full);
	shown_text(text, "");
	note(a, text);
	return 0;
}

static int check_one(struct admission *a, const json_t *requirement, const struct strv *keys,
	const char *signed_digest, const json_t *signature, struct err *e)
{
	const char *digest = json_str(signature, "digest");
	int64_t size = json_int_or(signature, "size", -1);
	struct err failure = {0};
	if (!digest_valid(digest) || size < 0 || size > SIGSTORE_PAYLOAD_MAX)
		return err_set(e, EBADMSG, "the unpacker gave no valid answer");
	auto_fd fd = fetch_payload(a->image, digest, size, &failure);
	if (fd < 0) {
		note(a, failure.msg);
		return 0;
	}
	auto_json job = json_object();
	json_set_str(job, "op", "verify");
	json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	json_set_str(job, "signature", json_str_or(signature, "signature", ""));
	json_set(job, "keys", json_from_strv(keys));
	auto_json reply = ask(a->image->store, job, fd, &failure);
	if (reply)
		return check_claim(a, requirement, signed_digest, reply);
	if (failure.code == EINVAL) {
		*e = failure;
		return err_ctx(e, "%s", a->policy->file);
	}
	note(a, failure.msg);
	return 0;
}

/* sigstoreSigned: one signature that counts is enough. */
static int need_signature(struct admission *a, const json_t *requirement, struct err *e)
{
	auto_strv keys = STRV_INIT;
	size_t seen = 0;
	int r = policy_keys(requirement, &keys, e);
	if (r == 0)
		r = look_for_signatures(a, e);
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		size_t k;
		json_t *signature;
		json_array_foreach (a->of[i].list, k, signature) {
			seen++;
			r = check_one(a, requirement, &keys, a->of[i].digest, signature, e);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
	if (r < 0)
		return r;
	if (!seen) {
		(void)err_set(e, ENOKEY,
			"Source image rejected: A signature was required, but no signature exists");
		return a->is_switched_off
			       ? err_hint(e,
					 "signatures beside an image are looked for only with "
					 "\"use-sigstore-attachments: true\" in registries.d; the "
					 "policy is in %s",
					 a->policy->file)
			       : err_hint(e, "the policy is in %s", a->policy->file);
	}
	(void)err_set(e, ENOKEY, "Source image rejected: %s",
		a->reasons.len ? a->reasons.data : "no signature counts");
	return err_hint(e, "the policy is in %s", a->policy->file);
}

static int rejected(const struct policy *p, const char *image, struct err *e)
{
	(void)err_set(e, EKEYREJECTED,
		"Source image rejected: Running image %s is rejected by policy.", image);
	return err_hint(e, "the policy is in %s", p->file);
}

static int unsupported(const struct policy *p, const char *why, struct err *e)
{
	(void)err_set(e, EKEYREJECTED,
		"Source image rejected: the policy asks for %s, which moss cannot verify", why);
	return err_hint(e,
		"the policy is in %s; sigstoreSigned with keyPath or keyData can be verified",
		p->file);
}

static int require(struct admission *a, const json_t *requirement, const char *shown, struct err *e)
{
	const char *why;
	switch (policy_verdict(requirement, &why)) {
	case POLICY_ACCEPTS:
		return 0;
	case POLICY_NEEDS_SIGNATURE:
		if (a->image)
			return need_signature(a, requirement, e);
		(void)err_set(e, EKEYREJECTED,
			"Source image rejected: A signature was required, but no signature exists");
		return err_hint(e, "the policy is in %s", a->policy->file);
	case POLICY_UNSUPPORTED:
		return unsupported(a->policy, why, e);
	case POLICY_REJECTS:
		break;
	}
	return rejected(a->policy, shown, e);
}

static int require_all(
	struct admission *a, const json_t *requirements, const char *shown, struct err *e)
{
	size_t i;
	json_t *requirement;
	int r = 0;
	json_array_foreach ((json_t *)requirements, i, requirement) {
		a->reasons.len = 0;
		r = require(a, requirement, shown, e);
		if (r < 0)
			break;
	}
	/* An empty list never gets here (policy_check); if it did, nothing would have vouched. */
	if (r == 0 && !json_array_size(requirements))
		r = rejected(a->policy, shown, e);
	for (size_t k = 0; k < a->n; k++)
		json_decref(a->of[k].list);
	buf_free(&a->reasons);
	return r;
}

int admit_ready(const char *policy_file, struct err *e)
{
	auto_policy p = {0};
	return policy_load(policy_file, &p, e);
}

int admit_pulled(const struct admit_image *image, const char *policy_file, struct err *e)
{
	auto_policy p = {0};
	auto_strv scopes = STRV_INIT;
	int r = policy_load(policy_file, &p, e);
	if (r < 0 || !p.file)
		return r;
	policy_scopes(image->ref, &scopes);
	auto_free char *full = reference_full(image->ref);
	auto_free char *shown = xasprintf("docker://%s", full);
	struct admission a = {.image = image, .policy = &p};
	return require_all(&a, policy_requirements(&p, "docker", &scopes), shown, e);
}

/* Scopes are of real paths (containers-policy.json(5)): a link is no way around one. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);
	return real ? real : path_abs(path);
}

static int admit_path(const char *transport, const char *path, const char *ref,
	const char *policy_file, struct err *e)
{
	auto_policy p = {0};
	auto_strv scopes = STRV_INIT;
	int r = policy_load(policy_file, &p, e);
	if (r < 0 || !p.file)
		return r;
	bool is_tarball = !strcmp(transport, "tarball");
	auto_free char *whole = !path ? NULL : is_tarball ? xstrdup(path) : real_path(path);
	if (whole && ref && !strcmp(transport, "oci"))
		strv_addf(&scopes, "%s:%s", whole, ref);
	/* The others have no scope but "" (containers-policy.json(5)). */
	if (whole && !is_tarball && strcmp(transport, "docker-archive") != 0)
		policy_path_scopes(whole, &scopes);
	auto_free char *shown = xasprintf("%s:%s", transport, whole ? whole : "-");
	struct admission a = {.policy = &p};
	return require_all(&a, policy_requirements(&p, transport, &scopes), shown, e);
}

int admit_archive(const char *transport, const char *path, const char *policy_file, struct err *e)
{
	return admit_path(transport, path, NULL, policy_file, e);
}

int admit_transport(const struct transport *t, const char *policy_file, struct err *e)
{
	return admit_path(transport_name(t->kind), t->path, t->ref, policy_file, e);
}
