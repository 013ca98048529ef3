/* lex: the tokens of a template. */
#ifndef CMD_FORMAT_LEX_H
#define CMD_FORMAT_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum tok {
	TOK_ERROR, /* text is the message */
	TOK_EOF,
	TOK_TEXT,
	TOK_LEFT, /* {{ */
	TOK_RIGHT, /* }} */
	TOK_SPACE,
	TOK_ASSIGN,
	TOK_DECLARE,
	TOK_PIPE,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_CHAR, /* any other printable character: comma */
	TOK_BOOL,
	TOK_NUMBER, /* also a character constant */
	TOK_STRING,
	TOK_RAWSTRING,
	TOK_FIELD,
	TOK_VARIABLE,
	TOK_IDENT,
	TOK_KEYWORD, /* only marks where keywords begin */
	TOK_DOT,
	TOK_BLOCK,
	TOK_BREAK,
	TOK_CONTINUE,
	TOK_DEFINE,
	TOK_ELSE,
	TOK_END,
	TOK_IF,
	TOK_NIL,
	TOK_RANGE,
	TOK_TEMPLATE,
	TOK_WITH,
};

struct token {
	enum tok type;
	size_t pos;
	const char *text; /* into the input, or the error's text */
	size_t len;
	int line;
};

struct lexer {
	const char *input;
	size_t len;
	size_t pos;
	int parens;
	bool in_action;
	bool trim_right; /* the action before ended in -}} */
	bool failed;
	struct token last;
	char error[160];
};

void lex_init(struct lexer *l, const char *input, size_t len);
/* After TOK_ERROR and TOK_EOF the same token comes again. */
struct token lex_next(struct lexer *l);
/* As an error message shows a token. */
void lex_describe(const struct token *t, char *out, size_t size);

#endif
