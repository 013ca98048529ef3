/* The words of a Dockerfile's line, as BuildKit's shell lexer takes them apart. */
#include "engine/commit_change.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/parse_env.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 32, PATTERN_MAX = 512 };

static bool is_blank(char c) { return isspace((unsigned char)c); }

void change_words(const char *text, struct strv *out)
{
	auto_buf word = BUF_INIT;
	bool in_word = false;
	char quote = '\0';
	for (const char *p = text; *p; p++) {
		if (!quote && is_blank(*p)) {
			if (in_word)
				strv_take(out, buf_take(&word));
			in_word = false;
			continue;
		}
		in_word = true;
		if (*p == '\\' && quote != '\'') {
			/* One at the very end escapes nothing. */
			if (!p[1])
				break;
			buf_putc(&word, *p++);
		} else if (quote && *p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		}
		buf_putc(&word, *p);
	}
	if (in_word)
		strv_take(out, buf_take(&word));
}

struct lexer {
	const char *p;
	const struct strv *env;
	struct strv *words; /* NULL: not split */
	struct buf word;
	bool in_word;
	int depth;
};

/* A character of the word that is being collected; unquoted blanks end it. */
static void add_to_word(struct lexer *l, char c, bool is_raw)
{
	if (!l->words)
		return;
	if (is_raw || !is_blank(c)) {
		l->in_word = true;
		buf_putc(&l->word, c);
	} else if (l->in_word) {
		strv_take(l->words, buf_take(&l->word));
		l->in_word = false;
	}
}

static void put(struct lexer *l, struct buf *out, const char *text, size_t n, bool is_raw)
{
	buf_add(out, text, n);
	for (size_t i = 0; i < n && l->depth == 0; i++)
		add_to_word(l, text[i], is_raw);
}

static int until(struct lexer *l, char stop, bool keep_escapes, struct buf *out, struct err *e);
static int dollar(struct lexer *l, struct buf *out, struct err *e);

static int single_quoted(struct lexer *l, struct buf *out, struct err *e)
{
	const char *end = strchr(++l->p, '\'');
	if (!end)
		return err_set(e, EINVAL,
			"unexpected end of statement while looking for matching single-quote");
	buf_add(out, l->p, (size_t)(end - l->p));
	l->p = end + 1;
	return 0;
}

static int double_quoted(struct lexer *l, struct buf *out, struct err *e)
{
	for (l->p++; *l->p != '"';) {
		if (!*l->p || (*l->p == '\\' && !l->p[1]))
			return err_set(e, EINVAL,
				"unexpected end of statement while looking for matching "
				"double-quote");
		if (*l->p == '$') {
			if (dollar(l, out, e) < 0)
				return -e->code;
			continue;
		}
		if (*l->p == '\\' && strchr("\"$\\", l->p[1]))
			l->p++;
		buf_putc(out, *l->p++);
	}
	l->p++;
	return 0;
}

/* One, several digits, or a name. */
static char *name_at(struct lexer *l)
{
	const char *start = l->p;
	if (*l->p && strchr("@*#?-$!0", *l->p)) {
		l->p++;
	} else if (isdigit((unsigned char)*l->p)) {
		while (isdigit((unsigned char)*l->p))
			l->p++;
	} else {
		while (isalnum((unsigned char)*l->p) || *l->p == '_')
			l->p++;
	}
	return xstrndup(start, (size_t)(l->p - start));
}

static bool matches(const char *pattern, const char *text, size_t n)
{
	auto_free char *part = xstrndup(text, n);
	return fnmatch(pattern, part, 0) == 0;
}

/* A shell's pattern here knows * and ? only. Owned. */
static char *glob_of(const char *pattern)
{
	auto_buf b = BUF_INIT;
	for (const char *p = pattern; *p; p++) {
		if (*p == '[')
			buf_putc(&b, '\\');
		buf_putc(&b, *p);
		if (*p == '\\' && p[1])
			buf_putc(&b, *++p);
	}
	return buf_take(&b);
}

/* ${name#word}, ${name##word}, ${name%word}, ${name%%word}. */
static int trimmed(char how, const char *word, const char *value, struct buf *out, struct err *e)
{
	bool longest = word[0] == how, from_end = how == '%';
	auto_free char *glob = glob_of(word + longest);
	size_t n = strlen(value);
	if (n > PATTERN_MAX || strlen(glob) > PATTERN_MAX)
		return err_set(e, E2BIG, "value or pattern too long in substitution");
	for (size_t i = 0; i <= n; i++) {
		size_t k = longest ? n - i : i;
		if (matches(glob, from_end ? value + n - k : value, k)) {
			buf_add(out, from_end ? value : value + k, n - k);
			return 0;
		}
	}
	buf_puts(out, value);
	return 0;
}

/* ${name/pattern/with}, ${name//pattern/with} */
static int replaced(struct lexer *l, const char *value, struct buf *out, struct err *e)
{
	auto_buf pattern = BUF_INIT, with = BUF_INIT;
	bool all = *l->p == '/';
	l->p += all;
	if (until(l, '/', true, &pattern, e) < 0 || until(l, '}', true, &with, e) < 0)
		return -e->code;
	auto_free char *glob = glob_of(pattern.data ? pattern.data : "");
	size_t n = strlen(value);
	if (n > PATTERN_MAX || strlen(glob) > PATTERN_MAX)
		return err_set(e, E2BIG, "value or pattern too long in substitution");
	bool done = false;
	for (size_t i = 0; i < n;) {
		size_t k = done ? 0 : n - i;
		while (k && !matches(glob, value + i, k))
			k--;
		if (k) {
			buf_add(out, with.data ? with.data : "", with.len);
			i += k;
			done = !all;
		} else {
			buf_putc(out, value[i++]);
		}
	}
	return 0;
}

static int refused(const char *name, const char *why, const char *word, struct err *e)
{
	return err_set(e, EINVAL, "%s: %s", name, *word ? word : why);
}

/* After "${name": what follows until "}". */
static int modified(struct lexer *l, const char *name, struct buf *out, struct err *e)
{
	const char *value = env_get(l->env, name);
	bool or_empty = *l->p == ':';
	char how = *l->p ? *l->p++ : '\0';
	if (or_empty && *l->p)
		how = *l->p++;
	if (how == '}' && !or_empty) {
		buf_puts(out, value ? value : "");
		return 0;
	}
	if (how == '/' && !or_empty)
		return replaced(l, value ? value : "", out, e);
	if (!how || !strchr("+-?#%", how)) {
		char shown[] = {or_empty ? ':' : how, or_empty ? how : '\0', '\0'};
		return err_set(e, EINVAL, "unsupported modifier (%s) in substitution",
			how && how != ':' ? shown : "\xef\xbf\xbd");
	}
	auto_buf b = BUF_INIT;
	if (until(l, '}', how == '#' || how == '%', &b, e) < 0)
		return -e->code;
	const char *word = b.data ? b.data : "";
	bool is_missing = !value || (or_empty && !*value);
	if (how == '?' && !value)
		return refused(name, "is not allowed to be unset", word, e);
	if (how == '?' && is_missing)
		return refused(name, "is not allowed to be empty", word, e);
	if (how == '#' || how == '%')
		return trimmed(how, word, value ? value : "", out, e);
	if (how == '+')
		buf_puts(out, is_missing ? "" : word);
	else
		buf_puts(out, is_missing ? word : value);
	return 0;
}

static int dollar(struct lexer *l, struct buf *out, struct err *e)
{
	bool braces = l->p[1] == '{';
	l->p += braces ? 2 : 1;
	if (braces && (!*l->p || *l->p == '}'))
		return err_set(e, EINVAL, "syntax error: missing name of the variable in ${}");
	auto_free char *name = name_at(l);
	if (braces)
		return modified(l, name, out, e);
	const char *value = *name ? env_get(l->env, name) : "$";
	buf_puts(out, value ? value : "");
	return 0;
}

static int special(struct lexer *l, struct buf *out, struct err *e)
{
	bool is_dollar = *l->p == '$';
	auto_buf part = BUF_INIT;
	int r = is_dollar       ? dollar(l, &part, e)
		: *l->p == '\'' ? single_quoted(l, &part, e)
				: double_quoted(l, &part, e);
	if (r < 0)
		return r;
	/* An empty pair of quotes is a word, too. */
	if (!is_dollar && l->depth == 0)
		l->in_word = true;
	put(l, out, part.data ? part.data : "", part.len, !is_dollar);
	return 0;
}

/* To the stop (taken), or to the end where there is none. */
static int until(struct lexer *l, char stop, bool keep_escapes, struct buf *out, struct err *e)
{
	if (l->depth >= NESTING_MAX)
		return err_set(e, EINVAL, "substitutions nested too deeply");
	l->depth += stop != '\0';
	int r = 0;
	while (r == 0 && *l->p && (!stop || *l->p != stop)) {
		if (strchr("'\"$", *l->p)) {
			r = special(l, out, e);
			continue;
		}
		bool is_escaped = *l->p == '\\';
		if (is_escaped) {
			if (keep_escapes)
				put(l, out, l->p, 1, true);
			if (!*++l->p)
				break;
		}
		put(l, out, l->p++, 1, is_escaped);
	}
	l->depth -= stop != '\0';
	if (r == 0 && stop && *l->p != stop)
		return err_set(e, EINVAL,
			"unexpected end of statement while looking for matching %c", stop);
	l->p += r == 0 && stop;
	return r;
}

static int expand(struct lexer *l, const char *text, struct buf *out, struct err *e)
{
	struct err why = {0};
	l->p = text;
	if (until(l, '\0', false, out, &why) < 0)
		return err_set(e, why.code, "failed to process \"%.300s\": %s", text, why.msg);
	return 0;
}

char *change_expand(const char *text, const struct strv *env, struct err *e)
{
	struct lexer l = {.env = env};
	auto_buf out = BUF_INIT;
	return expand(&l, text, &out, e) < 0 ? NULL : buf_take(&out);
}

int change_expand_words(const char *text, const struct strv *env, struct strv *out, struct err *e)
{
	struct lexer l = {.env = env, .words = out};
	auto_buf whole = BUF_INIT;
	int r = expand(&l, text, &whole, e);
	if (r == 0 && l.in_word)
		strv_take(out, buf_take(&l.word));
	buf_free(&l.word);
	return r;
}
