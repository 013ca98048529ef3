#include "registry/credential_store.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "registry/credential_helper.h"
#include "registry/credentials.h"
#include "registry/credentials_file.h"
#include "registry/registries.h"

int credential_store_open(
	struct credential_store *s, const char *path, bool is_file_only, struct err *e)
{
	*s = (struct credential_store){.path = path};
	if (!is_file_only) {
		auto_registries conf = registries_load(e);
		if (!conf)
			return -e->code;
		strv_copy(&s->helpers, &conf->credential_helpers);
	}
	if (!s->helpers.n)
		strv_add(&s->helpers, CREDENTIALS_FILES);
	return 0;
}

void credential_store_close(struct credential_store *s) { strv_free(&s->helpers); }

static bool is_file(const char *helper) { return !strcmp(helper, CREDENTIALS_FILES); }

/* The server's key in a helper: its host. NULL with e set for a namespace of one. */
static const char *helper_key(
	const char *helper, const struct credentials_server *server, struct err *e)
{
	if (!server->is_namespace)
		return server->host;
	err_set(e, EINVAL, "the credential helper %s keeps nothing for a namespace (%s)", helper,
		server->key);
	return NULL;
}

/* The first failure is the one that is told. */
static void note(struct err *first, const struct err *failure)
{
	if (!first->code)
		*first = *failure;
}

static int told(const struct err *first, struct err *e)
{
	if (first->code)
		*e = *first;
	return -first->code;
}

int credential_store_get(const struct credential_store *s, const struct credentials_server *server,
	struct credentials *out, struct err *e)
{
	struct err first = {0};
	for (size_t i = 0; i < s->helpers.n; i++) {
		const char *helper = s->helpers.v[i];
		struct err failure = {0};
		int r = is_file(helper) ? credentials_file_get(s->path, server->key, out, &failure)
			: server->is_namespace
				? CREDENTIALS_NONE
				: credential_helper_get(helper, server->host, out, &failure);
		if (r == CREDENTIALS_FOUND)
			return r;
		if (r < 0)
			note(&first, &failure);
	}
	return first.code ? told(&first, e) : CREDENTIALS_NONE;
}

static int put_in_helper(const char *helper, const struct credentials_server *server,
	const struct credentials *c, struct err *e)
{
	const char *key = helper_key(helper, server, e);
	return key ? credential_helper_store(helper, key, c, e) : -e->code;
}

int credential_store_put(const struct credential_store *s, const struct credentials_server *server,
	const struct credentials *c, char **where, bool *in_clear, struct err *e)
{
	struct err first = {0};
	for (size_t i = 0; i < s->helpers.n; i++) {
		const char *helper = s->helpers.v[i];
		struct err failure = {0};
		bool in_helper = true;
		int r = is_file(helper) ? credentials_file_store(
						  s->path, server->key, c, &in_helper, &failure)
					: put_in_helper(helper, server, c, &failure);
		if (r == 0) {
			*where = is_file(helper) ? xstrdup(s->path)
						 : xasprintf("credential helper: %s", helper);
			*in_clear = !in_helper;
			return 0;
		}
		note(&first, &failure);
	}
	return told(&first, e);
}

int credential_store_erase(
	const struct credential_store *s, const struct credentials_server *server, struct err *e)
{
	struct err first = {0};
	for (size_t i = 0; i < s->helpers.n; i++) {
		const char *helper = s->helpers.v[i];
		struct err failure = {0};
		bool had;
		int r = is_file(helper) ? credentials_file_erase(s->path, server, &had, &failure)
			: server->is_namespace
				? 0
				: credential_helper_erase(helper, server->host, &failure);
		if (r < 0)
			note(&first, &failure);
	}
	return told(&first, e);
}

static int erase_all_in_helper(const char *helper, struct err *e)
{
	auto_strv servers = STRV_INIT;
	int r = credential_helper_list(helper, &servers, e);
	for (size_t i = 0; i < servers.n && r == 0; i++)
		r = credential_helper_erase(helper, servers.v[i], e);
	return r;
}

int credential_store_erase_all(const struct credential_store *s, struct err *e)
{
	struct err first = {0};
	for (size_t i = 0; i < s->helpers.n; i++) {
		const char *helper = s->helpers.v[i];
		struct err failure = {0};
		int r = is_file(helper) ? credentials_file_erase_all(s->path, &failure)
					: erase_all_in_helper(helper, &failure);
		if (r < 0)
			note(&first, &failure);
	}
	return told(&first, e);
}
