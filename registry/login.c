#include "registry/login.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "registry/client.h"
#include "registry/failure.h"

/* Docker's words for a registry that goes on asking who we are. */
static int refused(const struct http_exchange *x, const char *url, const char **kind, struct err *e)
{
	*kind = "unauthorized";
	return err_set(e, EACCES, "login attempt to %s failed with status: %ld %s", url,
		x->reply.status, x->reply.status == 401 ? "Unauthorized" : "Forbidden");
}

int login_check(struct client *c, char **identity_token, const char **kind, struct err *e)
{
	*identity_token = NULL;
	*kind = "network";
	int r = client_connect(c, e);
	if (r < 0)
		return r;
	free(take_ptr(c->scope));
	c->auth.wants_identity = true;
	auto_free char *url = xasprintf("%s/v2/", c->base);
	struct client_get g;
	client_get_init(&g, c, xstrdup(url));
	r = client_get_run(&g, kind, e);
	long status = g.x.reply.status;
	/* Basic authentication that was refused is a second challenge. */
	if (r < 0 && g.x.done && status == 401 && g.x.reply.challenge.kind == CHALLENGE_BASIC)
		r = refused(&g.x, url, kind, e);
	else if (r == 0 && g.x.curl_code)
		r = failure_connection(&g.x, kind, e);
	else if (r == 0 && (status == 401 || status == 403))
		r = refused(&g.x, url, kind, e);
	else if (r == 0 && status != 200)
		r = failure_answer(&g.x, NULL, kind, e);
	client_get_deinit(&g);
	if (r == 0)
		*identity_token = take_ptr(c->auth.refresh_token);
	return r;
}
