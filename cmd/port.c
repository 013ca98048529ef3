#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/cmd.h"
#include "engine/start.h"

/* The published ports of a running container: {"80/tcp": [{HostIp, HostPort}], ...}. */
static json_t *ports_get(struct cmd_call *call, const char *name, struct err *e)
{
	struct container_row row = {0};
	json_t *ports = NULL;
	if (container_get(call->store, name, &row, e) < 0)
		return NULL;
	auto_json j = container_inspect(call->store, &row);
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

static void print_all(const json_t *ports)
{
	struct line *lines = xcalloc(json_object_size(ports) + 1, sizeof(*lines));
	size_t n = 0;
	const char *key;
	json_t *list;
	json_object_foreach ((json_t *)ports, key, list)
		lines[n++] = (struct line){key, list};
	qsort(lines, n, sizeof(*lines), by_port);
	for (size_t i = 0; i < n; i++) {
		auto_free char *prefix = xasprintf("%s -> ", lines[i].key);
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

static int port_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	auto_json ports = ports_get(call, call->argv[0], e);
	if (!ports)
		return -e->code;
	if (call->argc > 1)
		return print_one(ports, call->argv[0], call->argv[1], e);
	print_all(ports);
	return 0;
}

static const char *const aliases[] = {"container port", NULL};

// clang-format off
static const struct opt opts[] = {
	{"all", 'a', OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN},
	{"latest", 'l', OPT_UNSUPPORTED, 0, "", "An option of Podman's", .flags = OPTF_HIDDEN},
	{0},
};
// clang-format on

const struct cmd cmd_port = {
	.name = "port",
	.aliases = aliases,
	.brief = "List port mappings or a specific mapping for the container",
	.operands = "CONTAINER [PRIVATE_PORT[/PROTO]]",
	.min = 1,
	.max = 2,
	.needs = NEED_STORE,
	.complete = COMPLETE_CONTAINER_RUNNING,
	.opts = opts,
	.args_size = 1,
	.examples = "moss port web\nmoss port web 80/tcp",
	.run = port_run,
};
