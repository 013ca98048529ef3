#include "engine/top.h"
#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/event.h"
#include "engine/members.h"
#include "engine/state.h"
#include "storage/db/container_row.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 << 20 };

void top_deinit(struct top *t)
{
	for (size_t i = 0; i < t->n_lines; i++) {
		for (char **c = t->cells[i]; *c; c++)
			free(*c);
		free(t->cells[i]);
	}
	free(t->cells);
	*t = (struct top){0};
}

/* ---- ps ---- */

/* Words as Docker's daemon splits them: the blanks inside an argument are blanks. */
static void split_words(char *const *args, size_t n, struct strv *out)
{
	for (size_t i = 0; i < n; i++)
		for (const char *p = args[i]; *p;) {
			size_t blank = strspn(p, " \t\n"), len = strcspn(p + blank, " \t\n");
			if (len)
				strv_take(out, xstrndup(p + blank, len));
			p += blank + len;
		}
}

/* "-o x=PID" would give another column the name of the one that lines are chosen by. */
static int check_words(const struct strv *words, struct err *e)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *eq = strchr(words->v[i], '=');
		if (i > 0 && eq && str_starts(eq + 1, "PID"))
			return err_set(e, EINVAL, "specifying \"%.*s=%s\" is not allowed",
				(int)(eq - words->v[i]), words->v[i], eq + 1);
	}
	return 0;
}

/* In the child: owners are shown as they are in the container's user namespace. */
static int join_user_namespace(void *arg, struct err *e)
{
	char path[64];
	(void)e;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", *(const int *)arg);
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)setns(fd, CLONE_NEWUSER); /* refused where it is our own */
	return 0;
}

/* Runs ps; its output, its exit code and what it complained about. */
static int run_ps(pid_t init, const struct strv *words, const char *pids, struct buf *out,
	struct buf *complaint, struct err *e)
{
	auto_strv argv = STRV_INIT;
	int pipes[2][2];
	pid_t pid;
	strv_add(&argv, "ps");
	strv_copy(&argv, words);
	if (pids) {
		strv_add(&argv, "-q");
		strv_add(&argv, pids);
	}
	if (pipe2(pipes[0], O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd out_in = pipes[0][0];
	auto_fd out_far = pipes[0][1];
	if (pipe2(pipes[1], O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd err_in = pipes[1][0];
	auto_fd err_far = pipes[1][1];
	int init_pid = (int)init;
	struct spawn sp = SPAWN_INIT;
	sp.file = "ps";
	sp.argv = argv.v;
	sp.fd_out = out_far;
	sp.fd_err = err_far;
	sp.prepare = join_user_namespace;
	sp.prepare_arg = &init_pid;
	int r = spawn_start(&sp, &pid, NULL, e);
	close(take_fd(out_far));
	close(take_fd(err_far));
	if (r == -ENOENT) {
		err_set(e, ENOENT, "the program ps, which these options are for, is not installed");
		return err_hint(e, "install it (Debian: apt-get install procps), or leave the "
				   "options out");
	}
	if (r < 0)
		return r;
	/* What it complains about is short: it fits the pipe while the table is read. */
	r = read_fd(out_in, OUTPUT_MAX, out);
	if (r == 0)
		r = read_fd(err_in, OUTPUT_MAX, complaint);
	int status = spawn_wait(pid);
	return r < 0 ? err_sysn(e, -r, "cannot read what ps prints") : status;
}

static int find_pid_column(const struct strv *header)
{
	for (size_t i = 0; i < header->n; i++)
		if (!strcmp(header->v[i], "PID"))
			return (int)i;
	return -1;
}

static bool is_member(const struct members *m, const char *text)
{
	uint32_t pid;
	for (size_t i = 0; parse_u32(text, &pid) && i < m->n; i++)
		if ((uint32_t)m->v[i].pid == pid)
			return true;
	return false;
}

static void add_line(struct top *t, char **cells)
{
	t->cells = xrealloc(t->cells, (t->n_lines + 1) * sizeof(*t->cells));
	t->cells[t->n_lines++] = cells;
}

/* As many cells as the header has: the last one takes the rest, with single blanks. */
static char **line_cells(const struct strv *words, size_t n)
{
	char **cells = xcalloc(n + 1, sizeof(*cells));
	for (size_t i = 0; i < n; i++) {
		auto_strv rest = STRV_INIT;
		for (size_t k = i; k < words->n && (k == i || i == n - 1); k++)
			strv_add(&rest, words->v[k]);
		cells[i] = rest.n ? strv_join(&rest, " ") : xstrdup("");
	}
	return cells;
}

static int parse_ps(const char *text, const struct members *m, struct top *t, struct err *e)
{
	auto_strv lines = STRV_INIT, header = STRV_INIT;
	bool was_member = false;
	strv_split(&lines, text, '\n');
	split_words(&lines.v[0], 1, &header);
	int pid = find_pid_column(&header);
	if (pid < 0)
		return err_set(e, EINVAL, "Couldn't find PID field in ps output");
	add_line(t, line_cells(&header, header.n));
	for (size_t i = 1; i < lines.n; i++) {
		auto_strv words = STRV_INIT;
		split_words(&lines.v[i], 1, &words);
		if (words.n <= (size_t)pid)
			continue;
		/* Lines of threads have no number: they belong to the process before. */
		if (strcmp(words.v[pid], "-") != 0)
			was_member = is_member(m, words.v[pid]);
		if (was_member)
			add_line(t, line_cells(&words, header.n));
	}
	return 0;
}

static int ask_ps(const struct container_row *row, const struct strv *words,
	const struct members *m, struct top *t, struct err *e)
{
	auto_buf out = BUF_INIT, complaint = BUF_INIT, pids = BUF_INIT;
	for (size_t i = 0; i < m->n; i++)
		buf_printf(&pids, "%s%d", i ? "," : "", (int)m->v[i].pid);
	int r = run_ps(row->init.pid, words, pids.data ? pids.data : "1", &out, &complaint, e);
	if (r > 0) { /* options that -q does not go with: all of them, to choose from */
		buf_free(&out);
		buf_free(&complaint);
		out = complaint = BUF_INIT;
		r = run_ps(row->init.pid, words, NULL, &out, &complaint, e);
	}
	if (r < 0)
		return r;
	if (r > 0) {
		const char *why = complaint.len ? complaint.data : "failed";
		return err_set(e, EINVAL, "ps: %.*s", (int)strcspn(why, "\n"), why);
	}
	return parse_ps(out.data ? out.data : "", m, t, e);
}

/* ---- either ---- */

int container_top(struct store *s, const struct container_row *row, char *const *args, size_t n,
	struct top *t, struct err *e)
{
	auto_strv words = STRV_INIT;
	auto_members m = {0};
	enum container_state state = state_parse(row->state);
	*t = (struct top){0};
	if (state == STATE_RESTARTING)
		return err_set(e, EINVAL,
			"Container %s is restarting, wait until the container is running", row->id);
	if (state != STATE_RUNNING && state != STATE_PAUSED)
		return err_set(e, EINVAL, "container %s is not running", row->id);
	split_words(args, n, &words);
	int r = check_words(&words, e);
	if (r == 0)
		r = members_list(&row->init, &m, e);
	if (r < 0)
		return r;
	struct top_columns *columns = top_columns_new(row, words.n ? words.v : NULL, words.n);
	if (columns)
		top_columns_fill(columns, &m, t);
	else
		r = ask_ps(row, &words, &m, t, e);
	top_columns_free(columns);
	if (r < 0) {
		top_deinit(t);
		return r;
	}
	struct err ignored;
	(void)event_container(s, row, "top", NULL, &ignored);
	return 0;
}
