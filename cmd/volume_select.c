#include "cmd/volume_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/filter.h"
#include "engine/enter.h"
#include "storage/db/container_row.h"
#include "storage/store.h"
#include "storage/volume.h"

void volume_filter_deinit(struct volume_filter *f) { filters_deinit(&f->given); }

static json_t *object_of(const char *text)
{
	struct err ignored = {0};
	return text ? json_parse(text, strlen(text), "volume", &ignored) : NULL;
}

json_t *volume_labels(const struct volume *v) { return object_of(v->labels); }

json_t *volume_options(const struct volume *v) { return object_of(v->options); }

struct moments {
	struct store *s;
	int64_t latest;
};

/* since=VOLUME: made after all of them. */
static int take_since(const char *name, void *arg, struct err *e)
{
	struct moments *m = arg;
	struct volume v = {0};
	int r = volume_find(m->s, name, &v, e);
	if (r == ROW_ABSENT)
		return err_set(e, ENOENT, "get %s: no such volume", name);
	if (r == ROW_OK && v.created_ns > m->latest)
		m->latest = v.created_ns;
	volume_deinit(&v);
	return r < 0 ? r : 0;
}

static int take_until(const char *value, void *arg, struct err *e)
{
	int64_t *until = arg, ns;
	int r = filter_time(value, &ns, e);
	if (r == 0 && (!*until || ns < *until))
		*until = ns;
	return r;
}

int volume_filter_parse(struct store *s, const struct strv *typed, const char *const *known,
	struct volume_filter *out, struct err *e)
{
	struct moments since = {.s = s};
	int r;
	if ((r = filters_parse(typed, known, &out->given, e)) < 0 ||
		(r = filter_bool(typed, "dangling", &out->has_dangling, &out->dangling, e)) < 0 ||
		(r = filter_bool(typed, "anonymous", &out->has_anonymous, &out->anonymous, e)) <
			0 ||
		(r = filters_each(&out->given, "since", take_since, &since, e)) < 0 ||
		(r = filters_each(&out->given, "after", take_since, &since, e)) < 0 ||
		(r = filters_each(&out->given, "until", take_until, &out->until, e)) < 0)
		return r;
	out->after = since.latest;
	return 0;
}

/* opt=KEY or opt=KEY=VALUE */
static int option_matches(const char *value, void *arg, struct err *e)
{
	(void)e;
	size_t n = strcspn(value, "=");
	auto_free char *key = xstrndup(value, n);
	const char *have = json_string_value(json_object_get(arg, key));
	return have && (!value[n] || !strcmp(have, value + n + 1));
}

int volume_is_used(struct store *s, const struct volume *v, struct err *e)
{
	auto_strv users = STRV_INIT;
	int r = volume_users(s, v->name, &users.v, &users.n, e);
	return r < 0 ? r : users.n > 0;
}

int volume_filter_match(
	struct store *s, const struct volume_filter *f, const struct volume *v, struct err *e)
{
	const struct filters *given = &f->given;
	auto_json labels = volume_labels(v);
	auto_json options = volume_options(v);
	if ((f->has_anonymous && f->anonymous != v->is_anonymous) ||
		(f->after && v->created_ns <= f->after) ||
		(f->until && v->created_ns >= f->until) || !filters_match(given, "name", v->name) ||
		!filters_equal(given, "driver", v->driver) ||
		!filters_equal(given, "scope", "local") ||
		!filters_labels(given, "label", labels) ||
		(filters_has(given, "label!") && filters_labels(given, "label!", labels)))
		return 0;
	if (filters_has(given, "opt") && !filters_each(given, "opt", option_matches, options, e))
		return 0;
	if (!f->has_dangling)
		return 1;
	int used = volume_is_used(s, v, e);
	return used < 0 ? used : f->dangling == !used;
}

int volume_remove_one(struct store *s, const char *name, bool force, struct err *e)
{
	auto_strv users = STRV_INIT;
	int r = volume_delete(s, name, &users.v, &users.n, e);
	if (r == ROW_ABSENT)
		return force ? 0 : err_set(e, ENOENT, "get %s: no such volume", name);
	if (r != ROW_CONFLICT)
		return r;
	auto_free char *ids = strv_join(&users, ", ");
	return err_set(e, EBUSY, "remove %s: volume is in use - [%s]", name, ids);
}

void volume_purge(struct store *s)
{
	struct err ignored = {0};
	if (s->needs_purge && store_purge(s, enter_remove, &ignored) < 0)
		log_debug("%s", ignored.msg);
}
