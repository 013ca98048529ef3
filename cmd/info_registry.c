#include "cmd/info_registry.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "registry/registries.h"

/* The member of a registry, made where it is missing. Borrowed. */
static json_t *index_of(json_t *indexes, const char *name)
{
	json_t *index = json_object_get(indexes, name);
	if (index)
		return index;
	bool is_hub = !strcmp(name, "docker.io");
	index = json_pack("{s:s, s:[], s:b, s:b}", "Name", name, "Mirrors", "Secure", 1, "Official",
		(int)is_hub);
	json_set(indexes, name, index);
	return index;
}

static void add_mirror(json_t *index, const char *scheme, const char *place)
{
	auto_free char *url = xasprintf("%s%s%s", scheme, place, str_ends(place, "/") ? "" : "/");
	json_array_append_new(json_object_get(index, "Mirrors"), json_string(url));
}

static void add_rule(json_t *indexes, const struct registry_rule *rule)
{
	if (!rule->is_insecure && !rule->n_mirrors)
		return;
	json_t *index = index_of(indexes, rule->prefix);
	if (rule->is_insecure)
		json_set_bool(index, "Secure", false);
	for (size_t i = 0; i < rule->n_mirrors; i++)
		add_mirror(index, rule->mirrors[i].is_insecure ? "http://" : "https://",
			rule->mirrors[i].location);
}

static void add_docker(json_t *indexes, json_t *ranges, const struct registries *r)
{
	for (size_t i = 0; i < r->docker_mirrors.n; i++)
		add_mirror(index_of(indexes, "docker.io"), "", r->docker_mirrors.v[i]);
	for (size_t i = 0; i < r->docker_insecure.n; i++) {
		const char *word = r->docker_insecure.v[i];
		if (strchr(word, '/'))
			json_array_append_new(ranges, json_string(word));
		else
			json_set_bool(index_of(indexes, word), "Secure", false);
	}
}

json_t *info_registry_config(json_t *warnings)
{
	struct err e = {0};
	json_t *indexes = json_object(), *ranges = json_array();
	auto_registries r = registries_load(&e);
	json_t *hub = index_of(indexes, "docker.io");
	for (size_t i = 0; r && i < r->n_rules; i++)
		add_rule(indexes, &r->rules[i]);
	if (r)
		add_docker(indexes, ranges, r);
	else
		json_array_append_new(warnings, json_sprintf("WARNING: %s", e.msg));
	json_array_append_new(ranges, json_string("127.0.0.0/8"));
	const json_t *mirrors = json_object_get(hub, "Mirrors");
	return json_pack("{s:o, s:o, s:o}", "InsecureRegistryCIDRs", ranges, "IndexConfigs",
		indexes, "Mirrors",
		json_array_size(mirrors) ? json_deep_copy(mirrors) : json_null());
}

void info_registry_print(const json_t *registry_config)
{
	json_t *indexes = json_at(registry_config, "IndexConfigs"), *index, *item;
	const json_t *mirrors = json_at(registry_config, "Mirrors");
	const char *name;
	size_t i;
	printf(" Insecure Registries:\n");
	json_object_foreach (indexes, name, index)
		if (!json_bool_or(index, "Secure", true))
			printf("  %s\n", name);
	json_array_foreach (json_at(registry_config, "InsecureRegistryCIDRs"), i, item)
		printf("  %s\n", json_string_value(item));
	if (json_array_size(mirrors))
		printf(" Registry Mirrors:\n");
	json_array_foreach ((json_t *)mirrors, i, item)
		printf("  %s\n", json_string_value(item));
}
