#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "engine/start.h"
#include "engine/state.h"
#include "storage/store.h"

struct port {
	bool all, latest;
};

/* The published ports of a running container: {"80/tcp": [{HostIp, HostPort}], ...}. */
static json_t *ports_get(struct cmd_call *call, const char *name, struct err *e)
{
	struct container_row row = {0};
	json_t *ports = NULL;
	if (container_get(call->store, name, &row, e) < 0)
		return NULL;
	auto_json j = container_inspect(call->store, &row);
	/* As Podman: who only is initialized listens to nobody yet. */
	if (state_is_started(state_parse(row.state)))
		ports = json_incref(json_at(j, "NetworkSettings/Ports"));
	container_row_deinit(&row);
	return ports ? ports : json_object();
}

static void print_bindings(const char *prefix, const json_t *list)
{
	size_t i;
	json_t *b;
	json_array_foreach (list, i, b)
		printf("%s%s:%s\n", prefix, json_str_or(b, "HostIp", ""),
			json_str_or(b, "HostPort", ""));
}

struct line {
	const char *key;
	const json_t *list;
};

/* By port number, then protocol: "80/tcp" before "443/tcp". */
static int by_port(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	long px = strtol(x->key, NULL, 10), py = strtol(y->key, NULL, 10);
	return px < py ? -1 : px > py ? 1 : strcmp(x->key, y->key);
}

static void print_all(const char *before, const json_t *ports)
{
	struct line *lines = xcalloc(json_object_size(ports) + 1, sizeof(*lines));
	size_t n = 0;
	const char *key;
	json_t *list;
	json_object_foreach ((json_t *)ports, key, list)
		lines[n++] = (struct line){key, list};
	qsort(lines, n, sizeof(*lines), by_port);
	for (size_t i = 0; i < n; i++) {
		auto_free char *prefix = xasprintf("%s%s -> ", before, lines[i].key);
		print_bindings(prefix, lines[i].list);
	}
	free(lines);
}

static int print_one(const json_t *ports, const char *container, const char *typed, struct err *e)
{
	size_t n = strcspn(typed, "/");
	auto_free char *number = xstrndup(typed, n);
	auto_free char *key = xasprintf("%s/%s", number, typed[n] ? typed + n + 1 : "tcp");
	uint32_t port;
	bool is_number = *number && !number[strspn(number, "0123456789")];
	if (!parse_u32(number, &port) || port > 65535)
		return err_set(e, EINVAL,
			"Error: invalid port (%s): strconv.ParseUint: parsing \"%s\": %s", number,
			number, is_number ? "value out of range" : "invalid syntax");
	const json_t *list = json_object_get(ports, key);
	if (!json_array_size(list))
		return err_set(
			e, ENOENT, "Error: No public port '%s' published for %s", typed, container);
	print_bindings("", list);
	return 0;
}

/* Podman's --all: "<id>\t80/tcp -> 0.0.0.0:8080". */
static int print_every(struct cmd_call *call, struct err *e)
{
	struct container_row *rows = NULL;
	size_t n = 0;
	int r = container_reconcile_all(call->store, e);
	if (r >= 0)
		r = container_row_list(call->store->db, &rows, &n, e);
	for (size_t i = 0; i < n; i++) {
		auto_free char *id = xasprintf("%.12s\t", rows[i].id);
		auto_json j = container_inspect(call->store, &rows[i]);
		if (state_is_started(state_parse(rows[i].state)))
			print_all(id, json_at(j, "NetworkSettings/Ports"));
		container_row_deinit(&rows[i]);
	}
	free(rows);
	return r < 0 ? r : 0;
}

static int port_run(struct cmd_call *call, void *args, struct err *e)
{
	const struct port *a = args;
	int named = a->latest ? 0 : 1;
	if (a->all && (a->latest || call->argc)) {
		err_set(e, EINVAL, "--all, --latest and containers cannot be used together");
		return err_status(e, 125);
	}
	if (a->all)
		return print_every(call, e);
	if (cmd_wrong_count(
		    call->cmd, call->program, call->typed, (size_t)named, (size_t)call->argc))
		return 1;
	auto_free char *name = pick_one(call, a->latest, e);
	auto_json ports = name ? ports_get(call, name, e) : NULL;
	if (!ports)
		return -e->code;
	if (call->argc > named)
		return print_one(ports, name, call->argv[named], e);
	print_all("", ports);
	return 0;
}

static const char *const aliases[] = {"container port", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_BOOL, FIELD(struct port, all), "", "Show the ports of every container"},
	{"latest", 'l', OPT_BOOL, FIELD(struct port, latest), "",
		"Act on the container that was created last"},
	{0},
};
// clang-format on

const struct cmd cmd_port = {
	.name = "port",
	.aliases = aliases,
	.brief = "List port mappings or a specific mapping for the container",
	.operands = "CONTAINER [PRIVATE_PORT[/PROTO]]",
	.min = 0,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = opts,
	.args_size = sizeof(struct port),
	.examples = "moss port web\nmoss port web 80/tcp",
	.run = port_run,
};
