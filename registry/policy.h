/* policy: which images may be used at all: containers-policy.json(5).
 *
 * The file is the named one (--signature-policy), else the user's ($XDG_CONFIG_HOME/containers/,
 * else ~/.config/containers/), else /etc/containers/policy.json. Without one every image is
 * accepted, as Docker does. The file is read strictly: an unknown key, a key that is given twice
 * or an empty list of requirements is an error, never an image accepted by mistake.
 *
 * What cannot be checked here (signedBy with its GPG keys, signedBaseLayer, Fulcio, Rekor and PKI
 * of sigstoreSigned) rejects, and says so.
 */
#ifndef REGISTRY_POLICY_H
#define REGISTRY_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;
struct reference;

struct policy {
	char *file; /* NULL: there is none */
	json_t *document;
};
void policy_deinit(struct policy *p);
#define auto_policy __attribute__((cleanup(policy_deinit))) struct policy

int policy_load(const char *file, struct policy *p, struct err *e);
/* Checks a whole document. For policy_load, tests and fuzzing. */
int policy_check(const json_t *document, const char *file, struct err *e);

/* What is asked of an image: an array of requirements (borrowed), NULL where there is no policy.
 * scopes: from the most specific to the least, as policy_scopes makes them; may be empty. */
const json_t *policy_requirements(
	const struct policy *p, const char *transport, const struct strv *scopes);
/* Of an image in a registry: its full name, its repository, each namespace above it, its host,
 * "*." and each domain above that (without a port). */
void policy_scopes(const struct reference *ref, struct strv *out);
/* Of a file: its path and each folder above it. */
void policy_path_scopes(const char *path, struct strv *out);

enum policy_verdict {
	POLICY_ACCEPTS,
	POLICY_REJECTS,
	POLICY_NEEDS_SIGNATURE, /* sigstoreSigned with keys */
	POLICY_UNSUPPORTED, /* rejects: *why says what is not understood */
};
enum policy_verdict policy_verdict(const json_t *requirement, const char **why);
/* The PEM texts of a sigstoreSigned requirement: from its files and data. */
int policy_keys(const json_t *requirement, struct strv *keys, struct err *e);
/* Does a signature for that name count for the image `ref` (signedIdentity)? */
bool policy_identity_matches(
	const json_t *requirement, const struct reference *ref, const char *signed_name);

/* Are signatures kept beside the image looked for (use-sigstore-attachments of registries.d: the
 * user's folder, else /etc/containers/registries.d)? 1, 0, or a negative errno for a malformed
 * file. */
int policy_uses_attachments(const struct strv *scopes, struct err *e);
/* One such file's text into config: {"docker": {scope: {key: value}}, "default-docker": {...}}. The
 * part of YAML that these files use: maps by indentation, plain and quoted words, comments. */
int policy_read_yaml(const char *text, const char *file, json_t *config, struct err *e);

#endif
