#include "engine/health.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"

#include <stdlib.h>
#include <string.h>

static const char *const status_texts[] = {"none", "starting", "healthy", "unhealthy"};

const char *health_status_text(enum health_status s) { return status_texts[s]; }

enum health_status health_status(const char *text)
{
	/* Our own words, the status first: ps asks for a thousand of them. */
	const char *at = text ? strstr(text, "\"Status\":\"") : NULL;
	if (!at)
		return HEALTH_NONE;
	at += strlen("\"Status\":\"");
	for (size_t i = 1; i < ARRAY_LEN(status_texts); i++) {
		size_t n = strlen(status_texts[i]);
		if (!strncmp(at, status_texts[i], n) && at[n] == '"')
			return (enum health_status)i;
	}
	return HEALTH_NONE;
}

static json_t *parsed(const char *text)
{
	struct err ignored;
	json_t *j = text ? json_parse(text, strlen(text), "health", &ignored) : NULL;
	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

/* Takes log. */
static char *text_of(enum health_status status, int64_t streak, json_t *log)
{
	auto_json o = json_object();
	json_set_str(o, "Status", health_status_text(status));
	json_set_int(o, "FailingStreak", streak);
	json_set(o, "Log", log);
	return json_text(o);
}

static json_t *log_of(const json_t *old)
{
	json_t *log = json_at(old, "Log");
	return json_is_array(log) ? json_incref(log) : json_array();
}

char *health_begin(const char *old)
{
	auto_json was = parsed(old);
	return text_of(HEALTH_STARTING, 0, log_of(was));
}

char *health_suspend(const char *old)
{
	auto_json was = parsed(old);
	return text_of(HEALTH_UNHEALTHY, json_int_or(was, "FailingStreak", 0), log_of(was));
}

static json_t *entry(const struct health_result *r)
{
	json_t *o = json_object();
	auto_free char *start = clock_rfc3339(r->start_ns);
	auto_free char *end = clock_rfc3339(r->end_ns);
	json_set_str(o, "Start", start);
	json_set_str(o, "End", end);
	json_set_int(o, "ExitCode", r->exit_code);
	json_set_str(o, "Output", r->output);
	return o;
}

char *health_judge(const char *old, const struct health_config *c, const struct health_result *r,
	int64_t started_ns)
{
	auto_json was = parsed(old);
	enum health_status status = health_status(old);
	int64_t streak = json_int_or(was, "FailingStreak", 0);
	json_t *log = log_of(was);
	int64_t kept = c->max_log_count > 0 ? c->max_log_count : HEALTH_LOG_MAX;
	while (json_array_size(log) && json_array_size(log) >= (size_t)kept)
		(void)json_array_remove(log, 0);
	(void)json_array_append_new(log, entry(r));
	if (status == HEALTH_NONE)
		status = HEALTH_STARTING;
	bool counts = status != HEALTH_STARTING || r->start_ns - started_ns >= c->start_period_ns;
	if (r->exit_code == 0) {
		status = HEALTH_HEALTHY;
		streak = 0;
	} else if (counts && ++streak >= c->retries) {
		status = HEALTH_UNHEALTHY;
	}
	return text_of(status, streak, log);
}

static void fraction(struct buf *b, int64_t value, int64_t unit, const char *name)
{
	char digits[16];
	buf_printf(b, "%lld", (long long)(value / unit));
	if (value % unit) {
		int n = snprintf(digits, sizeof(digits), "%lld", (long long)(unit + value % unit));
		while (n > 1 && digits[n - 1] == '0')
			digits[--n] = '\0';
		digits[0] = '.'; /* the 1 of the unit, which kept the zeros after it */
		buf_puts(b, digits);
	}
	buf_puts(b, name);
}

char *health_duration_text(int64_t ns)
{
	auto_buf b = BUF_INIT;
	int64_t minutes = ns / (60 * NS_PER_S);
	if (ns <= 0)
		return xstrdup("0s");
	if (ns < 1000)
		buf_printf(&b, "%lldns", (long long)ns);
	else if (ns < 1000000)
		fraction(&b, ns, 1000, "µs");
	else if (ns < NS_PER_S)
		fraction(&b, ns, 1000000, "ms");
	if (b.len)
		return buf_take(&b);
	if (minutes >= 60)
		buf_printf(&b, "%lldh", (long long)(minutes / 60));
	if (minutes)
		buf_printf(&b, "%lldm", (long long)(minutes % 60));
	fraction(&b, ns % (60 * NS_PER_S), NS_PER_S, "s");
	return buf_take(&b);
}

char *health_output_text(const char *p, size_t n, int64_t max)
{
	auto_buf b = BUF_INIT;
	size_t kept = max > 0 && n > (size_t)max ? (size_t)max : n;
	buf_add(&b, p, kept);
	for (size_t i = 0; i < kept; i++)
		if (!b.data[i])
			b.data[i] = '\xff'; /* becomes U+FFFD, as everything that is no text */
	if (kept < n)
		buf_puts(&b, "...");
	return utf8_text(b.data ? b.data : "");
}
