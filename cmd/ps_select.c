/* Which containers ps shows: Docker's filters, each value of a name one more chance, labels all
 * needed. */
#include "cmd/ps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/inspect_object.h"
#include "engine/log.h"
#include "engine/state.h"
#include "storage/image.h"
#include "storage/store.h"

const char *const ps_filter_names[] = {"ancestor", "before", "exited", "expose", "health", "id",
	"is-task", "isolation", "label", "label!", "name", "network", "pod", "publish",
	"restart-policy", "since", "status", "until", "volume", NULL};

struct selection {
	struct store *store;
	const struct ps_options *o;
	struct ps_container *containers;
	size_t n;
	size_t from, to; /* before and since, as places in the list */
	bool all;
	json_t *ids; /* set of containers, where id was asked for */
	json_t *ancestors; /* image id: its layers, an array */
	json_t *descends; /* image id: whether it is, or is made from, one of those */
	int64_t until_ns; /* created before that */
};

static bool has(const struct selection *x, const char *filter)
{
	return filters_has(&x->o->filters, filter);
}

static int check_status(const char *value, void *arg, struct err *e)
{
	static const char *const states[] = {"paused", "restarting", "removing", "running", "dead",
		"created", "exited", "initialized"};
	struct selection *x = arg;
	x->all = true;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(value, states[i]) == 0)
			return 0;
	}
	/* Podman's word for what has ended. */
	if (strcmp(value, "stopped") == 0)
		return 0;
	return err_set(e, EINVAL, "invalid filter 'status=%s'", value);
}

static int refuse_pod(const char *value, void *arg, struct err *e)
{
	(void)arg;
	return err_set(e, ENOTSUP, "invalid filter 'pod=%s': moss has no pods yet", value);
}

static int take_until(const char *value, void *arg, struct err *e)
{
	struct selection *x = arg;
	int64_t ns;
	int r = log_parse_time(NULL, value, clock_now_ns(), &ns, e);
	if (r == 0 && ns < x->until_ns)
		x->until_ns = ns;
	return r;
}

static int check_exited(const char *value, void *arg, struct err *e)
{
	int64_t code;
	(void)arg;
	if (parse_i64(value, &code))
		return 0;
	return err_set(e, EINVAL,
		"invalid filter 'exited=%s': strconv.Atoi: parsing \"%s\": invalid syntax", value,
		value);
}

static int check_health(const char *value, void *arg, struct err *e)
{
	(void)arg;
	if (!strcmp(value, "none") || !strcmp(value, "starting") || !strcmp(value, "healthy") ||
		!strcmp(value, "unhealthy"))
		return 0;
	return err_set(e, EINVAL, "unrecognized filter value for health: %s", value);
}

static int check_task(const char *value, void *arg, struct err *e)
{
	(void)arg;
	if (!strcmp(value, "true") || !strcmp(value, "false") || !strcmp(value, "1") ||
		!strcmp(value, "0"))
		return 0;
	return err_set(e, EINVAL, "invalid filter 'is-task=[%s]'", value);
}

/* "80", "80-82", "80/udp". NULL, or what is wrong in Go's words. Owned. */
static char *parse_ports(const char *value, uint32_t *first, uint32_t *last, char proto[8])
{
	const char *slash = strchr(value, '/');
	auto_free char *range = xstrndup(value, slash ? (size_t)(slash - value) : strlen(value));
	char *dash = strchr(range, '-');
	snprintf(proto, 8, "%s", slash ? slash + 1 : "tcp");
	if (dash)
		*dash = '\0';
	const char *ends[] = {range, dash ? dash + 1 : range};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		uint32_t *port = i ? last : first;
		bool is_number = *ends[i] && !ends[i][strspn(ends[i], "0123456789")];
		if (!parse_u32(ends[i], port) || *port > 65535)
			return xasprintf("strconv.ParseUint: parsing \"%s\": %s", ends[i],
				is_number ? "value out of range" : "invalid syntax");
	}
	if (*first > *last)
		return xasprintf("Invalid range specified for the Port: %s-%s", ends[0], ends[1]);
	return NULL;
}

static int check_port(const char *value, void *arg, struct err *e)
{
	uint32_t first, last;
	char proto[8];
	auto_free char *wrong = parse_ports(value, &first, &last, proto);
	if (!wrong)
		return 0;
	return err_set(
		e, EINVAL, "error while looking up for %s %s: %s", (const char *)arg, value, wrong);
}

static int find_place(struct selection *x, const char *what, size_t *place, struct err *e)
{
	struct container_row row = {.name = NULL};
	struct db *db = x->store->db;
	int r = container_row_find(db, what, &row, e);
	if (r < 0)
		return r;
	for (size_t i = 0; r == ROW_OK && i < x->n; i++) {
		if (strcmp(x->containers[i].row->id, row.id) == 0)
			*place = i;
	}
	if (r == ROW_OK)
		container_row_deinit(&row);
	return r == ROW_OK ? 0 : err_set(e, ENOENT, "No such container: %s", what);
}

static int add_before(const char *value, void *arg, struct err *e)
{
	struct selection *x = arg;
	size_t place = 0;
	int r = find_place(x, value, &place, e);
	x->from = place + 1;
	return r;
}

static int add_since(const char *value, void *arg, struct err *e)
{
	struct selection *x = arg;
	return find_place(x, value, &x->to, e);
}

/* A prefix that only one container has. */
static int add_id(const char *value, void *arg, struct err *e)
{
	struct selection *x = arg;
	const char *found = NULL;
	size_t matches = 0;
	(void)e;
	for (size_t i = 0; i < x->n; i++) {
		if (*value && str_starts(x->containers[i].row->id, value)) {
			found = x->containers[i].row->id;
			matches++;
		}
	}
	if (matches == 1)
		json_set_bool(x->ids, found, true);
	return 0;
}

static json_t *layers_of(const struct image *image)
{
	json_t *layers = json_array();
	for (size_t i = 0; i < image->n_layers; i++)
		json_array_append_new(layers, json_string(image->layer_ids[i]));
	return layers;
}

static int add_ancestor(const char *value, void *arg, struct err *e)
{
	struct selection *x = arg;
	struct image image = {.id = NULL};
	struct err ignored;
	(void)e;
	if (image_lookup(x->store, value, &image, &ignored) == ROW_OK) {
		json_set(x->ancestors, image.id, layers_of(&image));
		image_deinit(&image);
	}
	return 0;
}

/* Whether all of the ancestor's layers are the first of these. An image without layers has no
 * descendants: all would be. */
static bool is_stacked_on(const json_t *layers, const json_t *ancestor)
{
	size_t n = json_array_size(ancestor);
	if (!n || n > json_array_size(layers))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!json_equal(json_array_get(layers, i), json_array_get(ancestor, i)))
			return false;
	}
	return true;
}

static bool find_descent(const struct selection *x, const char *id)
{
	struct image image = {.id = NULL};
	struct err ignored;
	const char *key;
	json_t *ancestor;
	bool found = false;
	if (json_object_get(x->ancestors, id))
		return true;
	if (image_find(x->store, id, NULL, &image, &ignored) != ROW_OK)
		return false;
	auto_json layers = layers_of(&image);
	json_object_foreach (x->ancestors, key, ancestor)
		found = found || is_stacked_on(layers, ancestor);
	image_deinit(&image);
	return found;
}

/* Of an image, or of one that was made from it. */
static bool descends(const struct selection *x, const char *image_id)
{
	const json_t *known = json_object_get(x->descends, image_id);
	if (!known) {
		json_set_bool(x->descends, image_id, find_descent(x, image_id));
		known = json_object_get(x->descends, image_id);
	}
	return json_is_true(known);
}

static int prepare(struct selection *x, struct err *e)
{
	static const struct {
		const char *name;
		int (*fn)(const char *value, void *arg, struct err *e);
	} steps[] = {{"status", check_status}, {"exited", check_exited}, {"health", check_health},
		{"is-task", check_task}, {"before", add_before}, {"since", add_since},
		{"id", add_id}, {"ancestor", add_ancestor}, {"until", take_until},
		{"pod", refuse_pod}};
	const struct filters *f = &x->o->filters;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = filters_each(f, steps[i].name, steps[i].fn, x, e);
		if (r < 0)
			return r;
	}
	int r = filters_each(f, "publish", check_port, (void *)"publish", e);
	return r < 0 ? r : filters_each(f, "expose", check_port, (void *)"expose", e);
}

static int exited_matches(const char *value, void *arg, struct err *e)
{
	const struct container_row *row = arg;
	(void)e;
	return atoi(value) == row->exit_code;
}

static bool ended(const struct container_row *row)
{
	return row->started_ns && !state_is_live(state_parse(row->state));
}

struct wanted_port {
	const json_t *ports;
	const char *key; /* "public" or "private" */
};

static int port_matches(const char *value, void *arg, struct err *e)
{
	const struct wanted_port *w = arg;
	uint32_t first, last;
	char proto[8];
	size_t i;
	json_t *p;
	(void)e;
	auto_free char *wrong = parse_ports(value, &first, &last, proto);
	if (wrong)
		return 0;
	json_array_foreach (w->ports, i, p) {
		int64_t port = json_int_or(p, w->key, 0);
		if (port >= first && port <= last && strcmp(json_str_or(p, "type", ""), proto) == 0)
			return 1;
	}
	return 0;
}

static bool ports_match(const struct selection *x, struct ps_container *c)
{
	const struct filters *f = &x->o->filters;
	struct err ignored;
	if (!has(x, "publish") && !has(x, "expose"))
		return true;
	auto_json ports = ps_ports(c);
	struct wanted_port public = {ports, "public"}, private = {ports, "private"};
	return filters_each(f, "publish", port_matches, &public, &ignored) ||
	       filters_each(f, "expose", port_matches, &private, &ignored);
}

static int volume_matches(const char *value, void *arg, struct err *e)
{
	const json_t *mounts = arg;
	size_t i;
	json_t *m;
	(void)e;
	json_array_foreach (mounts, i, m) {
		const char *name = json_str_or(m, "Name", "");
		if (!*name)
			name = json_str_or(m, "Source", "");
		if (!strcmp(value, name) || !strcmp(value, json_str_or(m, "Destination", "")))
			return 1;
	}
	return 0;
}

static int network_matches(const char *value, void *arg, struct err *e)
{
	struct ps_container *c = arg;
	const char *key;
	json_t *n;
	const json_t *networks = json_at(ps_network(c), "Networks");
	(void)e;
	json_object_foreach ((json_t *)networks, key, n) {
		if (!strcmp(value, key) || !strcmp(value, json_str_or(n, "NetworkID", "")))
			return 1;
	}
	const char *mode = json_str_or(ps_config(c), "HostConfig/NetworkMode", "bridge");
	if (json_object_size(networks))
		return 0;
	return strcmp(value, !*mode || !strcmp(mode, "default") ? "bridge" : mode) == 0;
}

static bool names_match(const struct selection *x, const struct container_row *row)
{
	auto_free char *slashed = xasprintf("/%s", row->name);
	return filters_match(&x->o->filters, "name", row->name) ||
	       filters_match(&x->o->filters, "name", slashed);
}

static bool status_matches(const struct filters *f, const struct container_row *row)
{
	if (filters_equal(f, "status", row->state))
		return true;
	return strcmp(row->state, "exited") == 0 && filters_equal(f, "status", "stopped");
}

/* "on-failure:3" is on-failure, too. */
static bool policy_matches(const struct filters *f, const struct container_row *row)
{
	const char *policy = str_empty(row->restart_policy) ? "no" : row->restart_policy;
	auto_free char *name = xstrndup(policy, strcspn(policy, ":"));
	return filters_equal(f, "restart-policy", policy) ||
	       filters_equal(f, "restart-policy", name);
}

/* The filters that need no more than the row. */
static bool row_matches(const struct selection *x, const struct container_row *row)
{
	const struct filters *f = &x->o->filters;
	struct err ignored;
	bool alive = state_is_started(state_parse(row->state));
	if (!alive && !x->all && x->o->limit <= 0)
		return false;
	if (!names_match(x, row) || (x->ids && !json_object_get(x->ids, row->id)))
		return false;
	if (has(x, "exited") &&
		(!ended(row) || !filters_each(f, "exited", exited_matches, (void *)row, &ignored)))
		return false;
	if (has(x, "is-task") && !filters_equal(f, "is-task", "false") &&
		!filters_equal(f, "is-task", "0"))
		return false;
	if (has(x, "isolation") && !filters_match(f, "isolation", ""))
		return false;
	if (x->ancestors && !descends(x, row->image_id))
		return false;
	return row->created_ns < x->until_ns && status_matches(f, row) && policy_matches(f, row) &&
	       filters_equal(f, "health", ps_health(row));
}

static bool config_matches(const struct selection *x, struct ps_container *c)
{
	const struct filters *f = &x->o->filters;
	struct err ignored;
	if (has(x, "label") && !filters_labels(f, "label", json_at(ps_config(c), "Config/Labels")))
		return false;
	if (has(x, "label!") && filters_labels(f, "label!", json_at(ps_config(c), "Config/Labels")))
		return false;
	if (has(x, "volume") && !filters_each(f, "volume", volume_matches,
					json_at(ps_config(c), "Mounts"), &ignored))
		return false;
	if (has(x, "network") && !filters_each(f, "network", network_matches, c, &ignored))
		return false;
	return ports_match(x, c);
}

int ps_select(struct store *s, const struct ps_options *o, struct ps_container *containers,
	size_t n, bool *shown, struct err *e)
{
	struct selection x = {.store = s,
		.o = o,
		.containers = containers,
		.n = n,
		.to = n,
		.until_ns = INT64_MAX};
	auto_json known = json_object();
	auto_json ids = filters_has(&o->filters, "id") ? json_object() : NULL;
	auto_json ancestors = filters_has(&o->filters, "ancestor") ? json_object() : NULL;
	int64_t count = 0;
	x.ids = ids;
	x.ancestors = ancestors;
	x.descends = known;
	x.all = o->all;
	int r = prepare(&x, e);
	if (r < 0)
		return r;
	for (size_t i = x.from; i < x.to && (o->limit <= 0 || count < o->limit); i++) {
		shown[i] = row_matches(&x, containers[i].row) && config_matches(&x, &containers[i]);
		count += shown[i];
	}
	return 0;
}
