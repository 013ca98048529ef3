/* health: a container's health check.
 *
 * Config.Healthcheck (of the flags, or the image's HEALTHCHECK) says what is run and how often; the
 * row's `health` is State.Health as inspect shows it: {"Status": starting|healthy|unhealthy,
 * "FailingStreak": n, "Log": [the last five {"Start", "End", "ExitCode", "Output"}]}. A container
 * without a check has none (NULL).
 *
 * The monitor of the container keeps the clock (monitor_health.c). For each check it forks a child
 * that opens the database, joins the container as `exec` does, and records what came of it: so the
 * monitor itself never waits, opens nothing, and stays small. `moss healthcheck run` does the same
 * from the command. Status changes and their events are in the transaction that writes the row.
 *
 * Docker's rules: a failure within the start period, before the first success, is logged but not
 * counted; `retries` failures in a row make it unhealthy, one success healthy; a container that
 * ends or is paused is unhealthy (without an event) until the next answer, one that starts is
 * `starting` with the old log.
 */
#ifndef ENGINE_HEALTH_H
#define ENGINE_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct container_row;
struct create_request;
struct err;
struct store;

enum health_status { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
enum health_action { HEALTH_DO_NOTHING, HEALTH_KILL, HEALTH_RESTART, HEALTH_STOP };

enum {
	HEALTH_OUTPUT_MAX = 4096,
	HEALTH_LOG_MAX = 5,
	HEALTH_RETRIES = 3,
};

/* Of Config, with the defaults filled in. */
struct health_config {
	struct strv args; /* of the check; none: there is no check */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	int64_t retries;
	int64_t max_log_count, max_log_size; /* Podman's; 0 = no limit of size */
	enum health_action on_failure; /* Podman's: once it is unhealthy */
};

/* ---- engine/health_config.c ---- */

/* Config.Healthcheck from the request and the image's (may be NULL); *out is NULL where there is
 * none, else a new reference. Docker's errors. */
int health_make_config(
	const struct create_request *r, const json_t *image, json_t **out, struct err *e);
/* Podman's settings, put into Config beside it where they were given. */
int health_add_podman(
	const struct create_request *r, const json_t *healthcheck, json_t *config, struct err *e);
/* config: the row's whole JSON. Whether there is a check to run. */
bool health_load(const json_t *config, struct health_config *out);
void health_config_deinit(struct health_config *c);

/* ---- engine/health.c: the state, from text to text (owned); an old text may be NULL or broken
 * ----
 */

struct health_result {
	int64_t start_ns, end_ns;
	int exit_code; /* -1: it could not be run, or took too long */
	const char *output; /* UTF-8 */
};
/* At the start of a life. */
char *health_begin(const char *old);
/* At its end, and where it stands paused. */
char *health_suspend(const char *old);
char *health_judge(const char *old, const struct health_config *c, const struct health_result *r,
	int64_t started_ns);
enum health_status health_status(const char *text);
const char *health_status_text(enum health_status s); /* "none", "starting" ... */
/* As Go prints a time.Duration: "1m30s", "1.5s", "0s". Owned. */
char *health_duration_text(int64_t ns);
/* Output as it is kept: at most max bytes (0 = all) and then "...", valid UTF-8. Owned. */
char *health_output_text(const char *p, size_t n, int64_t max);

/* ---- engine/health_check.c ---- */

/* In the row, where it has a check: at the end of its life, and where it stands paused. 0, or
 * -errno. */
int health_suspend_row(struct store *s, const struct container_row *row, struct err *e);

/* Runs the check of a running container once and records it. The status from then on and, in
 * *exit_code, the check's own; HEALTH_NONE where this life of the container is over, or it was
 * paused meanwhile. Errors: "container ID has no defined healthcheck", "container ID is not
 * running", "Container ID is paused ...". */
int health_check(struct store *s, struct container_row *row, int *exit_code, struct err *e);

#endif
