/* The values of run's flags. The first byte chooses the parser, the rest is the text. What a parser
 * accepts must hold its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/hosts.h"
#include "engine/idmap.h"
#include "engine/parse_env.h"
#include "engine/parse_limit.h"
#include "engine/parse_mount.h"
#include "engine/parse_port.h"
#include "engine/seccomp_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ports(const char *text, bool publish)
{
	auto_port_specs p = {0};
	struct err e;
	int r = publish ? port_parse_publish(text, &p, &e) : port_parse_expose(text, &p, &e);
	for (size_t i = 0; r == 0 && i < p.n; i++)
		if (p.v[i].host_start > p.v[i].host_end || p.v[i].host_end > 65535 ||
			!*p.v[i].proto)
			abort();
}

static void mounts(const char *text, int (*parse)(const char *, struct mount_spec *, struct err *))
{
	struct mount_spec m = {0};
	struct err e;
	if (parse(text, &m, &e) == 0) {
		if (m.target[0] != '/' || !m.target[1] || strstr(m.target, "/../"))
			abort();
		if (m.type == MOUNT_BIND && m.source[0] != '/')
			abort();
	}
	mount_spec_deinit(&m);
}

static void env_file(const char *text, size_t len)
{
	auto_strv v = STRV_INIT, merged = STRV_INIT;
	struct err e;
	if (env_parse_lines(text, len, true, &v, &e) < 0)
		return;
	for (size_t i = 0; i < v.n; i++) {
		if (!strchr(v.v[i], '=') || v.v[i][0] == '=' || strchr(v.v[i], '\n'))
			abort();
		env_apply(&merged, v.v[i]);
	}
}

static void small(const char *text, int which)
{
	struct err e;
	struct ulimit u;
	struct device_spec d = {0};
	struct restart_policy p;
	auto_free char *name = NULL;
	const char *ip;
	int64_t n;
	switch (which) {
	case 0:
		(void)ulimit_parse(text, &u, &e);
		break;
	case 1:
		if (device_parse(text, &d, &e) == 0 && (*d.host != '/' || *d.container != '/'))
			abort();
		device_spec_deinit(&d);
		break;
	case 2:
		(void)restart_parse(text, &p, &e);
		break;
	case 3:
		(void)add_host_parse(text, &name, &ip, &e);
		break;
	case 4:
		if (size_parse(text, &n) && n < 0)
			abort();
		(void)cpus_parse(text, &n, &e);
		for (int kind = 0; kind < IO_KINDS; kind++) {
			char *path = NULL;
			uint64_t value;
			if (io_limit_parse(text, (enum io_limit_kind)kind, &path, &value, &e) ==
					0 &&
				(!path || *path != '/'))
				abort();
			free(path);
		}
		break;
	default:
		(void)user_check(text, &e);
		(void)sysctl_check(text, &e);
		(void)dns_search_check(text, &e);
	}
}

static void resolv(const char *text)
{
	struct strv none = STRV_INIT;
	struct resolv_options o = {.host_text = text,
		.stub = "10.0.2.3",
		.dns = &none,
		.search = &none,
		.options = &none};
	auto_free char *out = resolv_text(&o);
	if (!strstr(out, "nameserver "))
		abort();
}

static void seccomp(const char *text)
{
	struct err e;
	struct strv none = STRV_INIT;
	auto_json j = seccomp_file_load(text, "p.json", &none, &e);
	(void)j;
}

/* A map that is let through has no id twice and only the user's; "|" parts --uidmap from --gidmap.
 */
static void id_maps(const char *text)
{
	static const struct id_range own[] = {
		{0, 1000, 1}, {1, 100000, 65536}, {65537, 400000, 10}};
	auto_strv uids = STRV_INIT, gids = STRV_INIT;
	const struct idmap_lists lists = {&uids, &gids};
	struct id_ranges r = {0};
	struct idmap_mode m;
	struct err e;
	const char *bar = strchr(text, '|');
	auto_free char *first = xstrndup(text, bar ? (size_t)(bar - text) : strlen(text));
	strv_split(&uids, first, ',');
	if (bar)
		strv_split(&gids, bar + 1, ',');
	if (idmap_parse(&lists, false, own, 3, &r, &e) == 0 &&
		idmap_check(&r, false, own, 3, &e) == 0)
		for (size_t i = 0; i < r.n; i++)
			if (r.v[i].outside > 65546 || r.v[i].count > 65547 - r.v[i].outside)
				abort();
	id_ranges_deinit(&r);
	(void)idmap_mode_parse(text, &m, &e);
	idmap_mode_deinit(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	auto_free char *text = xstrndup((const char *)data + 1, size - 1);
	switch (data[0]) {
	case 'p':
		ports(text, true);
		break;
	case 'x':
		ports(text, false);
		break;
	case 'v':
		mounts(text, mount_parse_volume);
		break;
	case 'm':
		mounts(text, mount_parse_flag);
		break;
	case 't':
		mounts(text, mount_parse_tmpfs);
		break;
	case 'e':
		env_file((const char *)data + 1, size - 1);
		break;
	case 'r':
		resolv(text);
		break;
	case 'i':
		id_maps(text);
		break;
	case 's':
		seccomp(text);
		break;
	default:
		small(text, data[0] % 6);
	}
	return 0;
}
