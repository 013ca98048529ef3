#include "cmd/format/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/utf8.h"

static const struct {
	const char *word;
	enum tok type;
} keywords[] = {
	{"block", TOK_BLOCK},
	{"break", TOK_BREAK},
	{"continue", TOK_CONTINUE},
	{"define", TOK_DEFINE},
	{"else", TOK_ELSE},
	{"end", TOK_END},
	{"if", TOK_IF},
	{"nil", TOK_NIL},
	{"range", TOK_RANGE},
	{"template", TOK_TEMPLATE},
	{"with", TOK_WITH},
	{"true", TOK_BOOL},
	{"false", TOK_BOOL},
};

void lex_init(struct lexer *l, const char *input, size_t len)
{
	*l = (struct lexer){.input = input, .len = len};
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static int byte_at(const struct lexer *l, size_t pos)
{
	return pos < l->len ? (unsigned char)l->input[pos] : -1;
}

static bool text_at(const struct lexer *l, size_t pos, const char *s)
{
	size_t n = strlen(s);
	return pos <= l->len && l->len - pos >= n && memcmp(l->input + pos, s, n) == 0;
}

static bool left_trim_at(const struct lexer *l, size_t pos)
{
	return byte_at(l, pos) == '-' && is_space(byte_at(l, pos + 1));
}

/* At the closing delimiter, with or without its trim marker. */
static bool right_at(const struct lexer *l, size_t pos, bool *trims)
{
	*trims = is_space(byte_at(l, pos)) && text_at(l, pos + 1, "-}}");
	return *trims || text_at(l, pos, "}}");
}

static uint32_t rune_at(const struct lexer *l, size_t pos, size_t *width)
{
	*width = 0;
	if (pos >= l->len)
		return (uint32_t)-1;
	return utf8_decode(l->input + pos, l->len - pos, width);
}

static bool is_word(uint32_t r)
{
	return r == '_' || (r >= '0' && r <= '9') || (r != (uint32_t)-1 && rune_is_letter(r));
}

static struct token make(struct lexer *l, enum tok type, size_t start, size_t end)
{
	int line = l->last.line ? l->last.line : 1;
	for (size_t i = l->last.pos; i < start; i++)
		line += l->input[i] == '\n';
	l->last = (struct token){type, start, l->input + start, end - start, line};
	l->pos = end;
	return l->last;
}

static struct token fail(struct lexer *l, size_t start, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static struct token fail(struct lexer *l, size_t start, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, ap);
	va_end(ap);
	make(l, TOK_ERROR, start, start);
	l->last.text = l->error;
	l->last.len = strlen(l->error);
	l->failed = true;
	return l->last;
}

static void describe_rune(uint32_t r, char *out, size_t size)
{
	auto_buf b = BUF_INIT;
	buf_printf(&b, "U+%04X", r);
	if (rune_is_print(r)) {
		buf_puts(&b, " '");
		utf8_add(&b, r);
		buf_putc(&b, '\'');
	}
	snprintf(out, size, "%s", b.data);
}

static struct token fail_rune(struct lexer *l, size_t start, const char *what, uint32_t r)
{
	char rune[32];
	describe_rune(r, rune, sizeof(rune));
	return fail(l, start, "%s %s", what, rune);
}

/* The comment at pos (behind the delimiter and its marker); false with the error made. */
static bool skip_comment(struct lexer *l, size_t start, size_t pos, struct token *error)
{
	const char *end = memmem(l->input + pos + 2, l->len - pos - 2, "*/", 2);
	if (!end) {
		*error = fail(l, start, "unclosed comment");
		return false;
	}
	pos = (size_t)(end - l->input) + 2;
	bool trims;
	if (!right_at(l, pos, &trims)) {
		*error = fail(l, start, "comment ends before closing delimiter");
		return false;
	}
	l->pos = pos + (trims ? 4 : 2);
	l->trim_right = trims;
	return true;
}

static void skip_trimmed(struct lexer *l)
{
	if (l->trim_right) {
		while (is_space(byte_at(l, l->pos)))
			l->pos++;
		l->trim_right = false;
	}
}

static struct token lex_text(struct lexer *l)
{
	for (;;) {
		skip_trimmed(l);
		size_t start = l->pos;
		const char *at = memmem(l->input + start, l->len - start, "{{", 2);
		if (!at) {
			if (start < l->len)
				return make(l, TOK_TEXT, start, l->len);
			return make(l, TOK_EOF, l->len, l->len);
		}
		size_t delim = (size_t)(at - l->input), end = delim;
		bool trims = left_trim_at(l, delim + 2);
		while (trims && end > start && is_space(byte_at(l, end - 1)))
			end--;
		if (end > start) {
			make(l, TOK_TEXT, start, end);
			l->pos = delim;
			return l->last;
		}
		size_t after = delim + 2 + (trims ? 2 : 0);
		if (!text_at(l, after, "/*")) {
			make(l, TOK_LEFT, delim, delim + 2);
			l->pos = after;
			l->in_action = true;
			l->parens = 0;
			return l->last;
		}
		struct token error;
		if (!skip_comment(l, delim, after, &error))
			return error;
	}
}

static struct token lex_right(struct lexer *l)
{
	bool trims;
	right_at(l, l->pos, &trims);
	size_t start = l->pos + (trims ? 2 : 0);
	make(l, TOK_RIGHT, start, start + 2);
	l->in_action = false;
	l->trim_right = trims;
	return l->last;
}

static struct token lex_space(struct lexer *l)
{
	size_t start = l->pos, end = start;
	while (is_space(byte_at(l, end)))
		end++;
	if (text_at(l, end, "-}}")) {
		end--;
		if (end == start)
			return lex_right(l);
	}
	return make(l, TOK_SPACE, start, end);
}

/* What may follow a word without a blank. */
static bool at_terminator(const struct lexer *l, size_t pos, uint32_t *r)
{
	size_t width;
	*r = rune_at(l, pos, &width);
	if (*r == (uint32_t)-1 || is_space((int)*r))
		return true;
	return *r < 0x80 && strchr(".,|:)(}", (int)*r);
}

static struct token lex_word(struct lexer *l, enum tok type, size_t from)
{
	size_t start = l->pos, end = from, width;
	uint32_t r;
	if (at_terminator(l, end, &r) && type != TOK_IDENT)
		return make(l, type == TOK_FIELD ? TOK_DOT : type, start, end);
	while (is_word(rune_at(l, end, &width)))
		end += width;
	if (!at_terminator(l, end, &r))
		return fail_rune(l, start, "bad character", r);
	if (type == TOK_IDENT) {
		for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
			if (end - start == strlen(keywords[i].word) &&
				text_at(l, start, keywords[i].word))
				type = keywords[i].type;
		}
	}
	return make(l, type, start, end);
}

static struct token lex_quoted(struct lexer *l, char quote)
{
	size_t start = l->pos;
	for (size_t i = start + 1; i < l->len; i++) {
		char c = l->input[i];
		if (c == quote)
			return make(l,
				quote == '`'   ? TOK_RAWSTRING
				: quote == '"' ? TOK_STRING
					       : TOK_NUMBER,
				start, i + 1);
		if (quote == '`')
			continue;
		if (c == '\\' && ++i < l->len && l->input[i] != '\n')
			continue;
		if (c == '\\' || c == '\n')
			break;
	}
	return fail(l, start, "unterminated %s",
		quote == '`'   ? "raw quoted string"
		: quote == '"' ? "quoted string"
			       : "character constant");
}

static bool accept(const struct lexer *l, size_t *pos, const char *set)
{
	int c = byte_at(l, *pos);
	if (c <= 0 || !strchr(set, c))
		return false;
	(*pos)++;
	return true;
}

static struct token lex_number(struct lexer *l)
{
	static const char decimal[] = "0123456789_", hexadecimal[] = "0123456789abcdefABCDEF_";
	size_t start = l->pos, end = start, width;
	const char *digits = decimal;
	accept(l, &end, "+-");
	if (accept(l, &end, "0")) {
		if (accept(l, &end, "xX"))
			digits = hexadecimal;
		else if (accept(l, &end, "oO"))
			digits = "01234567_";
		else if (accept(l, &end, "bB"))
			digits = "01_";
	}
	while (accept(l, &end, digits))
		;
	if (accept(l, &end, ".")) {
		while (accept(l, &end, digits))
			;
	}
	if ((digits == decimal && accept(l, &end, "eE")) ||
		(digits == hexadecimal && accept(l, &end, "pP"))) {
		accept(l, &end, "+-");
		while (accept(l, &end, decimal))
			;
	}
	accept(l, &end, "i");
	if (is_word(rune_at(l, end, &width))) {
		auto_buf quoted = BUF_INIT;
		go_quote(&quoted, l->input + start, end + width - start, '"', false);
		return fail(l, start, "bad number syntax: %.120s", quoted.data);
	}
	return make(l, TOK_NUMBER, start, end);
}

static struct token lex_action(struct lexer *l)
{
	bool trims;
	if (right_at(l, l->pos, &trims))
		return l->parens ? fail(l, l->pos, "unclosed left paren") : lex_right(l);
	size_t start = l->pos, width;
	uint32_t r = rune_at(l, start, &width);
	if (r == (uint32_t)-1)
		return fail(l, start, "unclosed action");
	if (is_space((int)r))
		return lex_space(l);
	switch (r) {
	case '=':
		return make(l, TOK_ASSIGN, start, start + 1);
	case ':':
		if (byte_at(l, start + 1) != '=')
			return fail(l, start, "expected :=");
		return make(l, TOK_DECLARE, start, start + 2);
	case '|':
		return make(l, TOK_PIPE, start, start + 1);
	case '"':
	case '`':
	case '\'':
		return lex_quoted(l, (char)r);
	case '$':
		return lex_word(l, TOK_VARIABLE, start + 1);
	case '(':
		l->parens++;
		return make(l, TOK_LPAREN, start, start + 1);
	case ')':
		if (--l->parens < 0)
			return fail(l, start, "unexpected right paren");
		return make(l, TOK_RPAREN, start, start + 1);
	}
	int next = byte_at(l, start + 1);
	if (r == '.' && (next < '0' || next > '9'))
		return lex_word(l, TOK_FIELD, start + 1);
	if (r == '.' || r == '+' || r == '-' || (r >= '0' && r <= '9'))
		return lex_number(l);
	if (is_word(r))
		return lex_word(l, TOK_IDENT, start);
	if (r >= ' ' && r < 0x7F)
		return make(l, TOK_CHAR, start, start + 1);
	return fail_rune(l, start, "unrecognized character in action:", r);
}

struct token lex_next(struct lexer *l)
{
	if (l->failed || l->last.type == TOK_EOF)
		return l->last;
	return l->in_action ? lex_action(l) : lex_text(l);
}

void lex_describe(const struct token *t, char *out, size_t size)
{
	if (t->type == TOK_EOF) {
		snprintf(out, size, "EOF");
	} else if (t->type == TOK_ERROR) {
		snprintf(out, size, "%s", t->text);
	} else if (t->type > TOK_KEYWORD) {
		snprintf(out, size, "<%.*s>", (int)t->len, t->text);
	} else {
		auto_buf b = BUF_INIT;
		size_t n = t->len > 10 ? 10 : t->len;
		go_quote(&b, t->text, n, '"', false);
		snprintf(out, size, "%s%s", b.data, t->len > 10 ? "..." : "");
	}
}
