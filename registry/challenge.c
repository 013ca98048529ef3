#include "registry/challenge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "base/str.h"

void challenge_deinit(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = CHALLENGE_INIT;
}

/* RFC 9110 "tchar". */
static bool is_token_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static const char *skip_blank(const char *p) { return p + strspn(p, " \t"); }

/* A token at *p, owned; NULL where there is none. */
static char *read_token(const char **p)
{
	const char *start = *p;
	while (**p && is_token_char(**p))
		(*p)++;
	return *p > start ? xstrndup(start, (size_t)(*p - start)) : NULL;
}

/* A token or quoted string at *p, owned; NULL where it is malformed. */
static char *read_value(const char **p)
{
	if (**p != '"')
		return read_token(p);
	auto_buf text = BUF_INIT;
	for ((*p)++; **p && **p != '"'; (*p)++) {
		if (**p == '\\' && (*p)[1])
			(*p)++;
		buf_putc(&text, **p);
	}
	if (**p != '"')
		return NULL;
	(*p)++;
	return buf_take(&text);
}

static void keep(char **field, char *value)
{
	free(*field);
	*field = value;
}

static void set_parameter(struct challenge *c, const char *name, char *value)
{
	if (!strcasecmp(name, "realm"))
		keep(&c->realm, value);
	else if (!strcasecmp(name, "service"))
		keep(&c->service, value);
	else if (!strcasecmp(name, "scope"))
		keep(&c->scope, value);
	else if (!strcasecmp(name, "error"))
		keep(&c->error, value);
	else
		free(value);
}

/* "name = value" at *p: read and true; else *p stays and false. */
static bool read_parameter(const char **p, struct challenge *c)
{
	const char *at = *p;
	auto_free char *name = read_token(&at);
	if (!name)
		return false;
	at = skip_blank(at);
	/* "==" is the padding of a token68, not a parameter. */
	if (*at != '=' || at[1] == '=' || !at[1])
		return false;
	at = skip_blank(at + 1);
	char *value = read_value(&at);
	if (!value)
		return false;
	set_parameter(c, name, value);
	*p = at;
	return true;
}

/* The parameters after a scheme: until what follows a comma is not "name=value". */
static const char *read_parameters(const char *p, struct challenge *c)
{
	for (;;) {
		p += strspn(p, " \t,");
		if (!read_parameter(&p, c))
			return p;
		p = skip_blank(p);
		if (*p && *p != ',')
			p += strcspn(p, ",");
	}
}

static enum challenge_kind kind_of(const char *scheme)
{
	if (!strcasecmp(scheme, "bearer"))
		return CHALLENGE_BEARER;
	return strcasecmp(scheme, "basic") ? CHALLENGE_NONE : CHALLENGE_BASIC;
}

void challenge_read(struct challenge *c, const char *value)
{
	const char *p = value;
	for (;;) {
		p += strspn(p, " \t,");
		if (!*p)
			return;
		auto_free char *scheme = read_token(&p);
		if (!scheme) {
			p += strcspn(p, ",");
			continue;
		}
		auto_challenge found = {.kind = kind_of(scheme)};
		const char *before = p;
		p = read_parameters(p, &found);
		/* A token68 ("Negotiate abc==") belongs to its scheme. */
		if (p == before + strspn(before, " \t") && *p && *p != ',' && before != p)
			p += strcspn(p, ",");
		else if (*p && !is_token_char(*p) && *p != ',')
			p += strcspn(p, ",");
		if (found.kind == CHALLENGE_BEARER && !found.realm)
			continue;
		if (found.kind > c->kind) {
			struct challenge old = *c;
			*c = found;
			found = old;
		}
	}
}
