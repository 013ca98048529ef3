/* The values of flags. Syntax and error texts are those of Go's strconv and time packages and of
 * the size syntax Docker uses, because scripts see both. */
#include "cmd/opt.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"

char *opt_quote(const char *s)
{
	auto_buf b = BUF_INIT;
	buf_putc(&b, '"');
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
		const char *escape = strchr(from, *p);
		if (escape)
			buf_printf(&b, "\\%c", to[escape - from]);
		else if (*p < 0x20 || *p == 0x7f)
			buf_printf(&b, "\\x%02x", *p);
		else
			buf_putc(&b, (char)*p);
	}
	buf_putc(&b, '"');
	return buf_take(&b);
}

static int bad_number(struct err *e, const char *function, const char *s, const char *why)
{
	auto_free char *quoted = opt_quote(s);
	return err_set(e, EINVAL, "strconv.%s: parsing %s: %s", function, quoted, why);
}

int opt_value_bool(const char *s, bool *out, struct err *e)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*out = strcmp(s, yes[i]) == 0;
			return 0;
		}
	}
	return bad_number(e, "ParseBool", s, "invalid syntax");
}

/* Digits with Go's base prefixes (0x, 0o, 0b, 0). 0, -EINVAL or -ERANGE. */
static int parse_digits(const char *s, uint64_t *out)
{
	int base = 10;
	if (s[0] == '0' && s[1]) {
		int c = tolower((unsigned char)s[1]);
		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		s += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	}
	uint64_t value = 0;
	bool too_big = false;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		int c = tolower((unsigned char)*s);
		int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value))
			too_big = true;
	}
	*out = value;
	return too_big ? -ERANGE : 0;
}

int opt_value_int(const char *s, int64_t *out, struct err *e)
{
	bool minus = s[0] == '-';
	uint64_t value = 0;
	int r = parse_digits(s + (minus || s[0] == '+'), &value);
	if (r == -EINVAL)
		return bad_number(e, "ParseInt", s, "invalid syntax");
	if (r < 0 || value > (uint64_t)INT64_MAX + minus)
		return bad_number(e, "ParseInt", s, "value out of range");
	*out = minus ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int opt_value_uint(const char *s, uint64_t *out, struct err *e)
{
	int r = parse_digits(s, out);
	if (r < 0)
		return bad_number(
			e, "ParseUint", s, r == -ERANGE ? "value out of range" : "invalid syntax");
	return 0;
}

/* One "12.5ms" of a duration; *s moves behind it. The caller has checked for the empty string. */
static int duration_part(const char **s, long double *ns)
{
	// clang-format off
	static const struct { const char *unit; long double ns; } units[] = {
		{"ns", 1}, {"us", 1e3L}, {"µs", 1e3L}, {"μs", 1e3L}, {"ms", 1e6L}, {"s", 1e9L},
		{"m", 60e9L}, {"h", 3600e9L},
	};
	// clang-format on
	const char *p = *s;
	long double value = 0, place = 1;
	int digits = 0;
	for (; isdigit((unsigned char)*p); p++, digits++)
		value = value * 10 + (*p - '0');
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++, digits++) {
			place /= 10;
			value += place * (*p - '0');
		}
	}
	if (!digits)
		return -EINVAL;
	size_t len = strcspn(p, ".0123456789");
	if (!len)
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].unit) == len && memcmp(units[i].unit, p, len) == 0) {
			*ns += value * units[i].ns;
			*s = p + len;
			return 0;
		}
	}
	*s = p;
	return -EDOM;
}

int opt_value_duration(const char *s, int64_t *ns, struct err *e)
{
	auto_free char *quoted = opt_quote(s);
	const char *p = s + (*s == '-' || *s == '+');
	long double sum = 0;
	if (strcmp(p, "0") == 0) {
		*ns = 0;
		return 0;
	}
	int r = *p ? 0 : -EINVAL;
	while (r == 0 && *p)
		r = duration_part(&p, &sum);
	if (r == -ENOENT)
		return err_set(e, EINVAL, "time: missing unit in duration %s", quoted);
	if (r == -EDOM) {
		auto_free char *unit = xstrndup(p, strcspn(p, ".0123456789"));
		auto_free char *quoted_unit = opt_quote(unit);
		return err_set(
			e, EINVAL, "time: unknown unit %s in duration %s", quoted_unit, quoted);
	}
	if (r < 0 || sum >= 9223372036854775807.0L)
		return err_set(e, EINVAL, "time: invalid duration %s", quoted);
	*ns = (int64_t)(sum + 0.0001L) * (*s == '-' ? -1 : 1);
	return 0;
}

/* digits[.digits][e[+-]digits] with an optional sign: no inf, nan or hexadecimal. */
static bool is_decimal(const char *s)
{
	int digits = 0;
	s += *s == '-' || *s == '+';
	for (; isdigit((unsigned char)*s); s++)
		digits++;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++)
			digits++;
	if (digits && (*s == 'e' || *s == 'E')) {
		s++;
		s += *s == '-' || *s == '+';
		for (digits = 0; isdigit((unsigned char)*s); s++)
			digits++;
	}
	return digits && !*s;
}

int opt_value_decimal(const char *s, struct err *e)
{
	if (!is_decimal(s))
		return err_set(e, EINVAL, "failed to parse %s as a rational number", s);
	/* Docker counts in billionths. */
	const char *point = strchr(s, '.');
	size_t places = point ? strspn(point + 1, "0123456789") : 0;
	while (places > 9 && point[places] == '0')
		places--;
	if (places > 9)
		return err_set(e, EINVAL, "value is too precise");
	return 0;
}

/* [0-9]+[.[0-9]+] [kmgtp][i][b], with at most one blank before the unit. */
int opt_value_bytes(const char *s, int64_t *out, struct err *e)
{
	static const char units[] = "bkmgtp";
	size_t digits = strspn(s, "0123456789");
	if (digits && s[digits] == '.' && isdigit((unsigned char)s[digits + 1]))
		digits += 1 + strspn(s + digits + 1, "0123456789");
	auto_free char *unit = xstrdup(s + digits + (digits && s[digits] == ' '));
	str_lower(unit);
	const char *known = *unit ? strchr(units, *unit) : units;
	size_t power = known ? (size_t)(known - units) : 0;
	const char *tail = *unit ? unit + 1 : unit;
	bool is_tail = !*tail || (power && (strcmp(tail, "b") == 0 || strcmp(tail, "ib") == 0 ||
						   strcmp(tail, "i") == 0));
	double value = strtod(s, NULL);
	value = ldexp(value, 10 * (int)power);
	if (!digits || !known || !is_tail || value >= 9223372036854775807.0)
		return err_set(e, EINVAL, "invalid size: '%s'", s);
	*out = (int64_t)value;
	return 0;
}
