/* The check job of moss-unpack: layers against their diff IDs, blobs against their names. */
#include "engine/transfer/unpack_role.h"
#include "engine/transfer/proto.h"
#include "storage/layer_check.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct checking {
	const struct unpack_request *q;
	const char *what; /* short name of a layer, hex of a blob */
};

/* JSON holds UTF-8 only; names are bytes. */
static void set_text(json_t *o, const char *key, const char *text)
{
	auto_free char *copy = xstrdup(text);
	shown_text(copy, "");
	json_t *value = json_string(copy);
	for (char *p = copy; !value && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	json_set(o, key, value ? value : json_string(copy));
}

static void report(void *arg, const char *path, const char *message)
{
	const struct checking *c = arg;
	struct err ignored;
	auto_json msg = json_object();
	json_t *damage = json_object();
	json_set_str(damage, "what", c->what);
	set_text(damage, "path", path);
	set_text(damage, "message", message);
	json_set(msg, "damage", damage);
	(void)proto_send(c->q->sock, msg, NULL, 0, &ignored);
}

static void check_blob(struct checking *c)
{
	char digest[72];
	auto_buf bytes = BUF_INIT;
	auto_fd fd = path_open_plain(c->q->fds[1], c->what, O_RDONLY | O_NONBLOCK);
	int r = fd < 0 ? fd : read_fd(fd, 2 * CONFIG_MAX, &bytes);
	if (r < 0) {
		report(c, "", r == -ENOENT ? "is missing" : strerror(-r));
		return;
	}
	digest_of(bytes.data ? bytes.data : "", bytes.len, digest);
	if (strcmp(digest + strlen("sha256:"), c->what) != 0)
		report(c, "", "has been altered");
}

static int check_layer(struct checking *c, const json_t *layer, struct err *e)
{
	const struct layer_check check = {
		.id = c->what,
		.diff_id = json_str_or(layer, "diff_id", ""),
		.is_local = json_bool_or(layer, "local", false),
		.is_single_id = c->q->is_single_id,
		.damage = report,
		.arg = c,
	};
	return layer_check(c->q->fds[1], &check, e);
}

json_t *unpack_check_job(const struct unpack_request *q, struct err *e)
{
	struct checking c = {.q = q};
	const json_t *v;
	size_t i;
	if (q->n_fds < 2) {
		err_set(e, EINVAL, "nothing to check in the request");
		return NULL;
	}
	json_array_foreach (json_object_get(q->job, "layers"), i, v) {
		c.what = json_str_or(v, "id", "");
		if (check_layer(&c, v, e) < 0)
			return NULL;
	}
	json_array_foreach (json_object_get(q->job, "blobs"), i, v) {
		c.what = json_string_value(v);
		if (c.what && strlen(c.what) == 64 && is_hex(c.what, 64))
			check_blob(&c);
	}
	json_t *reply = json_object();
	json_set_bool(reply, "ok", true);
	return reply;
}
