#include "base/clock.h"
#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

char *clock_rfc3339_fixed(int64_t ns)
{
	int64_t frac = ns % NS_PER_S;
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	if (frac < 0) {
		frac += NS_PER_S;
		s--;
	}
	gmtime_r(&s, &tm);
	return xasprintf("%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)frac);
}

char *clock_rfc3339(int64_t ns)
{
	if (ns == 0)
		return xstrdup("0001-01-01T00:00:00Z");
	char *s = clock_rfc3339_fixed(ns);
	size_t n = strlen(s) - 1;
	while (s[n - 1] == '0')
		n--;
	if (s[n - 1] == '.')
		n--;
	s[n] = 'Z';
	s[n + 1] = '\0';
	return s;
}

/* n digits at *s as a number; moves on. */
static bool digits(const char **s, int n, int *out)
{
	*out = 0;
	for (; n; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return true;
}

static bool expect(const char **s, char c)
{
	return *(*s)++ == c;
}

static bool parse_fraction(const char **s, int64_t *ns)
{
	int64_t unit = NS_PER_S / 10;
	*ns = 0;
	if (**s != '.')
		return true;
	(*s)++;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ns += (**s - '0') * unit;
	return true;
}

bool clock_parse_rfc3339(const char *s, int64_t *ns)
{
	struct tm tm = {0};
	int64_t frac;
	int zone_h = 0, zone_m = 0, sign = 0;
	if (!digits(&s, 4, &tm.tm_year) || !expect(&s, '-') || !digits(&s, 2, &tm.tm_mon) ||
		!expect(&s, '-') || !digits(&s, 2, &tm.tm_mday))
		return false;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return false;
	s++;
	if (!digits(&s, 2, &tm.tm_hour) || !expect(&s, ':') || !digits(&s, 2, &tm.tm_min) ||
		!expect(&s, ':') || !digits(&s, 2, &tm.tm_sec) || !parse_fraction(&s, &frac))
		return false;
	if (*s == '+' || *s == '-') {
		sign = *s++ == '+' ? 1 : -1;
		if (!digits(&s, 2, &zone_h) || !expect(&s, ':') || !digits(&s, 2, &zone_m))
			return false;
	} else if (*s == 'Z' || *s == 'z') {
		s++;
	} else {
		return false;
	}
	if (*s || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t t = (int64_t)timegm(&tm) - sign * (zone_h * 3600 + zone_m * 60);
	if (t > INT64_MAX / NS_PER_S - 1 || t < INT64_MIN / NS_PER_S + 1) {
		*ns = t == INT64_C(-62135596800) ? 0 : (t > 0 ? INT64_MAX : INT64_MIN);
		return true;
	}
	*ns = t * NS_PER_S + frac;
	return true;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"µs", 1000},
	{"ms", 1000000},
	{"s", NS_PER_S},
	{"m", 60 * NS_PER_S},
	{"h", 3600 * NS_PER_S},
};

static int64_t unit_at(const char **s)
{
	size_t n = 0;
	while ((*s)[n] && (*s)[n] != '.' && !((*s)[n] >= '0' && (*s)[n] <= '9'))
		n++;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == n && !memcmp(units[i].name, *s, n)) {
			*s += n;
			return units[i].ns;
		}
	}
	return 0;
}

bool clock_parse_duration(const char *s, int64_t *ns)
{
	bool negative = *s == '-';
	int64_t total = 0;
	if (*s == '-' || *s == '+')
		s++;
	if (!strcmp(s, "0")) {
		*ns = 0;
		return true;
	}
	if (!*s)
		return false;
	while (*s) {
		int64_t whole = 0, scaled;
		double fraction = 0, place = 0.1;
		const char *start = s;
		for (; *s >= '0' && *s <= '9'; s++)
			if (__builtin_mul_overflow(whole, 10, &whole) ||
				__builtin_add_overflow(whole, *s - '0', &whole))
				return false;
		bool any = s > start;
		if (*s == '.')
			for (s++; *s >= '0' && *s <= '9'; s++, place /= 10, any = true)
				fraction += (*s - '0') * place;
		int64_t unit = any ? unit_at(&s) : 0;
		if (!unit || __builtin_mul_overflow(whole, unit, &scaled) ||
			__builtin_add_overflow(total, scaled, &total) ||
			__builtin_add_overflow(
				total, (int64_t)(fraction * (double)unit + 0.5), &total))
			return false;
	}
	*ns = negative ? -total : total;
	return true;
}
