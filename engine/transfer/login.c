#include "engine/transfer/login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/pull.h"
#include "registry/credentials.h"
#include "registry/reference.h"

static int ask(struct fetcher *f, struct credentials *c, struct err *e)
{
	const char *kind;
	int r = fetcher_ready(f, e);
	if (r < 0)
		return r;
	auto_json m = json_object();
	json_set_str(m, "op", "login");
	auto_json reply = fetcher_ask(f, m, NULL, 0, &kind, e);
	if (!reply)
		return -e->code;
	const char *token = json_str(reply, "identity_token");
	if (str_empty(token))
		return 0;
	free(c->identity_token);
	c->identity_token = xstrdup(token);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(take_ptr(c->password));
	return 0;
}

int registry_login(struct store *s, const char *host, const struct pull_options *o,
	struct credentials *c, struct err *e)
{
	auto_reference ref = {0};
	struct fetcher f;
	/* A name without dot and port would be one of Docker's registry. */
	bool is_plain = !strpbrk(host, ".:") && strcmp(host, "localhost") != 0;
	auto_free char *name = xasprintf("%s%s/login", host, is_plain ? ":443" : "");
	int r = reference_parse(name, true, &ref, e);
	if (r < 0)
		return r;
	r = fetcher_start_as(s, &ref, o, c, &f, e);
	if (r < 0)
		return r;
	r = ask(&f, c, e);
	fetcher_stop(&f);
	return r;
}
