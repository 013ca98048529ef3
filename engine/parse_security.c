/* --security-opt, --add-host, --dns, --dns-search, --user. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "engine/parse_limit.h"

void security_options_deinit(struct security_options *s)
{
	free(s->seccomp_file);
	strv_free(&s->shown);
	*s = (struct security_options){0};
}

static int security_error(struct err *e, const char *text)
{
	return err_set(e, EINVAL, "invalid --security-opt 2: \"%s\"", text);
}

static int security_one(const char *text, struct security_options *s, struct err *e)
{
	static const char *const words[] = {"true", "1", "false", "0"};
	size_t name_len = strcspn(text, "=:");
	const char *value = text[name_len] ? text + name_len + 1 : NULL;
	auto_free char *name = xstrndup(text, name_len);
	if (!value && strcmp(name, "no-new-privileges") != 0 && strcmp(name, "disable") != 0) {
		err_set(e, EINVAL, "Invalid --security-opt: \"%s\"", text);
		return err_status(e, 125);
	}
	if (strcmp(name, "no-new-privileges") == 0) {
		size_t i = 0;
		while (value && i < ARRAY_LEN(words) && strcmp(value, words[i]) != 0)
			i++;
		if (value && i == ARRAY_LEN(words))
			return security_error(e, text);
		s->no_new_privileges = !value || i < 2;
	} else if (strcmp(name, "seccomp") == 0) {
		free(take_ptr(s->seccomp_file));
		s->seccomp_unconfined = strcmp(value, "unconfined") == 0;
		if (!s->seccomp_unconfined && strcmp(value, "builtin") != 0)
			s->seccomp_file = xstrdup(value);
	} else if (strcmp(name, "systempaths") == 0) {
		if (strcmp(value, "unconfined") != 0)
			return security_error(e, text);
		s->systempaths_unconfined = true;
		return 0; /* Docker's client does not pass it on */
	} else if (strcmp(name, "label") != 0 && strcmp(name, "disable") != 0 &&
		   strcmp(name, "apparmor") != 0) {
		/* label and apparmor: recorded; a host without them ignores them */
		return security_error(e, text);
	}
	strv_add(&s->shown, text);
	return 0;
}

int security_parse(const struct strv *options, struct security_options *s, struct err *e)
{
	for (size_t i = 0; i < options->n; i++) {
		int r = security_one(options->v[i], s, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_ip(const char *text)
{
	unsigned char a[16];
	return inet_pton(AF_INET, text, a) == 1 || inet_pton(AF_INET6, text, a) == 1;
}

int add_host_parse(const char *text, char **name, const char **ip, struct err *e)
{
	size_t n = strcspn(text, "=");
	if (!text[n])
		n = strcspn(text, ":");
	if (n == 0 || !text[n] || !text[n + 1]) {
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"--add-host\" flag: bad format for add-host: "
			"\"%s\"",
			text, text);
		return err_status(e, 125);
	}
	*ip = text + n + 1;
	auto_free char *bare = xstrdup(*ip);
	size_t len = strlen(bare);
	if (len > 2 && bare[0] == '[' && bare[len - 1] == ']') {
		memmove(bare, bare + 1, len - 2);
		bare[len - 2] = '\0';
	}
	if (strcmp(bare, "host-gateway") != 0 && !is_ip(bare)) {
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"--add-host\" flag: invalid IP address in "
			"add-host: \"%s\"",
			text, *ip);
		return err_status(e, 125);
	}
	for (size_t i = 0; i < n; i++) {
		if (!isspace((unsigned char)text[i]))
			continue;
		err_set(e, EINVAL,
			"invalid argument \"%s\" for \"--add-host\" flag: the name contains blanks",
			text);
		return err_status(e, 125);
	}
	*name = xstrndup(text, n);
	return 0;
}

int dns_check(const char *text, struct err *e)
{
	if (is_ip(text))
		return 0;
	err_set(e, EINVAL,
		"invalid argument \"%s\" for \"--dns\" flag: IP address is not correctly "
		"formatted: "
		"%s",
		text, text);
	return err_status(e, 125);
}

int dns_search_check(const char *text, struct err *e)
{
	bool bad = !*text || strlen(text) > 255;
	for (const char *p = text; *p; p++)
		bad |= !isalnum((unsigned char)*p) && !strchr("-_.", *p);
	if (!bad)
		return 0;
	err_set(e, EINVAL,
		"invalid argument \"%s\" for \"--dns-search\" flag: %s is not a valid domain", text,
		text);
	return err_status(e, 125);
}

static bool is_in_range(const char *s, size_t len)
{
	auto_free char *part = xstrndup(s, len);
	const char *digits = part + (*part == '-');
	uint32_t id;
	if (!*digits || digits[strspn(digits, "0123456789")])
		return true; /* a name */
	return parse_u32(part, &id) && id <= INT32_MAX;
}

int user_check(const char *text, struct err *e)
{
	size_t n = strcspn(text, ":");
	if (is_in_range(text, n) && (!text[n] || is_in_range(text + n + 1, strlen(text + n + 1))))
		return 0;
	return err_set(e, EINVAL, "uids and gids must be in range 0-%d", INT32_MAX);
}
