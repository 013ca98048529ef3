/* Docker's way with times: a duration, a time in one of Go's layouts that is chosen by the signs in
 * the text, or Unix seconds; with Go's words for what is wrong. */
#include "engine/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is being read: the rest of the text, and what was found. */
struct parse {
	const char *text, *layout, *p;
	struct tm tm;
	int64_t ns;
	int offset_s;
	char wrong[400];
};

static bool fail(struct parse *s, const char *rest, const char *element)
{
	snprintf(s->wrong, sizeof(s->wrong),
		"parsing time \"%.100s\" as \"%s\": cannot parse \"%.100s\" as \"%s\"", s->text,
		s->layout, rest, element);
	return false;
}

static bool out_of_range(struct parse *s, const char *what)
{
	snprintf(s->wrong, sizeof(s->wrong), "parsing time \"%.100s\": %s out of range", s->text,
		what);
	return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A number of `width` digits; fewer only where `is_loose`. */
static bool number(struct parse *s, const char *element, int width, bool is_loose, int *out)
{
	const char *from = s->p;
	*out = 0;
	for (int i = 0; i < width; i++, s->p++) {
		if (!is_digit(*s->p))
			return (i > 0 && is_loose) || fail(s, from, element);
		*out = *out * 10 + (*s->p - '0');
	}
	return true;
}

/* ".5" behind the seconds, whatever the layout says. */
static void fraction(struct parse *s)
{
	int64_t unit = NS_PER_S;
	if (*s->p != '.' || !is_digit(s->p[1]))
		return;
	for (s->p++; is_digit(*s->p); s->p++) {
		unit /= 10;
		s->ns += (*s->p - '0') * unit;
	}
}

static bool zone(struct parse *s)
{
	const char *from = s->p;
	int h, m, sign = *s->p == '-' ? -1 : 1;
	if (*s->p == 'Z') {
		s->p++;
		return true;
	}
	if ((*s->p != '+' && *s->p != '-') || strlen(s->p) < 6 || s->p[3] != ':')
		return fail(s, from, "Z07:00");
	s->p++;
	if (!number(s, "Z07:00", 2, false, &h))
		return false;
	s->p++;
	if (!number(s, "Z07:00", 2, false, &m))
		return false;
	if (h > 24 || m > 59)
		return out_of_range(
			s, h > 24 ? "time zone offset hour" : "time zone offset minute");
	s->offset_s = sign * (h * 3600 + m * 60);
	return true;
}

/* One element of the layout at *l, which is moved on. */
static bool element(struct parse *s, const char **l)
{
	static const struct {
		const char *name, *what;
		size_t offset;
		int width, min, max;
		bool is_loose;
	} rows[] = {
		{"2006", "year", offsetof(struct tm, tm_year), 4, 0, 9999, false},
		{"01", "month", offsetof(struct tm, tm_mon), 2, 1, 12, false},
		{"02", "day", offsetof(struct tm, tm_mday), 2, 0, 99, false},
		{"15", "hour", offsetof(struct tm, tm_hour), 2, 0, 23, true},
		{"04", "minute", offsetof(struct tm, tm_min), 2, 0, 59, false},
		{"05", "second", offsetof(struct tm, tm_sec), 2, 0, 59, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_starts(*l, rows[i].name))
			continue;
		int *value = (int *)((char *)&s->tm + rows[i].offset);
		if (!number(s, rows[i].name, rows[i].width, rows[i].is_loose, value))
			return false;
		*l += strlen(rows[i].name);
		if (*value < rows[i].min || *value > rows[i].max)
			return out_of_range(s, rows[i].what);
		if (rows[i].min == 0 && rows[i].max == 59 && rows[i].name[1] == '5')
			fraction(s);
		return true;
	}
	if (str_starts(*l, "Z07:00")) {
		*l += strlen("Z07:00");
		return zone(s);
	}
	if (str_starts(*l, ".999999999")) { /* read with the seconds */
		*l += strlen(".999999999");
		return true;
	}
	const char sign[2] = {**l, '\0'};
	if (*s->p != **l)
		return fail(s, s->p, sign);
	s->p++;
	(*l)++;
	return true;
}

static int days_in(int month, int year)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && is_leap);
}

/* Go's time.Parse. */
static bool parse_layout(struct parse *s, int64_t *out)
{
	for (const char *l = s->layout; *l;)
		if (!element(s, &l))
			return false;
	if (*s->p) {
		snprintf(s->wrong, sizeof(s->wrong),
			"parsing time \"%.100s\": extra text: \"%.100s\"", s->text, s->p);
		return false;
	}
	if (s->tm.tm_mday < 1 || s->tm.tm_mday > days_in(s->tm.tm_mon, s->tm.tm_year))
		return out_of_range(s, "day");
	s->tm.tm_year -= 1900;
	s->tm.tm_mon--;
	int64_t seconds = (int64_t)timegm(&s->tm) - s->offset_s;
	if (llabs(seconds) > INT64_MAX / NS_PER_S - 1) { /* before or behind all that is ours */
		*out = seconds < 0 ? INT64_MIN : INT64_MAX;
		return true;
	}
	*out = seconds * NS_PER_S + s->ns;
	return true;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;
	for (; *s; s++)
		n += *s == c;
	return n;
}

/* The layout that the signs in the text ask for; *is_local: it has no zone. */
static const char *choose_layout(const char *text, bool *is_local)
{
	static const char *const local[] = {
		"2006-01-02T15", "2006-01-02T15:04", "2006-01-02T15:04:05"};
	static const char *const zoned[] = {
		"2006-01-02T15Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"};
	size_t colons = count(text, ':');
	*is_local = !strpbrk(text, "zZ+") && count(text, '-') != 3;
	if (strchr(text, '.'))
		return *is_local ? "2006-01-02T15:04:05.999999999"
				 : "2006-01-02T15:04:05.999999999Z07:00";
	if (!strchr(text, 'T'))
		return *is_local ? "2006-01-02" : "2006-01-02Z07:00";
	if (!*is_local && !strpbrk(text, "zZ") && colons > 0)
		colons--; /* the zone's */
	return (*is_local ? local : zoned)[colons > 2 ? 2 : colons];
}

/* Unix seconds with an optional fraction. */
static bool parse_unix(const char *s, int64_t *out)
{
	char whole[32];
	const char *dot = strchr(s, '.');
	s += *s == '+';
	size_t n = dot ? (size_t)(dot - s) : strlen(s);
	int64_t seconds, ns = 0, unit = NS_PER_S;
	if (n == 0 || n >= sizeof(whole) || (dot && !dot[1]))
		return false;
	memcpy(whole, s, n);
	whole[n] = '\0';
	if (!parse_i64(whole, &seconds) || llabs(seconds) > INT64_MAX / NS_PER_S - 1)
		return false;
	for (const char *p = dot ? dot + 1 : ""; *p; p++) {
		if (!is_digit(*p))
			return false;
		unit /= 10;
		ns += (*p - '0') * unit;
	}
	*out = seconds * NS_PER_S + ns;
	return true;
}

int log_parse_time(const char *flag, const char *text, int64_t now_ns, int64_t *out, struct err *e)
{
	int64_t duration;
	struct tm now;
	bool is_local;
	time_t now_s = (time_t)(now_ns / NS_PER_S);
	if (strcmp(text, "0") != 0 && clock_parse_duration(text, &duration)) {
		*out = now_ns - duration;
		return 0;
	}
	struct parse s = {.text = text, .p = text, .layout = choose_layout(text, &is_local)};
	if (is_local && localtime_r(&now_s, &now))
		s.offset_s = (int)now.tm_gmtoff;
	if (parse_layout(&s, out) || (!strchr(text, '-') && parse_unix(text, out)))
		return 0;
	if (!strchr(text, '-'))
		snprintf(s.wrong, sizeof(s.wrong),
			"failed to parse value as time or duration: \"%.200s\"", text);
	return err_set(e, EINVAL, "%s%s%s%s", flag ? "invalid value for \"" : "", flag ? flag : "",
		flag ? "\": " : "", s.wrong);
}
