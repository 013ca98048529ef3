/* The environment of a container, from the lowest to the highest: the image's (less --unsetenv),
 * the host's proxies (--http-proxy) and variables (--env-host), --env-merge, --env-file, -e. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/parse_env.h"

extern char **environ;

static size_t name_length(const char *assignment) { return strcspn(assignment, "="); }

static bool has_name(const struct strv *env, const char *assignment)
{
	size_t len = name_length(assignment);
	for (size_t i = 0; i < env->n; i++)
		if (name_length(env->v[i]) == len && strncmp(env->v[i], assignment, len) == 0)
			return true;
	return false;
}

static void add_missing(struct strv *env, const char *assignment)
{
	if (!has_name(env, assignment))
		strv_take(env, utf8_text(assignment));
}

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ${NAME} and $NAME are the image's variables; a "$" before anything else stands for itself. */
static char *expand(const char *text, const struct strv *image)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	auto_buf out = BUF_INIT;
	while (*text) {
		bool braced = text[0] == '$' && text[1] == '{';
		const char *name = text + 1 + braced;
		size_t n = *text == '$' ? strspn(name, letters) : 0;
		if (!n || (braced && name[n] != '}')) {
			buf_putc(&out, *text++);
			continue;
		}
		auto_free char *key = xstrndup(name, n);
		const char *value = env_get(image, key);
		buf_puts(&out, value ? value : "");
		text = name + n + braced;
	}
	return buf_take(&out);
}

static int add_merged(struct create_plan *p, const struct strv *image, struct err *e)
{
	const struct strv *merge = &p->r->env_merge;
	auto_strv known = STRV_INIT;
	strv_copy(&known, image);
	add_missing(&known, default_path);
	for (size_t i = 0; i < merge->n; i++) {
		if (!strchr(merge->v[i], '=') || merge->v[i][0] == '=')
			return err_set(e, EINVAL, "invalid value \"%s\" for --env-merge: NAME=text",
				merge->v[i]);
		auto_free char *whole = expand(merge->v[i], &known);
		add_missing(&p->env, whole);
	}
	return 0;
}

static void add_host(struct create_plan *p)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};
	for (char **v = environ; p->r->env_host && v && *v; v++)
		add_missing(&p->env, *v);
	for (char **v = environ; p->r->http_proxy && v && *v; v++)
		for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
			if (name_length(*v) == strlen(proxies[i]) &&
				strncmp(*v, proxies[i], strlen(proxies[i])) == 0)
				add_missing(&p->env, *v);
}

static bool is_unset(const struct create_plan *p, const char *assignment)
{
	auto_free char *name = xstrndup(assignment, name_length(assignment));
	return p->r->unsetenv_all || strv_has(&p->r->unsetenv, name);
}

/* Config.Env: the user's first, then those of the image that the user did not set. */
int create_env(struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	auto_strv user = STRV_INIT, image = STRV_INIT;
	int rc;
	json_to_strv(json_at(p->image_config, "Env"), &image);
	for (size_t i = 0; i < r->env_file.n; i++)
		if ((rc = env_read_file(r->env_file.v[i], true, &user, e)) < 0)
			return rc;
	for (size_t i = 0; i < r->env.n; i++)
		if ((rc = env_parse_flag(r->env.v[i], &user, e)) < 0)
			return rc;
	for (size_t i = 0; i < user.n; i++)
		strv_take(&p->env, utf8_text(user.v[i]));
	if ((rc = add_merged(p, &image, e)) < 0)
		return rc;
	add_host(p);
	for (size_t i = 0; i < image.n; i++)
		if (!is_unset(p, image.v[i]) && !has_name(&p->env, image.v[i]))
			strv_add(&p->env, image.v[i]);
	return 0;
}

/* What the process gets; HOME is added by the launcher, which can see the container's passwd. */
void create_process_env(struct create_plan *p)
{
	if (!is_unset(p, default_path))
		strv_add(&p->process_env, default_path);
	strv_addf(&p->process_env, "HOSTNAME=%s", p->hostname);
	if (p->r->tty && !is_unset(p, "TERM="))
		strv_add(&p->process_env, "TERM=xterm");
	for (size_t i = 0; i < p->env.n; i++)
		env_apply(&p->process_env, p->env.v[i]);
}
