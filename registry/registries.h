/* registries: where an image may come from, by the user's and the system's files.
 *
 *   registries.conf   containers-registries.conf(5), version 2. The first of: the file that
 *                     $CONTAINERS_REGISTRIES_CONF (--registries-conf sets it) or, its old
 *                     name, $REGISTRIES_CONFIG_PATH names, the user's
 *                     ($XDG_CONFIG_HOME/containers/, else ~/.config/containers/),
 *                     /etc/containers/. Then the *.conf of registries.conf.d beside the user's and
 *                     (unless the user's own file counts) the system's, by name; later ones win.
 *   aliases           [aliases] there, and above them the cache of answers that Podman keeps, too
 *                     (~/.cache/containers/short-name-aliases.conf).
 *   daemon.json       Docker's registry-mirrors (of docker.io) and insecure-registries: the user's
 *                     ($XDG_CONFIG_HOME/docker/, else ~/.config/docker/), else /etc/docker/'s.
 *
 * Without any of them there is one place for each image: the registry it names, else docker.io.
 * Pure data once loaded; nothing here talks to a registry.
 */
#ifndef REGISTRY_REGISTRIES_H
#define REGISTRY_REGISTRIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;
struct reference;

enum pull_from { PULL_FROM_ALL, PULL_FROM_DIGEST_ONLY, PULL_FROM_TAG_ONLY };

struct mirror {
	char *location;
	bool is_insecure;
	enum pull_from pull_from;
};

/* One [[registry]]. */
struct registry_rule {
	char *prefix; /* "quay.io/team", "*.example.com" */
	char *location; /* what stands in the prefix's place; "" = nothing is replaced */
	bool is_insecure, is_blocked, is_mirror_by_digest_only;
	struct mirror *mirrors;
	size_t n_mirrors;
	char *file; /* that says so */
};

void registry_rule_deinit(struct registry_rule *rule);

/* Who chooses where a short name may mean several: permissive (the default) asks on a terminal and
 * else tries all, enforcing asks or refuses, disabled never asks. */
enum short_name_mode { SHORT_NAME_PERMISSIVE, SHORT_NAME_ENFORCING, SHORT_NAME_DISABLED };

struct registries {
	char *file; /* the main registries.conf; NULL = there is none */
	bool has_search; /* unqualified-search-registries is given, if only as an empty list */
	struct strv search;
	enum short_name_mode mode;
	struct strv credential_helpers; /* registry/credentials.h; empty = only the files */
	json_t *aliases; /* short name -> repository */
	struct registry_rule *rules;
	size_t n_rules;
	char *docker_file; /* the daemon.json, NULL = none */
	struct strv docker_mirrors; /* URLs */
	struct strv docker_insecure; /* hosts and address ranges */
};
/* NULL with e set where a file that was named is missing, or one is malformed. */
struct registries *registries_load(struct err *e);
void registries_free(struct registries *r);
void registries_drop(struct registries **r);
#define auto_registries __attribute__((cleanup(registries_drop))) struct registries *

/* One place to ask. */
struct endpoint {
	char *name; /* "mirror.example:5000/hub/library/debian": host and repository */
	bool is_insecure; /* certificates are not checked, or plain HTTP */
	bool is_mirror; /* else the registry itself, the last one */
};
struct endpoints {
	struct endpoint *v;
	size_t n;
};
void endpoints_deinit(struct endpoints *l);
#define auto_endpoints __attribute__((cleanup(endpoints_deinit))) struct endpoints

/* Where to ask for ref, in order: the mirrors that may be asked for it, then its registry. -EACCES
 * where that is blocked, -EINVAL where a location makes no name. */
int registries_endpoints(const struct registries *r, const struct reference *ref,
	struct endpoints *out, struct err *e);
/* The rule for a name ("host/path[:tag][@digest]") with the longest prefix, or NULL. */
const struct registry_rule *registries_rule(const struct registries *r, const char *name);
/* For speaking to the registry of ref itself (login, push, search): -EACCES where it is blocked;
 * *is_insecure as in struct endpoint. */
int registries_admit(
	const struct registries *r, const struct reference *ref, bool *is_insecure, struct err *e);
/* Is the host ("host[:port]") one of Docker's insecure-registries? */
bool registries_is_docker_insecure(const struct registries *r, const char *host);

/* Has the name no registry in it, so that it may mean several? */
bool short_name_is(const char *typed);
/* The full names (with a tag or digest where the typed one has one) a short name stands for, in the
 * order in which they are to be tried: its alias, else one for each search registry, else
 * docker.io's. A name with a registry stands for itself. -ENOENT where the search registries are
 * an empty list. */
int short_name_candidates(
	const struct registries *r, const char *typed, struct strv *out, struct err *e);

/* Remembers the user's answer in that cache of Podman's, which then counts for both: the short name
 * (tag and digest are left out) stands for the repository. */
int short_name_remember(const char *typed, const char *repository, struct err *e);

/* ---- between registries.c and its readers ---- */

/* Adds what one registries.conf says; `file` names it. For the tests and fuzzing, too. */
int registries_add(struct registries *r, const json_t *conf, const char *file, struct err *e);
/* The same for a daemon.json. */
int registries_add_docker(
	struct registries *r, const json_t *conf, const char *file, struct err *e);

#endif
