/* From the flags and the image's HEALTHCHECK to Config.Healthcheck, and from that to what is run.
 */
#include "engine/health.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_INTERVAL_NS (30 * NS_PER_S)
#define DEFAULT_START_INTERVAL_NS (5 * NS_PER_S)
#define MIN_NS INT64_C(1000000)
#define MAX_NS (INT64_MAX / 4) /* an image may say anything: sums of two must not overflow */

static const char *const actions[] = {"none", "kill", "restart", "stop"};

static int client_error(struct err *e) { return err_status(e, 125); }

static bool has_settings(const struct create_request *r)
{
	return !str_empty(r->health_cmd) || r->health_interval || r->health_timeout ||
	       r->health_start_period || r->health_start_interval || r->health_retries;
}

struct duration {
	const char *key, *flag;
	int64_t value;
};

/* In the order in which Docker checks them; inspect has it, too. */
static size_t durations(const struct create_request *r, struct duration d[4])
{
	d[0] = (struct duration){"Interval", "interval", r->health_interval};
	d[1] = (struct duration){"Timeout", "timeout", r->health_timeout};
	d[2] = (struct duration){"StartPeriod", "start-period", r->health_start_period};
	d[3] = (struct duration){"StartInterval", "start-interval", r->health_start_interval};
	return 4;
}

static int check_signs(const struct create_request *r, struct err *e)
{
	struct duration d[4];
	size_t n = durations(r, d);
	for (size_t i = 0; i < n; i++) {
		if (d[i].value >= 0)
			continue;
		err_set(e, EINVAL, "--health-%s cannot be negative", d[i].flag);
		return client_error(e);
	}
	if (r->health_retries >= 0)
		return 0;
	err_set(e, EINVAL, "--health-retries cannot be negative");
	return client_error(e);
}

static int check_least(const json_t *check, struct err *e)
{
	static const char *const keys[] = {"Interval", "Timeout", "StartPeriod", "StartInterval"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int64_t ns = json_int_or(check, keys[i], 0);
		if (ns != 0 && ns < MIN_NS)
			return err_set(
				e, EINVAL, "%s in Healthcheck cannot be less than 1ms", keys[i]);
	}
	return 0;
}

/* A value of the request, else the image's; zero is left out. */
static void put_number(json_t *o, const char *key, int64_t own, const json_t *image)
{
	int64_t value = own ? own : json_int_or(image, key, 0);
	if (value)
		json_set_int(o, key, value);
}

int health_make_config(
	const struct create_request *r, const json_t *image, json_t **out, struct err *e)
{
	struct duration d[4];
	bool is_given = has_settings(r);
	json_t *test = json_at(image, "Test");
	*out = NULL;
	if (r->no_healthcheck && is_given) {
		err_set(e, EINVAL, "--no-healthcheck conflicts with --health-* options");
		return client_error(e);
	}
	int rc = check_signs(r, e);
	if (rc < 0 || (!r->no_healthcheck && !is_given && !json_is_object(image)))
		return rc;
	auto_json o = json_object();
	if (r->no_healthcheck)
		json_set(o, "Test", json_pack("[s]", "NONE"));
	else if (!str_empty(r->health_cmd))
		json_set(o, "Test", json_pack("[s, s]", "CMD-SHELL", r->health_cmd));
	else if (json_array_size(test))
		json_object_set(o, "Test", test);
	size_t n = durations(r, d);
	for (size_t i = 0; i < n; i++)
		put_number(o, d[i].key, d[i].value, image);
	put_number(o, "Retries", r->health_retries, image);
	if ((rc = check_least(o, e)) == 0)
		*out = json_incref(o);
	return rc;
}

static bool has_check(const json_t *check)
{
	const char *kind = json_string_value(json_array_get(json_at(check, "Test"), 0));
	return kind && strcmp(kind, "NONE") != 0;
}

int health_add_podman(
	const struct create_request *r, const json_t *healthcheck, json_t *config, struct err *e)
{
	const char *action = str_empty(r->health_on_failure) ? NULL : r->health_on_failure;
	bool is_known = !action;
	for (size_t i = 0; action && i < ARRAY_LEN(actions); i++)
		is_known |= !strcmp(action, actions[i]);
	if (!is_known) {
		err_set(e, EINVAL,
			"invalid on-failure action \"%s\" for health check: supported actions are "
			"none,kill,restart,stop",
			action);
		return client_error(e);
	}
	if (action && strcmp(action, "none") != 0 && !json_at(healthcheck, "Test")) {
		err_set(e, EINVAL, "cannot set on-failure action to %s without a health check",
			action);
		return client_error(e);
	}
	if (!str_empty(r->health_log_destination) &&
		strcmp(r->health_log_destination, "local") != 0) {
		err_set(e, ENOTSUP, "--health-log-destination %s is not supported",
			r->health_log_destination);
		(void)err_hint(e, "the results are in moss inspect, under State.Health.Log");
		return client_error(e);
	}
	if (action)
		json_set_str(config, "HealthcheckOnFailureAction", action);
	if (r->health_max_log_count_given)
		json_set_int(config, "HealthcheckMaxLogCount", (int64_t)r->health_max_log_count);
	if (r->health_max_log_size_given)
		json_set_int(config, "HealthcheckMaxLogSize", (int64_t)r->health_max_log_size);
	return 0;
}

/* Test as a command: CMD as it is, CMD-SHELL by the image's shell. */
static void load_args(const json_t *config, const json_t *check, struct strv *args)
{
	auto_strv test = STRV_INIT;
	json_to_strv(json_at(check, "Test"), &test);
	if (test.n < 2)
		return;
	if (!strcmp(test.v[0], "CMD")) {
		for (size_t i = 1; i < test.n; i++)
			strv_add(args, test.v[i]);
	} else if (!strcmp(test.v[0], "CMD-SHELL")) {
		json_to_strv(json_at(config, "Shell"), args);
		if (!args->n) {
			strv_add(args, "/bin/sh");
			strv_add(args, "-c");
		}
		strv_add(args, test.v[1]);
	}
}

static int64_t or_default(const json_t *check, const char *key, int64_t def)
{
	int64_t value = json_int_or(check, key, 0);
	if (value <= 0)
		return def;
	return value < MAX_NS ? value : MAX_NS;
}

bool health_load(const json_t *row_config, struct health_config *out)
{
	const json_t *config = json_at(row_config, "Config");
	const json_t *check = json_at(config, "Healthcheck");
	*out = (struct health_config){.args = STRV_INIT};
	if (!has_check(check))
		return false;
	load_args(config, check, &out->args);
	out->interval_ns = or_default(check, "Interval", DEFAULT_INTERVAL_NS);
	out->timeout_ns = or_default(check, "Timeout", DEFAULT_INTERVAL_NS);
	out->start_period_ns = or_default(check, "StartPeriod", 0);
	out->start_interval_ns = or_default(check, "StartInterval", DEFAULT_START_INTERVAL_NS);
	out->retries = or_default(check, "Retries", HEALTH_RETRIES);
	out->max_log_count = json_int_or(config, "HealthcheckMaxLogCount", HEALTH_LOG_MAX);
	out->max_log_size = json_int_or(config, "HealthcheckMaxLogSize", HEALTH_OUTPUT_MAX);
	const char *action = json_str_or(config, "HealthcheckOnFailureAction", "none");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(action, actions[i]))
			out->on_failure = (enum health_action)i;
	return out->args.n > 0;
}

void health_config_deinit(struct health_config *c)
{
	strv_free(&c->args);
	*c = (struct health_config){.args = STRV_INIT};
}
