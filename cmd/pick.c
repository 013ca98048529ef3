#include "cmd/pick.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/ps.h"
#include "engine/start.h"
#include "storage/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CIDFILE_MAX = 4096 };

// clang-format off
const struct opt pick_opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct pick, all), "", "Act on every container it applies to"},
	{"cidfile", 0, OPT_LIST, FIELD(struct pick, cidfile), "list",
		"Read the container ID from the file", .complete = COMPLETE_FILE},
	{"filter", 'f', OPT_FILTER, FIELD(struct pick, filter), "list",
		"Act on the containers that ps would list with this filter"},
	{"latest", 'l', OPT_BOOL, FIELD(struct pick, latest), "",
		"Act on the container that was created last"},
	{0},
};
// clang-format on

char *pick_cidfile(const char *path, struct err *e)
{
	auto_buf text = BUF_INIT;
	if (read_file(path, CIDFILE_MAX, &text, e) < 0)
		return NULL;
	char *id = xstrndup(text.data ? text.data : "", text.len);
	id[strcspn(id, "\r\n")] = '\0';
	return id;
}

static int add_cidfile(const char *path, struct strv *names, struct err *e)
{
	char *id = pick_cidfile(path, e);
	if (!id)
		return -e->code;
	strv_take(names, id);
	return 0;
}

static bool is_wanted(const struct container_row *row, const char *states)
{
	if (!states)
		return true;
	auto_strv list = STRV_INIT;
	strv_split(&list, states, ' ');
	return strv_has(&list, row->state);
}

/* rows: newest first, as ps lists them. */
static int select_rows(struct store *s, const struct pick *p, const char *states,
	struct container_row *rows, size_t n, struct strv *names, struct err *e)
{
	struct ps_options o = {.all = true, .limit = p->latest ? 1 : 0};
	struct ps_container *c = xcalloc(n + 1, sizeof(*c));
	auto_free bool *shown = xcalloc(n + 1, sizeof(*shown));
	for (size_t i = 0; i < n; i++)
		c[i].row = &rows[i];
	int r = filters_parse(&p->filter, ps_filter_names, &o.filters, e);
	if (r >= 0)
		r = ps_select(s, &o, c, n, shown, e);
	for (size_t i = 0; i < n; i++) {
		if (r >= 0 && shown[i] && (p->latest || is_wanted(&rows[i], states)))
			strv_add(names, rows[i].id);
		ps_container_deinit(&c[i]);
	}
	free(c);
	filters_deinit(&o.filters);
	return r < 0 ? r : 0;
}

static int add_selected(struct store *s, const struct pick *p, const char *states,
	struct strv *names, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_reconcile_all(s, e);
	if (r >= 0)
		r = container_row_list(s->db, &rows, &n, e);
	if (r >= 0)
		r = select_rows(s, p, states, rows, n, names, e);
	for (size_t i = 0; i < n; i++)
		container_row_deinit(&rows[i]);
	free(rows);
	if (r >= 0 && p->latest && !names->n)
		return err_set(e, ENOENT, "there is no container");
	return r < 0 ? r : 0;
}

static int collect(struct cmd_call *call, const struct pick *p, const char *states,
	struct strv *names, struct err *e)
{
	int ways = p->all + p->latest + (call->argc > 0 || p->cidfile.n > 0);
	if (ways > 1 || (p->filter.n && call->argc > 0)) {
		err_set(e, EINVAL,
			"--all, --latest, --filter and containers cannot be used together");
		return err_status(e, 125);
	}
	for (int i = 0; i < call->argc; i++)
		strv_add(names, call->argv[i]);
	int r = 0;
	for (size_t i = 0; i < p->cidfile.n && r == 0; i++)
		r = add_cidfile(p->cidfile.v[i], names, e);
	if (r == 0 && (p->all || p->latest || p->filter.n))
		r = add_selected(call->store, p, states, names, e);
	return r;
}

int pick_names(struct cmd_call *call, const struct pick *p, const char *all, struct strv *names,
	struct err *e)
{
	if (!p->all && !p->latest && !p->cidfile.n && !p->filter.n &&
		cmd_wrong_count(call->cmd, call->program, call->typed, 1, (size_t)call->argc))
		return 1;
	return collect(call, p, all, names, e);
}

int pick_each(struct cmd_call *call, const struct pick *p, const char *all, void *args,
	int (*one)(struct cmd_call *call, void *args, const char *operand, struct err *e),
	struct err *e)
{
	auto_strv names = STRV_INIT;
	int r = pick_names(call, p, all, &names, e);
	if (r != 0)
		return r;
	struct cmd_call picked = *call;
	picked.argv = names.v;
	picked.argc = (int)names.n;
	r = cmd_each(&picked, args, one);
	call->failures = picked.failures;
	return r;
}

char *pick_one(struct cmd_call *call, bool latest, struct err *e)
{
	auto_strv names = STRV_INIT;
	const struct pick p = {.latest = latest};
	if (!latest)
		return xstrdup(call->argv[0]);
	int r = add_selected(call->store, &p, NULL, &names, e);
	return r < 0 ? NULL : xstrdup(names.v[0]);
}
